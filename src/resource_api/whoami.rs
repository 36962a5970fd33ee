//! What does the caller's own token say? For trying one out (RFC 9068 §2.2)

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use tokenhouse_verifier::AccessToken;

use super::instant;

#[derive(Serialize)]
struct WhoamiBody<'a> {
    client_id: &'a str,
    scope: &'a str,
    expires_at: jiff::Timestamp,
}

/// `GET /whoami`
pub(super) async fn whoami(token: AccessToken) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(WhoamiBody {
        client_id: token.client(),
        scope: token.scope().as_str(),
        expires_at: instant::from_seconds(token.expires_at()),
    })
}
