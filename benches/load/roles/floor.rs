//! What does HTTP alone cost? The product's server with its middleware, or a plain one, that answers with constant bodies.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, BytesMut, Payload, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context as _;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokenhouse::config::LogFormat;
use tokenhouse::http::server::{ServerSettings, start};

use super::signing::{Operation, Work};

/// As long as the product lets a body take.
const BODY_TIME: Duration = Duration::from_secs(10);

/// An answer that never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConstantAnswer {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// The path.
    pub(crate) path: String,
    /// The header fields that the endpoint itself sets.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
    /// What is done besides for each answer.
    pub(crate) burden: Option<Burden>,
}

/// One signature, or its verification, with nothing around it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Burden {
    /// Which of the two.
    pub(crate) work: Work,
    /// The algorithm.
    pub(crate) alg: String,
    /// Where the key is.
    pub(crate) key: PathBuf,
}

/// What every request passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Middleware {
    /// All that the product has.
    OfTheProduct,
    /// Nothing.
    None,
}

/// `ADDRESS ANSWERS-FILE`: serves until it is ended.
///
/// # Errors
/// If it cannot listen.
pub(crate) fn serve(args: &[String], middleware: Middleware) -> anyhow::Result<()> {
    let [address, answers] = args else { anyhow::bail!("usage: ADDRESS ANSWERS-FILE") };
    let answers = std::fs::read(Path::new(answers)).with_context(|| format!("cannot read {answers}"))?;
    let answers: Arc<[ConstantAnswer]> = serde_json::from_slice::<Vec<_>>(&answers)?.into();
    let listener = TcpListener::bind(address)?;
    tokenhouse::telemetry::init(LogFormat::Json, "info")?;
    let operations = answers.iter().map(|answer| answer.burden.as_ref().map(Burden::prepare).transpose());
    let operations: Arc<[_]> = operations.collect::<anyhow::Result<Vec<_>>>()?.into();
    let configure = move |config: &mut ServiceConfig| register(&answers, &operations, config);
    actix_web::rt::System::new().block_on(async move {
        let server = match middleware {
            Middleware::OfTheProduct => {
                start(listener, &ServerSettings { workers: 1, ..ServerSettings::default() }, configure)?
            }
            Middleware::None => {
                HttpServer::new(move || App::new().configure(configure.clone())).workers(1).listen(listener)?.run()
            }
        };
        Ok(server.await?)
    })
}

impl Burden {
    fn prepare(&self) -> anyhow::Result<Arc<Operation>> {
        Operation::new(&self.alg, &self.key, self.work).map(Arc::new)
    }
}

fn register(answers: &[ConstantAnswer], operations: &[Option<Arc<Operation>>], config: &mut ServiceConfig) {
    for (answer, operation) in answers.iter().zip(operations.iter().cloned()) {
        let body = Bytes::from(answer.body.clone());
        let headers: Arc<[(String, String)]> = answer.headers.clone().into();
        let respond = move || {
            if operation.as_ref().is_some_and(|operation| operation.once().is_err()) {
                return HttpResponse::InternalServerError().finish();
            }
            let mut response = HttpResponse::build(StatusCode::OK);
            for (name, value) in headers.iter() {
                response.insert_header((name.as_str(), value.as_str()));
            }
            response.body(body.clone())
        };
        let route = if answer.method == "POST" {
            web::post().to(move |payload: Payload| {
                let respond = respond.clone();
                async move {
                    match tokio::time::timeout(BODY_TIME, read(payload)).await {
                        Ok(Some(_)) => respond(),
                        _ => HttpResponse::BadRequest().finish(),
                    }
                }
            })
        } else {
            web::get().to(move || {
                let response = respond();
                async move { response }
            })
        };
        config.route(&answer.path, route);
    }
}

/// The body, read as the token endpoint reads it; none if it breaks off.
async fn read(mut payload: Payload) -> Option<Bytes> {
    let first = payload.next().await.transpose().ok()?.unwrap_or_default();
    let Some(second) = payload.next().await.transpose().ok()? else { return Some(first) };
    let mut body = BytesMut::from(first.as_ref());
    body.extend_from_slice(&second);
    while let Some(piece) = payload.next().await.transpose().ok()? {
        body.extend_from_slice(&piece);
    }
    Some(body.freeze())
}
