//! How does a handler read and change what is stored? Off the workers, a bounded number at a time.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use super::admit::{Admission, CallLimiter, ManagementLimits};
use super::answer_counts::AnswerCounts;
use super::error::ManagementError;
use crate::http::IssuerEndpoints;
use crate::http::store_turns::StoreTurns;
use crate::issuer::administration::{Administration, AdministrationError, Change};
use crate::issuer::management_access::ManagementAccess;
use crate::issuer::rights::{Caller, Rights};
use crate::oauth::scope::ScopeValue;
use crate::store::Reader;

/// What the Management API needs besides the use cases.
#[derive(Debug)]
pub struct ManagementEndpoints {
    pub(super) access: ManagementAccess,
    pub(super) limiter: CallLimiter,
    pub(super) answers: AnswerCounts,
    pub(in crate::http) turns: StoreTurns,
}

impl ManagementEndpoints {
    /// Admits callers by `access`, so many calls of each as `limits` say.
    pub fn new(access: ManagementAccess, limits: ManagementLimits) -> Self {
        Self {
            access,
            limiter: CallLimiter::new(limits),
            answers: AnswerCounts::default(),
            turns: StoreTurns::default(),
        }
    }

    /// Forgets the callers that may call as much as if they never had.
    pub fn forget_idle_callers(&self) {
        self.limiter.forget_idle();
    }

    /// How calls were answered since the start.
    pub const fn answers(&self) -> &AnswerCounts {
        &self.answers
    }
}

/// A call that was admitted: by whom, and the way to what is stored.
pub(super) struct Call {
    pub(super) endpoints: web::Data<IssuerEndpoints>,
    admission: Admission,
}

impl FromRequest for Call {
    type Error = ManagementError;
    type Future = Ready<Result<Self, ManagementError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let endpoints = request.app_data::<web::Data<IssuerEndpoints>>().cloned();
        let admission = request.extensions().get::<Admission>().cloned();
        let admitted = endpoints.zip(admission).map(|(endpoints, admission)| Self { endpoints, admission });
        ready(admitted.ok_or_else(|| ManagementError::internal(&"a handler outside of the admitted scope")))
    }
}

impl Call {
    /// Who calls.
    pub(super) const fn caller(&self) -> &Caller {
        &self.admission.caller
    }

    /// Does the caller hold one of these scopes, and still? Handlers ask when they have the body.
    ///
    /// # Errors
    /// 403, naming them.
    pub(super) fn require(&self, any_of: &[&str]) -> Result<(), ManagementError> {
        self.admission.must_hold_still(&self.endpoints)?;
        let held = match &self.caller().rights {
            Rights::Host => true,
            Rights::Itself(_) => false,
            Rights::Scopes(held) => held.iter().map(ScopeValue::as_str).any(|scope| any_of.contains(&scope)),
        };
        if held { Ok(()) } else { Err(ManagementError::insufficient_scope(any_of)) }
    }

    /// Reads one state of the store.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, ManagementError> + Send + 'static,
    ) -> Result<T, ManagementError> {
        let store = self.endpoints.administration.store().clone();
        self.blocking(move || store.read(read)).await
    }

    /// Does one piece of work that only reads.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ManagementError> + Send + 'static,
    ) -> Result<T, ManagementError> {
        self.endpoints.reading(work).await
    }

    /// Makes one change, and returns once this server serves it.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, ManagementError> {
        self.administer(move |administration, caller| administration.change(caller, steps)).await
    }

    /// Does one piece of work that changes something, and returns once this server serves it.
    pub(super) async fn administer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Administration, &Caller) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, ManagementError> {
        self.endpoints.administering(self.caller().clone(), work).await
    }
}
