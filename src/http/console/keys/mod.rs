//! Signing keys: which are there, what happens to each and when, and what can be done before that?
//!
//! | file | question |
//! |---|---|
//! | `list`, `show` | which keys are there, and what is known of one? |
//! | `outlook` | where does a key stand, and what happens next by itself? |
//! | `rotate`, `revoke` | what does it mean to let the next one sign, and to withdraw one? |

mod list;
pub(super) mod outlook;
mod revoke;
mod rotate;
mod show;

use actix_web::web::{self, ServiceConfig};

use super::error::ConsoleError;
use super::reads;
use super::visit::Visit;
use crate::issuer::AdministrationError;
use crate::keys::lifecycle::SigningKeyRecord;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/keys").route(reads().to(list::show)))
        .service(
            web::resource("/keys/rotate/{alg}").route(reads().to(rotate::ask)).route(web::post().to(rotate::rotate)),
        )
        .service(web::resource("/keys/{kid}").route(reads().to(show::show)))
        .service(
            web::resource("/keys/{kid}/revoke").route(reads().to(revoke::ask)).route(web::post().to(revoke::revoke)),
        );
}

/// All signing keys, in every state: those that sign first, then the next, the retired and the removed.
async fn all(visit: &Visit) -> Result<Vec<SigningKeyRecord>, ConsoleError> {
    let mut keys = visit.read(|reader| Ok(reader.list_signing_keys()?)).await?;
    keys.sort_by_key(|key| (key.state, key.alg, std::cmp::Reverse(key.created_at)));
    Ok(keys)
}

/// The key `kid`.
async fn found(visit: &Visit, kid: &str) -> Result<SigningKeyRecord, ConsoleError> {
    let sought = kid.to_owned();
    let found = visit.read(move |reader| Ok(reader.find_signing_key(&sought)?)).await?;
    Ok(found.ok_or_else(|| AdministrationError::not_found("signing key", kid))?)
}
