//! APIs: which are there, what does each define, and who may call it?
//!
//! | file | question |
//! |---|---|
//! | `list`, `show` | which APIs are there, and what is known of one? |
//! | `edit`, `delete` | how is one made, changed and deleted, and with what consequences? |
//! | `entry`, `scopes`, `length` | which fields does its form have, and what is wrong with them? |
//! | `choices` | what can be chosen, and what does it do? |

mod choices;
mod delete;
mod edit;
mod entry;
#[expect(unreachable_pub, reason = "the macro makes enums that others may use")]
pub(super) mod length;
mod list;
mod scopes;
mod show;

use actix_web::web::{self, ServiceConfig};
use uuid::Uuid;

use super::error::ConsoleError;
use super::reads;
use super::visit::Visit;
use crate::issuer::AdministrationError;
use crate::issuer::apis::api_named;
use crate::oauth::resource::Api;
use crate::store::{Reader, Revision};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/apis").route(reads().to(list::show)))
        .service(web::resource("/apis/new").route(reads().to(edit::blank)).route(web::post().to(edit::create)))
        .service(web::resource("/apis/{id}").route(reads().to(show::show)))
        .service(web::resource("/apis/{id}/edit").route(reads().to(edit::show)).route(web::post().to(edit::change)))
        .service(
            web::resource("/apis/{id}/delete").route(reads().to(delete::ask)).route(web::post().to(delete::delete)),
        );
}

/// Where the page of `api` is, relative to the console.
fn path_of(api: &Api) -> String {
    format!("apis/{}", api.id)
}

/// The API that a path names: by our own id, or by its identifier, as the audit trail names it.
fn find(reader: &mut Reader, name: &str) -> Result<Api, ConsoleError> {
    if let Ok(id) = Uuid::try_parse(name)
        && let Some(api) = reader.find_api_by_id(id)?
    {
        return Ok(api);
    }
    Ok(api_named(reader, name)?)
}

/// The same with the revision of its last change.
async fn found(visit: &Visit, name: String) -> Result<(Api, Revision), ConsoleError> {
    let read = move |reader: &mut Reader| {
        let api = find(reader, &name)?;
        let revision = reader.api_revision(api.id)?;
        Ok((api, revision))
    };
    let (api, revision) = visit.read(read).await?;
    // Both are of one state of the store.
    let revision = revision.ok_or_else(|| AdministrationError::not_found("API", api.identifier.as_str()))?;
    Ok((api, revision))
}
