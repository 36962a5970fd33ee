//! Where in the console is it put right that a request is refused?

use super::super::visit::Visit;
use crate::oauth::client::Client;
use crate::oauth::resource::Api;
use crate::oauth::token_error_cause::TokenErrorCause;

/// A way to put it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remedy {
    pub(super) text: &'static str,
    /// Its address, with the console's base.
    pub(super) path: String,
}

/// The ways that whoever is signed in may go, the most likely first. `api` is the one that the request named, if there is one.
pub(super) fn remedies(visit: &Visit, cause: TokenErrorCause, client: &Client, api: Option<&Api>) -> Vec<Remedy> {
    use TokenErrorCause as Cause;
    let mut remedies = Vec::new();
    let own = format!("clients/{}", in_path(client.client_id.as_str()));
    let mut offer = |scope: &str, text: &'static str, relative: String| {
        if visit.holds(scope) {
            remedies.push(Remedy { text, path: visit.path(&relative) });
        }
    };
    match cause {
        Cause::InvalidClient => {
            if !client.enabled {
                offer("update:clients", "Enable the client", format!("{own}/state"));
            }
            offer("create:client_credentials", "Give it another secret", format!("{own}/secrets/new"));
            offer("create:client_credentials", "Register a key", format!("{own}/keys/new"));
        }
        Cause::GrantTypeNotAllowed | Cause::Quota => {
            offer("update:clients", "Change the client", format!("{own}/edit"));
        }
        Cause::NoGrant | Cause::ScopeNotGranted => {
            if let Some(grant) = api.and_then(|api| client.grant_for(api.id)) {
                offer("update:client_grants", "Change the grant", format!("{own}/grants/{}", grant.id));
            } else {
                offer("create:client_grants", "Grant the API to the client", format!("{own}/grants/new"));
            }
        }
        Cause::NoAudience | Cause::ScopeAcrossApis => {
            offer("update:clients", "Give the client a default audience", format!("{own}/edit"));
            offer("create:client_grants", "Grant an API to the client", format!("{own}/grants/new"));
        }
        Cause::UnknownApi => offer("create:resource_servers", "Create the API", "apis/new".to_owned()),
        _ => {}
    }
    if let Some(api) = api {
        offer("read:resource_servers", "Look at the API", format!("apis/{}", api.id));
    }
    offer("read:clients", "Look at the client", own.clone());
    remedies
}

/// A client's id as a part of a path.
pub(super) fn in_path(client_id: &str) -> String {
    let written = client_id.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_client_is_called_it_is_one_part_of_a_path() {
        assert_eq!(in_path("partner-a_1.~"), "partner-a_1.~");
        assert_eq!(in_path("a/b?c#d e%ü"), "a%2Fb%3Fc%23d%20e%25%C3%BC");
    }
}
