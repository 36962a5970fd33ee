//! What do the routes under `/users` answer?

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use tokenhouse_verifier::actix::Scoped;

use super::body::read_members;
use super::error::ApiError;
use super::page::Page;
use super::protected_resource::ProtectedResource;
use super::scopes::{CreateUsers, DeleteUsers, ListUsers, UpdateUsers};
use super::user::{NewUser, UserChanges};
use super::users::Users;

pub(super) async fn list(
    request: HttpRequest,
    token: Scoped<ListUsers>,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let page = Page::parse(request.query_string())?;
    let (listed, total) = users.list(token.client(), page).await?;
    Ok(HttpResponse::Ok().json(json!({
        "users": listed, "page": page.page, "per_page": page.per_page, "total": total,
    })))
}

pub(super) async fn get(
    request: HttpRequest,
    token: Scoped<ListUsers>,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(users.get(token.client(), id(&request)).await?))
}

pub(super) async fn create(
    request: HttpRequest,
    token: Scoped<CreateUsers>,
    users: web::Data<Users>,
    resource: web::Data<ProtectedResource>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let new_user = NewUser::parse(read_members(&request, payload).await?)?;
    let user = users.create(token.client(), new_user).await?;
    let location = resource.url_of(&format!("/users/{}", user.id));
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(user))
}

pub(super) async fn update(
    request: HttpRequest,
    token: Scoped<UpdateUsers>,
    users: web::Data<Users>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let changes = UserChanges::parse(read_members(&request, payload).await?)?;
    Ok(HttpResponse::Ok().json(users.update(token.client(), id(&request), changes).await?))
}

pub(super) async fn delete(
    request: HttpRequest,
    token: Scoped<DeleteUsers>,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    users.delete(token.client(), id(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The user's id in the path: whatever it says, it is only compared.
fn id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}
