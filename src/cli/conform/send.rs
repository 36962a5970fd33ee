//! How does a token get to the API under test, and what came back?

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};

use super::target::Target;
use crate::cli::exit::CliError;
use crate::cli::http_client::builder;
use crate::config::is_loopback;
use crate::specimen::{Outcome, Presentation, Problem};

/// So much of a body is read; more is nobody's business here.
const BODY_BYTES: usize = 1024;

/// Sends requests, one after the other.
#[derive(Debug)]
pub struct Sender {
    client: reqwest::Client,
    url: url::Url,
    method: reqwest::Method,
    headers: reqwest::header::HeaderMap,
    body: Option<String>,
}

impl Sender {
    /// To `target`.
    ///
    /// # Errors
    /// If `ca_file` cannot be used.
    pub fn new(target: &Target, timeout: Duration, ca_file: Option<&Path>) -> Result<Self, CliError> {
        // A connection of its own for each: what one request did to it is of no consequence for the next.
        let mut client = builder(ca_file)?.timeout(timeout).pool_max_idle_per_host(0).http1_only();
        if is_loopback(&target.url) {
            // A proxy has another loopback.
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().context("cannot make an HTTP client")?,
            url: target.url.clone(),
            method: target.method.clone(),
            headers: target.headers.clone(),
            body: target.body.clone(),
        })
    }

    /// Sends it and waits for the answer.
    pub async fn send(&self, presentation: &Presentation) -> Outcome {
        let mut url = self.url.clone();
        if let Some(token) = &presentation.query_token {
            url.query_pairs_mut().append_pair("access_token", token);
        }
        let mut request = self.client.request(self.method.clone(), url).headers(self.headers.clone());
        for value in &presentation.authorization {
            match HeaderValue::from_bytes(value) {
                Ok(value) => request = request.header(AUTHORIZATION, value),
                Err(_) => return failed(Problem::Other("it cannot stand in a header".to_owned())),
            }
        }
        match (&presentation.form_token, &self.body) {
            (Some(token), _) => request = request.form(&[("access_token", token)]),
            (None, Some(body)) => {
                if !self.headers.contains_key(CONTENT_TYPE) {
                    request = request.header(CONTENT_TYPE, "application/json");
                }
                request = request.body(body.clone());
            }
            (None, None) => {}
        }
        match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => failed(problem(&error)),
        }
    }
}

async fn read(mut response: reqwest::Response) -> Outcome {
    let status = response.status();
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenges = challenges.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    let mut body = Vec::new();
    // What was given to a valid token is the API's data, and belongs in no report.
    if !status.is_success() {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= BODY_BYTES {
                break;
            }
        }
    }
    body.truncate(BODY_BYTES);
    let body = String::from_utf8_lossy(&body).into_owned();
    Outcome { status: Some(status.as_u16()), challenges, body, ..Outcome::default() }
}

fn failed(problem: Problem) -> Outcome {
    Outcome { problem: Some(problem), ..Outcome::default() }
}

/// An error with what led to it first: that is what says something.
fn problem(error: &reqwest::Error) -> Problem {
    if error.is_timeout() {
        return Problem::Other("no answer in time".to_owned());
    }
    let causes = || std::iter::successors(Some(error as &dyn Error), |&cause| cause.source());
    let first = causes().last().map(ToString::to_string).unwrap_or_default();
    if error.is_connect() {
        Problem::Other(format!("cannot connect: {first}"))
    } else if causes().any(is_end_of_connection) {
        Problem::Closed(format!("the connection ended: {first}"))
    } else if causes().any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)) {
        Problem::Other(format!("the answer cannot be read: {first}"))
    } else {
        Problem::Other(format!("no answer: {first}"))
    }
}

fn is_end_of_connection(cause: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let ended = |error: &std::io::Error| {
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    };
    cause.downcast_ref().is_some_and(ended)
        || cause.downcast_ref::<hyper::Error>().is_some_and(|error| {
            // Before the request was sent, or before the answer had come.
            error.is_canceled() || error.is_closed() || error.is_incomplete_message()
        })
}
