//! How is a token made that is right, or wrong in one thing? (RFC 7515 §3.1)

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::case::NotSent;
use super::key::{KeyRing, SpecimenKey, mac};

/// What a right token says, and the keys at hand.
pub struct Draft<'a> {
    header: Value,
    claims: Value,
    /// The key that signs, and one that must not.
    pub keys: &'a KeyRing,
}

impl<'a> Draft<'a> {
    /// That a right token has this header and these claims, both JSON objects.
    pub const fn new(header: Value, claims: Value, keys: &'a KeyRing) -> Self {
        Self { header, claims, keys }
    }

    /// The header of a right token.
    pub fn header(&self) -> Value {
        self.header.clone()
    }

    /// The claims of a right token.
    pub fn claims(&self) -> Value {
        self.claims.clone()
    }

    /// A valid token.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn valid(&self) -> Result<String, NotSent> {
        self.token(json!({}), json!({}))
    }

    /// A token of the published key, with changes to header and claims: null takes a member away.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn token(&self, header: Value, claims: Value) -> Result<String, NotSent> {
        self.texts(&changed(self.header.clone(), header).to_string(), &changed(self.claims.clone(), claims).to_string())
    }

    /// The same of the attacker's key, which names the published one.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn forged(&self, header: Value, claims: Value) -> Result<String, NotSent> {
        let header = changed(self.header.clone(), header).to_string();
        signed(&self.keys.attacker, header.as_bytes(), changed(self.claims.clone(), claims).to_string().as_bytes())
    }

    /// A token of the published key, of exactly these texts.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn texts(&self, header: &str, payload: &str) -> Result<String, NotSent> {
        signed(&self.keys.genuine, header.as_bytes(), payload.as_bytes())
    }

    /// A token of the published key over these octets.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn payload(&self, payload: &[u8]) -> Result<String, NotSent> {
        signed(&self.keys.genuine, self.header.to_string().as_bytes(), payload)
    }

    /// A token of the published key, one of whose claims is this JSON text, right or not.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn claim_text(&self, name: &str, text: &str) -> Result<String, NotSent> {
        self.payload(with_text(self.claims.clone(), name, text).as_bytes())
    }

    /// A token of the published key without this claim.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn lacking(&self, name: &str) -> Result<String, NotSent> {
        self.payload(without(self.claims.clone(), name).to_string().as_bytes())
    }

    /// A token of the published key whose claim stands twice.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn claim_twice(&self, name: &str, first: &str, last: &str) -> Result<String, NotSent> {
        self.claim_text(name, &format!("{first},\"{name}\":{last}"))
    }

    /// A token of the published key whose header has a member of this JSON text.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn header_text(&self, name: &str, text: &str) -> Result<String, NotSent> {
        self.texts(&with_text(self.header.clone(), name, text), &self.claims.to_string())
    }

    /// A token whose MAC is made with something that everybody knows.
    pub fn maced(&self, alg: &str, header: Value, secret: impl AsRef<[u8]>) -> String {
        let header = changed(changed(self.header.clone(), json!({ "alg": alg })), header);
        let input = format!("{}.{}", b64(header.to_string()), b64(self.claims.to_string()));
        let tag = mac(alg, secret.as_ref(), input.as_bytes());
        format!("{input}.{}", b64(tag))
    }

    /// A token without a signature.
    pub fn unsigned(&self, header: Value) -> String {
        format!("{}.{}.", b64(changed(self.header.clone(), header).to_string()), b64(self.claims.to_string()))
    }

    /// The three parts of a valid token.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn parts(&self) -> Result<[String; 3], NotSent> {
        let token = self.valid()?;
        let mut parts = token.split('.').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Ok([next(), next(), next()])
    }

    /// A right token whose claims were changed after it was signed.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn tampered(&self, claims: Value) -> Result<String, NotSent> {
        let [header, _, signature] = self.parts()?;
        Ok(format!("{header}.{}.{signature}", b64(changed(self.claims.clone(), claims).to_string())))
    }

    /// A right token whose signature was changed.
    ///
    /// # Errors
    /// If the library does not sign.
    pub fn resigned(&self, change: impl FnOnce(&mut Vec<u8>)) -> Result<String, NotSent> {
        let [header, payload, signature] = self.parts()?;
        let mut octets = from_b64(&signature);
        change(&mut octets);
        Ok(format!("{header}.{payload}.{}", b64(octets)))
    }

    /// A token signed by the published key with another of its algorithms, which the header names.
    ///
    /// # Errors
    /// If the key has no such algorithm, or the library does not sign.
    pub fn of_algorithm(&self, alg: &str) -> Result<String, NotSent> {
        let token = self.unsigned(json!({ "alg": alg }));
        let input = token.trim_end_matches('.');
        let signature = self.keys.genuine.sign_as(alg, input.as_bytes())?;
        Ok(format!("{input}.{}", b64(signature)))
    }
}

/// `text` in base64url.
pub(super) fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The octets of base64url text of ours.
pub fn from_b64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

/// A token of these octets, signed with the algorithm of `key` whatever the header says.
pub(super) fn signed(key: &SpecimenKey, header: &[u8], payload: &[u8]) -> Result<String, NotSent> {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key.sign(input.as_bytes())?;
    Ok(format!("{input}.{}", b64(signature)))
}

/// `base` with the members of `changes` put in, and those that are null taken out.
pub fn changed(mut base: Value, changes: Value) -> Value {
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

/// The JSON of `object` whose first member is `name` with this text, right or not, for its value.
fn with_text(object: Value, name: &str, text: &str) -> String {
    let rest = without(object, name).to_string();
    match rest.strip_prefix('{').unwrap_or_default() {
        "}" => format!("{{\"{name}\":{text}}}"),
        others => format!("{{\"{name}\":{text},{others}"),
    }
}

fn without(mut base: Value, name: &str) -> Value {
    if let Some(members) = base.as_object_mut() {
        members.remove(name);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_any_text_stands_first_also_where_there_is_no_other() {
        assert_eq!(with_text(json!({ "a": 1, "b": 2 }), "a", "3,\"a\":4"), r#"{"a":3,"a":4,"b":2}"#);
        assert_eq!(with_text(json!({ "a": 1 }), "a", "null"), r#"{"a":null}"#);
    }
}
