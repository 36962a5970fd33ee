//! Why can a page not be shown, or a form not be carried out? The guard writes it as a page.

use std::fmt::{self, Display, Formatter};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::http::store_turns::Unheard;
use crate::http::whole_body::BodyFault;
use crate::issuer::AdministrationError;
use crate::oauth::error::TokenError;
use crate::oauth::resource::Compat;
use crate::one_line::on_one_line;
use crate::store::StoreError;

/// Why there is no page, or no change.
#[derive(Debug)]
pub(super) enum ConsoleError {
    /// Nobody is signed in, or no longer.
    NotSignedIn,
    /// The form was not sent from a page of this console.
    CrossSite,
    /// Whoever is signed in lacks this scope of the Management API.
    Lacks(&'static str),
    /// What whoever is signed in may do has changed while the form was sent.
    RightsChanged,
    /// The form counts once, and was sent before.
    SentBefore,
    /// There is no such page or object.
    NotFound(String),
    /// The page only shows, or only takes forms.
    Method,
    /// The change is refused, and the form that asked for it is shown again.
    Refused(AdministrationError),
    /// The form cannot be read.
    Unreadable(BodyFault),
    /// What was sent is no form.
    NotAForm,
    /// It is asked too often.
    TooOften {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The store does not answer.
    StoreSilent,
    /// The store has stopped answering in the middle of it.
    StoreFellSilent,
    /// A fault of ours; the log has the cause.
    Fault,
}

impl ConsoleError {
    /// A fault of ours, whose cause goes to the log.
    pub(super) fn fault(cause: &dyn Display) -> Self {
        tracing::error!(%cause, "a page of the console failed");
        Self::Fault
    }

    /// What is wrong, as the heading of a page.
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "Sign in",
            Self::CrossSite => "Not sent from this console",
            Self::Lacks(_) => "Not allowed",
            Self::SentBefore => "Sent before",
            Self::NotFound(_) => "Not found",
            Self::Method | Self::NotAForm | Self::Unreadable(_) => "Not understood",
            Self::RightsChanged | Self::Refused(_) => "Not done",
            Self::TooOften { .. } => "Too often",
            Self::StoreSilent | Self::StoreFellSilent => "The database does not answer",
            Self::Fault => "An error on our side",
        }
    }

    /// For how many seconds to wait.
    pub(super) const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooOften { retry_after } => Some(*retry_after),
            Self::StoreSilent | Self::StoreFellSilent => Some(1),
            _ => None,
        }
    }
}

impl Display for ConsoleError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => formatter.write_str("Sign in to see this page."),
            Self::CrossSite => formatter.write_str(
                "Your browser did not say that this form comes from this console, so nothing was done. Open the console at the \
                 issuer's own address, and send the form from there.",
            ),
            Self::Lacks(scope) => write!(
                formatter,
                "This needs the scope {scope} of the Management API, which your client does not hold. Whoever holds it can \
                 grant it."
            ),
            Self::RightsChanged => formatter.write_str(
                "What your client may do was changed while this was being sent, so nothing was done. Open the page again and look \
                 what it offers now.",
            ),
            Self::SentBefore => formatter.write_str(
                "This form was sent before, and is carried out once, so nothing was done now. A secret or a link that was shown then is \
                 not shown again: if you have not kept it, retire it and make another. Send it again only if you want it done twice.",
            ),
            Self::NotFound(what) => formatter.write_str(what),
            Self::Method => formatter.write_str("This address takes no request of that kind."),
            Self::Refused(error) => formatter.write_str(&on_one_line(&error.to_string())),
            Self::Unreadable(fault) => write!(formatter, "Nothing was done: {fault}."),
            Self::NotAForm => formatter.write_str("Nothing was done: what was sent is not a form of this console."),
            Self::TooOften { retry_after } => {
                write!(formatter, "This was tried too often. Wait {retry_after} seconds and try again.")
            }
            Self::StoreSilent => formatter.write_str("Nothing was changed. Tokens are still issued from memory; try again."),
            Self::StoreFellSilent => {
                formatter.write_str("It stopped answering meanwhile: look whether a change was made before repeating it.")
            }
            Self::Fault => formatter.write_str("The log of the server has the cause, under the id of this request."),
        }
    }
}

impl ResponseError for ConsoleError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::CrossSite | Self::Lacks(_) | Self::Refused(AdministrationError::InsufficientScope(_)) => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::RightsChanged
            | Self::SentBefore
            | Self::Refused(AdministrationError::Conflict(_) | AdministrationError::Outdated) => StatusCode::CONFLICT,
            Self::Refused(_) | Self::Unreadable(BodyFault::BrokenOff) => StatusCode::BAD_REQUEST,
            Self::Unreadable(BodyFault::TooLong { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable(BodyFault::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreSilent | Self::StoreFellSilent => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Only a status: the guard puts a page in its place.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<Unheard> for ConsoleError {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::StoreFellSilent => Self::StoreFellSilent,
            Unheard::Fault(cause) => Self::fault(&cause),
        }
    }
}

impl From<StoreError> for ConsoleError {
    fn from(error: StoreError) -> Self {
        match error {
            // The connection may have broken before the change was saved or right after.
            StoreError::ConnectionLost { .. } => {
                tracing::error!(cause = %error, "a page of the console lost the store");
                Self::StoreFellSilent
            }
            _ if error.is_unavailable() => {
                tracing::error!(cause = %error, "a page of the console could not reach the store");
                Self::StoreSilent
            }
            StoreError::Conflict { .. } | StoreError::NotFound { .. } | StoreError::DanglingReference => {
                Self::Refused(AdministrationError::Conflict(error.to_string()))
            }
            _ => Self::fault(&error),
        }
    }
}

impl From<AdministrationError> for ConsoleError {
    fn from(error: AdministrationError) -> Self {
        match error {
            AdministrationError::NotFound { .. } => Self::NotFound(format!("{error}: it may have been deleted.")),
            AdministrationError::Store(error) => error.into(),
            AdministrationError::Key(_) => Self::fault(&error),
            _ => Self::Refused(error),
        }
    }
}

impl From<BodyFault> for ConsoleError {
    fn from(fault: BodyFault) -> Self {
        Self::Unreadable(fault)
    }
}

/// What keeps a client from signing in that is not its own mistake.
impl From<TokenError> for ConsoleError {
    fn from(error: TokenError) -> Self {
        let rendered = error.render(Compat::Standard);
        match (rendered.status, rendered.retry_after) {
            (429, retry_after) => Self::TooOften { retry_after: retry_after.unwrap_or(1) },
            (503, _) => Self::StoreSilent,
            _ => Self::fault(&error.cause().as_str()),
        }
    }
}
