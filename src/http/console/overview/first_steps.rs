//! What is to be done on a server on which nothing is yet? Three steps, each with the way to it.

use super::super::visit::Visit;

/// A step, and whether it is done.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Where it is done, under the console's base; none: whoever is signed in lacks the right to it.
    pub(super) path: Option<&'static str>,
    /// The same on the command line.
    pub(super) command: &'static str,
    pub(super) is_done: bool,
}

/// The steps, while there is no API besides the Management API, or no client besides the one that is signed in.
pub(super) fn first_steps(visit: &Visit) -> Option<[Step; 3]> {
    let snapshot = visit.endpoints.issuer.served().snapshot();
    let (has_api, has_client) = (snapshot.api_count() > 1, snapshot.client_count() > 1);
    if has_api && has_client {
        return None;
    }
    let path = |scope, path| visit.holds(scope).then_some(path);
    Some([
        Step {
            title: "Create the API that is to be called",
            text: "Its identifier is the audience of its tokens; its scopes are what can be granted.",
            path: path("create:resource_servers", "/apis/new"),
            command: "tokenhouse api create https://api.example.com/ --scope read:orders",
            is_done: has_api,
        },
        Step {
            title: "Create a client for each program that calls it",
            text: "It gets an id and a secret, or brings its own key.",
            path: path("create:clients", "/clients/new"),
            command: "tokenhouse client create --id partner-a",
            is_done: has_client,
        },
        Step {
            title: "Grant it scopes, and hand out its secret",
            text: "On the client's page: a grant for the API, and a link by which the partner picks up its secret once.",
            path: path("create:client_grants", "/clients"),
            command: "tokenhouse grant create partner-a https://api.example.com/ --scope read:orders",
            is_done: false,
        },
    ])
}
