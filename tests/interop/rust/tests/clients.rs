//! Does the crate oauth2 get tokens, and does the crate openidconnect, which insists on every member of a discovery document, read ours
//! and verify a token with the keys that it finds?

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{AuthType, ClientId, ClientSecret, Scope, TokenResponse as _, TokenUrl};
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreProviderMetadata};
use openidconnect::{IssuerUrl, JsonWebKey as _};
use serde_json::Value;
use tokenhouse_interop::{AUDIENCE, Server, certificates, over_https};

fn http() -> oauth2::reqwest::blocking::Client {
    let certificates = oauth2::reqwest::Certificate::from_pem_bundle(&certificates()).expect("PEM");
    certificates
        .into_iter()
        .fold(oauth2::reqwest::blocking::Client::builder(), |builder, one| builder.add_root_certificate(one))
        // As the documentation of oauth2 demands.
        .redirect(oauth2::reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

/// A token, or the code of the error.
fn token(
    server: &Server,
    (id, secret): &(String, String),
    way: AuthType,
    audience: &str,
    scope: Option<&str>,
) -> Result<BasicTokenResponse, String> {
    let client = BasicClient::new(ClientId::new(id.clone()))
        .set_client_secret(ClientSecret::new(secret.clone()))
        .set_token_uri(TokenUrl::new(server.token_endpoint.clone()).expect("a URL"))
        .set_auth_type(way);
    let request = client.exchange_client_credentials().add_extra_param("audience", audience);
    let request = scope.into_iter().fold(request, |request, scope| request.add_scope(Scope::new(scope.to_owned())));
    request.request(&http()).map_err(|error| match error {
        oauth2::RequestTokenError::ServerResponse(answer) => {
            assert!(answer.error_description().is_some());
            answer.error().as_ref().to_owned()
        }
        other => panic!("{}: {other:?}", server.name),
    })
}

#[test]
fn oauth2_gets_tokens_with_basic_and_post_and_reads_the_errors() {
    for server in over_https() {
        for way in [AuthType::BasicAuth, AuthType::RequestBody] {
            for client in &server.clients {
                let answer = token(&server, client, way.clone(), AUDIENCE, None).expect("a token");
                assert_eq!(answer.expires_in().expect("a lifetime").as_secs(), 3600);
                assert_eq!(answer.scopes().expect("scopes").len(), 2);
                let narrow = token(&server, client, way.clone(), AUDIENCE, Some("list:users")).expect("a token");
                assert_eq!(narrow.scopes().expect("scopes"), &[Scope::new("list:users".to_owned())]);
            }
            let partner = &server.clients[0];
            let wrong = (partner.0.clone(), "wrong".to_owned());
            assert_eq!(token(&server, &wrong, way.clone(), AUDIENCE, None).unwrap_err(), server.errors.0);
            let unknown = token(&server, partner, way, "https://unknown/", None);
            assert_eq!(unknown.unwrap_err(), server.errors.1);
        }
    }
}

#[test]
fn openidconnect_discovers_us_and_verifies_a_token_with_our_keys() {
    for server in over_https() {
        let issuer = IssuerUrl::new(server.issuer.clone()).expect("an issuer");
        let metadata = CoreProviderMetadata::discover(&issuer, &http()).expect("a discovery document");
        assert_eq!(metadata.token_endpoint().expect("a token endpoint").as_str(), server.token_endpoint);
        assert_eq!(
            metadata.id_token_signing_alg_values_supported(),
            &vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256]
        );

        let answer = token(&server, &server.clients[0], AuthType::BasicAuth, AUDIENCE, None).expect("a token");
        let (message, signature) = answer.access_token().secret().rsplit_once('.').expect("a JWS");
        let header: Value =
            serde_json::from_slice(&base64url(message.split('.').next().expect("a header"))).expect("JSON");
        let key =
            metadata.jwks().keys().iter().find(|key| key.key_id().map(|kid| kid.as_str()) == header["kid"].as_str());
        let key = key.expect("the key that signed");
        let verify = |message: &str| {
            key.verify_signature(
                &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                message.as_bytes(),
                &base64url(signature),
            )
        };
        verify(message).expect("a valid signature");
        verify(&format!("{message}A")).expect_err("another message");
        for other in metadata.jwks().keys().iter().filter(|other| other.key_id() != key.key_id()) {
            let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
            other.verify_signature(&algorithm, message.as_bytes(), &base64url(signature)).expect_err("another key");
        }
    }
}

fn base64url(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
