//! The console, `/console/…`: the use cases for people who would rather look than type. Written whole by the server; without
//! JavaScript everything works but comfort.
//!
//! | file | question |
//! |---|---|
//! | `guard` | who may send a form, how does an error become a page, and what are browsers told? |
//! | `visit` | who is signed in, and how does a page read and change what is stored? |
//! | `sign_in`, `cookie`, `prove_again`, `links` | how does somebody get in, stay, prove itself once more, and leave? |
//! | `posted`, `once`, `form` | what was sent, was it sent before, and what is wrong with it? |
//! | `answer`, `done`, `error`, `error_page`, `kept` | how does a page go out, and what becomes of a form that could not be taken? |
//! | `frame`, `plot`, `time`, `counted`, `assets`, `templates/` | how does it look? |
//! | all others | one part of the console each |

mod answer;
mod apis;
mod assets;
mod audit;
mod causes;
mod clients;
mod cookie;
mod counted;
mod document;
mod done;
mod error;
mod error_page;
mod explain;
mod form;
mod frame;
mod guard;
mod home;
mod kept;
mod keys;
mod links;
mod once;
mod overview;
mod own;
mod plot;
mod posted;
mod prove_again;
mod sign_in;
mod time;
mod visit;

use actix_web::Route;
use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use self::error::ConsoleError;
use crate::oauth::metadata::Issuer;

/// The route of a page: HEAD asks for it too, without wanting its content, which the server leaves out (RFC 9110 §9.3.2).
fn reads() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// Where the console of `issuer` is, without a closing slash.
fn base_of(issuer: &Issuer) -> String {
    format!("{}/console", issuer.path())
}

/// Registers the console of `issuer`.
pub fn configure(config: &mut ServiceConfig, issuer: &Issuer) {
    let post = |path: &str| web::resource(path.to_owned());
    let scope = web::scope(&base_of(issuer))
        .configure(|config| assets::configure(config, ""))
        .configure(apis::configure)
        .configure(audit::configure)
        .configure(document::configure)
        .configure(explain::configure)
        .configure(keys::configure)
        .configure(overview::configure)
        .configure(own::configure)
        .configure(clients::configure)
        .service(web::resource("").route(reads().to(home::show)))
        .service(web::resource("/").route(reads().to(home::show)))
        .service(web::resource("/sign-in").route(reads().to(sign_in::show)).route(web::post().to(sign_in::sign_in)))
        .service(post("/sign-out").route(web::post().to(sign_in::sign_out)))
        .service(post("/sign-out-everywhere").route(web::post().to(sign_in::sign_out_everywhere)))
        .service(web::resource("/enter").route(reads().to(links::look)).route(web::post().to(links::enter)))
        .service(web::resource("/claim").route(reads().to(links::look)).route(web::post().to(links::claim)))
        .default_service(web::to(no_such_page))
        .wrap(from_fn(guard::guard));
    config.service(scope);
}

/// Whoever is not signed in is not told which pages there are.
async fn no_such_page(visit: visit::Visit) -> Result<actix_web::HttpResponse, ConsoleError> {
    let _ = visit;
    Err(ConsoleError::NotFound("No page of the console has this address.".to_owned()))
}
