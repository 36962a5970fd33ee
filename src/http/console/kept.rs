//! What becomes of a form that could not be taken? It goes on to the page that says why, from which it is sent again, so that nothing that was
//! typed is lost. Secrets in fields of their own are left out; a document that is pasted goes on as it is.

use std::sync::Arc;

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::{Notify, Semaphore};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::form::Form;
use super::once::ONCE;

/// The longest form in bytes that goes on, as it was sent.
const LONGEST: usize = 128 * 1024;

/// Forms of nobody who is signed in that are waited for at a time, so that strangers cannot fill the memory with them.
static STRANGERS: Semaphore = Semaphore::const_new(16);

/// The fields in which a form goes along with the one that signs in.
const ACTION: &str = "kept-action";
const FORM: &str = "kept-form";
const LOSES_SECRET: &str = "kept-loses-secret";

/// A form that can be sent again.
#[derive(Clone)]
pub(super) struct Kept {
    /// Where it goes to.
    pub(super) action: String,
    /// As browsers encode it: the markup of thousands of fields would be many times as long.
    form: Zeroizing<String>,
    /// Did it hold a secret, which is not kept?
    pub(super) loses_secret: bool,
}

impl Kept {
    fn of(form: &Form, action: &str) -> Self {
        let fields = form.fields_without(&[]);
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        Self { action: action.to_owned(), form: Zeroizing::new(text), loses_secret: form.has_secret_besides(&[]) }
    }

    /// The same under another name, so that it counts once more.
    pub(super) fn renamed(self, name: &str) -> Self {
        let fields = self.fields().into_iter().filter(|(field, _)| field != ONCE).collect();
        Self { loses_secret: self.loses_secret, ..Self::of(&Form::of(fields).with(ONCE, name), &self.action) }
    }

    /// What it held, for a page whose form has it sent again.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.form.as_bytes()).into_owned().collect()
    }

    /// The fields in which it goes along with the form that signs in.
    pub(super) fn alongside(&self) -> Vec<(&'static str, &str)> {
        let secret = self.loses_secret.then_some((LOSES_SECRET, "yes"));
        [(ACTION, self.action.as_str()), (FORM, self.form.as_str())].into_iter().chain(secret).collect()
    }

    /// What went along with `form`.
    pub(super) fn from_alongside(form: &Form) -> Option<Self> {
        form.has(ACTION).then(|| Self {
            action: form.value(ACTION).to_owned(),
            form: Zeroizing::new(form.value(FORM).to_owned()),
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
        extensions.insert(Kept::of(form, request.path()));
    }
    if let Some(Arriving(arrived)) = extensions.get() {
        arrived.notify_one();
    }
}

/// Waits for the form that whoever sends it may not send, to keep it. Whoever reads it bounds the time.
pub(super) async fn wait(request: &HttpRequest) {
    let arriving = request.extensions().get::<Arriving>().cloned();
    let Some(Arriving(arrived)) = arriving else { return };
    match STRANGERS.try_acquire() {
        Ok(_permit) => arrived.notified().await,
        // What has arrived already is read all the same.
        Err(_) => tokio::task::yield_now().await,
    }
}

/// What was kept of the form that `request` sent.
pub(super) fn of(request: &HttpRequest) -> Option<Kept> {
    request.extensions().get().cloned()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_form_goes_along_with_the_one_that_signs_in() {
        let fields = [("name", "A & B = C"), ("scope", "a"), ("scope", "b"), ("kept-action", "/elsewhere")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let kept = Kept::of(&Form::of(fields.clone()).with("client_secret", "x"), "/console/clients/new");
        let form = kept.alongside().into_iter().fold(Form::empty(), |form, (name, value)| form.with(name, value));
        let back = Kept::from_alongside(&form.with("client_id", "operator")).unwrap();
        assert_eq!(
            (back.action.as_str(), back.fields(), back.loses_secret),
            ("/console/clients/new", fields.clone(), true)
        );
        let again = back.renamed("first").renamed("second").fields();
        let names: Vec<&str> = again.iter().filter(|(name, _)| name == ONCE).map(|(_, value)| value.as_str()).collect();
        assert_eq!((again.len(), names), (fields.len() + 1, vec!["second"]));
        assert!(Kept::from_alongside(&Form::empty().with("client_id", "operator")).is_none());
    }

    #[test]
    fn neither_what_is_long_nor_the_form_of_a_link_is_kept() {
        let is_kept = |form: &Form, length: usize| {
            let request = TestRequest::post().uri("/console/enter").to_http_request();
            keep(&request, form, length);
            of(&request).is_some()
        };
        let form = Form::empty().with("name", "Acme");
        assert!(is_kept(&form, LONGEST) && !is_kept(&form, LONGEST + 1));
        assert!(!is_kept(&form.with("link", "x"), 10));
    }
}
