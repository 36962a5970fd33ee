//! Does the API work? It answers, and its database does.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::error::ApiError;
use super::users::Users;
use super::users_store::UsersStore;

/// `GET /healthz`
pub(super) async fn healthz(users: web::Data<Users>) -> Result<HttpResponse, ApiError> {
    users.ask(UsersStore::ping).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({"status": "ok"})))
}
