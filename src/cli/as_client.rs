//! With what does a command speak to an issuer as one of its clients?

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use super::environment;
use super::exit::CliError;

/// The environment variable that may hold the secret.
pub(super) const SECRET_VARIABLE: &str = "TOKENHOUSE_CLIENT_SECRET";

/// Issuer and client.
#[derive(Debug, Args)]
pub struct AsClientArgs {
    /// The issuer identifier, a URL
    #[arg(long)]
    pub issuer: String,
    /// The client id
    #[arg(long)]
    pub client_id: String,
    /// The file that holds the secret; - is standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// A CA certificate, PEM, to trust beside the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl AsClientArgs {
    /// The client's secret: from the file, else from the environment, else from a prompt.
    ///
    /// # Errors
    /// If there is none.
    pub fn secret(&self) -> Result<Zeroizing<String>, CliError> {
        if let Some(file) = &self.client_secret_file {
            let text = if file.as_os_str() == "-" {
                std::io::read_to_string(std::io::stdin())
            } else {
                std::fs::read_to_string(file)
            };
            let text = text.map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?;
            return Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()));
        }
        if let Some(secret) = environment::variable(SECRET_VARIABLE) {
            return Ok(secret);
        }
        let prompt = format!("Secret of {}: ", self.client_id);
        rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| {
            CliError::usage(format!(
                "no secret: give --client-secret-file, or set {SECRET_VARIABLE} (there is no terminal)"
            ))
        })
    }
}

/// Posts a form to an endpoint for clients: the answer of a success.
///
/// # Errors
/// If the endpoint cannot be reached, or refuses: then its error and what it says.
pub async fn post_form(client: &reqwest::Client, endpoint: &str, form: &[(&str, &str)]) -> Result<Value, CliError> {
    let response = client.post(endpoint).form(form).send().await;
    let response = response.with_context(|| format!("cannot reach {endpoint}"))?;
    let status = response.status();
    let answer: Value = response.json().await.context("the answer is not JSON")?;
    if status.is_success() {
        return Ok(answer);
    }
    let member = |name| answer.get(name).and_then(Value::as_str);
    let code = member("error").unwrap_or("no error code");
    let description = member("error_description").unwrap_or("no description");
    Err(CliError::Refused(format!("{status}: {code}: {description}")))
}
