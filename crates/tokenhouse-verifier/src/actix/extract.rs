//! Is the caller of this route authorized? The extractors (RFC 6750 §3.1, RFC 9068 §4)

use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::bearer::presented_token;
use super::refusal::{Reason, Refusal};
use crate::access_token::AccessToken;
use crate::resource_server::{AuthenticationError, ResourceServer};
use crate::scope::RequiredScope;

/// A valid access token that carries the scope `S` names; it derefs to the [`AccessToken`].
///
/// It can be moved and sent whatever `S` is: only its name counts.
#[derive(Debug)]
pub struct Scoped<S>(AccessToken, PhantomData<fn() -> S>);

impl<S> Scoped<S> {
    /// The token by itself.
    pub fn into_inner(self) -> AccessToken {
        self.0
    }
}

impl<S> Deref for Scoped<S> {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

impl FromRequest for AccessToken {
    type Error = Refusal;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Extracting::begin(request, Ok)
    }
}

impl<S: RequiredScope> FromRequest for Scoped<S> {
    type Error = Refusal;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Extracting::begin(request, |token| {
            if token.has_scope(S::SCOPE) {
                Ok(Self(token, PhantomData))
            } else {
                Err(Reason::InsufficientScope(S::SCOPE))
            }
        })
    }
}

/// A token on its way out of a request.
pub struct Extracting<T>(Stage<T>);

enum Stage<T> {
    /// It waited for nothing; none once it has been taken.
    AtOnce(Option<Result<T, Refusal>>),
    /// Its key is asked for.
    Asking(Pin<Box<dyn Future<Output = Result<T, Refusal>>>>),
}

impl<T: 'static> Extracting<T> {
    /// Authenticates the caller of `request` and takes what `authorize` makes of its token.
    fn begin(request: &HttpRequest, authorize: fn(AccessToken) -> Result<T, Reason>) -> Self {
        let outcome = match authenticate_at_once(request) {
            Ok(Some(token)) => authorize(token),
            Err(reason) => Err(reason),
            Ok(None) => {
                let request = request.clone();
                return Self(Stage::Asking(Box::pin(async move {
                    let authorized = authenticate_by_asking(&request).await.and_then(authorize);
                    authorized.map_err(|reason| Refusal::new(&request, reason))
                })));
            }
        };
        Self(Stage::AtOnce(Some(outcome.map_err(|reason| Refusal::new(request, reason)))))
    }
}

impl<T: Unpin> Future for Extracting<T> {
    type Output = Result<T, Refusal>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            // Whoever polls a future that is at its end waits for ever, rather than panics.
            Stage::AtOnce(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Stage::Asking(outcome) => outcome.as_mut().poll(context),
        }
    }
}

/// The token of the caller; none if its key must be asked for.
fn authenticate_at_once(request: &HttpRequest) -> Result<Option<AccessToken>, Reason> {
    let resource_server = resource_server(request)?;
    resource_server.authenticate_at_once(presented_token(request.headers())?).map_err(Reason::InvalidToken)
}

async fn authenticate_by_asking(request: &HttpRequest) -> Result<AccessToken, Reason> {
    let resource_server = resource_server(request)?;
    match resource_server.authenticate_by_asking(presented_token(request.headers())?).await {
        Ok(token) => Ok(token),
        Err(AuthenticationError::Refused(refusal)) => Err(Reason::InvalidToken(refusal)),
        Err(AuthenticationError::KeysUnavailable(error)) => Err(Reason::KeysUnavailable(error)),
    }
}

fn resource_server(request: &HttpRequest) -> Result<&ResourceServer, Reason> {
    request.app_data::<web::Data<ResourceServer>>().map(|server| server.get_ref()).ok_or(Reason::NotConfigured)
}
