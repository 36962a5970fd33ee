//! Which events are asked for? Everything that is filled in must match.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use url::form_urlencoded;

use super::super::form::Form;
use crate::clock::UnixMillis;
use crate::store::AuditFilter;

/// What can be filled in.
const FIELDS: [&str; 6] = ["object_kind", "object_id", "actor", "action", "since", "until"];
/// The position of the last event of the page before.
pub(super) const BEFORE: &str = "before";

/// The form of the filter with what stands in the query.
pub(super) fn form(query: &Form) -> Form {
    FIELDS.iter().fold(Form::empty(), |form, name| form.with(*name, query.value(name).trim()))
}

/// Is anything filled in?
pub(super) fn is_filled(form: &Form) -> bool {
    FIELDS.iter().any(|name| form.has(name))
}

/// What the form asks for, and only what stands before the event at `before`; says beside each field what is wrong with it.
pub(super) fn parse(form: &mut Form, before: &str) -> AuditFilter {
    let text = |name| Some(form.value(name).to_owned()).filter(|text| !text.is_empty());
    let (object_id, actor) = (text("object_id"), text("actor"));
    AuditFilter {
        object_kind: choice(form, "object_kind"),
        object_id,
        actor,
        action: choice(form, "action"),
        since: instant(form, "since"),
        until: instant(form, "until"),
        before: before.parse().ok(),
    }
}

/// The address of the same list at `path`, from the event before `before` on.
pub(super) fn address(path: &str, form: &Form, before: Option<i64>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS.iter().filter(|name| form.has(name)) {
        query.append_pair(name, form.value(name));
    }
    if let Some(before) = before {
        query.append_pair(BEFORE, &before.to_string());
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn choice<T: FromStr<Err: Display>>(form: &mut Form, name: &str) -> Option<T> {
    if !form.has(name) {
        return None;
    }
    match form.value(name).parse() {
        Ok(chosen) => Some(chosen),
        Err(error) => {
            form.fail(name, format!("There is no such choice: {error}."));
            None
        }
    }
}

fn instant(form: &mut Form, name: &str) -> Option<UnixMillis> {
    if !form.has(name) {
        return None;
    }
    let at = moment(form.value(name));
    if at.is_none() {
        form.fail(name, "Write a day or a moment in UTC, such as 2026-11-30 or 2026-11-30T21:48.");
    }
    at
}

/// A moment with its zone, or one in UTC without it, or the beginning of a day.
fn moment(text: &str) -> Option<UnixMillis> {
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let at = text.parse::<Timestamp>().ok().or_else(civil)?;
    Some(UnixMillis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{AuditAction, ObjectKind};

    fn asked(fields: &[(&str, &str)]) -> Form {
        form(&fields.iter().fold(Form::empty(), |form, (name, value)| form.with(*name, *value)))
    }

    #[test]
    fn what_is_filled_in_is_asked_for() {
        let mut form =
            asked(&[("object_kind", "api"), ("action", "sign_in"), ("actor", " anna "), ("since", "1970-01-02")]);
        let filter = parse(&mut form, "17");
        assert!(form.is_ok() && is_filled(&form), "{form:?}");
        assert_eq!((filter.object_kind, filter.action), (Some(ObjectKind::Api), Some(AuditAction::SignIn)));
        assert_eq!((filter.actor.as_deref(), filter.object_id), (Some("anna"), None));
        assert_eq!((filter.since, filter.until, filter.before), (Some(UnixMillis(86_400_000)), None, Some(17)));
        assert_eq!(parse(&mut asked(&[]), ""), AuditFilter::default());
        assert!(!is_filled(&asked(&[("action", " ")])));
    }

    #[test]
    fn a_moment_is_taken_with_its_zone_or_in_utc() {
        let minute = Some(UnixMillis(60_000));
        for text in ["1970-01-01T00:01", "1970-01-01 00:01", "1970-01-01T00:01:00Z", "1970-01-01T01:01:00+01:00"] {
            assert_eq!(moment(text), minute, "{text}");
        }
        for wrong in ["yesterday", "2026-13-01", "1970"] {
            let mut form = asked(&[("since", wrong), ("object_kind", "freezer")]);
            parse(&mut form, "");
            assert!(form.error("since").is_some() && form.error("object_kind").is_some(), "{wrong}");
            assert_eq!(form.value("since"), wrong);
        }
    }

    #[test]
    fn the_next_page_keeps_what_was_asked_for() {
        let form = asked(&[("object_id", "a&b"), ("action", "update")]);
        assert_eq!(address("/audit", &form, Some(7)), "/audit?object_id=a%26b&action=update&before=7");
        assert_eq!(address("/audit", &asked(&[]), None), "/audit");
    }
}
