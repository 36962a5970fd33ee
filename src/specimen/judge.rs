//! Is what came back right?

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::case::{Also, Level, Wanted};

/// Which status means what in the API under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The resource.
    pub accepted: Vec<std::ops::RangeInclusive<u16>>,
    /// The token is refused.
    pub refused: Vec<std::ops::RangeInclusive<u16>>,
    /// The token lacks a scope.
    pub scope: Vec<std::ops::RangeInclusive<u16>>,
}

/// RFC 6750 §3.1.
impl Default for Expectation {
    fn default() -> Self {
        Self { accepted: vec![200..=299], refused: vec![401..=401], scope: vec![403..=403] }
    }
}

fn within(ranges: &[std::ops::RangeInclusive<u16>], status: u16) -> bool {
    ranges.iter().any(|range| range.contains(&status))
}

impl Expectation {
    /// Whether `status` means that the resource was given.
    pub fn is_accepted(&self, status: u16) -> bool {
        within(&self.accepted, status)
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The values of `WWW-Authenticate`.
    pub challenges: Vec<String>,
    /// The beginning of the body.
    pub body: String,
    /// Why there was no answer.
    pub problem: Option<Problem>,
    /// How often the API fetched a URL that only the token named.
    pub fetched: usize,
    /// Where the connection ended or nothing came: was a valid token accepted afterwards?
    pub alive_after: Option<bool>,
}

/// Why there was no answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Problem {
    /// The API closed or reset the connection: so does a server whose limit was met.
    Closed(String),
    /// Nothing came in time, or what came cannot be read.
    Other(String),
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (Self::Closed(text) | Self::Other(text)) = self;
        formatter.write_str(text)
    }
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it must be.
    Passed,
    /// Worth a look.
    Advice,
    /// Somebody gets in or is shut out who must not be.
    Failed,
    /// It was not sent.
    Skipped,
}

/// How a case ended, and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How.
    pub grade: Grade,
    /// In words.
    pub text: String,
}

/// Judges what came back.
pub fn judge(wanted: Wanted, level: Level, also: Also, expectation: &Expectation, outcome: &Outcome) -> Finding {
    let wrong = if level == Level::Must { Grade::Failed } else { Grade::Advice };
    let found = |grade, text: String| Finding { grade, text };
    // Whatever was answered: the API let a stranger say where it connects.
    if outcome.fetched > 0 {
        return found(Grade::Failed, format!("{}, and fetched what the token named", told(outcome)));
    }
    let Some(status) = outcome.status else { return unanswered(wanted, wrong, also, outcome) };
    let accepted = expectation.is_accepted(status);
    let (refusals, usual) = match wanted {
        Wanted::Accepted if accepted => return found(Grade::Passed, told(outcome)),
        Wanted::Accepted => return found(wrong, format!("a valid token was refused: {}", told(outcome))),
        Wanted::InsufficientScope | Wanted::ChallengedInsufficientScope => (&expectation.scope, "403"),
        Wanted::Refused | Wanted::Challenged | Wanted::ChallengedInvalidToken => (&expectation.refused, "401"),
    };
    if accepted {
        return found(wrong, format!("accepted: {}", told(outcome)));
    }
    if !within(refusals, status) && !also.includes(status) {
        let stumbled = if status >= 500 { "the API stumbled over it: " } else { "refused, but not as expected: " };
        return found(Grade::Advice, format!("{stumbled}{}, where {usual} is usual", told(outcome)));
    }
    match challenge_flaw(wanted, &outcome.challenges) {
        Some(flaw) => found(wrong, format!("{}, but {flaw}", told(outcome))),
        None => found(Grade::Passed, told(outcome)),
    }
}

impl Also {
    const fn includes(self, status: u16) -> bool {
        match self {
            Self::Nothing => false,
            Self::BadRequest => status == 400,
            Self::InvalidToken => status == 401,
            Self::Limit => matches!(status, 400 | 413 | 414 | 431),
        }
    }
}

fn unanswered(wanted: Wanted, wrong: Grade, also: Also, outcome: &Outcome) -> Finding {
    let problem = outcome.problem.as_ref().map_or_else(|| "no answer".to_owned(), Problem::to_string);
    let (grade, text) = match (outcome.alive_after, wanted) {
        (Some(false), _) => (Grade::Failed, format!("{problem}, and afterwards no valid token was accepted")),
        (_, Wanted::Accepted) => (wrong, format!("a valid token got no answer: {problem}")),
        _ if also == Also::Limit && matches!(outcome.problem, Some(Problem::Closed(_))) => (Grade::Passed, problem),
        _ => (Grade::Advice, problem),
    };
    Finding { grade, text }
}

fn told(outcome: &Outcome) -> String {
    outcome.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
}

/// What is missing in the challenge (RFC 6750 §3, §3.1).
fn challenge_flaw(wanted: Wanted, challenges: &[String]) -> Option<&'static str> {
    let bearer = challenges.iter().find(|value| names_bearer(value));
    let says = |error: &str| {
        bearer.is_some_and(|value| {
            let value = value.replace(' ', "");
            value.contains(&format!("error=\"{error}\"")) || value.contains(&format!("error={error}"))
        })
    };
    match wanted {
        Wanted::Accepted | Wanted::Refused | Wanted::InsufficientScope => None,
        _ if bearer.is_none() => Some("without WWW-Authenticate: Bearer"),
        Wanted::Challenged => {
            bearer.is_some_and(|value| value.contains("error=")).then_some("names an error where there was no token")
        }
        Wanted::ChallengedInvalidToken => (!says("invalid_token")).then_some("without error=\"invalid_token\""),
        Wanted::ChallengedInsufficientScope => {
            (!says("insufficient_scope")).then_some("without error=\"insufficient_scope\"")
        }
    }
}

