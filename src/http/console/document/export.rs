//! How is the document taken out? As a file, by somebody who has just proved who it is: hashes are in it.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Section};
use super::super::plot::grouped;
use super::super::posted::Posted;
use super::super::prove_again::prove_again;
use super::super::time::Instant;
use super::super::visit::Visit;
use crate::issuer::AdministrationError;
use crate::issuer::document::Document;
use crate::issuer::document::rights::EXPORT_SCOPES;
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// How a document is written.
    ExportForm {
        /// For people.
        Yaml = "yaml",
        /// For programs.
        Json = "json",
    }
}

impl ExportForm {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Yaml => "application/yaml",
            Self::Json => "application/json",
        }
    }

    fn write(self, document: &Document) -> Result<String, ConsoleError> {
        match self {
            Self::Yaml => serde_saphyr::to_string(document).map_err(|error| ConsoleError::fault(&error)),
            Self::Json => serde_json::to_string_pretty(document).map_err(|error| ConsoleError::fault(&error)),
        }
    }
}

#[derive(Template)]
#[template(path = "document_export.html")]
struct ExportPage {
    frame: Frame,
    form: &'static str,
    title: &'static str,
    name: String,
    size: String,
    apis: String,
    clients: String,
    secrets: String,
}

/// A document that was written.
struct Written {
    text: String,
    form: ExportForm,
    apis: usize,
    clients: usize,
    secrets: usize,
}

/// Shows how large the document is, and the way to it.
pub(super) async fn export(
    request: HttpRequest,
    visit: Visit,
    Posted(form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    answer(&request, &visit, &form, |written| {
        let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
        page(&ExportPage {
            frame: visit.frame("Export", Section::Document),
            form: written.form.as_str(),
            title: written.form.title(),
            name: file_name(&visit, written.form),
            size: size(written.text.len()),
            apis: number(written.apis),
            clients: number(written.clients),
            secrets: number(written.secrets),
        })
    })
    .await
}

/// Sends it as a file.
pub(super) async fn download(
    request: HttpRequest,
    visit: Visit,
    Posted(form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    answer(&request, &visit, &form, |written| {
        let disposition = format!("attachment; filename=\"{}\"", file_name(&visit, written.form));
        Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, written.form.media_type()))
            .insert_header((CONTENT_DISPOSITION, disposition))
            .body(written.text))
    })
    .await
}

/// Answers with the document as `show` shows it, or with the question who it is that asks.
async fn answer(
    request: &HttpRequest,
    visit: &Visit,
    form: &Form,
    show: impl FnOnce(Written) -> Result<HttpResponse, ConsoleError>,
) -> Result<HttpResponse, ConsoleError> {
    let lacking = visit.caller().rights.lacking_of(EXPORT_SCOPES);
    if !lacking.is_empty() {
        let lacking = lacking.into_iter().map(str::to_owned).collect();
        return Err(AdministrationError::InsufficientScope(lacking).into());
    }
    if let Some(question) = prove_again(request, visit, form).await? {
        return Ok(question);
    }
    // Of a form that was tampered with, the first.
    let form = form.value("as").parse().unwrap_or(ExportForm::Yaml);
    let (administration, caller) = (visit.endpoints.administration.clone(), visit.caller());
    let written = visit.endpoints.reading(move || {
        let document = administration.export(&caller)?;
        let secrets = document.clients.iter().map(|client| client.secrets.len()).sum();
        let (apis, clients) = (document.apis.len(), document.clients.len());
        Ok::<_, ConsoleError>(Written { text: form.write(&document)?, form, apis, clients, secrets })
    });
    show(written.await?)
}

fn file_name(visit: &Visit, form: ExportForm) -> String {
    format!("tokenhouse-{}.{form}", Instant::at(visit.now()).day())
}

/// A number of bytes for people.
fn size(bytes: usize) -> String {
    const KIBIBYTE: usize = 1024;
    const MEBIBYTE: usize = 1024 * KIBIBYTE;
    if bytes < KIBIBYTE {
        format!("{bytes} bytes")
    } else if bytes < MEBIBYTE {
        format!("{} KiB", bytes.div_ceil(KIBIBYTE))
    } else {
        format!("{}.{} MiB", bytes / MEBIBYTE, bytes % MEBIBYTE * 10 / MEBIBYTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1025, 1_048_576, 3_670_016].map(size);
        assert_eq!(told, ["0 bytes", "1023 bytes", "1 KiB", "2 KiB", "1.0 MiB", "3.5 MiB"]);
    }
}
