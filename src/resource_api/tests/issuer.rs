//! Does the API find its issuer by URL alone, also over TLS with a private CA?

use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use super::super::{OpenError, ResourceApi, Settings};
use super::{AUDIENCE, Database, NOW, Rig, answer, clock, jwks, settings, signed};
use crate::entropy::SystemEntropy;

fn open(issuer: &str, change: impl FnOnce(&mut Settings)) -> Result<ResourceApi, OpenError> {
    let mut settings = settings(Database::InMemory);
    issuer.clone_into(&mut settings.issuer);
    change(&mut settings);
    ResourceApi::open(settings, clock(), Arc::new(SystemEntropy))
}

fn token_of(issuer: &str) -> String {
    let claims =
        json!({"iss": issuer, "aud": AUDIENCE, "sub": "a", "client_id": "a", "jti": "1", "iat": NOW, "exp": NOW + 60});
    signed("at+jwt", &claims)
}

async fn whoami(api: &ResourceApi, issuer: &str) -> u16 {
    answer(Rig::serve(api).request("GET", "/whoami").bearer_auth(token_of(issuer))).await.0
}

/// An issuer with metadata and keys on a free port; TLS with a certificate of the CA that is returned as PEM.
fn serve_over_tls() -> (String, String) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let chain = vec![CertificateDer::from(certificate)];
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}jwks")});
    let server = HttpServer::new(move || {
        let metadata = metadata.clone();
        App::new().route("/jwks", web::get().to(async || HttpResponse::Ok().json(jwks()))).route(
            "/.well-known/openid-configuration",
            web::get().to(move || std::future::ready(HttpResponse::Ok().json(&metadata))),
        )
    })
    .workers(1)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)
    .unwrap();
    actix_web::rt::spawn(server.run());
    (issuer, ca.pem())
}

#[actix_web::test]
async fn a_private_ca_is_trusted_when_told() {
    let (issuer, ca_pem) = serve_over_tls();
    let trusting = open(&issuer, |settings| settings.extra_ca_pem = Some(ca_pem.clone().into_bytes())).unwrap();
    assert_eq!(whoami(&trusting, &issuer).await, 200);
    let direct = open(&issuer, |settings| {
        settings.extra_ca_pem = Some(ca_pem.into_bytes());
        settings.jwks_uri = Some(format!("{issuer}jwks"));
    });
    assert_eq!(whoami(&direct.unwrap(), &issuer).await, 200);
    let distrusting = open(&issuer, |_| ()).unwrap();
    assert_eq!(whoami(&distrusting, &issuer).await, 503, "a fault here is not the caller's");
}

#[actix_web::test]
async fn an_issuer_that_is_away_is_not_the_callers_fault() {
    let issuer = "http://127.0.0.1:1/";
    let api = open(issuer, |_| ()).unwrap();
    assert_eq!(whoami(&api, issuer).await, 503);
}

#[test]
fn an_issuer_without_tls_elsewhere_is_refused() {
    let issuer = "http://issuer.example/";
    assert!(matches!(open(issuer, |_| ()), Err(OpenError::Issuer(_))));
}
