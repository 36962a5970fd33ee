//! What would this request be answered with, and if it would be refused, why and what helps?
//!
//! | file | question |
//! |---|---|
//! | `page` | what is asked, and what is shown? |
//! | `remedy` | where in the console is it put right? |

mod page;
mod remedy;

use actix_web::web::{self, ServiceConfig};

use super::reads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/explain").route(reads().to(page::show)));
}
