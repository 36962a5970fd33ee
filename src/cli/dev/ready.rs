//! What does `dev` say once it is ready: one line for programs, a page for people?

use std::fmt::{self, Display, Formatter};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::exit::CliError;
use crate::dev::ready_line::{ReadyClient, ReadyLine};

/// The line itself.
///
/// # Errors
/// Only if it cannot be written as JSON.
pub fn to_json(line: &ReadyLine) -> Result<String, CliError> {
    Ok(serde_json::to_string(line).context("cannot write the ready line")?)
}

/// Writes `line` to the file at `path`: beside it first, then renamed, so that nobody reads half of it.
///
/// # Errors
/// If the file cannot be written.
pub fn write_ready_file(line: &ReadyLine, path: &Path) -> Result<(), CliError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write the ready file {}", path.display());
    // Private from its first moment: it holds secrets.
    let mut file = tempfile::NamedTempFile::new_in(directory).with_context(cannot)?;
    writeln!(file, "{}", to_json(line)?).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// The page for people.
pub struct Announcement {
    /// What is ready.
    pub line: ReadyLine,
    /// The API that the resource API serves.
    pub api_audience: Option<String>,
}

impl Display for Announcement {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let line = &self.line;
        writeln!(formatter, "Tokenhouse dev: in memory, with public test keys. Ctrl-C ends it.\n")?;
        writeln!(formatter, "  issuer          {}", line.issuer)?;
        writeln!(formatter, "  token endpoint  {}", line.token_endpoint)?;
        writeln!(formatter, "  JWK Set         {}", line.jwks_uri)?;
        writeln!(formatter, "  resource API    {}", line.resource_api.as_deref().unwrap_or("-"))?;
        if let Some(ca_file) = &line.ca_file {
            writeln!(formatter, "  CA certificate  {ca_file}")?;
        }
        writeln!(formatter)?;
        for client in &line.clients {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            writeln!(formatter, "  client_id       {}", shown(&client.client_id))?;
            writeln!(formatter, "  client_secret   {}", shown(&client.client_secret))?;
            writeln!(formatter, "  audience        {}", shown(&client.audience))?;
            writeln!(formatter, "  scope           {}\n", shown(&client.scope))?;
        }
        writeln!(formatter, "  management      {}", line.management.client_id)?;
        writeln!(formatter, "  client_secret   {}", line.management.client_secret)?;
        writeln!(formatter, "  audience        {}", line.management.audience)?;
        if let Some(control) = &line.control {
            writeln!(formatter, "\n  control API     {}", control.url)?;
            writeln!(formatter, "  key             {}", control.key)?;
        }
        self.write_commands(formatter)
    }
}

impl Announcement {
    /// Commands to paste, for the first client that can call the API and whose secret is known.
    fn write_commands(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let line = &self.line;
        // The resource API is that of the first API; curl sends Basic as it is, so an id with a colon cannot be used.
        let fits = |client: &&ReadyClient| {
            client.audience == self.api_audience && client.client_id.as_ref().is_some_and(|id| !id.contains(':'))
        };
        let Some((client, secret)) =
            line.clients.iter().filter(fits).find_map(|client| Some((client, client.client_secret.as_ref()?)))
        else {
            return Ok(());
        };
        let credentials = quoted(&format!("{}:{secret}", client.client_id.as_deref().unwrap_or_default()));
        let audience = quoted(&format!("audience={}", client.audience.as_deref().unwrap_or_default()));
        let ca = line.ca_file.as_ref().map(|path| format!(" --cacert {}", quoted(path))).unwrap_or_default();
        let api = line.resource_api.as_deref().unwrap_or_default();
        let request = format!(
            "curl -sS{ca} {} -u {credentials} \\\n    -d grant_type=client_credentials --data-urlencode {audience}",
            line.token_endpoint
        );
        writeln!(formatter, "\nGet a token, keep it, and call the API with it:\n\n  {request}\n")?;
        writeln!(formatter, "  TOKEN=$({request} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n")?;
        write!(formatter, "  curl -sS{ca} {api}users -H \"Authorization: Bearer $TOKEN\"")?;
        let granted = client.scope.as_deref().unwrap_or_default();
        if granted.split(' ').any(|scope| scope == "delete:users") {
            return Ok(());
        }
        writeln!(formatter, "\n\nRefused, because the token lacks the scope delete:users:\n")?;
        write!(formatter, "  curl -sSi{ca} -X DELETE {api}users/any -H \"Authorization: Bearer $TOKEN\"")
    }
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }
}
