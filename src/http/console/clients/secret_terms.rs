//! What can be said of a secret or a key in a form: what it is called, and when it stops working?

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::choices::Ending;
use super::fields::{check, number, text};
use crate::clock::UnixMillis;
use crate::http::console::form::{Choice, Form};
use crate::issuer::apis::validated_text;
use crate::issuer::document::entries::to_timestamp;
use crate::issuer::secrets::SecretTerms;

const DAY_SECONDS: i64 = 86_400;
/// A hundred years.
const MOST_DAYS: u32 = 36_525;

/// The ends that can be chosen for something that stops working at `expires_at` now.
pub(super) fn endings(expires_at: Option<UnixMillis>) -> Vec<Choice> {
    Ending::ALL.iter().filter_map(|ending| ending.choice(expires_at)).collect()
}

/// A form with what is so now.
pub(super) fn form_of(label: Option<&str>, expires_at: Option<UnixMillis>) -> Form {
    let ending = if expires_at.is_some() { Ending::Kept } else { Ending::Never };
    Form::empty().with("label", label.unwrap_or_default()).with("ends", ending.as_str())
}

/// What `form` says of a secret; `kept` is when it stops working now.
pub(super) fn read_terms(form: &mut Form, kept: Option<UnixMillis>, now: UnixMillis) -> SecretTerms {
    SecretTerms { label: read_label(form, "label"), expires_at: read_end(form, kept, now) }
}

/// What something is called, if anything.
pub(super) fn read_label(form: &mut Form, field: &str) -> Option<String> {
    let label = text(form, field)?;
    check(form, field, validated_text("label", &label))
}

/// When something stops working, if ever.
pub(super) fn read_end(form: &mut Form, kept: Option<UnixMillis>, now: UnixMillis) -> Option<Timestamp> {
    let parsed = form.value("ends").parse::<Ending>();
    match check(form, "ends", parsed)? {
        Ending::Kept => kept.and_then(to_timestamp),
        Ending::Never => None,
        Ending::Days if !form.has("days") => {
            form.fail("days", "Say after how many days.");
            None
        }
        Ending::Days => {
            let days = number(form, "days", 1, MOST_DAYS)?;
            to_timestamp(now.plus_seconds(i64::from(days) * DAY_SECONDS))
        }
        Ending::Date => {
            let end = text(form, "date").and_then(|date| end_of(date.parse().ok()?));
            let end = end.filter(|end| end.as_millisecond() > now.0);
            if end.is_none() {
                form.fail("date", "Write a day that is not over yet, as 2027-12-31.");
            }
            end
        }
    }
}

/// The end of `date` in UTC.
fn end_of(date: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(date.tomorrow().ok()?.to_datetime(Time::midnight())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30T21:48:00Z
    const NOW: UnixMillis = UnixMillis(1_796_075_280_000);

    fn end(fields: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut form = fields.iter().fold(Form::empty(), |form, (name, value)| form.with(*name, *value));
        let end = read_end(&mut form, Some(UnixMillis(NOW.0 + 5_000)), NOW);
        match form.errors().first() {
            Some(error) => Err(error.name.clone()),
            None => Ok(end.map(|at| at.to_string())),
        }
    }

    #[test]
    fn an_end_is_never_in_days_or_after_a_day() {
        assert_eq!(end(&[("ends", "never"), ("days", "x")]), Ok(None), "what was not chosen is not read");
        assert_eq!(end(&[("ends", "kept")]), Ok(Some("2026-11-30T21:48:05Z".to_owned())));
        assert_eq!(end(&[("ends", "days"), ("days", "30")]), Ok(Some("2026-12-30T21:48:00Z".to_owned())));
        assert_eq!(end(&[("ends", "date"), ("date", "2026-11-30")]), Ok(Some("2026-12-01T00:00:00Z".to_owned())));
    }

    #[test]
    fn what_is_no_end_is_said_beside_its_field() {
        let field = |fields: &[(&str, &str)]| end(fields).unwrap_err();
        assert_eq!(field(&[]), "ends");
        assert_eq!(field(&[("ends", "days")]), "days");
        assert_eq!(field(&[("ends", "days"), ("days", "0")]), "days");
        assert_eq!(field(&[("ends", "date")]), "date");
        for past_or_none in ["2026-11-29", "tomorrow", "9999-12-31"] {
            assert_eq!(field(&[("ends", "date"), ("date", past_or_none)]), "date", "{past_or_none}");
        }
    }

    #[test]
    fn a_label_is_a_text_for_people() {
        let mut form = Form::empty().with("label", " build\u{7} ").with("ends", "never");
        read_terms(&mut form, None, NOW);
        assert!(form.error("label").is_some());
        let mut form = Form::empty().with("label", "  ").with("ends", "never");
        assert_eq!(read_terms(&mut form, None, NOW), SecretTerms::default());
        assert!(form.is_ok());
    }
}
