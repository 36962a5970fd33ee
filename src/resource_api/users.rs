//! What does each route of the users do? (RFC 6750 §3.1)
//!
//! Each asks for its scope, and reaches the users of the token's client only.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tokenhouse_verifier::actix::Scoped;
use uuid::Uuid;

use super::client_id::ClientId;
use super::error::ApiError;
use super::instant;
use super::json_body::read_members;
use super::page::{InvalidPage, Page};
use super::scopes::{CreateUsers, DeleteUsers, ListUsers, UpdateUsers};
use super::user::{NewUser, User};
use super::user_body::{parse_change, parse_new_user};
use super::users_store::{StoreError, UsersStore};
use crate::clock::Clock;
use crate::entropy::{Entropy, new_uuid};

/// What the routes need.
#[derive(Clone, Debug)]
pub(super) struct Users {
    pub(super) store: UsersStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// What stands before the id in `Location`.
    pub(super) base_url: String,
}

impl Users {
    /// The user that `new` describes, made now.
    pub(super) fn make(&self, new: NewUser) -> User {
        let now = self.clock.now();
        User { id: new_uuid(now, self.entropy.as_ref()), email: new.email, name: new.name, created_at: now }
    }

    /// Runs `query` where it may block. What lies behind a fault is logged here, once.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&UsersStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = self.store.clone();
        let answer = web::block(move || query(&store)).await.map_err(|cause| {
            tracing::error!(%cause, "a query of the resource API did not end");
            ApiError::Internal
        })?;
        answer.map_err(|cause| match cause {
            StoreError::EmailTaken => ApiError::EmailTaken,
            StoreError::Unavailable { .. } => {
                tracing::error!(%cause, "the resource API cannot reach its users");
                ApiError::Unavailable
            }
            StoreError::Unreadable { .. } | StoreError::Query { .. } => {
                tracing::error!(%cause, "the resource API met a fault");
                ApiError::Internal
            }
        })
    }
}

impl From<InvalidPage> for ApiError {
    fn from(invalid: InvalidPage) -> Self {
        Self::InvalidRequest(invalid.to_string())
    }
}

/// `GET /users`
pub(super) async fn list(
    token: Scoped<ListUsers>,
    request: HttpRequest,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let page: Page = request.query_string().parse()?;
    let client_id = ClientId::of(&token);
    let found = users.ask(move |store| store.list(&client_id, page)).await?;
    let body = ListBody {
        users: found.users.iter().map(UserBody::from).collect(),
        page: page.number,
        per_page: page.per_page,
        total: found.total,
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body))
}

/// `GET /users/{id}`
pub(super) async fn show(
    token: Scoped<ListUsers>,
    id: web::Path<String>,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let (client_id, id) = (ClientId::of(&token), parse_id(&id)?);
    let user = users.ask(move |store| store.find(&client_id, id)).await?.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(UserBody::from(&user)))
}

/// `POST /users`
pub(super) async fn create(
    token: Scoped<CreateUsers>,
    request: HttpRequest,
    payload: web::Payload,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let new = parse_new_user(read_members(&request, payload).await?)?;
    let (client_id, user) = (ClientId::of(&token), users.make(new));
    let user = users.ask(move |store| store.create(&client_id, &user).map(|()| user)).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{}{}", users.base_url, user.id)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(UserBody::from(&user)))
}

/// `PATCH /users/{id}`
pub(super) async fn update(
    token: Scoped<UpdateUsers>,
    id: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let (client_id, id) = (ClientId::of(&token), parse_id(&id)?);
    let change = parse_change(read_members(&request, payload).await?)?;
    let user = users.ask(move |store| store.update(&client_id, id, &change)).await?.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(UserBody::from(&user)))
}

/// `DELETE /users/{id}`
pub(super) async fn delete(
    token: Scoped<DeleteUsers>,
    id: web::Path<String>,
    users: web::Data<Users>,
) -> Result<HttpResponse, ApiError> {
    let (client_id, id) = (ClientId::of(&token), parse_id(&id)?);
    if !users.ask(move |store| store.delete(&client_id, id)).await? {
        return Err(ApiError::NoSuchUser);
    }
    Ok(HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish())
}

/// What is no id is the id of no user.
fn parse_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text).map_err(|_| ApiError::NoSuchUser)
}

#[derive(Serialize)]
struct ListBody<'a> {
    users: Vec<UserBody<'a>>,
    page: u32,
    per_page: u32,
    total: i64,
}

#[derive(Serialize)]
struct UserBody<'a> {
    id: String,
    email: &'a str,
    name: &'a str,
    created_at: jiff::Timestamp,
}

impl<'a> From<&'a User> for UserBody<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str(),
            name: user.name.as_str(),
            created_at: instant::from_millis(user.created_at),
        }
    }
}
