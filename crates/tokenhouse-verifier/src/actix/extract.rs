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
use crate::resource_server::{Authenticated, AuthenticationError, ResourceServer};
use crate::scope::RequiredScope;

/// A valid access token that carries the scope `S` names; it derefs to the [`AccessToken`].
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
pub enum Extracting<T> {
    /// It waited for nothing; none once it has been taken.
    AtOnce(Option<Result<T, Refusal>>),
    /// Keys are fetched for it.
    Waiting(Pin<Box<dyn Future<Output = Result<T, Refusal>>>>),
}

impl<T: 'static> Extracting<T> {
    /// Authenticates the caller of `request` and takes what `authorize` makes of its token.
    fn begin(request: &HttpRequest, authorize: fn(AccessToken) -> Result<T, Reason>) -> Self {
        match authenticate_at_once(request) {
            Ok(Some(token)) => Self::AtOnce(Some(authorize(token).map_err(|reason| Refusal::new(request, reason)))),
            Err(reason) => Self::AtOnce(Some(Err(Refusal::new(request, reason)))),
            Ok(None) => {
                let request = request.clone();
                Self::Waiting(Box::pin(async move {
                    let authorized = authenticate(&request).await.and_then(authorize);
                    authorized.map_err(|reason| Refusal::new(&request, reason))
                }))
            }
        }
    }
}

impl<T: Unpin> Future for Extracting<T> {
    type Output = Result<T, Refusal>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            // Nobody polls a future that is at its end.
            Self::AtOnce(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Self::Waiting(outcome) => outcome.as_mut().poll(context),
        }
    }
}

/// The token of the caller; none if its key must be waited for.
fn authenticate_at_once(request: &HttpRequest) -> Result<Option<AccessToken>, Reason> {
    let resource_server = resource_server(request)?;
    match resource_server.authenticate_at_once(presented_token(request.headers())?) {
        Ok(Authenticated::Yes(token)) => Ok(Some(token)),
        Ok(Authenticated::WithoutItsKey(_)) => Ok(None),
        Err(refusal) => Err(Reason::InvalidToken(refusal)),
    }
}

async fn authenticate(request: &HttpRequest) -> Result<AccessToken, Reason> {
    let resource_server = resource_server(request)?;
    match resource_server.authenticate(presented_token(request.headers())?).await {
        Ok(token) => Ok(token),
        Err(AuthenticationError::Refused(refusal)) => Err(Reason::InvalidToken(refusal)),
        Err(AuthenticationError::KeysUnavailable(error)) => Err(Reason::KeysUnavailable(error)),
    }
}

fn resource_server(request: &HttpRequest) -> Result<&ResourceServer, Reason> {
    request.app_data::<web::Data<ResourceServer>>().map(|server| server.get_ref()).ok_or(Reason::NotConfigured)
}
