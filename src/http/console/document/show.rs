//! What can be done with the document, by whoever is signed in?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::super::answer::page_with;
use super::super::counted::counted;
use super::super::error::ConsoleError;
use super::super::form::{Choice, Form};
use super::super::frame::{Frame, Section};
use super::super::posted::PostedDocument;
use super::super::visit::Visit;
use super::export::ExportForm;
use super::source::{OWN, formats};
use crate::issuer::document::rights::{APPLY_SCOPES, EXPORT_SCOPES, PRUNE_SCOPES};

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    frame: Frame,
    form: Form,
    /// How many APIs and clients an export has.
    apis: String,
    clients: String,
    /// The forms of an export.
    forms: Vec<Choice>,
    formats: Vec<Choice>,
    export_lacks: Vec<&'static str>,
    apply_lacks: Vec<&'static str>,
    prune_lacks: Vec<&'static str>,
}

/// Shows both.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:clients")?;
    form_page(&visit, Form::empty().with("format", OWN).with("as", ExportForm::Yaml.as_str()), StatusCode::OK)
}

/// Shows it with a document that is to be changed once more.
pub(super) async fn edit(visit: Visit, PostedDocument(form): PostedDocument) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:clients")?;
    form_page(&visit, form, StatusCode::OK)
}

/// The page with what was typed into it.
///
/// # Errors
/// A fault of ours.
pub(super) fn form_page(visit: &Visit, form: Form, status: StatusCode) -> Result<HttpResponse, ConsoleError> {
    let snapshot = visit.endpoints.issuer.served().snapshot();
    let rights = visit.caller().rights;
    let page = DocumentPage {
        frame: visit.frame("Configuration", Section::Document),
        form,
        apis: counted(snapshot.api_count().saturating_sub(1), "API"),
        clients: counted(snapshot.client_count(), "client"),
        forms: ExportForm::ALL.iter().map(|form| Choice::new(form.as_str(), form.title())).collect(),
        formats: formats(),
        export_lacks: rights.lacking_of(EXPORT_SCOPES),
        apply_lacks: rights.lacking_of(APPLY_SCOPES),
        prune_lacks: rights.lacking_of(PRUNE_SCOPES),
    };
    page_with(status, &page)
}
