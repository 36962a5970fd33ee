//! Does the request bring a second token in its body? (RFC 6750 §2 and §2.2)

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::rt::time::timeout;
use actix_web::{Error, ResponseError as _, web};
use pin_project_lite::pin_project;

use super::refusal::{Reason, Refusal};

/// Who sends an octet of its form now and then does not keep a connection for ever.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Middleware that answers 400 `invalid_request` to a request with a token in the `Authorization` field and another in
/// a form body, as RFC 6750 §2 demands. A token in the body alone is ignored.
///
/// Form bodies are read within the limit of `web::PayloadConfig` and ten seconds, and handed on unchanged; other bodies are not
/// touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneBearerMethod;

impl<S, B> Transform<S, ServiceRequest> for OneBearerMethod
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = OneBearerMethodMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(OneBearerMethodMiddleware(Rc::new(service))))
    }
}

/// What [`OneBearerMethod`] makes of a service.
#[derive(Debug)]
pub struct OneBearerMethodMiddleware<S>(Rc<S>);

impl<S, B> Service<ServiceRequest> for OneBearerMethodMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = OneBearerMethodFuture<S::Future, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // Nearly every request: none may pay for those that bring a form.
        if !(is_form(&request) && request.headers().contains_key(AUTHORIZATION)) {
            return OneBearerMethodFuture { stage: Stage::HandedOn { answer: self.0.call(request) } };
        }
        let service = Rc::clone(&self.0);
        let answer = Box::pin(async move {
            let mut request = request;
            match read_form(&mut request).await {
                Ok(()) => Ok(service.call(request).await?.map_into_left_body()),
                Err(reason) => {
                    let refusal = Refusal::new(request.request(), Reason::InvalidRequest(reason));
                    // An answer, not an error: middleware around this one sees it pass like any other.
                    Ok(request.into_response(refusal.error_response()).map_into_right_body())
                }
            }
        });
        OneBearerMethodFuture { stage: Stage::WithForm { answer } }
    }
}

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pin_project! {
    /// The answer of [`OneBearerMethodMiddleware`].
    pub struct OneBearerMethodFuture<F, B> {
        #[pin]
        stage: Stage<F, B>,
    }
}

pin_project! {
    #[project = Projected]
    enum Stage<F, B> {
        // There is no form.
        HandedOn { #[pin] answer: F },
        // The form is read first.
        WithForm { answer: Pin<Box<dyn Future<Output = Answer<B>>>> },
    }
}

impl<F, B> Future for OneBearerMethodFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Answer<B>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            Projected::HandedOn { answer } => {
                Poll::Ready(std::task::ready!(answer.poll(context)).map(ServiceResponse::map_into_left_body))
            }
            Projected::WithForm { answer } => answer.as_mut().poll(context),
        }
    }
}

/// Reads the form, which stays in the request; or why it is refused.
async fn read_form(request: &mut ServiceRequest) -> Result<(), &'static str> {
    match timeout(FORM_TIME, request.extract::<web::Bytes>()).await {
        Err(_elapsed) => Err("The form in the body does not arrive in time"),
        Ok(Ok(body)) if url::form_urlencoded::parse(&body).any(|(name, _)| name == "access_token") => {
            Err("There is an access token in the header and another in the body")
        }
        Ok(Ok(body)) => {
            request.set_payload(Payload::from(body));
            Ok(())
        }
        Ok(Err(_)) => Err("The form in the body is too large or cannot be read"),
    }
}

fn is_form(request: &ServiceRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
