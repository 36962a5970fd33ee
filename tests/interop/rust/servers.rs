//! Which servers run, and what do they know? (tests/interop/with-servers started them, with tests/interop/seed.yaml)

use std::path::PathBuf;

use serde_json::Value;

/// The audience that both clients have a grant for.
pub const AUDIENCE: &str = "https://api.example.com/";

/// What `with-servers` wrote about a server.
pub struct Server {
    pub name: &'static str,
    pub issuer: String,
    pub token_endpoint: String,
    /// Client id and secret of `partner` and of `odd~partner`, whose secret is not the same raw and form-encoded.
    pub clients: Vec<(String, String)>,
    /// The code of the error after a wrong secret, and for an unknown API.
    pub errors: (&'static str, &'static str),
}

/// Those over HTTPS.
pub fn over_https() -> Vec<Server> {
    let standard = ("invalid_client", "invalid_target");
    let auth0 = ("access_denied", "access_denied");
    vec![server("standard", standard), server("auth0", auth0), server("serve", standard)]
}

fn server(name: &'static str, errors: (&'static str, &'static str)) -> Server {
    let folder = PathBuf::from(std::env::var_os("INTEROP_SERVERS").expect("run this with tests/interop/with-servers"));
    let ready = std::fs::read(folder.join(format!("{name}.json"))).expect("a ready file");
    let ready: Value = serde_json::from_slice(&ready).expect("a whole ready file");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let clients = ready["clients"].as_array().expect("clients");
    Server {
        name,
        issuer: text(&ready["issuer"]),
        token_endpoint: text(&ready["token_endpoint"]),
        clients: clients.iter().map(|client| (text(&client["client_id"]), text(&client["client_secret"]))).collect(),
        errors,
    }
}

/// The CAs of all servers, as PEM.
pub fn certificates() -> Vec<u8> {
    std::fs::read(std::env::var_os("SSL_CERT_FILE").expect("the CAs")).expect("the CAs")
}
