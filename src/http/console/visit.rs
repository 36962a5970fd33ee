//! Who opens a page, and how does the page read and change what is stored? With the rights that the client holds now.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use url::form_urlencoded;

use super::cookie;
use super::done::Done;
use super::error::ConsoleError;
use super::form::Form;
use super::frame::{Frame, Section, Who};
use super::{assets, base_of, kept, once};
use crate::clock::UnixMillis;
use crate::http::IssuerEndpoints;
use crate::issuer::administration::{Administration, AdministrationError, Change};
use crate::issuer::console::{Occasion, Session, SessionId};
use crate::issuer::freshness::Freshness;
use crate::issuer::rights::Caller;
use crate::oauth::metadata::Issuer;
use crate::store::Reader;
use crate::telemetry::request_id::RequestId;

/// The header of a request that a page makes by itself, without anybody at it: a session that is only polled ends.
const POLL: &str = "tokenhouse-poll";

/// A request of somebody who is signed in. Not `Debug`: it holds the session's id.
pub(super) struct Visit {
    pub(super) endpoints: web::Data<IssuerEndpoints>,
    pub(super) session: Session,
    pub(super) id: Arc<SessionId>,
    /// What stands in the query, as a form that was sent.
    pub(super) query: Form,
    request_id: Option<String>,
}

/// Who is signed in, for pages that are written where the visit is no longer at hand.
#[derive(Clone)]
pub(super) struct SignedIn(pub(super) Session);

impl FromRequest for Visit {
    type Error = ConsoleError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ConsoleError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let endpoints = endpoints_of(&request)?;
            let (id, session) = match signed_in(&endpoints, &request).await {
                Err(ConsoleError::NotSignedIn) => {
                    kept::wait(&request).await;
                    return Err(ConsoleError::NotSignedIn);
                }
                found => found?,
            };
            request.extensions_mut().insert(SignedIn(session.clone()));
            let query = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
            let request_id = request_id_of(&request);
            Ok(Self { endpoints, session, id, query: Form::of(query), request_id })
        })
    }
}

async fn signed_in(
    endpoints: &IssuerEndpoints,
    request: &HttpRequest,
) -> Result<(Arc<SessionId>, Session), ConsoleError> {
    let id = Arc::new(cookie::session_of(request.headers()).ok_or(ConsoleError::NotSignedIn)?);
    let session = session_of(endpoints, &id, occasion_of(request)).await?;
    Ok((id, session))
}

/// The session with this id. While the store is silent it is one that was found before, and nothing of the store is asked.
async fn session_of(
    endpoints: &IssuerEndpoints,
    id: &Arc<SessionId>,
    occasion: Occasion,
) -> Result<Session, ConsoleError> {
    if endpoints.issuer.served().freshness() == Freshness::Followed {
        let (console, asked) = (endpoints.console.clone(), Arc::clone(id));
        match endpoints.reading(move || Ok(console.find(&asked, occasion)?)).await {
            Err(ConsoleError::StoreFellSilent) => {}
            found => return found?.ok_or(ConsoleError::NotSignedIn),
        }
    }
    endpoints.console.find_in_memory(id, occasion).ok_or(ConsoleError::StoreSilent)
}

fn occasion_of(request: &HttpRequest) -> Occasion {
    if request.headers().contains_key(POLL) { Occasion::Poll } else { Occasion::Use }
}

impl Visit {
    /// The same visit with the session as it is now: its holder may just have proved with something else who it is.
    ///
    /// # Errors
    /// If the session is over, or the store does not answer.
    pub(super) async fn again(self) -> Result<Self, ConsoleError> {
        let (console, id) = (self.endpoints.console.clone(), self.id.clone());
        let session = self.endpoints.reading(move || Ok::<_, ConsoleError>(console.find(&id, Occasion::Use)?)).await?;
        Ok(Self { session: session.ok_or(ConsoleError::NotSignedIn)?, ..self })
    }

    /// Does whoever is signed in hold `scope` of the Management API?
    pub(super) fn holds(&self, scope: &str) -> bool {
        self.session.holds(scope)
    }

    /// The same, as a refusal.
    ///
    /// # Errors
    /// If it is not held.
    pub(super) fn require(&self, scope: &'static str) -> Result<(), ConsoleError> {
        if self.holds(scope) { Ok(()) } else { Err(ConsoleError::Lacks(scope)) }
    }

    /// The time that the issuer goes by.
    pub(super) fn now(&self) -> UnixMillis {
        self.endpoints.issuer.clock().now()
    }

