//! What can be wrong with a token that a resource server must refuse? (RFC 7515, RFC 7519, RFC 8725, RFC 9068)

use serde::{Deserialize, Serialize};

macro_rules! defects {
    ($($(#[doc = $description:literal])+ $name:ident = $text:literal, $reference:literal;)+) => {
        /// One thing that is wrong with a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Defect {
            $($(#[doc = $description])+ $name,)+
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name, as the control API has it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What is wrong.
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($description),+).trim(),)+ }
            }

            /// Where it says that such a token must be refused, or what became of those who did not.
            pub const fn reference(self) -> &'static str {
                match self { $(Self::$name => $reference,)+ }
            }
        }
    };
}

defects! {
    /// `exp` is an hour ago.
    Expired = "expired", "RFC 7519 §4.1.4";
    /// `nbf` is in an hour.
    NotYetValid = "not_yet_valid", "RFC 7519 §4.1.5";
    /// `iss` is another issuer.
    WrongIssuer = "wrong_issuer", "RFC 9068 §4, RFC 8725 §3.8";
    /// `aud` is another API.
    WrongAudience = "wrong_audience", "RFC 9068 §4, RFC 8725 §3.9";
    /// `typ` is that of another kind of token.
    WrongType = "wrong_type", "RFC 9068 §4, RFC 8725 §3.11";
    /// An algorithm for which the key is not published; with RSA properly signed.
    WrongAlgorithm = "wrong_algorithm", "RFC 8725 §3.1";
    /// Another key, under a `kid` that is published nowhere.
    UnknownKid = "unknown_kid", "RFC 7515 §4.1.4, RFC 9068 §4";
    /// Another key, without a `kid`.
    MissingKid = "missing_kid", "RFC 7515 §5.2, RFC 9068 §4";
    /// Another key, under the `kid` of the published one.
    ForgedKey = "forged_key", "RFC 7515 §5.2, RFC 9068 §4";
    /// Another key, with that key as `jwk` in the header.
    EmbeddedKey = "embedded_key", "RFC 8725 §3.10, CVE-2018-0114";
    /// `alg` is `none`, and there is no signature.
    AlgNone = "alg_none", "RFC 9068 §4, RFC 8725 §3.2, CVE-2015-9235";
    /// An HMAC with the public key, as PEM, for a secret.
    Hs256WithPublicKey = "hs256_with_public_key", "RFC 8725 §2.1, CVE-2016-10555";
    /// The claims were changed after signing.
    TamperedPayload = "tampered_payload", "RFC 7515 §5.2";
    /// A bit of the signature was flipped.
    TamperedSignature = "tampered_signature", "RFC 7515 §5.2";
    /// Two parts instead of three.
    MissingSignature = "missing_signature", "RFC 7515 §7.1";
    /// `crit` names an extension that nobody knows.
    UnknownCrit = "unknown_crit", "RFC 7515 §4.1.11";
    /// There is no `exp`.
    MissingExpiry = "missing_expiry", "RFC 9068 §2.2";
    /// `aud` stands twice in the claims, first wrong, then right.
    DuplicateClaims = "duplicate_claims", "RFC 7519 §4, RFC 8725 §2.4";
    /// Longer than 8 KiB.
    Huge = "huge", "RFC 7515 §10.12, RFC 8725 §3.3";
}

/// A defect as the control API lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DefectEntry {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub description: &'static str,
    /// Where it says that such a token must be refused.
    pub reference: &'static str,
}

impl From<Defect> for DefectEntry {
    fn from(defect: Defect) -> Self {
        Self { name: defect.name(), description: defect.description(), reference: defect.reference() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_on_the_wire() {
        for defect in Defect::ALL {
            assert_eq!(serde_json::to_value(defect).unwrap(), defect.name());
            let entry = DefectEntry::from(*defect);
            assert!(entry.description.ends_with('.') && entry.reference.starts_with("RFC "), "{entry:?}");
        }
    }
}
