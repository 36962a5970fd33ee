//! Was this form sent before? Whoever reloads the answer to a form sends the form again, and one that is answered with a secret must not make
//! another one then. So each showing of such a form has a name of its own, which counts once, on whatever replica.

use actix_web::HttpRequest;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::error::ConsoleError;
use super::form::Form;
use super::visit::endpoints_of;
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::{SystemEntropy, new_uuid};
use crate::store::AssertionUse;

/// The field with that name.
pub(super) const ONCE: &str = "once";

/// For how many seconds a name is known to have counted: longer than a tab stays open under one session and the next.
const KNOWN_SECONDS: i64 = 3 * 86_400;

/// A name that no showing had before.
pub(super) fn new_name() -> String {
    new_uuid(SystemClock.now(), &SystemEntropy).simple().to_string()
}

/// Takes note that `form` is sent, if its showing had a name.
///
/// # Errors
/// [`ConsoleError::SentBefore`] if it was sent before; or the store does not answer.
pub(super) async fn use_up(request: &HttpRequest, form: &Form) -> Result<(), ConsoleError> {
    if !form.has(ONCE) {
        return Ok(());
    }
    let endpoints = endpoints_of(request)?;
    let name = format!("console form {}", form.value(ONCE));
    let sent = AssertionUse {
        digest: BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes())),
        expires_at: endpoints.issuer.clock().now().plus_seconds(KNOWN_SECONDS),
    };
    let store = endpoints.administration.store().clone();
    let is_first = endpoints.reading(move || Ok::<_, ConsoleError>(store.use_client_assertions(&[sent])?)).await?;
    if is_first == [true] { Ok(()) } else { Err(ConsoleError::SentBefore) }
}
