//! Which requests does the API under test get, and may it be sent any?

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::ConformArgs;
use crate::cli::exit::CliError;
use crate::cli::http_client::check_url;
use crate::config::is_loopback;

/// What every request has in common.
#[derive(Debug)]
pub struct Target {
    /// Where it goes.
    pub url: Url,
    /// Its method.
    pub method: Method,
    /// Its headers, but for the token.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<String>,
}

impl Target {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// If they are wrong, or the URL leads to another machine and nobody said that this is allowed.
    pub fn new(args: &ConformArgs) -> Result<Self, CliError> {
        let url = parse_url(args.url.as_deref().unwrap_or_default())?;
        // What is sent looks like an attack, and in the log of somebody else's API it is one.
        if !is_loopback(&url) && !args.allow_remote {
            return Err(CliError::usage(format!(
                "{url} is not on this machine: it would get hostile tokens, which look like an attack. If you may do that to it, say --allow-remote"
            )));
        }
        let method = args.method.to_ascii_uppercase().parse();
        let method = method.map_err(|_| CliError::usage(format!("{} is no method", args.method.escape_debug())))?;
        Ok(Self { url, method, headers: headers(&args.headers)?, body: args.body.clone() })
    }
}

/// The URL, which holds no password: that would go out as an Authorization header beside the token, and stand in the report. What may hold
/// one is not repeated in an error.
fn parse_url(text: &str) -> Result<Url, CliError> {
    check_url(text).map_err(|error| {
        if text.contains('@') { CliError::usage("what was given is no absolute http or https URL") } else { error }
    })?;
    let url = Url::parse(text).map_err(CliError::usage)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CliError::usage(
            "the URL holds a user name or a password before the @: they would go out as an Authorization header beside the token, which is what is tested. Leave them out; what else the API needs to let a request through, give with --header",
        ));
    }
    Ok(url)
}

fn headers(lines: &[String]) -> Result<HeaderMap, CliError> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let wrong = || CliError::usage(format!("{} is no header: expected NAME: VALUE", line.escape_debug()));
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
        if name == AUTHORIZATION {
            return Err(CliError::usage("the Authorization header is what is tested: it cannot be given"));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_refused_without_repeating_it() {
        for (url, says) in [
            ("http://user:s3cret@localhost/", "--header"),
            ("https://:s3cret@api.example.com/", "--header"),
            ("http://s3cret@localhost/", "--header"),
            ("ftp://user:s3cret@localhost/", "no absolute http or https URL"),
            ("user:s3cret@localhost/", "no absolute http or https URL"),
            ("http://user:s3cret@localhost:99999/", "no absolute http or https URL"),
        ] {
            let Err(CliError::Usage(error)) = parse_url(url) else { panic!("{url} is taken") };
            assert!(error.contains(says) && !error.contains("s3cret"), "{error}");
        }
        assert_eq!(parse_url("http://localhost/@me?to=a@b").unwrap().as_str(), "http://localhost/@me?to=a@b");
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let given = headers(&["X-Tenant: a: b".to_owned(), "x-tenant:c".to_owned()]).unwrap();
        assert_eq!(given.get_all("x-tenant").iter().collect::<Vec<_>>(), ["a: b", "c"]);
        for wrong in ["X-Tenant", "X Tenant: a", ": a", "X: a\nb", "authorization: x"] {
            assert!(headers(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
