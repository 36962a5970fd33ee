//! Keys of partners, and the assertions that they sign.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};
use tokenhouse::clock::{Clock as _, SystemClock, UnixMillis};
use tokenhouse::entropy::{Entropy as _, SystemEntropy};
use tokenhouse::keys::public_test_keys::PublicTestKey;
use tokenhouse::keys::{PrivateKey, PublicJwk, RsaBits, SigningAlg, generate_private_key, self_signed_certificate};

use super::answer::{Answer, client};

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A partner's private key and the algorithm that it signs with.
pub struct PartnerKey {
    alg: Algorithm,
    private: PrivateKey,
}

impl PartnerKey {
    /// A key for `alg`: a new one, or for RSA a worthless one, since making one takes a second.
    pub fn new(alg: &str) -> Self {
        let generated = |alg| generate_private_key(alg, RsaBits::default(), &SystemEntropy).expect("a key");
        let private = match alg {
            "ES256" => generated(SigningAlg::Es256),
            "EdDSA" => generated(SigningAlg::EdDsa),
            _ => PublicTestKey::Rs256Next.load(),
        };
        Self { alg: alg.parse().expect("an algorithm"), private }
    }

    /// The public half as a certificate that is valid for ten years from `not_before`, in Unix seconds.
    pub fn certificate(&self, not_before: i64) -> String {
        let der =
            self_signed_certificate(&self.private, "partner", UnixMillis(not_before * 1000)).expect("a certificate");
        let base64 = BASE64_STANDARD.encode(der);
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// The public half as a JWK with its thumbprint as `kid`.
    pub fn jwk(&self) -> Value {
        let public = PublicJwk::from_private_key(&self.private, UnixMillis(0)).expect("a JWK");
        let mut jwk = serde_json::to_value(&public.parameters).expect("JSON");
        jwk["kid"] = public.kid.into();
        jwk["alg"] = format!("{:?}", self.alg).into();
        jwk
    }

    /// The private half, as no server must be given it.
    pub fn private_pem(&self) -> String {
        self.private.to_pem().expect("PEM").to_string()
    }

    /// Signs `claims`; `kid` names the key.
    pub fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.alg) };
        self.sign_under(&header, claims)
    }

    /// Signs `claims` under a header of one's own.
    pub fn sign_under(&self, header: &Header, claims: &Value) -> String {
        let pkcs8 = self.private.expose_pkcs8();
        let key = match self.alg {
            Algorithm::ES256 => EncodingKey::from_ec_der(pkcs8),
            Algorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
            _ => {
                let key = rsa::PrivateKey::from_pkcs8_der(pkcs8).expect("an RSA key");
                EncodingKey::from_rsa_der(key.to_pkcs1_der().expect("PKCS#1").as_bytes())
            }
        };
        encode(header, claims, &key).expect("a signature")
    }

    /// A good assertion of `client_id` for `audience`, with `changes` to its claims: `null` takes one away.
    pub fn assertion(&self, client_id: &str, audience: &str, changes: &Value) -> String {
        self.sign(None, &claims(client_id, audience, changes))
    }
}

/// The claims of a good assertion, with changes.
pub fn claims(client_id: &str, audience: &str, changes: &Value) -> Value {
    let now = unix_seconds();
    let mut random = [0; 16];
    SystemEntropy.fill(&mut random);
    let jti = format!("{:032x}", u128::from_be_bytes(random));
    let mut claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": jti, "iat": now, "exp": now + 60
    });
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A client of a document that has only these keys, with a grant for `https://api/`.
pub fn key_client(client_id: &str, jwks: &[Value]) -> Value {
    json!({
        "client_id": client_id,
        "authentication_methods": ["private_key_jwt"],
        "jwks": {"keys": jwks},
        "grants": [{"audience": "https://api/", "scope": ["a"]}]
    })
}

/// A document with the API `https://api/` and these clients.
pub fn document(clients: &[Value]) -> Value {
    json!({"apis": [{"identifier": "https://api/", "scopes": [{"value": "a"}]}], "clients": clients})
}

/// A token request with an assertion and further parameters.
pub async fn token(endpoint: &str, assertion: &str, further: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    form.extend_from_slice(further);
    Answer::to(client().post(endpoint).form(&form)).await
}

pub fn unix_seconds() -> i64 {
    SystemClock.now().floor_seconds()
}
