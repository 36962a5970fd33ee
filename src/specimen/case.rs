//! What is one case: what is sent, what must come back, and why does it matter?

use serde::Serialize;

use super::forge::Forge;
use super::subject::Profile;

/// One thing that a resource server may get wrong.
pub struct Case {
    /// Its name, which stays.
    pub id: &'static str,
    /// The part of the catalogue it stands in.
    pub group: &'static str,
    /// What is sent, in a few words.
    pub what: &'static str,
    /// The clause, or the CVE, that it stands for.
    pub clause: &'static str,
    /// What an attacker gains, or who is shut out, where it goes wrong.
    pub why: &'static str,
    /// What must come back.
    pub wanted: Wanted,
    level: Level,
    /// Which other answers are as right.
    pub also: Also,
    build: fn(&Forge<'_>) -> Result<Presentation, NotSent>,
}

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The resource.
    Accepted,
    /// A refusal of the token.
    Refused,
    /// A refusal for lack of scope.
    InsufficientScope,
    /// A refusal with `WWW-Authenticate: Bearer` and no error.
    Challenged,
    /// The same with `error="invalid_token"`.
    ChallengedInvalidToken,
    /// A refusal for lack of scope with `error="insufficient_scope"`.
    ChallengedInsufficientScope,
}

/// How bad is it if something else comes back?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody gets in or is shut out who must not be: a failure.
    Must,
    /// That only where the API says that it follows RFC 9068; elsewhere advice.
    MustInRfc9068,
    /// Worth a look: nobody gets in by this alone, or the clause leaves a choice.
    Should,
}

impl Level {
    /// The same for one profile, where nothing depends on the profile any more.
    #[must_use]
    pub const fn under(self, profile: Profile) -> Self {
        match (self, profile) {
            (Self::MustInRfc9068, Profile::Rfc9068) => Self::Must,
            (Self::MustInRfc9068, Profile::Jwt) => Self::Should,
            (level, _) => level,
        }
    }
}

/// Which answers are as right as a usual refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Also {
    /// No other.
    Nothing,
    /// 400: the request itself is malformed (RFC 6750 §3.1, `invalid_request`).
    BadRequest,
    /// 401: a malformed claim makes the whole token invalid (RFC 6750 §3.1, `invalid_token`).
    InvalidToken,
    /// 400, 413, 414, 431, or the end of the connection: a limit on size was met before anyone looked at the token.
    Limit,
}

/// Why a case is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It means nothing in this run.
    DoesNotApply(&'static str),
    /// The cryptographic library refused.
    SigningFailed,
}

/// What a request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    /// The values of the `Authorization` headers.
    pub authorization: Vec<Vec<u8>>,
    /// `access_token` in the query.
    pub query_token: Option<String>,
    /// `access_token` in a form body.
    pub form_token: Option<String>,
}

impl Presentation {
    /// The token as RFC 6750 §2.1 wants it.
    pub fn bearer(token: impl AsRef<str>) -> Self {
        Self::header(format!("Bearer {}", token.as_ref()))
    }

    /// This `Authorization` header.
    pub fn header(value: impl Into<Vec<u8>>) -> Self {
        Self { authorization: vec![value.into()], ..Self::default() }
    }
}

impl Case {
    /// A token that must be accepted.
    pub(super) const fn accept(
        id: &'static str,
        what: &'static str,
        clause: &'static str,
        why: &'static str,
        build: fn(&Forge<'_>) -> Result<Presentation, NotSent>,
    ) -> Self {
        let (wanted, level, also) = (Wanted::Accepted, Level::Must, Also::Nothing);
        Self { id, group: "", what, clause, why, wanted, level, also, build }
    }

    /// One that must be refused.
    pub(super) const fn refuse(
        id: &'static str,
        what: &'static str,
        clause: &'static str,
        why: &'static str,
        build: fn(&Forge<'_>) -> Result<Presentation, NotSent>,
    ) -> Self {
        Self::accept(id, what, clause, why, build).wanting(Wanted::Refused)
    }

    pub(super) const fn wanting(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    pub(super) const fn in_group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    pub(super) const fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    pub(super) const fn or(mut self, also: Also) -> Self {
        self.also = also;
        self
    }

    /// How bad a wrong answer is under `profile`.
    pub const fn level(&self, profile: Profile) -> Level {
        self.level.under(profile)
    }

    /// What to send.
    ///
    /// # Errors
    /// If it does not apply to this run.
    pub fn build(&self, forge: &Forge<'_>) -> Result<Presentation, NotSent> {
        (self.build)(forge)
    }
}
