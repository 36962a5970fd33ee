//! The audit log: who changed what, when and how? Newest first, filtered, a page at a time.
//!
//! | file | question |
//! |---|---|
//! | `list` | which events match, and are they as they were written? |
//! | `filter` | which events are asked for? |
//! | `event`, `words` | how is an event told? |
//! | `difference` | which members differ between before and after? |

mod difference;
mod event;
mod filter;
mod list;
mod words;

use actix_web::web::{self, ServiceConfig};

use super::reads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/audit").route(reads().to(list::show)));
}
