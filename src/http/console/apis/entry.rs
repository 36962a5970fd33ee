//! Which fields does the form of an API have? Those of its entry in the configuration document.

use std::fmt::Display;
use std::str::FromStr;

use super::super::form::Form;
use super::{choices, length, scopes};
use crate::issuer::AdministrationError;
use crate::issuer::administration::AdministrationPolicy;
use crate::issuer::apis::{validate_token_reuse, validated_text};
use crate::issuer::document::ApiEntry;
use crate::keys::SigningAlg;
use crate::oauth::resource::{Api, Audience};
use crate::store::Revision;

/// The revision that whoever filled in the form has seen.
pub(super) const REVISION: &str = "revision";

/// The fields that are seldom touched.
pub(super) const RULES: [&str; 6] =
    ["token_reuse_seconds", "signing_alg", "token_dialect", "default_scope", "scope_policy", "scope_format"];

/// The form of a new API.
pub(super) fn blank() -> Form {
    scopes::with_blank_rows(filled(Form::empty(), &ApiEntry::new("")))
}

/// The form of `api` as it is.
pub(super) fn of(api: &Api, revision: Revision) -> Form {
    let form = Form::empty().with(REVISION, revision.0.to_string());
    scopes::with_blank_rows(filled(form, &ApiEntry::from(api)))
}

fn filled(form: Form, entry: &ApiEntry) -> Form {
    let name = entry.name.clone().filter(|name| *name != entry.identifier).unwrap_or_default();
    let form = form
        .with("identifier", entry.identifier.as_str())
        .with("name", name)
        .with("signing_alg", entry.signing_alg.as_str())
        .with("token_dialect", entry.token_dialect.map_or(choices::BY_DEFAULT, |dialect| dialect.as_str()))
        .with("default_scope", entry.default_scope.as_str())
        .with("scope_policy", entry.scope_policy.as_str())
        .with("scope_format", entry.scope_format.map_or(choices::BY_DEFAULT, |format| format.as_str()))
        .with("token_reuse_seconds", entry.token_reuse_seconds.to_string());
    let form = match entry.token_lifetime {
        Some(seconds) => length::fill(form, "token_lifetime", seconds),
        None => form.with("token_lifetime", "").with("token_lifetime_unit", length::LengthUnit::Minutes.as_str()),
    };
    scopes::fill(form, &entry.scopes)
}

/// The entry that the form describes, where `current` is what there is; says beside each field what is wrong with it.
pub(super) fn parse(form: &mut Form, policy: &AdministrationPolicy, current: Option<&Api>) -> ApiEntry {
    let mut entry = match current {
        Some(api) => ApiEntry::from(api),
        None => ApiEntry::new(form.value("identifier").trim()),
    };
    if let Err(error) = entry.identifier.parse::<Audience>() {
        form.fail("identifier", format!("Not an identifier: {error}."));
    }
    entry.name = Some(form.value("name").trim().to_owned()).filter(|name| !name.is_empty());
    if let Err(error) = validated_text("name", entry.name.as_deref().unwrap_or_default()) {
        form.fail("name", error.to_string());
    }
    parse_times(form, policy, &mut entry);
    take(form, "signing_alg", &mut entry.signing_alg);
    take_optional(form, "token_dialect", &mut entry.token_dialect);
    take(form, "default_scope", &mut entry.default_scope);
    take(form, "scope_policy", &mut entry.scope_policy);
    take_optional(form, "scope_format", &mut entry.scope_format);
    if current.is_none_or(|api| scopes::why_not_in_form(api).is_empty()) {
        entry.scopes = scopes::parse(form);
    }
    entry
}

/// The algorithm that the form chooses, if it chooses one.
pub(super) fn chosen_alg(form: &Form) -> Option<SigningAlg> {
    form.value("signing_alg").parse().ok()
}

fn parse_times(form: &mut Form, policy: &AdministrationPolicy, entry: &mut ApiEntry) {
    match length::parse(form, "token_lifetime") {
        Ok(seconds) => entry.token_lifetime = seconds,
        Err(text) => return form.fail("token_lifetime", text),
    }
    let lifetime = match policy.validated_lifetime(entry.token_lifetime) {
        Ok(lifetime) => lifetime,
        Err(error) => return form.fail("token_lifetime", error.to_string()),
    };
    let reuse = Some(form.value("token_reuse_seconds").trim()).filter(|text| !text.is_empty()).unwrap_or("0");
    let Ok(seconds) = reuse.parse() else {
        return form.fail("token_reuse_seconds", "Use a whole number of seconds; 0 issues a new token each time.");
    };
    entry.token_reuse_seconds = seconds;
    if let Err(error) = validate_token_reuse(seconds, lifetime) {
        form.fail("token_reuse_seconds", error.to_string());
    }
}

fn take<T: FromStr<Err: Display>>(form: &mut Form, name: &str, value: &mut T) {
    match form.value(name).parse() {
        Ok(chosen) => *value = chosen,
        Err(error) => form.fail(name, format!("Choose one of these: {error}.")),
    }
}

fn take_optional<T: FromStr<Err: Display>>(form: &mut Form, name: &str, value: &mut Option<T>) {
    if form.value(name) == choices::BY_DEFAULT {
        *value = None;
        return;
    }
    match form.value(name).parse() {
        Ok(chosen) => *value = Some(chosen),
        Err(error) => form.fail(name, format!("Choose one of these: {error}.")),
    }
}

/// The revision that whoever filled in the form has seen.
///
/// # Errors
/// If the form names none.
pub(super) fn seen(form: &Form) -> Result<Revision, AdministrationError> {
    form.value(REVISION).parse().map(Revision).map_err(|_| AdministrationError::Outdated)
}
