//! What becomes of a form that could not be taken? It goes on to the page that says why, from which it is sent again: nothing that was typed
//! is lost but secrets, which are written into no page.

use std::sync::Arc;

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::{Notify, Semaphore};

use super::form::Form;

/// The longest form in bytes that goes on, as it was sent.
const LONGEST: usize = 128 * 1024;

/// Forms of nobody who is signed in that are waited for at a time, so that strangers cannot fill the memory with them.
static STRANGERS: Semaphore = Semaphore::const_new(16);

/// The names of the fields in which a form goes along with the one that signs in.
const ACTION: &str = "kept-action";
const FIELD: &str = "kept.";
const LOSES_SECRET: &str = "kept-loses-secret";

/// A form that can be sent again.
#[derive(Clone, Default)]
pub(super) struct Kept {
    /// Where it goes to.
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
    /// Did it hold a secret, which is not kept?
    pub(super) loses_secret: bool,
}

impl Kept {
    /// The fields in which it goes along with the form that signs in.
    pub(super) fn alongside(&self) -> Vec<(String, String)> {
        let marks = [(ACTION.to_owned(), self.action.clone())];
        let secret = self.loses_secret.then(|| (LOSES_SECRET.to_owned(), "yes".to_owned()));
        let fields = self.fields.iter().map(|(name, value)| (format!("{FIELD}{name}"), value.clone()));
        marks.into_iter().chain(secret).chain(fields).collect()
    }

    /// What went along with `form`.
    pub(super) fn from_alongside(form: &Form) -> Option<Self> {
        if !form.has(ACTION) {
            return None;
        }
        let fields = form.fields_without(&[]).into_iter();
        let kept = fields.filter_map(|(name, value)| Some((name.strip_prefix(FIELD)?.to_owned(), value)));
        Some(Self {
            action: form.value(ACTION).to_owned(),
            fields: kept.collect(),
            loses_secret: form.has(LOSES_SECRET),
        })
    }
}

/// Tells whoever waits for a form that all of it is there.
#[derive(Clone)]
struct Arriving(Arc<Notify>);

/// Before the body of `request` is read.
pub(super) fn expect(request: &HttpRequest) {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length <= LONGEST) {
        request.extensions_mut().insert(Arriving(Arc::default()));
    }
}

/// Once it is read, as `form`, of `length` bytes.
pub(super) fn keep(request: &HttpRequest, form: &Form, length: usize) {
    let mut extensions = request.extensions_mut();
    // Without its link the form of a one-time link opens nothing: the link is to be opened again.
    if length <= LONGEST && !form.has("link") {
        extensions.insert(Kept {
            action: request.path().to_owned(),
            fields: form.fields_without(&[]),
            loses_secret: form.has_secret_besides(&[]),
        });
    }
    if let Some(Arriving(arrived)) = extensions.get() {
        arrived.notify_one();
    }
}

/// Waits for the form that whoever sends it may not send, to keep it. Whoever reads it bounds the time.
pub(super) async fn wait(request: &HttpRequest) {
    let arriving = request.extensions().get::<Arriving>().cloned();
    if let (Some(Arriving(arrived)), Ok(_permit)) = (arriving, STRANGERS.try_acquire()) {
        arrived.notified().await;
    }
}

/// What was kept of the form that `request` sent.
pub(super) fn of(request: &HttpRequest) -> Option<Kept> {
    request.extensions().get().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_goes_along_with_the_one_that_signs_in() {
        let kept = Kept {
            action: "/console/clients/new".to_owned(),
            fields: [("name", "Acme"), ("scope", "a"), ("scope", "b"), ("kept-action", "/elsewhere")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            loses_secret: true,
        };
        let form = Form::of(kept.alongside()).with("client_id", "operator").with("client_secret", "x");
        let back = Kept::from_alongside(&form).unwrap();
        assert_eq!((back.action, back.fields, back.loses_secret), (kept.action, kept.fields, true));
        assert!(Kept::from_alongside(&Form::empty().with("client_id", "operator")).is_none());
    }
}
