//! What does the report say: for people, and as JSON?

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use super::ConformArgs;
use super::run::Run;
use super::target::Target;
use crate::cli::exit::CliError;
use crate::cli::output::{self, OutputFormat};
use crate::specimen::{Case, Grade, Level, Outcome, Profile, Wanted};

/// The report of one run.
#[derive(Serialize)]
pub struct Report<'a> {
    /// Where the requests went.
    pub url: String,
    method: String,
    profile: &'static str,
    alg: &'static str,
    issuer: String,
    audience: String,
    scope: Option<String>,
    /// How many cases ended how.
    pub summary: Summary,
    /// Each case.
    pub cases: Vec<CaseReport<'a>>,
}

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// As they must.
    pub passed: usize,
    /// Worth a look.
    pub advice: usize,
    /// Wrong.
    pub failed: usize,
    /// Not sent.
    pub skipped: usize,
}

/// One case.
pub struct CaseReport<'a> {
    /// What was sent.
    pub case: &'a Case,
    /// How bad it would be, in this profile.
    pub level: Level,
    /// How it ended.
    pub grade: Grade,
    /// The same in words.
    pub finding: String,
    /// What came back, if it was sent.
    pub outcome: Option<Outcome>,
}

impl Serialize for CaseReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members<'a> {
            id: &'a str,
            group: &'a str,
            what: &'a str,
            clause: &'a str,
            why: &'a str,
            wanted: Wanted,
            level: Level,
            grade: Grade,
            finding: &'a str,
            outcome: &'a Option<Outcome>,
        }
        let Case { id, group, what, clause, why, wanted, .. } = *self.case;
        let (level, grade, finding) = (self.level, self.grade, self.finding.as_str());
        let outcome = &self.outcome;
        Members { id, group, what, clause, why, wanted, level, grade, finding, outcome }.serialize(serializer)
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &ConformArgs, target: &Target, run: &Run, cases: Vec<CaseReport<'a>>) -> Self {
        let mut summary = Summary::default();
        for case in &cases {
            *match case.grade {
                Grade::Passed => &mut summary.passed,
                Grade::Advice => &mut summary.advice,
                Grade::Failed => &mut summary.failed,
                Grade::Skipped => &mut summary.skipped,
            } += 1;
        }
        Self {
            url: target.url.to_string(),
            method: target.method.to_string(),
            profile: args.profile.as_str(),
            alg: args.alg.as_str(),
            issuer: run.subject.issuer.clone(),
            audience: run.subject.audience.clone(),
            scope: args.scope.clone(),
            summary,
            cases,
        }
    }

    /// Whether the API passes.
    ///
    /// # Errors
    /// If it does not.
    pub fn verdict(&self, strict: bool) -> Result<(), CliError> {
        let Summary { failed, advice, .. } = self.summary;
        let wrong = if strict { failed + advice } else { failed };
        if wrong == 0 {
            return Ok(());
        }
        let cases = if wrong == 1 { "case" } else { "cases" };
        Err(CliError::Failed(anyhow::anyhow!("{} gets {wrong} {cases} wrong", self.url)))
    }
}

/// For people: what is wrong first, with the reason, then what is worth a look, then the rest in one line each.
impl Display for Report<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} {}, profile {}, {}", self.method, self.url, self.profile, self.alg)?;
        let of = |grade| self.cases.iter().filter(move |case| case.grade == grade);
        for (grade, title) in [(Grade::Failed, "WRONG"), (Grade::Advice, "WORTH A LOOK")] {
            if of(grade).next().is_none() {
                continue;
            }
            writeln!(formatter, "\n{title}\n")?;
            for case in of(grade) {
                case.write_in_full(formatter)?;
            }
        }
        for (grade, title) in [(Grade::Passed, "RIGHT"), (Grade::Skipped, "NOT SENT")] {
            if of(grade).next().is_none() {
                continue;
            }
            writeln!(formatter, "\n{title}\n")?;
            for case in of(grade) {
                let (id, finding, what, clause) = (case.case.id, &case.finding, case.case.what, case.case.clause);
                if grade == Grade::Passed {
                    writeln!(formatter, "  {id:28} {finding:4} {what} ({clause})")?;
                } else {
                    writeln!(formatter, "  {id:28} {finding}")?;
                }
            }
        }
        let Summary { passed, advice, failed, skipped } = self.summary;
        write!(formatter, "\n{failed} wrong, {advice} worth a look, {passed} right, {skipped} not sent")
    }
}

impl CaseReport<'_> {
    fn write_in_full(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Case { id, what, clause, why, wanted, .. } = *self.case;
        writeln!(formatter, "  {id}: {what}")?;
        writeln!(formatter, "      came back  {}", shown(&self.finding))?;
        writeln!(formatter, "      expected   {}", expected(wanted))?;
        writeln!(formatter, "      clause     {clause}")?;
        writeln!(formatter, "      why        {why}")?;
        let outcome = self.outcome.as_ref();
        for challenge in outcome.map(|outcome| outcome.challenges.as_slice()).unwrap_or_default() {
            writeln!(formatter, "      challenge  {}", shown(challenge))?;
        }
        let body = outcome.map(|outcome| outcome.body.trim()).unwrap_or_default();
        if !body.is_empty() {
            writeln!(formatter, "      body       {}", shown(body))?;
        }
        Ok(())
    }
}

/// The beginning of what the API said, on one line and harmless to a terminal.
pub(super) fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(300).collect();
    beginning.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

const fn expected(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Accepted => "the resource",
        Wanted::Refused => "a refusal",
        Wanted::InsufficientScope => "a refusal for lack of scope",
        Wanted::Challenged => "a refusal with WWW-Authenticate: Bearer and no error",
        Wanted::ChallengedInvalidToken => "a refusal with error=\"invalid_token\" in WWW-Authenticate: Bearer",
        Wanted::ChallengedInsufficientScope => {
            "a refusal with error=\"insufficient_scope\" in WWW-Authenticate: Bearer"
        }
    }
}

/// Prints the catalogue.
///
/// # Errors
/// If it cannot be written.
pub fn list(format: OutputFormat, cases: &[Case], profile: Profile) -> Result<(), CliError> {
    let rows: Vec<BTreeMap<&str, serde_json::Value>> = cases
        .iter()
        .map(|case| {
            let wanted = if case.wanted == Wanted::Accepted { "accept" } else { "refuse" };
            let level = if case.level(profile) == Level::Must { "must" } else { "should" };
            let members = [
                ("id", case.id),
                ("group", case.group),
                ("what", case.what),
                ("clause", case.clause),
                ("why", case.why),
                ("wanted", wanted),
                ("level", level),
            ];
            members.into_iter().map(|(name, value)| (name, value.into())).collect()
        })
        .collect();
    output::list(format, &["id", "level", "wanted", "what", "clause"], &rows)
}
