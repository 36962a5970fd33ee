//! What is asked before something is taken away from a client? A page that names it and says what follows.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::ClientHead;
use crate::http::console::answer::page_with;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::Form;
use crate::http::console::frame::Frame;
use crate::http::console::frame::Section;
use crate::http::console::visit::Visit;

/// The question.
pub(super) struct Question {
    /// It, naming the thing.
    pub(super) title: String,
    /// What follows, a sentence each.
    pub(super) consequences: Vec<String>,
    /// What the button says.
    pub(super) verb: &'static str,
    /// How the button looks.
    pub(super) kind: &'static str,
    /// Where the answer goes: relative to the page of the client.
    pub(super) action: String,
}

#[derive(Template)]
#[template(path = "clients_confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    question: Question,
}

impl Question {
    /// The page that asks it about `client`, with what was wrong with the last answer.
    pub(super) fn page(
        self,
        visit: &Visit,
        client: ClientHead,
        status: StatusCode,
        form: &Form,
    ) -> Result<HttpResponse, ConsoleError> {
        let frame = visit.frame(self.title.clone(), Section::Clients);
        page_with(status, &ConfirmPage { frame, form, client, question: self })
    }
}
