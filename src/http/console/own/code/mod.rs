//! Which program gets a token for this client? Those of docs/for-partners.md, with the values of the client in the place of what they read.

mod escape;
mod page;

pub(super) use self::page::show;
use crate::http::IssuerEndpoints;
use crate::oauth::client::Client;

/// A language, with what the program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// curl in a shell.
    Curl,
    /// Node with `fetch`.
    Node,
    /// Node with `openid-client`.
    NodeOpenidClient,
    /// Python with requests.
    Python,
    /// Python with Authlib.
    PythonAuthlib,
    /// Go with `clientcredentials`.
    Go,
    /// Java with `java.net.http`.
    Java,
    /// C# with `HttpClient`.
    CSharp,
    /// Rust with `oauth2`.
    Rust,
    /// Node with a private key in the place of a secret.
    NodeKey,
}

/// What a program is filled in with.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// The issuer identifier.
    pub(super) issuer: String,
    /// The same with a closing slash, to which the paths of endpoints are added.
    pub(super) base: String,
    pub(super) client_id: String,
    pub(super) audience: String,
    /// Scopes, separated by spaces.
    pub(super) scope: String,
}

impl Program {
    /// Every program, in the order of the documentation.
    const ALL: &[Self] = &[
        Self::Curl,
        Self::Node,
        Self::NodeOpenidClient,
        Self::Python,
        Self::PythonAuthlib,
        Self::Go,
        Self::Java,
        Self::CSharp,
        Self::Rust,
        Self::NodeKey,
    ];

    /// What it is called in addresses.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Node => "node",
            Self::NodeOpenidClient => "openid-client",
            Self::Python => "python",
            Self::PythonAuthlib => "authlib",
            Self::Go => "go",
            Self::Java => "java",
            Self::CSharp => "csharp",
            Self::Rust => "rust",
            Self::NodeKey => "node-key",
        }
    }

    /// The one that is called so.
    fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|program| program.code() == code)
    }

    /// What it is called.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Node => "Node: fetch",
            Self::NodeOpenidClient => "Node: openid-client",
            Self::Python => "Python: requests",
            Self::PythonAuthlib => "Python: Authlib",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::CSharp => "C#",
            Self::Rust => "Rust",
            Self::NodeKey => "Node: with a key",
        }
    }

    /// What it needs beside the language itself; empty: nothing.
    pub(super) const fn needs(self) -> &'static str {
        match self {
            Self::NodeOpenidClient => "npm install openid-client",
            Self::Python => "pip install requests",
            Self::PythonAuthlib => "pip install authlib requests",
            Self::Go => "go get golang.org/x/oauth2",
            Self::Rust => "cargo add oauth2@5 --no-default-features --features reqwest-blocking,rustls-tls",
            Self::Curl | Self::Node | Self::Java | Self::CSharp | Self::NodeKey => "",
        }
    }

    /// Does it authenticate with a private key, not a secret?
    pub(super) const fn has_key(self) -> bool {
        matches!(self, Self::NodeKey)
    }

    /// The program as docs/for-partners.md has it, which reads all values from the environment.
    const fn text(self) -> &'static str {
        match self {
            Self::Curl => include_str!("programs/curl.txt"),
            Self::Node => include_str!("programs/node_fetch.txt"),
            Self::NodeOpenidClient => include_str!("programs/node_openid_client.txt"),
            Self::Python => include_str!("programs/python_requests.txt"),
            Self::PythonAuthlib => include_str!("programs/python_authlib.txt"),
            Self::Go => include_str!("programs/go.txt"),
            Self::Java => include_str!("programs/java.txt"),
            Self::CSharp => include_str!("programs/csharp.txt"),
            Self::Rust => include_str!("programs/rust.txt"),
            Self::NodeKey => include_str!("programs/node_key.txt"),
        }
    }

    /// The program with `values`. What is secret, and where the API is, it reads from the environment.
    pub(super) fn filled(self, values: &Values) -> String {
        // The library looks for the metadata itself, and holds the issuer in them against this one.
        let issuer = if self == Self::NodeOpenidClient { &values.issuer } else { &values.base };
        let named = [
            ("ISSUER", issuer),
            ("CLIENT_ID", &values.client_id),
            ("AUDIENCE", &values.audience),
            ("SCOPE", &values.scope),
        ];
        match self {
            Self::Curl => {
                let lines = named.map(|(name, value)| format!("{name}={}\n", escape::shell(value)));
                format!("{}\n{}", lines.concat(), self.text())
            }
            Self::Node | Self::NodeOpenidClient | Self::NodeKey => {
                let lines = named.map(|(name, value)| format!("const {name} = {};\n", escape::javascript(value)));
                let (read, left) = match self {
                    Self::NodeKey => ("const { ISSUER, CLIENT_ID, AUDIENCE, SCOPE } = process.env;\n", ""),
                    _ => (
                        "const { ISSUER, CLIENT_ID, CLIENT_SECRET, AUDIENCE, SCOPE, API_URL } = process.env;\n",
                        "const { CLIENT_SECRET, API_URL } = process.env;\n",
                    ),
                };
                self.text().replacen(read, &format!("{}{left}", lines.concat()), 1)
            }
            Self::Python | Self::PythonAuthlib => {
                self.in_place(named, |name| format!("os.environ[\"{name}\"]"), escape::python)
            }
            Self::Go => self.in_place(named, |name| format!("os.Getenv(\"{name}\")"), escape::go),
            Self::Java => self.in_place(named, |name| format!("env.get(\"{name}\")"), escape::java),
            Self::CSharp => self.in_place(named, |name| format!("Env(\"{name}\")"), escape::csharp),
            Self::Rust => {
                let literal = |value: &str| format!("{}.to_owned()", escape::rust(value));
                self.in_place(named, |name| format!("var(\"{name}\")?"), literal)
            }
        }
    }

    /// The program with a literal wherever it reads one of the `named` values.
    fn in_place(
        self,
        named: [(&str, &String); 4],
        read: impl Fn(&str) -> String,
        literal: impl Fn(&str) -> String,
    ) -> String {
        let pairs = named.map(|(name, value)| (read(name), literal(value)));
        let mut rest = self.text();
        let mut written = String::with_capacity(rest.len());
        // In one pass, so that nothing is looked for in a value.
        loop {
            let found = pairs.iter().filter_map(|pair| Some((rest.find(&pair.0)?, pair)));
            let Some((at, (read, literal))) = found.min_by_key(|(at, _)| *at) else { break };
            let (before, after) = rest.split_at(at);
            written.push_str(before);
            written.push_str(literal);
            rest = after.get(read.len()..).unwrap_or_default();
        }
        written + rest
    }
}

