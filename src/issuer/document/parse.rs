//! What does a configuration document say, and where is it wrong? YAML or JSON; unknown keys are errors.

use std::path::Path;

use zeroize::Zeroizing;

use super::entries::{ClientEntry, Document, SecretEntry};
use super::syntax::{describe, yaml_options};

/// Largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not a document; the text names the line.
    #[error("{0}")]
    Syntax(String),
    /// A secret names no source or several.
    #[error("client {client}: a secret needs exactly one of value, value_env, value_file and hash")]
    SecretSource {
        /// Which client.
        client: String,
    },
    /// A secret is to be fetched from a place that is not its writer's.
    #[error(
        "client {client}: value_env and value_file are read where `tokenhouse apply` runs, not here: give the value or the hash itself"
    )]
    ElsewhereSecret {
        /// Which client.
        client: String,
    },
    /// The environment variable is not set.
    #[error("client {client}: the environment variable {variable} is not set")]
    MissingVariable {
        /// Which client.
        client: String,
        /// Which variable.
        variable: String,
    },
    /// The file cannot be read.
    #[error("client {client}: cannot read the secret from {file}: {cause}")]
    UnreadableFile {
        /// Which client.
        client: String,
        /// Which file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
}

/// Where the values of secrets are fetched from.
pub trait SecretSources {
    /// The environment variable `name`.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    fn file(&self, path: &Path) -> std::io::Result<String>;
}

impl Document {
    /// Parses a document; JSON is YAML too.
    ///
    /// # Errors
    /// With the line and the key of the first mistake.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str_with_options(text, yaml_options(text))
            .map_err(|error| DocumentError::Syntax(describe(&error)))
    }

    /// Fetches each `value_env` and `value_file`, so that every secret has a value or a hash.
    ///
    /// # Errors
    /// If a source is missing, or a secret names none or several.
    pub fn resolve_secrets(&mut self, sources: &dyn SecretSources) -> Result<(), DocumentError> {
        for client in &mut self.clients {
            let name = name_of(client);
            for secret in &mut client.secrets {
                resolve(secret, &name, sources)?;
            }
        }
        Ok(())
    }

    /// Makes sure that every secret has a value or a hash of its own: of a document that came over the network, nothing is fetched
    /// from this machine.
    ///
    /// # Errors
    /// If a secret names another source, none or several.
    pub fn require_own_secrets(&self) -> Result<(), DocumentError> {
        for client in &self.clients {
            for secret in &client.secrets {
                let client = || name_of(client);
                match (&secret.value, &secret.hash) {
                    _ if secret.value_env.is_some() || secret.value_file.is_some() => {
                        return Err(DocumentError::ElsewhereSecret { client: client() });
                    }
                    (Some(_), None) | (None, Some(_)) => {}
                    _ => return Err(DocumentError::SecretSource { client: client() }),
                }
            }
        }
        Ok(())
    }
}

fn name_of(client: &ClientEntry) -> String {
    client.client_id.as_ref().or(client.name.as_ref()).map_or("(without id)", |name| name).to_owned()
}

