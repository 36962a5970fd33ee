//! Is the object still what the caller saw? Entity tags from its revision, and `If-Match` (RFC 9110 §13.1.1).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MATCH};
use actix_web::{FromRequest, HttpRequest, HttpResponseBuilder};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ManagementError;
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::store::Revision;

/// What `If-Match` demands: nothing, or one of these revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Precondition(pub(super) Option<Vec<Revision>>);

impl Precondition {
    /// Makes sure that the client `client_id` is as the caller saw it.
    ///
    /// # Errors
    /// If it is not, or there is none.
    pub(super) fn hold_for(&self, client_id: &str, change: &mut Change<'_>) -> Result<(), AdministrationError> {
        self.0.as_ref().map_or(Ok(()), |seen| change.expect_revision(client_id, seen))
    }
}

impl IntoParams for Precondition {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Makes the change only if the client still has this entity tag, else 412";
        let parameter = ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header);
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        vec![parameter.required(Required::False).description(Some(description)).schema(Some(text)).build()]
    }
}

/// The beginning of an answer that shows a client, or what belongs to it, as it was last changed with `revision`.
pub(super) fn tagged(status: StatusCode, revision: Revision) -> HttpResponseBuilder {
    let mut response = uncached(status);
    response.insert_header((ETAG, format!("\"r{}\"", revision.0)));
    response
}

impl FromRequest for Precondition {
    type Error = ManagementError;
    type Future = Ready<Result<Self, ManagementError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let values: Vec<_> = request.headers().get_all(IF_MATCH).collect();
        if values.is_empty() {
            return ready(Ok(Self(None)));
        }
        let tags: Vec<_> =
            values.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).collect();
        if tags.iter().any(|tag| tag.trim() == "*") {
            return ready(Ok(Self(None)));
        }
        // A tag that is none of ours matches nothing; nor does a weak one (RFC 9110 §13.1.1).
        let revision = |tag: &&str| tag.trim().strip_prefix("\"r")?.strip_suffix('"')?.parse().ok().map(Revision);
        ready(Ok(Self(Some(tags.iter().filter_map(revision).collect()))))
    }
}