/// Whether a challenge, or one of several in the same line, has the scheme Bearer (RFC 9110 §11.6.1).
fn names_bearer(value: &str) -> bool {
    value.split(',').any(|part| {
        let scheme = part.split_whitespace().next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("Bearer")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome { status: Some(status), ..Outcome::default() }
    }

    fn grade(wanted: Wanted, level: Level, also: Also, outcome: &Outcome) -> Grade {
        judge(wanted, level, also, &Expectation::default(), outcome).grade
    }

    #[test]
    fn who_gets_in_or_is_shut_out_decides() {
        for (wanted, level, status, expected) in [
            (Wanted::Accepted, Level::Must, 204, Grade::Passed),
            (Wanted::Accepted, Level::Must, 401, Grade::Failed),
            (Wanted::Accepted, Level::Should, 401, Grade::Advice),
            (Wanted::Refused, Level::Must, 200, Grade::Failed),
            (Wanted::Refused, Level::Should, 200, Grade::Advice),
            (Wanted::Refused, Level::Must, 401, Grade::Passed),
            (Wanted::Refused, Level::Must, 403, Grade::Advice),
            (Wanted::Refused, Level::Must, 302, Grade::Advice),
            (Wanted::Refused, Level::Must, 500, Grade::Advice),
            (Wanted::InsufficientScope, Level::Must, 200, Grade::Failed),
            (Wanted::InsufficientScope, Level::Must, 403, Grade::Passed),
            (Wanted::InsufficientScope, Level::Must, 401, Grade::Advice),
        ] {
            assert_eq!(
                grade(wanted, level, Also::Nothing, &answered(status)),
                expected,
                "{wanted:?} {level:?} {status}"
            );
        }
    }

    #[test]
    fn another_refusal_is_right_where_the_request_itself_is_wrong() {
        assert_eq!(grade(Wanted::Refused, Level::Must, Also::BadRequest, &answered(400)), Grade::Passed);
        assert_eq!(grade(Wanted::Refused, Level::Must, Also::Nothing, &answered(400)), Grade::Advice);
        assert_eq!(grade(Wanted::Refused, Level::Must, Also::Limit, &answered(431)), Grade::Passed);
        assert_eq!(grade(Wanted::Refused, Level::Must, Also::BadRequest, &answered(431)), Grade::Advice);
    }

    #[test]
    fn a_fetch_fails_whatever_was_answered() {
        let outcome = Outcome { fetched: 1, ..answered(401) };
        assert_eq!(grade(Wanted::Refused, Level::Must, Also::Nothing, &outcome), Grade::Failed);
    }

    #[test]
    fn no_answer_fails_only_where_the_api_does_not_come_back() {
        let silent = |problem: &Problem, alive| Outcome {
            problem: Some(problem.clone()),
            alive_after: Some(alive),
            ..Outcome::default()
        };
        let (closed, other) = (Problem::Closed("reset".to_owned()), Problem::Other("no answer in time".to_owned()));
        for (problem, at_a_limit) in [(closed, Grade::Passed), (other, Grade::Advice)] {
            let grade = |wanted, also, alive| grade(wanted, Level::Must, also, &silent(&problem, alive));
            assert_eq!(grade(Wanted::Refused, Also::Nothing, true), Grade::Advice, "{problem}");
            assert_eq!(grade(Wanted::Refused, Also::Limit, true), at_a_limit, "{problem}");
            assert_eq!(grade(Wanted::Refused, Also::Limit, false), Grade::Failed, "{problem}");
            assert_eq!(grade(Wanted::Accepted, Also::Nothing, true), Grade::Failed, "{problem}");
        }
    }

    #[test]
    fn a_challenge_says_bearer_and_the_right_error() {
        for (wanted, status, challenges, expected) in [
            (Wanted::Challenged, 401, &["Bearer"][..], Grade::Passed),
            (Wanted::Challenged, 401, &["Basic realm=\"x\", bearer realm=\"y\""], Grade::Passed),
            (Wanted::Challenged, 401, &["Basic realm=\"Bearer\""], Grade::Advice),
            (Wanted::Challenged, 401, &[], Grade::Advice),
            (Wanted::Challenged, 401, &["Bearer error=\"invalid_token\""], Grade::Advice),
            (Wanted::ChallengedInvalidToken, 401, &["Bearer realm=\"x\", error=\"invalid_token\""], Grade::Passed),
            (Wanted::ChallengedInvalidToken, 401, &["Bearer realm=\"x\""], Grade::Advice),
            (Wanted::ChallengedInsufficientScope, 403, &["Bearer error=\"insufficient_scope\""], Grade::Passed),
            (Wanted::ChallengedInsufficientScope, 403, &["Bearer error=\"invalid_token\""], Grade::Advice),
        ] {
            let challenges = challenges.iter().map(|value| (*value).to_owned()).collect();
            let outcome = Outcome { challenges, ..answered(status) };
            assert_eq!(grade(wanted, Level::Should, Also::Nothing, &outcome), expected, "{outcome:?}");
        }
    }
}