fn resolve(secret: &mut SecretEntry, client: &str, sources: &dyn SecretSources) -> Result<(), DocumentError> {
    let client = || client.to_owned();
    let given =
        [secret.value.is_some(), secret.value_env.is_some(), secret.value_file.is_some(), secret.hash.is_some()];
    if given.into_iter().filter(|one| *one).count() != 1 {
        return Err(DocumentError::SecretSource { client: client() });
    }
    if let Some(variable) = secret.value_env.take() {
        let value = sources.variable(&variable);
        secret.value = Some(value.ok_or_else(|| DocumentError::MissingVariable { client: client(), variable })?);
    } else if let Some(file) = secret.value_file.take() {
        let text = sources.file(Path::new(&file)).map(Zeroizing::new);
        let text = text.map_err(|cause| DocumentError::UnreadableFile { client: client(), file, cause })?;
        secret.value = Some(text.trim_end_matches(['\n', '\r']).to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sources;

    impl SecretSources for Sources {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "SET").then(|| "from the environment".to_owned())
        }

        fn file(&self, path: &Path) -> std::io::Result<String> {
            if path == Path::new("there") {
                Ok("from a file\n".to_owned())
            } else {
                Err(std::io::ErrorKind::NotFound.into())
            }
        }
    }

    fn resolved(secret: &str) -> Result<Option<String>, DocumentError> {
        let mut document = Document::parse(&format!("clients: [{{client_id: a, secrets: [{secret}]}}]")).unwrap();
        document.resolve_secrets(&Sources)?;
        Ok(document.clients.remove(0).secrets.remove(0).value.take())
    }

    #[test]
    fn yaml_and_json_are_the_same_document() {
        let yaml =
            Document::parse("apis:\n  - identifier: https://a/\n    scopes:\n      - { value: \"x\" }\n").unwrap();
        let json = Document::parse(r#"{"apis":[{"identifier":"https://a/","scopes":[{"value":"x"}]}]}"#).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(yaml.apis[0].signing_alg, crate::keys::SigningAlg::Rs256);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Document::parse("apis: []\nclientz: []\n").unwrap_err().to_string();
        assert!(error.contains("clientz") && error.contains("line 2"), "{error}");
        let error = Document::parse("apis:\n  - identifier: a\n    lifetime: 3\n").unwrap_err().to_string();
        assert!(error.contains("lifetime") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_document_may_hold_many_clients_but_no_alias_bomb() {
        let many: Vec<_> = (0..100_000).map(|number| format!("  - client_id: c{number}")).collect();
        assert_eq!(Document::parse(&format!("clients:\n{}", many.join("\n"))).unwrap().clients.len(), 100_000);
        let levels = (1..30).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        let bomb = format!("a0: &a0 [x, x]\n{}", levels.collect::<String>());
        assert!(Document::parse(&bomb).is_err());
    }

    #[test]
    fn an_empty_document_is_an_empty_configuration() {
        assert_eq!(Document::parse(" \n").unwrap(), Document::default());
    }

    #[test]
    fn values_come_from_the_environment_or_a_file() {
        assert_eq!(resolved("{value_env: SET}").unwrap().as_deref(), Some("from the environment"));
        assert_eq!(resolved("{value_file: there}").unwrap().as_deref(), Some("from a file"));
        assert!(resolved("{value_env: UNSET}").unwrap_err().to_string().contains("UNSET is not set"));
        assert!(resolved("{value_file: gone}").unwrap_err().to_string().contains("gone"));
        assert!(matches!(resolved("{value: a, hash: b}"), Err(DocumentError::SecretSource { .. })));
        assert!(matches!(resolved("{label: none}"), Err(DocumentError::SecretSource { .. })));
    }

    #[test]
    fn nothing_is_fetched_for_a_document_from_the_network() {
        let required = |secret: &str| {
            let document = Document::parse(&format!("clients: [{{client_id: a, secrets: [{secret}]}}]")).unwrap();
            document.require_own_secrets()
        };
        assert!(required("{value: a}").is_ok() && required("{hash: a}").is_ok());
        for elsewhere in ["{value_env: HOME}", "{value_file: /etc/passwd}", "{value: a, value_file: /etc/passwd}"] {
            assert!(matches!(required(elsewhere), Err(DocumentError::ElsewhereSecret { .. })), "{elsewhere}");
        }
        for unclear in ["{label: none}", "{value: a, hash: b}"] {
            assert!(matches!(required(unclear), Err(DocumentError::SecretSource { .. })), "{unclear}");
        }
    }

    #[test]
    fn the_debug_form_shows_no_secret() {
        let document = Document::parse("clients: [{client_id: a, secrets: [{value: canary}]}]").unwrap();
        assert!(!format!("{document:?}").contains("canary"));
    }
}
