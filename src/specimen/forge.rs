//! How is a token made, right or wrong in one thing? (RFC 7515 §3.1, RFC 9068 §2)

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::case::NotSent;
use super::key::{KeyRing, SpecimenKey, mac};
use super::subject::Subject;

/// How long a valid token lives, in seconds.
const LIFETIME: i64 = 300;

/// An hour: more than any leeway.
pub(super) const HOUR: i64 = 3600;

/// Makes the tokens of one request.
pub struct Forge<'a> {
    pub(super) subject: &'a Subject,
    pub(super) keys: &'a KeyRing,
    /// The time of issue, in Unix seconds.
    pub(super) now: i64,
    jti: &'a str,
}

impl<'a> Forge<'a> {
    /// At `now`, in Unix seconds; `jti` is this request's own.
    pub const fn new(subject: &'a Subject, keys: &'a KeyRing, now: i64, jti: &'a str) -> Self {
        Self { subject, keys, now, jti }
    }

    /// The header of a valid token.
    pub(super) fn header(&self) -> Value {
        json!({ "alg": self.keys.genuine.alg(), "typ": self.subject.typ, "kid": self.keys.genuine.kid() })
    }

    /// The claims of a valid token.
    pub(super) fn claims(&self) -> Value {
        let subject = self.subject;
        let mut claims = json!({
            "iss": subject.issuer, "aud": subject.audience, "sub": subject.client_id, "client_id": subject.client_id,
            "iat": self.now, "exp": self.now.saturating_add(LIFETIME), "jti": self.jti,
        });
        if let (Some(scope), Some(members)) = (&subject.scope, claims.as_object_mut()) {
            members.insert(subject.scope_claim.clone(), subject.scope_format.write(&[scope.as_str()]));
        }
        changed(claims, Value::Object(subject.claims.clone()))
    }

    /// A valid token.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn valid(&self) -> Result<String, NotSent> {
        self.token(json!({}), json!({}))
    }

    /// A token of the published key, with changes to header and claims: null takes a member away.
    pub(super) fn token(&self, header: Value, claims: Value) -> Result<String, NotSent> {
        self.texts(&changed(self.header(), header).to_string(), &changed(self.claims(), claims).to_string())
    }

    /// The same of the attacker's key, which names the published one.
    pub(super) fn forged(&self, header: Value, claims: Value) -> Result<String, NotSent> {
        let header = changed(self.header(), header).to_string();
        signed(&self.keys.attacker, header.as_bytes(), changed(self.claims(), claims).to_string().as_bytes())
    }

    /// A token of the published key, of exactly these texts.
    pub(super) fn texts(&self, header: &str, payload: &str) -> Result<String, NotSent> {
        signed(&self.keys.genuine, header.as_bytes(), payload.as_bytes())
    }

    /// A token of the published key over these octets.
    pub(super) fn payload(&self, payload: &[u8]) -> Result<String, NotSent> {
        signed(&self.keys.genuine, self.header().to_string().as_bytes(), payload)
    }

    /// A token of the published key, one of whose claims is this JSON text, right or not.
    pub(super) fn claim_text(&self, name: &str, text: &str) -> Result<String, NotSent> {
        let rest = without(self.claims(), name).to_string();
        self.payload(rest.replacen('{', &format!("{{\"{name}\":{text},"), 1).as_bytes())
    }

    /// A token of the published key without this claim.
    pub(super) fn lacking(&self, name: &str) -> Result<String, NotSent> {
        self.payload(without(self.claims(), name).to_string().as_bytes())
    }

    /// A token of the published key whose claim stands twice.
    pub(super) fn claim_twice(&self, name: &str, first: &str, last: &str) -> Result<String, NotSent> {
        self.claim_text(name, &format!("{first},\"{name}\":{last}"))
    }

    /// A token of the published key whose header has a member of this JSON text.
    pub(super) fn header_text(&self, name: &str, text: &str) -> Result<String, NotSent> {
        let rest = without(self.header(), name).to_string();
        self.texts(&rest.replacen('{', &format!("{{\"{name}\":{text},"), 1), &self.claims().to_string())
    }

    /// A token whose MAC is made with something that everybody knows.
    pub(super) fn maced(&self, alg: &str, header: Value, secret: impl AsRef<[u8]>) -> String {
        let header = changed(changed(self.header(), json!({ "alg": alg })), header);
        let input = format!("{}.{}", b64(header.to_string()), b64(self.claims().to_string()));
        let tag = mac(alg, secret.as_ref(), input.as_bytes());
        format!("{input}.{}", b64(tag))
    }

    /// A token without a signature.
    pub(super) fn unsigned(&self, header: Value) -> String {
        format!("{}.{}.", b64(changed(self.header(), header).to_string()), b64(self.claims().to_string()))
    }

    /// The three parts of a valid token.
    pub(super) fn parts(&self) -> Result<[String; 3], NotSent> {
        let token = self.valid()?;
        let mut parts = token.split('.').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Ok([next(), next(), next()])
    }

    /// The scope claim with these scopes.
    pub(super) fn scopes(&self, scopes: &[&str]) -> Value {
        let mut claim = json!({});
        if let Some(members) = claim.as_object_mut() {
            members.insert(self.subject.scope_claim.clone(), self.subject.scope_format.write(scopes));
        }
        claim
    }

    /// The scope that the endpoint asks for.
    pub(super) fn scope(&self) -> Result<&'a str, NotSent> {
        self.subject.scope.as_deref().ok_or(NotSent::DoesNotApply("no --scope was given"))
    }
}

/// `text` in base64url.
pub(super) fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The octets of base64url text of ours.
pub(super) fn from_b64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

/// A token of these octets, signed with the algorithm of `key` whatever the header says.
pub(super) fn signed(key: &SpecimenKey, header: &[u8], payload: &[u8]) -> Result<String, NotSent> {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key.sign(input.as_bytes())?;
    Ok(format!("{input}.{}", b64(signature)))
}

/// `base` with the members of `changes` put in, and those that are null taken out.
pub(super) fn changed(mut base: Value, changes: Value) -> Value {
    if let (Some(members), Value::Object(changes)) = (base.as_object_mut(), changes) {
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
    }
    base
}

fn without(mut base: Value, name: &str) -> Value {
    if let Some(members) = base.as_object_mut() {
        members.remove(name);
    }
    base
}
