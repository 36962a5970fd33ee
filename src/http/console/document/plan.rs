//! What would the document do, and is it to be done? What is done is the plan that was seen, or nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::super::answer::{page, page_with};
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Section};
use super::super::posted::PostedDocument;
use super::super::prove_again::prove_again;
use super::super::visit::Visit;
use super::show::form_page;
use super::source::{Mistake, Source};
use super::steps::{ShownPlan, ShownReport};
use crate::issuer::AdministrationError;
use crate::issuer::document::apply::{Plan, PlanDigest};
use crate::issuer::document::rights::{APPLY_SCOPES, PRUNE_SCOPES};
use crate::issuer::import::Report;
use crate::one_line::on_one_line;

/// What is posted again with the document to have the plan carried out.
const AGREED: &str = "agreed";

#[derive(Template)]
#[template(path = "document_plan.html")]
struct PlanPage {
    frame: Frame,
    plan: ShownPlan,
    report: Option<ShownReport>,
    digest: String,
    /// What was pasted, to be posted again.
    kept: Vec<(String, String)>,
    /// Would it have been another plan a moment ago?
    has_changed: bool,
}

#[derive(Template)]
#[template(path = "document_applied.html")]
struct AppliedPage {
    frame: Frame,
    plan: ShownPlan,
    report: Option<ShownReport>,
}

/// Is the plan only looked at?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Dry,
    Agreed(PlanDigest),
}

/// Shows what would be done.
pub(super) async fn plan(visit: Visit, PostedDocument(form): PostedDocument) -> Result<HttpResponse, ConsoleError> {
    let source = match source(&visit, &form) {
        Ok(source) => source?,
        Err(mistake) => return refused(&visit, form, mistake, StatusCode::BAD_REQUEST),
    };
    show_plan(&visit, form, source, StatusCode::OK).await
}

/// Does what was seen.
pub(super) async fn apply(
    request: HttpRequest,
    visit: Visit,
    PostedDocument(form): PostedDocument,
) -> Result<HttpResponse, ConsoleError> {
    let source = match source(&visit, &form) {
        Ok(source) => source?,
        Err(mistake) => return refused(&visit, form, mistake, StatusCode::BAD_REQUEST),
    };
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    // Who has agreed to nothing sees the plan first.
    let Ok(agreed) = form.value(AGREED).parse() else { return show_plan(&visit, form, source, StatusCode::OK).await };
    match run(&visit, source, Run::Agreed(agreed)).await? {
        Ok((plan, report)) => page(&AppliedPage {
            frame: visit.frame("Configuration applied", Section::Document),
            plan: ShownPlan::from(&plan),
            report: report.as_ref().map(ShownReport::from),
        }),
        Err(Failure::Outdated) => match self::source(&visit, &form) {
            Ok(source) => show_plan(&visit, form, source?, StatusCode::CONFLICT).await,
            Err(mistake) => refused(&visit, form, mistake, StatusCode::BAD_REQUEST),
        },
        Err(Failure::Mistaken(mistake, status)) => refused(&visit, form, mistake, status),
    }
}

/// What was pasted, if whoever pasted it may apply it. An error of the outer kind is shown beside its field.
fn source(visit: &Visit, form: &Form) -> Result<Result<Source, ConsoleError>, Mistake> {
    let rights = visit.caller().rights;
    let source = Source::of(form)?;
    let lacking =
        rights.lacking_of(APPLY_SCOPES.into_iter().chain(PRUNE_SCOPES.into_iter().filter(|_| source.prunes())));
    if lacking.is_empty() {
        return Ok(Ok(source));
    }
    let lacking = lacking.into_iter().map(str::to_owned).collect();
    Ok(Err(AdministrationError::InsufficientScope(lacking).into()))
}

async fn show_plan(
    visit: &Visit,
    form: Form,
    source: Source,
    status: StatusCode,
) -> Result<HttpResponse, ConsoleError> {
    let (plan, report) = match run(visit, source, Run::Dry).await? {
        Ok(planned) => planned,
        Err(Failure::Mistaken(mistake, status)) => return refused(visit, form, mistake, status),
        Err(Failure::Outdated) => return Err(AdministrationError::Outdated.into()),
    };
    let page = PlanPage {
        frame: visit.frame("What would be done", Section::Document),
        plan: ShownPlan::from(&plan),
        report: report.as_ref().map(ShownReport::from),
        digest: plan.digest().to_string(),
        kept: form.fields_without(&[AGREED]),
        has_changed: status == StatusCode::CONFLICT,
    };
    page_with(status, &page)
}

/// Why there is no plan, or it is not carried out.
enum Failure {
    /// It would be another plan by now.
    Outdated,
    /// What is wrong with what was pasted.
    Mistaken(Mistake, StatusCode),
}

type Ran = Result<(Plan, Option<Report>), Failure>;

async fn run(visit: &Visit, source: Source, run: Run) -> Result<Ran, ConsoleError> {
    let agreed = match run {
        Run::Dry => None,
        Run::Agreed(digest) => Some(digest),
    };
    // A long text takes its time.
    let prepared = visit.endpoints.reading(move || Ok::<_, ConsoleError>(source.prepare(agreed))).await?;
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(mistake) => return Ok(Err(Failure::Mistaken(mistake, StatusCode::BAD_REQUEST))),
    };
    prepared.options.dry_run = run == Run::Dry;
    let (document, options, report) = (prepared.document, prepared.options, prepared.report);
    // What is wrong with the document is told with the form; only what has nothing to do with it is an error.
    let outcome = visit.administer(move |administration, caller| Ok(administration.apply(caller, &document, options)));
    match outcome.await? {
        Ok(plan) => Ok(Ok((plan, report))),
        Err(AdministrationError::Outdated) => Ok(Err(Failure::Outdated)),
        Err(error @ (AdministrationError::Store(_) | AdministrationError::Key(_))) => Err(error.into()),
        Err(error) => {
            let status = match error {
                AdministrationError::InsufficientScope(_) => StatusCode::FORBIDDEN,
                AdministrationError::Conflict(_) => StatusCode::CONFLICT,
                _ => StatusCode::BAD_REQUEST,
            };
            let text = on_one_line(&error.to_string());
            Ok(Err(Failure::Mistaken(Mistake::new("document", text), status)))
        }
    }
}

/// The form with what was pasted, and what is wrong with it.
fn refused(visit: &Visit, mut form: Form, mistake: Mistake, status: StatusCode) -> Result<HttpResponse, ConsoleError> {
    form.fail(mistake.field, mistake.text);
    form_page(visit, form, status)
}
