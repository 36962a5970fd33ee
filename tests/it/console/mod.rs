//! The console, as people meet it whose browser runs no scripts: one file per part. `tests/browser` looks at it in a real one.

mod apis;
mod audit;
mod clients;
mod clients_grants;
mod clients_secrets;
mod interrupted;
mod keys;
mod links;
mod own;
mod own_token;
mod page;
mod sign_in;

use crate::support::answer::Answer;

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
