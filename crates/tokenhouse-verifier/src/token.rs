//! Is this text a compact JWS of acceptable size, and which are its parts? (RFC 7515 §2, §3.1 and §7.1)

use base64::Engine as _;
use memchr::memchr_iter;

use crate::error::{TokenPart, VerifyError};

/// Base64url with AVX2 or NEON, where the processor has it and the text is long enough. Its tables are made once.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
static BASE64URL: std::sync::LazyLock<base64::engine::Simd> =
    std::sync::LazyLock::new(|| base64::engine::Simd::url_safe(base64::engine::general_purpose::NO_PAD));

/// Base64url a few characters at a time.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
static BASE64URL: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token accepted unless configured otherwise, in octets.
pub const DEFAULT_MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The parts of a compact JWS, decoded. Nothing in them is believed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct CompactJws<'a> {
    /// What the signature is over: the two encoded parts and the dot between them.
    pub signing_input: &'a str,
    /// The JOSE header, decoded.
    pub header: Vec<u8>,
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// The signature, decoded.
    pub signature: Vec<u8>,
}

impl<'a> CompactJws<'a> {
    /// Splits and decodes `token`, which may have at most `max_bytes` octets.
    pub fn parse(token: &'a str, max_bytes: usize) -> Result<Self, VerifyError> {
        let parts = JwsParts::split(token, max_bytes)?;
        Ok(Self {
            signing_input: parts.signing_input,
            header: parts.decode_header()?,
            payload: parts.decode_payload()?,
            signature: parts.decode_signature()?,
        })
    }
}

/// The parts of a compact JWS as they came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JwsParts<'a> {
    pub(crate) signing_input: &'a str,
    pub(crate) header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> JwsParts<'a> {
    /// Splits `token`, which may have at most `max_bytes` octets.
    pub(crate) fn split(token: &'a str, max_bytes: usize) -> Result<Self, VerifyError> {
        // The cap comes before the split, so that a megabyte of dots costs nothing (CVE-2025-27144, CVE-2025-30204).
        if token.len() > max_bytes {
            return Err(VerifyError::TokenTooLong { max_bytes });
        }
        let mut dots = memchr_iter(b'.', token.as_bytes());
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(VerifyError::NotThreeParts);
        };
        match dots.take(3).count() {
            0 => {}
            // RFC 7516 §3.1: five parts are a JWE, which no access token of ours ever is.
            2 => return Err(VerifyError::Encrypted),
            _ => return Err(VerifyError::NotThreeParts),
        }
        let (signing_input, signature) = token.split_at_checked(second).unwrap_or_default();
        let (header, payload) = signing_input.split_at_checked(first).unwrap_or_default();
        let behind_dot = |part: &'a str| part.get(1..).unwrap_or_default();
        Ok(Self { signing_input, header, payload: behind_dot(payload), signature: behind_dot(signature) })
    }

    pub(crate) fn decode_header(&self) -> Result<Vec<u8>, VerifyError> {
        decode(self.header, TokenPart::Header)
    }

    pub(crate) fn decode_payload(&self) -> Result<Vec<u8>, VerifyError> {
        decode(self.payload, TokenPart::Payload)
    }

    pub(crate) fn decode_signature(&self) -> Result<Vec<u8>, VerifyError> {
        decode(self.signature, TokenPart::Signature)
    }
}

/// Decodes base64url in its one canonical spelling: no padding, no whitespace, no `+` or `/`, unused bits zero (RFC
/// 7515 §2). A second spelling of a token would slip past whatever remembers tokens by their text.
fn decode(part: &str, name: TokenPart) -> Result<Vec<u8>, VerifyError> {
    match BASE64URL.decode(part) {
        Ok(octets) if !octets.is_empty() => Ok(octets),
        _ => Err(VerifyError::NotBase64Url(name)),
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn refusal(token: &str) -> VerifyError {
        CompactJws::parse(token, DEFAULT_MAX_TOKEN_BYTES).unwrap_err()
    }

    #[test]
    fn three_parts_are_decoded() {
        let jws = CompactJws::parse("e30.e30.AA", 100).unwrap();
        assert_eq!(
            (jws.signing_input, jws.header.as_slice(), jws.payload.as_slice()),
            ("e30.e30", &b"{}"[..], &b"{}"[..])
        );
        assert_eq!(jws.signature, [0]);
    }

    #[test]
    fn another_number_of_parts_is_refused() {
        for token in ["", "e30", "e30.e30", "e30.e30.AA.AA", "e30.e30.AA.AA.AA.AA", "......................"] {
            assert_eq!(refusal(token), VerifyError::NotThreeParts, "{token}");
        }
        assert_eq!(refusal("e30.AA.AA.AA.AA"), VerifyError::Encrypted);
    }

    #[test]
    fn only_canonical_base64url_is_accepted() {
        for signature in ["", "AA==", "AB", "A", "+A", "/A", " AA", "AA ", "AA\n", "A\u{e9}"] {
            assert_eq!(refusal(&format!("e30.e30.{signature}")), VerifyError::NotBase64Url(TokenPart::Signature));
        }
        assert_eq!(refusal("e30=.e30.AA"), VerifyError::NotBase64Url(TokenPart::Header));
        assert_eq!(refusal("e30.e31.AA"), VerifyError::NotBase64Url(TokenPart::Payload));
    }

    #[test]
    fn a_long_part_is_as_canonical_as_a_short_one() {
        // Long enough for wide instructions, in whole steps of them and with every rest.
        for octets in 90..190 {
            let payload: Vec<u8> = (0_u8..octets).map(|at| at.wrapping_mul(37)).collect();
            let text = URL_SAFE_NO_PAD.encode(&payload);
            let parse = |payload: &[u8]| {
                let token = format!("e30.{}.AA", std::str::from_utf8(payload).unwrap());
                CompactJws::parse(&token, DEFAULT_MAX_TOKEN_BYTES).map(|jws| jws.payload)
            };
            assert_eq!(parse(text.as_bytes()), Ok(payload));
            for at in 0..text.len() {
                for wrong in [b'+', b'/', b'=', b' ', b'\n', 0, 0x7f] {
                    let mut changed = text.clone().into_bytes();
                    changed[at] = wrong;
                    assert_eq!(
                        parse(&changed),
                        Err(VerifyError::NotBase64Url(TokenPart::Payload)),
                        "{octets} {at} {wrong}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_length_is_capped_first() {
        assert_eq!(refusal(&".".repeat(8193)), VerifyError::TokenTooLong { max_bytes: 8192 });
        assert_eq!(refusal(&".".repeat(8192)), VerifyError::NotThreeParts);
    }
}
