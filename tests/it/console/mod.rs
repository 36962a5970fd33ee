//! The console, as people meet it whose browser runs no scripts: one file per part. `tests/browser` looks at it in a real one.

mod apis;
mod audit;
mod clients;
mod clients_grants;
mod clients_secrets;
mod document;
mod explain;
mod interrupted;
mod keys;
mod links;
mod overview;
mod own;
mod own_token;
mod page;
mod sign_in;

use std::time::Duration;

use crate::support::Serve;
use crate::support::answer::Answer;
use crate::support::console::Browser;

/// A browser in which a management client of `serve`, `manager`, has signed in, and its secret; both keys are there.
async fn operator_of(serve: &Serve) -> (Browser, String) {
    let created =
        serve.cli(&["client", "create", "--id", "manager", "--management", "--output", "json"]).success().json();
    let secret = created["client_secret"].as_str().unwrap().to_owned();
    serve.token_within_a_second("manager", &secret, |answer| answer.status == 200).await;
    // The next key is made beside everything else.
    let both = async { while serve.jwk_set().await["keys"].as_array().is_none_or(|keys| keys.len() < 2) {} };
    tokio::time::timeout(Duration::from_mins(1), both).await.expect("a next key");
    (Browser::signed_in(&serve.url("/"), "manager", &secret).await, secret)
}

/// The value of the first hidden field `name` in `page`.
fn value_of(page: &str, name: &str) -> String {
    let opening = format!("name=\"{name}\" value=\"");
    let at = page.find(&opening).unwrap_or_else(|| panic!("no {name} in {page}")) + opening.len();
    page[at..].split('"').next().expect("an end").to_owned()
}

/// Fails if something in `page` that somebody wrote is markup.
fn escaped(page: &Answer) {
    assert!(!page.text.contains("<img"), "{}", page.text);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
}
