//! Is the caller of this route authorized? The extractors (RFC 6750 §3.1, RFC 9068 §4)

use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::bearer::presented_token;
use super::refusal::{Reason, Refusal};
use crate::access_token::AccessToken;
use crate::resource_server::{AuthenticationError, ResourceServer};
use crate::scope::RequiredScope;

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>>>>;

/// A valid access token that carries the scope `S` names; it derefs to the [`AccessToken`].
#[derive(Debug)]
pub struct Scoped<S>(AccessToken, PhantomData<S>);

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
        let request = request.clone();
        Box::pin(async move { authenticate(&request).await.map_err(|reason| Refusal::new(&request, reason)) })
    }
}

impl<S: RequiredScope> FromRequest for Scoped<S> {
    type Error = Refusal;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let authorized = authenticate(&request).await.and_then(|token| {
                if token.has_scope(S::SCOPE) { Ok(token) } else { Err(Reason::InsufficientScope(S::SCOPE)) }
            });
            match authorized {
                Ok(token) => Ok(Self(token, PhantomData)),
                Err(reason) => Err(Refusal::new(&request, reason)),
            }
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<AccessToken, Reason> {
    let Some(resource_server) = request.app_data::<web::Data<ResourceServer>>() else {
        return Err(Reason::NotConfigured);
    };
    let token = presented_token(request.headers())?;
    match resource_server.authenticate(token).await {
        Ok(token) => Ok(token),
        Err(AuthenticationError::Refused(refusal)) => Err(Reason::InvalidToken(refusal)),
        Err(AuthenticationError::KeysUnavailable(error)) => Err(Reason::KeysUnavailable(error)),
    }
}
