//! Is the signature over these very octets? (RFC 7515 §5.2)

use serde_json::json;

use crate::specimen::case::{Case, NotSent, Presentation};
use crate::specimen::draft::{b64, changed};
use crate::specimen::forge::Forge;

const CLAUSE: &str = "RFC 7515 §5.2, RFC 8725 §3.3";
const UNCHECKED: &str = "anybody can change what a token says";

pub(super) fn cases() -> Vec<Case> {
    /// A valid token with another signature.
    fn resigned(forge: &Forge<'_>, change: fn(&mut Vec<u8>)) -> Result<Presentation, NotSent> {
        forge.resigned(change).map(Presentation::bearer)
    }
    vec![
        Case::refuse("tampered_payload", "claims changed after signing", CLAUSE, UNCHECKED, |forge| {
            let changes = json!({ "sub": "somebody-else", "client_id": "somebody-else" });
            forge.tampered(changes).map(Presentation::bearer)
        }),
        Case::refuse("tampered_header", "header changed after signing", CLAUSE, UNCHECKED, |forge| {
            let [_, payload, signature] = forge.parts()?;
            let header = changed(forge.header(), json!({ "conform": 1 }));
            Ok(Presentation::bearer(format!("{}.{payload}.{signature}", b64(header.to_string()))))
        }),
        Case::refuse("tampered_signature", "one bit of the signature changed", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, |octets| octets.iter_mut().skip(20).take(1).for_each(|octet| *octet ^= 1))
        }),
        Case::refuse("signature_stripped", "the signature taken away", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, Vec::clear)
        }),
        Case::refuse(
            "missing_signature",
            "the signature and its dot taken away",
            "RFC 7515 §3.1",
            UNCHECKED,
            |forge| {
                let [header, payload, _] = forge.parts()?;
                Ok(Presentation::bearer(format!("{header}.{payload}")))
            },
        ),
        Case::refuse("signature_truncated", "the last octet of the signature taken away", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, |octets| octets.truncate(octets.len().saturating_sub(1)))
        }),
        Case::refuse("signature_one_octet", "a signature of one octet", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, |octets| octets.truncate(1))
        }),
        Case::refuse("signature_longer", "an octet put after the signature", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, |octets| octets.push(0))
        }),
        Case::refuse("signature_zeros", "a signature of zeros", CLAUSE, UNCHECKED, |forge| {
            resigned(forge, |octets| octets.fill(0))
        }),
        Case::refuse("signature_of_another", "the signature of another valid token", CLAUSE, UNCHECKED, |forge| {
            let [header, payload, _] = forge.parts()?;
            let other = forge.token(json!({}), json!({ "jti": "another" }))?;
            let signature = other.rsplit('.').next().unwrap_or_default();
            Ok(Presentation::bearer(format!("{header}.{payload}.{signature}")))
        }),
    ]
}
