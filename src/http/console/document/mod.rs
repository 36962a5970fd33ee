//! The configuration document: taken out, and put in with its plan seen before.
//!
//! | file | question |
//! |---|---|
//! | `show` | what can be done here, by whoever is signed in? |
//! | `export` | how is the document taken out? |
//! | `source` | what was pasted, and which document does it make? |
//! | `plan` | what would it do, and is it to be done? |
//! | `steps` | how is a plan shown? |

#[expect(unreachable_pub, reason = "the macro makes enums that others may use")]
mod export;
mod plan;
mod show;
mod source;
mod steps;

use actix_web::web::{self, ServiceConfig};

use super::reads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/document").route(reads().to(show::show)).route(web::post().to(show::edit)))
        .service(web::resource("/document/export").route(web::post().to(export::export)))
        .service(web::resource("/document/download").route(web::post().to(export::download)))
        .service(web::resource("/document/plan").route(web::post().to(plan::plan)))
        .service(web::resource("/document/apply").route(web::post().to(plan::apply)));
}
