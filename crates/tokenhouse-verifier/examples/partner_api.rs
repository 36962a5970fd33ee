//! What does a whole partner API look like?
//!
//! Run it with `cargo run -p tokenhouse-verifier --example partner_api -- ISSUER AUDIENCE`.
//!
//! Against `tokenhouse dev`, take the audience from its output:
//!
//! ```text
//! cargo run -p tokenhouse-verifier --example partner_api -- http://localhost:8080/ https://api.example.com/
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8085/users
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::{App, HttpResponse, HttpServer, web};
use tokenhouse_verifier::actix::{OneBearerMethod, Scoped};
use tokenhouse_verifier::{AccessToken, RemoteJwks, ResourceServer, Verifier, scope};

scope!(ListUsers = "list:users");
scope!(CreateUsers = "create:users");

/// The names of the users, by the client they belong to.
#[derive(Default)]
struct Users(Mutex<HashMap<String, Vec<String>>>);

async fn list_users(token: Scoped<ListUsers>, users: web::Data<Users>) -> HttpResponse {
    let users = users.0.lock().unwrap_or_else(PoisonError::into_inner);
    HttpResponse::Ok().json(users.get(token.client()).cloned().unwrap_or_default())
}

async fn create_user(token: Scoped<CreateUsers>, users: web::Data<Users>, name: web::Json<String>) -> HttpResponse {
    let mut users = users.0.lock().unwrap_or_else(PoisonError::into_inner);
    users.entry(token.client().to_owned()).or_default().push(name.into_inner());
    HttpResponse::Created().finish()
}

async fn whoami(token: AccessToken) -> HttpResponse {
    HttpResponse::Ok().body(format!("{} until {}\n", token.client(), token.expires_at()))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://localhost:8080/".to_owned());
    let audience = arguments.next().unwrap_or_else(|| "https://api.example.com/".to_owned());
    let keys = RemoteJwks::of_issuer(&issuer).build()?;
    let resource_server = web::Data::new(ResourceServer::new(Verifier::new(issuer, audience), keys).realm("partners"));
    let users = web::Data::new(Users::default());
    HttpServer::new(move || {
        App::new()
            .wrap(OneBearerMethod)
            .app_data(resource_server.clone())
            .app_data(users.clone())
            .route("/users", web::get().to(list_users))
            .route("/users", web::post().to(create_user))
            .route("/whoami", web::get().to(whoami))
    })
    .bind(("127.0.0.1", 8085))?
    .run()
    .await?;
    Ok(())
}