/// The API that the first request of `client` is for.
pub(in crate::http::console) fn first_audience(endpoints: &IssuerEndpoints, client: &Client) -> Option<String> {
    let snapshot = endpoints.issuer.served().snapshot().clone();
    let granted = client.grants.iter().filter_map(|grant| snapshot.api(grant.api_id));
    granted.map(|api| api.identifier.to_string()).next()
}

/// The first request of somebody who has just got a secret: asks for it without showing it, and for a token.
pub(in crate::http::console) fn first_request(token_endpoint: &str, client_id: &str, audience: Option<&str>) -> String {
    let named =
        |name: &str, value: &str| format!(" \\\n    --data-urlencode {}", escape::shell(&format!("{name}={value}")));
    let audience = audience.map(|audience| named("audience", audience)).unwrap_or_default();
    format!(
        "read -rs CLIENT_SECRET  # paste the secret, then press Enter\n\
         curl -sS {} -d grant_type=client_credentials{audience}{} \\\n    --data-urlencode \"client_secret=$CLIENT_SECRET\"",
        escape::shell(token_endpoint),
        named("client_id", client_id),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = include_str!("../../../../../docs/for-partners.md");

    fn values() -> Values {
        Values {
            issuer: "https://auth.example.com/t".to_owned(),
            base: "https://auth.example.com/t/".to_owned(),
            client_id: "a'b\"c\\d$e`f${g}$(h)os.Getenv(\"SCOPE\")var(\"AUDIENCE\")?".to_owned(),
            audience: "https://api.example.com/?a='&b=$c".to_owned(),
            scope: "list:users $x'y".to_owned(),
        }
    }

    #[test]
    fn every_program_is_one_of_the_documentation_to_the_letter() {
        for program in Program::ALL {
            let block = format!("\n{}```\n", program.text());
            assert!(DOCS.contains(&block), "{program:?}: docs/for-partners.md has another program");
        }
    }

    #[test]
    fn a_filled_program_differs_only_in_the_values() {
        for program in Program::ALL {
            let filled = program.filled(&values());
            let literal = |value: &str| match program {
                Program::Curl => escape::shell(value),
                Program::Node | Program::NodeOpenidClient | Program::NodeKey => escape::javascript(value),
                // All others escape printable ASCII alike.
                _ => escape::rust(value),
            };
            let id = literal(&values().client_id);
            assert_eq!(filled.matches(&id).count(), 1, "{program:?}: {filled}");
            // With the values taken out again, it reads nothing but what is secret, and where the API is.
            let mut rest = filled.replacen(&id, "", 1);
            for value in [&values().audience, &values().scope] {
                assert!(rest.contains(&literal(value)), "{program:?}: {filled}");
                rest = rest.replace(&literal(value), "");
            }
            for read in ["Getenv", "environ[", "env.get", "Env(", "var("] {
                for name in ["ISSUER", "CLIENT_ID", "AUDIENCE", "SCOPE"] {
                    assert!(!rest.contains(&format!("{read}\"{name}")), "{program:?} reads {name}: {rest}");
                }
            }
            assert_eq!(rest.contains("CLIENT_SECRET"), !program.has_key(), "{program:?}: {rest}");
            let issuer = if *program == Program::NodeOpenidClient {
                "https://auth.example.com/t"
            } else {
                "https://auth.example.com/t/"
            };
            assert!(rest.contains(&literal(issuer)), "{program:?}: {rest}");
            let shared = program.text().lines().filter(|line| filled.lines().any(|other| other == *line)).count();
            assert!(program.text().lines().count() - shared <= 4, "{program:?}: {filled}");
        }
    }

    #[test]
    fn the_first_request_never_holds_the_secret_and_quotes_the_rest() {
        let line = first_request("https://auth.example.com/oauth/token", "a'b", Some("https://api/"));
        assert!(line.contains(r"--data-urlencode 'client_id=a'\''b'"), "{line}");
        assert!(
            line.contains("--data-urlencode 'audience=https://api/'") && line.starts_with("read -rs CLIENT_SECRET")
        );
        assert!(!first_request("x", "y", None).contains("audience"));
    }
}
