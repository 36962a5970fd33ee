//! How is an API made and changed? By one form; where grants would lose a scope, only after asking.

use std::collections::{HashMap, HashSet};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::answer::{lead_on, page, page_with};
use super::super::done::Done;
use super::super::error::ConsoleError;
use super::super::form::{Choice, Form};
use super::super::frame::{Frame, Section};
use super::super::posted::Posted;
use super::super::visit::Visit;
use super::scopes::ScopeRow;
use super::{choices, entry, found, length, path_of, scopes};
use crate::issuer::AdministrationError;
use crate::issuer::document::ApiEntry;
use crate::keys::SigningAlg;
use crate::oauth::resource::Api;
use crate::store::Revision;

/// The button that asks for more rows, and the one that leads back to the form.
const MORE: &str = "more";
const BACK: &str = "back";
/// The scopes whose loss was confirmed.
const CONFIRMED: &str = "confirmed";

#[derive(Template)]
#[template(path = "apis_form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    /// Where the form goes to, and where one goes who gives up.
    action: String,
    cancel: String,
    /// The API that is changed; none: it is a new one.
    changed: Option<Changed>,
    /// Why its scopes are not in the form; empty: they are.
    without_scopes: String,
    /// Is something wrong in the part of the form that is folded away?
    opens_rules: bool,
    rows: Vec<ScopeRow>,
    lifetime_hint: String,
    units: Vec<Choice>,
    signing_algs: Vec<Choice>,
    token_dialects: Vec<Choice>,
    default_scopes: Vec<Choice>,
    scope_policies: Vec<Choice>,
    scope_formats: Vec<Choice>,
}

struct Changed {
    name: String,
    identifier: String,
    revision: String,
}

#[derive(Template)]
#[template(path = "apis_lose_scopes.html")]
struct LoseScopesPage {
    frame: Frame,
    name: String,
    action: String,
    losses: Vec<String>,
    /// What the form held, and the scopes whose loss is confirmed with it.
    kept: Vec<(String, String)>,
    confirmed: Vec<String>,
}

/// Shows the form of a new API.
pub(super) async fn blank(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:resource_servers")?;
    page(&form_page(&visit, entry::blank(), None))
}

/// Makes an API.
pub(super) async fn create(visit: Visit, Posted(mut form): Posted) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:resource_servers")?;
    if form.has(MORE) {
        return page(&form_page(&visit, scopes::with_blank_rows(form), None));
    }
    let entry = entry::parse(&mut form, visit.endpoints.administration.policy(), None);
    if !form.is_ok() {
        return page_with(StatusCode::BAD_REQUEST, &form_page(&visit, form, None));
    }
    let created = visit.administer(move |administration, caller| {
        administration.change_with_alg(caller, entry.signing_alg, |change| change.create_api(&entry))
    });
    match created.await {
        Ok(api) => Ok(lead_on(&visit.path(&path_of(&api)), Done::ApiCreated)),
        Err(error) => {
            let status = form.take(error, Some("identifier"))?;
            page_with(status, &form_page(&visit, form, None))
        }
    }
}

/// Shows the form of an API that is there.
pub(super) async fn show(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:resource_servers")?;
    visit.require("update:resource_servers")?;
    let (api, revision) = found(&visit, id.into_inner()).await?;
    page(&form_page(&visit, entry::of(&api, revision), Some(&api)))
}

/// Changes an API.
pub(super) async fn change(
    visit: Visit,
    id: web::Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:resource_servers")?;
    visit.require("update:resource_servers")?;
    let (api, revision) = found(&visit, id.into_inner()).await?;
    if form.has(MORE) || form.has(BACK) {
        let form = if form.has(MORE) { scopes::with_blank_rows(form) } else { form };
        return page(&form_page(&visit, form, Some(&api)));
    }
    let wanted = entry::parse(&mut form, visit.endpoints.administration.policy(), Some(&api));
    if !form.is_ok() {
        return page_with(StatusCode::BAD_REQUEST, &form_page(&visit, form, Some(&api)));
    }
    if let Some(question) = ask_about_losses(&visit, &form, &api, &wanted).await? {
        return Ok(question);
    }
    let alg = entry::chosen_alg(&form).unwrap_or(api.signing_alg);
    match update(&visit, &form, wanted, alg).await {
        Ok(api) => Ok(lead_on(&visit.path(&path_of(&api)), Done::ApiChanged)),
        Err(ConsoleError::Refused(AdministrationError::Outdated)) => {
            page_with(StatusCode::CONFLICT, &form_page(&visit, outdated(&form, revision), Some(&api)))
        }
        Err(error) => {
            let status = form.take(error, Some("name"))?;
            page_with(status, &form_page(&visit, form, Some(&api)))
        }
    }
}