    /// Whoever is signed in, as the maker of a change.
    pub(super) fn caller(&self) -> Caller {
        self.session.caller(self.request_id.clone())
    }

    /// What every page shows around its own content.
    pub(super) fn frame(&self, title: impl Into<String>, section: Section) -> Frame {
        let notice = Done::of(self.query.value("done")).map(Done::text);
        Frame { notice, ..frame(self.endpoints.issuer_name(), Some(&self.session), title.into(), section) }
    }

    /// Where the page at `relative` of the console is, such as `clients/partner-a`.
    pub(super) fn path(&self, relative: &str) -> String {
        format!("{}/{relative}", base_of(self.endpoints.issuer_name()))
    }

    /// Reads one state of the store.
    ///
    /// # Errors
    /// What `read` says, or the store.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, ConsoleError> + Send + 'static,
    ) -> Result<T, ConsoleError> {
        let store = self.endpoints.administration.store().clone();
        self.endpoints.reading(move || store.read(read)).await
    }

    /// Makes one change, and returns once this server serves it.
    ///
    /// # Errors
    /// [`ConsoleError::Refused`] if the use case refuses it.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, ConsoleError> {
        self.administer(move |administration, caller| administration.change(caller, steps)).await
    }

    /// Makes a change whose answer shows a secret or a link: for each showing of `form` once, so that a mistake in it uses nothing up and a
    /// reload of the answer does nothing.
    ///
    /// # Errors
    /// As [`Self::change`], and [`ConsoleError::SentBefore`].
    pub(super) async fn change_once<T: Send + 'static>(
        &self,
        form: &Form,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, ConsoleError> {
        once::use_up(self, form).await?;
        self.change(steps).await
    }

    /// Does one piece of work that changes something, and returns once this server serves it.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub(super) async fn administer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Administration, &Caller) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, ConsoleError> {
        self.endpoints.administering(self.caller(), work).await
    }
}

/// Refuses whoever was signed in when `request` began, and is not any more or has other rights by now that its body has arrived: that may
/// have taken long.
///
/// # Errors
/// [`ConsoleError::NotSignedIn`] and [`ConsoleError::RightsChanged`] then; or the store does not answer.
pub(super) async fn still_signed_in(request: &HttpRequest) -> Result<(), ConsoleError> {
    // Of nobody, or not found yet: then it is looked for in a moment.
    let before = request.extensions().get::<SignedIn>().cloned();
    let Some(SignedIn(before)) = before else { return Ok(()) };
    let (_, now) = signed_in(&*endpoints_of(request)?, request).await?;
    let is_same = before.client.id == now.client.id && before.rights == now.rights;
    if is_same { Ok(()) } else { Err(ConsoleError::RightsChanged) }
}

/// The endpoints that serve `request`.
pub(super) fn endpoints_of(request: &HttpRequest) -> Result<web::Data<IssuerEndpoints>, ConsoleError> {
    let endpoints = request.app_data::<web::Data<IssuerEndpoints>>().cloned();
    endpoints.ok_or_else(|| ConsoleError::fault(&"the endpoints are not set up"))
}

/// The id of `request`, for the audit trail.
pub(super) fn request_id_of(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned())
}

/// What stands around a page.
pub(super) fn frame(issuer: &Issuer, session: Option<&Session>, title: String, section: Section) -> Frame {
    let who = session.map(|session| Who { client_id: session.client.client_id.to_string() });
    Frame {
        base: base_of(issuer),
        issuer: issuer.as_str().to_owned(),
        title,
        nav: session.map(sections_of).unwrap_or_default(),
        who,
        section,
        notice: None,
        once: once::new_name(),
        assets: assets::tag(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// The parts of the console that somebody may see.
fn sections_of(session: &Session) -> Vec<Section> {
    let needed = [
        (Section::Start, None),
        (Section::Apis, Some("read:resource_servers")),
        (Section::Clients, Some("read:clients")),
        (Section::Keys, Some("read:signing_keys")),
        (Section::Audit, Some("read:audit_events")),
        (Section::Explain, Some("read:clients")),
        (Section::Document, Some("read:clients")),
    ];
    let mut sections: Vec<Section> = Vec::new();
    if session.is_operator() {
        let seen = needed.into_iter().filter(|(_, scope)| scope.is_none_or(|scope| session.holds(scope)));
        sections.extend(seen.map(|(section, _)| section));
    }
    sections.push(Section::Own);
    sections
}
