//! Which issuer is a path about, and where does it lead within that issuer? (RFC 8414 §3.1, RFC 9728 §3.1)

/// The part of a path before the names of issuers.
pub(super) const PREFIX: &str = "/t/";

const WELL_KNOWN: &str = "/.well-known/";

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuerPath<'p> {
    /// The issuer's name as it stands in the path; none for the one issuer at the root.
    pub(super) name: Option<&'p str>,
    /// What follows, as if the issuer were alone in the process.
    pub(super) rest: String,
}

impl<'p> IssuerPath<'p> {
    /// Takes `path` apart.
    pub(super) fn of(path: &'p str) -> Self {
        if let Some(named) = path.strip_prefix(PREFIX) {
            let (name, rest) = named.split_once('/').unwrap_or((named, ""));
            return Self { name: Some(name), rest: format!("/{rest}") };
        }
        // The well-known part goes before the path of the issuer.
        let named = path.strip_prefix(WELL_KNOWN).and_then(|rest| rest.split_once(PREFIX));
        match named {
            Some((document, name)) if !document.contains('/') => {
                Self { name: Some(name.trim_end_matches('/')), rest: format!("{WELL_KNOWN}{document}") }
            }
            _ => Self { name: None, rest: path.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", None, "/")]
    #[case("/oauth/token", None, "/oauth/token")]
    #[case("/t", None, "/t")]
    #[case("/t/a", Some("a"), "/")]
    #[case("/t/a/", Some("a"), "/")]
    #[case("/t/a/oauth/token", Some("a"), "/oauth/token")]
    #[case("/t/a//.well-known/openid-configuration", Some("a"), "//.well-known/openid-configuration")]
    #[case("/t//oauth/token", Some(""), "/oauth/token")]
    #[case("/.well-known/openid-configuration", None, "/.well-known/openid-configuration")]
    #[case("/.well-known/oauth-authorization-server/t/a", Some("a"), "/.well-known/oauth-authorization-server")]
    #[case("/.well-known/oauth-protected-resource/t/a/", Some("a"), "/.well-known/oauth-protected-resource")]
    #[case("/.well-known/openid-configuration/jwks", None, "/.well-known/openid-configuration/jwks")]
    fn a_path_names_its_issuer(#[case] path: &str, #[case] name: Option<&str>, #[case] rest: &str) {
        assert_eq!(IssuerPath::of(path), IssuerPath { name, rest: rest.to_owned() });
    }
}
