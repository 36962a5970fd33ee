//! How does a test use the console as a browser without scripts would?

use serde_json::Value;

use super::{Answer, Dev};
use crate::support::answer::client;

/// A browser in which somebody may be signed in.
pub struct Browser {
    /// The console, without a closing slash.
    pub base: String,
    origin: String,
    /// `name=value`, once signed in.
    pub cookie: Option<String>,
}

impl Browser {
    /// A browser in which nobody is signed in to the console of `issuer`.
    pub fn at(issuer: &str) -> Self {
        let url: url::Url = issuer.parse().expect("an issuer");
        let base = format!("{}/console", issuer.trim_end_matches('/'));
        Self { base, origin: url.origin().ascii_serialization(), cookie: None }
    }

    /// A browser in which the client `client_id` has signed in.
    pub async fn signed_in(issuer: &str, client_id: &str, client_secret: &str) -> Self {
        let mut browser = Self::at(issuer);
        let answer = browser.post("/sign-in", &[("client_id", client_id), ("client_secret", client_secret)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser.keep_cookie(&answer);
        assert!(browser.cookie.is_some(), "no cookie");
        browser
    }

    /// One in which the management client of `dev` has signed in.
    pub async fn operator(dev: &Dev) -> Self {
        let client = dev.management();
        Self::signed_in(&dev.text("issuer"), &client.client_id, &client.client_secret).await
    }

    /// One in which the first partner of `dev` has signed in.
    pub async fn partner(dev: &Dev) -> Self {
        let client = dev.partner(0);
        Self::signed_in(&dev.text("issuer"), &client.client_id, &client.client_secret).await
    }

    /// Takes the cookie that `answer` sets.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        let set = answer.headers.get("set-cookie").map(|value| value.to_str().expect("ASCII"));
        if let Some(pair) = set.and_then(|line| line.split(';').next()) {
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
    }

    /// The page at `path` of the console, such as `/clients`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.with_cookie(client().get(self.url(path)))).await
    }

    /// What a form with these `fields` is answered with, sent from a page of the console. Redirects are not followed.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(&self.origin, path, fields).await
    }

    /// The same, sent from a page of `origin`.
    pub async fn post_from(&self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.with_cookie(client().post(self.url(path))).header("origin", origin);
        Answer::to(request.form(fields)).await
    }

    /// The page that a redirect leads to.
    pub async fn follow(&self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.text);
        let location = format!("{}{}", self.origin, answer.header("location"));
        Answer::to(self.with_cookie(client().get(location))).await
    }

    /// An address of the console: a path relative to it, or one that begins where the console does.
    pub fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    fn with_cookie(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

/// The newest events of the audit trail, newest first, read by the Management API of `dev`.
pub async fn audit_events(dev: &Dev) -> Vec<Value> {
    let management = dev.management();
    let token = dev.token_of(&management).await;
    let answer = Answer::to(client().get(dev.issuer("/api/v2/audit-events")).bearer_auth(&token)).await;
    answer.json().as_array().expect("an array").clone()
}

/// The text that the page offers for copying under `id`, as it stands in the source of the page.
pub fn copied(text: &str, id: &str) -> String {
    let opening = format!(" id=\"{id}\"");
    let from = text.find(&opening).unwrap_or_else(|| panic!("no {id} in {text}"));
    let text = &text[from..];
    let code = text.find("<code").filter(|at| *at < text.find("</code>").unwrap_or_default());
    let text = &text[code.unwrap_or_default()..];
    let begins = text.find('>').expect("a tag") + 1;
    text[begins..].split('<').next().expect("a text").to_owned()
}
