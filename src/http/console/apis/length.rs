//! How is a length of time typed? As a number and its unit.

use super::super::form::{Choice, Form};
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// A unit of time.
    LengthUnit {
        /// A second.
        Seconds = "seconds",
        /// 60 of them.
        Minutes = "minutes",
        /// 60 of those.
        Hours = "hours",
        /// 24 of those.
        Days = "days",
    }
}

impl LengthUnit {
    /// How many seconds it has.
    const fn seconds(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    /// The largest in which `seconds` are a whole number.
    fn fitting(seconds: i64) -> Self {
        let whole = |unit: &&Self| seconds != 0 && seconds % unit.seconds() == 0;
        Self::ALL.iter().rev().find(whole).copied().unwrap_or(Self::Seconds)
    }
}

/// The units as choices.
pub(super) fn units() -> Vec<Choice> {
    LengthUnit::ALL.iter().map(|unit| Choice::new(unit.as_str(), unit.as_str())).collect()
}

/// `seconds` as whoever fills in a form would write them: "2 hours", "90 seconds".
pub(in crate::http::console) fn written(seconds: u32) -> String {
    let unit = LengthUnit::fitting(seconds.into());
    let count = i64::from(seconds) / unit.seconds();
    let name = unit.as_str();
    if count == 1 { format!("1 {}", name.trim_end_matches('s')) } else { format!("{count} {name}") }
}

/// `form` with the length `name` filled in.
pub(super) fn fill(form: Form, name: &str, seconds: i64) -> Form {
    let unit = LengthUnit::fitting(seconds);
    form.with(name, (seconds / unit.seconds()).to_string()).with(unit_of(name), unit.as_str())
}

/// The length `name` in seconds; nothing if nothing was typed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(form: &Form, name: &str) -> Result<Option<i64>, String> {
    let number = form.value(name).trim();
    if number.is_empty() {
        return Ok(None);
    }
    let unit: LengthUnit = form.value(&unit_of(name)).parse().map_err(|error| format!("The unit: {error}."))?;
    let count = number.parse::<i64>().ok().filter(|count| *count >= 0);
    let seconds = count.and_then(|count| count.checked_mul(unit.seconds()));
    seconds.map(Some).ok_or_else(|| "Use a whole number, such as 90.".to_owned())
}

fn unit_of(name: &str) -> String {
    format!("{name}_unit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(number: &str, unit: &str) -> Result<Option<i64>, String> {
        parse(&Form::empty().with("life", number).with("life_unit", unit), "life")
    }

    #[test]
    fn a_length_is_a_number_of_units() {
        assert_eq!(typed(" 90 ", "minutes"), Ok(Some(5_400)));
        assert_eq!(typed("2", "days"), Ok(Some(172_800)));
        assert_eq!(typed("", "days"), Ok(None));
        for wrong in ["x", "-1", "1.5", "9223372036854775807"] {
            assert!(typed(wrong, "hours").unwrap_err().contains("whole number"), "{wrong}");
        }
        assert!(typed("1", "weeks").unwrap_err().contains("seconds, minutes"));
    }

    #[test]
    fn what_is_filled_in_is_read_as_it_was() {
        for seconds in [0, 1, 59, 60, 90, 3_600, 5_400, 86_400, 90_000, 2_592_000] {
            assert_eq!(parse(&fill(Form::empty(), "life", seconds), "life"), Ok(Some(seconds)));
        }
        assert_eq!([1, 90, 3_600, 172_800].map(written), ["1 second", "90 seconds", "1 hour", "2 days"]);
    }
}