async fn update(visit: &Visit, form: &Form, wanted: ApiEntry, alg: SigningAlg) -> Result<Api, ConsoleError> {
    let seen = entry::seen(form)?;
    let updated = visit.administer(move |administration, caller| {
        administration.change_with_alg(caller, alg, |change| {
            let identifier = wanted.identifier.clone();
            change.expect_api_revision(&identifier, seen)?;
            change.update_api(&identifier, |entry| {
                *entry = wanted;
                Ok(())
            })
        })
    });
    updated.await
}

/// The form as it was filled in, for somebody who has now been told what is there.
fn outdated(form: &Form, now: Revision) -> Form {
    let mut again = Form::of(form.fields_without(&[entry::REVISION])).with(entry::REVISION, now.0.to_string());
    again.fail_generally(
        "Somebody else has changed this API since you opened it, so nothing was saved. Look at what is there now; if you save again, \
         what stands here takes its place.",
    );
    again
}

/// The question that must be answered first if grants hold scopes that would go; none if there are none, or it is answered.
async fn ask_about_losses(
    visit: &Visit,
    form: &Form,
    api: &Api,
    wanted: &ApiEntry,
) -> Result<Option<HttpResponse>, ConsoleError> {
    let stay: HashSet<&str> = wanted.scopes.iter().map(|scope| scope.value.as_str()).collect();
    let confirmed: HashSet<&str> = form.values(CONFIRMED).collect();
    let gone: Vec<String> =
        api.scopes.iter().map(|scope| scope.value.to_string()).filter(|value| !stay.contains(value.as_str())).collect();
    if gone.iter().all(|value| confirmed.contains(value.as_str())) {
        return Ok(None);
    }
    let losses: Vec<String> = if visit.holds("read:client_grants") {
        let id = api.id;
        let holders: HashMap<String, u64> = visit.read(move |reader| Ok(reader.count_scope_holders(id)?)).await?;
        gone.iter().filter_map(|value| holders.get(value).map(|count| loss(value, *count))).collect()
    } else {
        // Whether somebody holds them is not for whoever is signed in, so the question comes in any case.
        gone.iter()
            .map(|value| format!("{value}: whoever holds it loses it, and gets no token with it any more."))
            .collect()
    };
    if losses.is_empty() {
        return Ok(None);
    }
    let question = LoseScopesPage {
        frame: visit.frame(format!("Remove scopes of {}", api.name), Section::Apis),
        name: api.name.clone(),
        action: visit.path(&format!("{}/edit", path_of(api))),
        losses,
        kept: form.fields_without(&[CONFIRMED]),
        confirmed: gone,
    };
    page(&question).map(Some)
}

fn loss(value: &str, count: u64) -> String {
    match count {
        1 => format!("{value}: 1 client loses it, and gets no token with it any more."),
        count => format!("{value}: {count} clients lose it, and get no token with it any more."),
    }
}

fn form_page(visit: &Visit, form: Form, api: Option<&Api>) -> FormPage {
    let policy = visit.endpoints.administration.policy();
    let path = api.map_or_else(|| "apis".to_owned(), path_of);
    let (title, action) = match api {
        Some(api) => (format!("Edit {}", api.name), format!("{path}/edit")),
        None => ("New API".to_owned(), format!("{path}/new")),
    };
    let changed = api.map(|api| Changed {
        name: api.name.clone(),
        identifier: api.identifier.to_string(),
        revision: form.value(entry::REVISION).to_owned(),
    });
    FormPage {
        frame: visit.frame(title, Section::Apis),
        action: visit.path(&action),
        cancel: visit.path(&path),
        changed,
        without_scopes: api.map(scopes::why_not_in_form).unwrap_or_default(),
        opens_rules: entry::RULES.iter().any(|name| form.error(name).is_some()),
        rows: scopes::rows(&form),
        lifetime_hint: format!(
            "How long a token works: nobody can take it back before. Empty means {}; at most {}.",
            length::written(policy.default_token_lifetime),
            length::written(policy.max_token_lifetime)
        ),
        units: length::units(),
        signing_algs: choices::signing_algs(),
        token_dialects: choices::token_dialects(visit.endpoints.issuer.compat()),
        default_scopes: choices::default_scopes(),
        scope_policies: choices::scope_policies(),
        scope_formats: choices::scope_formats(),
        form,
    }
}
