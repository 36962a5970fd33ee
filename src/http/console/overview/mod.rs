//! The start page of operators: is all well, and if not, what is to be done?
//!
//! | file | question |
//! |---|---|
//! | `page` | what is on the page, and what of it is fetched again and again? |
//! | `verdict` | is all well, in one word and with every reason? |
//! | `now` | what does this server know, whether the database answers or not? |
//! | `lasting` | what does the database know that does not change within seconds? |
//! | `first_steps` | what is to be done on a server on which nothing is yet? |

mod first_steps;
mod lasting;
mod now;
mod page;
mod verdict;

use actix_web::web::{self, ServiceConfig};

use super::reads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/overview").route(reads().to(page::show)))
        .service(web::resource("/overview/now").route(reads().to(page::show_now)));
}
