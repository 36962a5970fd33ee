//! Which certificate goes with a key? A self-signed one, because some verifiers read only `x5c` (RFC 7517 §4.7).
//!
//! It certifies nothing: whoever trusts the JWK Set trusts its keys, whatever a certificate says.

use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyUsagePurpose, date_time_ymd};
use thiserror::Error;
use zeroize::Zeroize as _;

use super::alg::SigningAlg;
use super::private_key::PrivateKey;
use crate::clock::UnixMillis;

/// How long a certificate is valid, in days: ten years, far longer than its key signs.
pub const CERTIFICATE_VALIDITY_DAYS: u32 = 3652;

/// The last second of the year 9000, up to which X.509 can write a date and ten years more.
const LATEST_NOT_BEFORE: i64 = 221_876_927_999;
const DAY: Duration = Duration::from_hours(24);

/// The certificate could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the self-signed certificate could not be made")]
pub struct CertificateError;

/// A self-signed X.509 certificate in DER, valid from `not_before` (whole seconds) for
/// [`CERTIFICATE_VALIDITY_DAYS`] days.
pub fn self_signed_certificate(
    key: &PrivateKey,
    common_name: &str,
    not_before: UnixMillis,
) -> Result<Vec<u8>, CertificateError> {
    let algorithm = match key.alg() {
        // RFC 7518 §3.5 needs no RSASSA-PSS certificate: an ordinary RSA one is understood everywhere.
        SigningAlg::Rs256 | SigningAlg::Ps256 => &rcgen::PKCS_RSA_SHA256,
        SigningAlg::Es256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        SigningAlg::EdDsa => &rcgen::PKCS_ED25519,
    };
    let mut key_pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key.expose_pkcs8().into(), algorithm)
        .map_err(|_| CertificateError)?;

    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let not_before = not_before.floor_seconds().clamp(0, LATEST_NOT_BEFORE).unsigned_abs();
    params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(not_before);
    params.not_after = params.not_before + DAY * CERTIFICATE_VALIDITY_DAYS;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];

    let certificate = params.self_signed(&key_pair);
    key_pair.zeroize();
    Ok(certificate.map_err(|_| CertificateError)?.der().to_vec())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::server::ParsedCertificate;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::{RsaBits, generate_private_key};

    fn contains(certificate: &[u8], wanted: &str) -> bool {
        certificate.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    }

    #[test]
    fn every_algorithm_gets_a_certificate_for_ten_years() {
        for alg in SigningAlg::ALL {
            let key = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            // 2026-11-24T12:00:00.999Z
            let der = self_signed_certificate(&key, "a kid", UnixMillis(1_795_521_600_999)).unwrap();
            for wanted in ["a kid", "261124120000Z", "361123120000Z"] {
                assert!(contains(&der, wanted), "{alg}: {wanted}");
            }
            assert!(ParsedCertificate::try_from(&CertificateDer::from(der)).is_ok());
        }
    }

    #[test]
    fn no_time_is_out_of_range() {
        let key = generate_private_key(SigningAlg::Es256, RsaBits::default(), &SystemEntropy).unwrap();
        for (time, not_before) in [(i64::MIN, "700101000000Z"), (i64::MAX, "90001231235959Z")] {
            let der = self_signed_certificate(&key, "a kid", UnixMillis(time)).unwrap();
            assert!(contains(&der, not_before));
        }
    }
}
