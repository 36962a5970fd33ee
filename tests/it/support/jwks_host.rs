//! A host at which a partner publishes its keys over https, well-behaved or not.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenhouse::clock::SystemClock;
use tokenhouse::config::TlsFiles;
use tokenhouse::http::tls::ServedCertificate;

/// A running host. Its certificate vouches for itself.
pub struct JwksHost {
    pub port: u16,
    state: Data<State>,
    handle: ServerHandle,
    directory: TempDir,
}

#[derive(Default)]
struct State {
    keys: Mutex<Vec<Value>>,
    failing: Mutex<bool>,
    requests: AtomicUsize,
}

impl JwksHost {
    /// Starts it, with a thread of its own.
    pub fn start(keys: &[Value]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (directory.path().join("host.pem"), directory.path().join("host-key.pem"));
        std::fs::write(&certificate, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        let files = TlsFiles { certificate, key };
        let served = ServedCertificate::load(files, Arc::new(SystemClock)).expect("a certificate");
        let tls = tokenhouse::http::tls::server_config(Arc::new(served)).expect("TLS");
        let state = Data::new(State { keys: Mutex::new(keys.to_vec()), ..State::default() });
        let shared = state.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let serving = async move {
                let app = move || App::new().app_data(shared.clone()).default_service(web::to(answer));
                let server = HttpServer::new(app).workers(1).disable_signals();
                let server = server.bind_rustls_0_23(("127.0.0.1", 0), tls).expect("a port");
                let port = server.addrs().first().expect("an address").port();
                let server = server.run();
                sender.send((port, server.handle())).expect("somebody waits");
                let _ = server.await;
            };
            actix_web::rt::System::new().block_on(serving);
        });
        let (port, handle) = receiver.recv().expect("it starts");
        Self { port, state, handle, directory }
    }

    /// A URL: `/jwks` has the keys; `/redirect`, `/huge`, `/slow` and `/drip` what their names say.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The certificate to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("host.pem")
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: &[Value]) {
        *self.state.keys.lock().expect("a lock") = keys.to_vec();
    }

    /// Answers everything with 500, or not any more.
    pub fn fail(&self, failing: bool) {
        *self.state.failing.lock().expect("a lock") = failing;
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for JwksHost {
    fn drop(&mut self) {
        // Sent at once; nobody waits for the end.
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, state: Data<State>) -> HttpResponse {
    state.requests.fetch_add(1, Ordering::SeqCst);
    if *state.failing.lock().expect("a lock") {
        return HttpResponse::InternalServerError().finish();
    }
    let keys = state.keys.lock().expect("a lock").clone();
    let set = json!({"keys": keys}).to_string();
    match request.path() {
        "/jwks" => HttpResponse::Ok().content_type("application/json").body(set),
        "/redirect" => HttpResponse::Found().insert_header(("location", "/jwks")).finish(),
        "/huge" => HttpResponse::Ok().body(format!("{set}{}", " ".repeat(1024 * 1024))),
        "/slow" => {
            actix_web::rt::time::sleep(Duration::from_secs(30)).await;
            HttpResponse::Ok().body(set)
        }
        "/drip" => {
            let bytes: Arc<[u8]> = set.into_bytes().into();
            let drops = futures_util::stream::unfold(0, move |at| {
                let bytes = bytes.clone();
                async move {
                    actix_web::rt::time::sleep(Duration::from_millis(200)).await;
                    let drop = Bytes::copy_from_slice(bytes.get(at..=at)?);
                    Some((Ok::<_, actix_web::Error>(drop), at + 1))
                }
            });
            HttpResponse::Ok().streaming(drops)
        }
        _ => HttpResponse::NotFound().finish(),
    }
}
