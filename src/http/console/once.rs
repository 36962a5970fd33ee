//! Was this form sent before? Whoever reloads the answer to a form sends the form again, and one that is answered with a secret must not make
//! another one then. So each showing of such a form has a name of its own, which counts once, on whatever replica.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::error::ConsoleError;
use super::form::Form;
use super::visit::Visit;
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

/// Takes note that what `form` asks for is done now, if its showing had a name. Right before it is done, or a mistake in the form would
/// use it up, and anybody could fill the table with forms that do nothing.
///
/// # Errors
/// [`ConsoleError::SentBefore`] if it was done before; or the store does not answer.
pub(super) async fn use_up(visit: &Visit, form: &Form) -> Result<(), ConsoleError> {
    if is_first(visit, form.value(ONCE)).await? { Ok(()) } else { Err(ConsoleError::SentBefore) }
}

/// Is this the first use of `name`? Of no name, each is.
///
/// # Errors
/// If the store does not answer.
pub(super) async fn is_first(visit: &Visit, name: &str) -> Result<bool, ConsoleError> {
    if name.is_empty() {
        return Ok(true);
    }
    let name = format!("console form {name}");
    let sent = AssertionUse {
        digest: BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes())),
        expires_at: visit.now().plus_seconds(KNOWN_SECONDS),
    };
    let store = visit.endpoints.administration.store().clone();
    let is_first =
        visit.endpoints.reading(move || Ok::<_, ConsoleError>(store.use_client_assertions(&[sent])?)).await?;
    Ok(is_first == [true])
}
