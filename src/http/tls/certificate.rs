//! Which certificate and key do two PEM files hold? (RFC 7468; keys in PKCS#8, PKCS#1 and SEC1)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::clock::UnixMillis;
use crate::config::TlsFiles;
use crate::keys::Validity;

/// Why a certificate cannot be used. No text shows what a file holds.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file begins as PEM and does not end so.
    #[error("{} is cut off or damaged: it is not whole PEM", .0.display())]
    Damaged(PathBuf),
    /// The file holds no certificate.
    #[error("{} holds no certificate: give the server's certificate and those of its issuers, as PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file holds no key.
    #[error("{} holds no private key: give it as PEM in PKCS#8, PKCS#1 or SEC1, not encrypted", .0.display())]
    NoKey(PathBuf),
    /// Certificate and key do not go together, or the key is of no known kind.
    #[error(
        "the certificate in {} and the private key in {} cannot be used together: {cause}",
        .files.certificate.display(), .files.key.display()
    )]
    Unusable {
        /// The files.
        files: TlsFiles,
        /// What is wrong.
        cause: rustls::Error,
    },
    /// The certificate would replace one that may still be good.
    #[error("the certificate in {} {}", .path.display(), out_of_time(.validity, *.now))]
    OutOfTime {
        /// The file.
        path: PathBuf,
        /// When it is valid.
        validity: Validity,
        /// When it was looked at.
        now: UnixMillis,
    },
    /// The cryptography that the program was built with does not serve.
    #[error("TLS cannot be set up: {0}")]
    Unsupported(rustls::Error),
}

/// A certificate chain with its key.
#[derive(Debug)]
pub(super) struct Certificate {
    /// As rustls uses it.
    pub(super) certified_key: Arc<CertifiedKey>,
    /// When the server's own certificate is valid.
    pub(super) validity: Validity,
    /// The SHA-256 of what both files held: tells whether they have changed.
    digest: digest::Digest,
}

/// What two files hold at a time.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Contents {
    /// Reads the files.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { certificate: read(&files.certificate)?, key: Zeroizing::new(read(&files.key)?) })
    }

    /// Whether `certificate` was made of the same.
    pub(super) fn are_those_of(&self, certificate: &Certificate) -> bool {
        self.digest().as_ref() == certificate.digest.as_ref()
    }

    /// The certificate chain and the key, which must go together. `files` names them in errors.
    pub(super) fn parse(&self, files: &TlsFiles) -> Result<Certificate, TlsError> {
        let damaged = |path: &Path| TlsError::Damaged(path.to_owned());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|_| damaged(&files.certificate))?;
        let validities: Option<Vec<_>> = chain.iter().map(|der| Validity::of_certificate(der)).collect();
        let validities = validities.ok_or_else(|| damaged(&files.certificate))?;
        let validity = *validities.first().ok_or_else(|| TlsError::NoCertificate(files.certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|cause| match cause {
            pem::Error::NoItemsFound => TlsError::NoKey(files.key.clone()),
            _ => damaged(&files.key),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|cause| TlsError::Unusable { files: files.clone(), cause })?;
        Ok(Certificate { certified_key: Arc::new(certified), validity, digest: self.digest() })
    }

    fn digest(&self) -> digest::Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.certificate.len().to_be_bytes());
        context.update(&self.certificate);
        context.update(&self.key);
        context.finish()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

fn out_of_time(validity: &Validity, now: UnixMillis) -> String {
    if now < validity.not_before {
        format!("is not valid before {}: is the machine's clock right?", shown(validity.not_before))
    } else {
        format!("expired on {}", shown(validity.not_after))
    }
}

/// An instant for people.
pub(super) fn shown(instant: UnixMillis) -> String {
    Timestamp::from_millisecond(instant.0).map_or_else(|_| "an instant out of range".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    use rcgen::{CertificateParams, KeyPair};
    use rsa::pkcs1::EncodeRsaPrivateKey as _;
    use rsa::pkcs8::{DecodePrivateKey as _, LineEnding};

    use super::*;

    const RSA: &str = include_str!("../../../tests/keys/rs256-active.pem");

    fn parse(certificate: &str, key: &str) -> Result<Certificate, TlsError> {
        let contents = Contents { certificate: certificate.into(), key: Zeroizing::new(key.as_bytes().to_vec()) };
        contents.parse(&TlsFiles { certificate: "cert.pem".into(), key: "key.pem".into() })
    }

    fn certificate_of(key: &KeyPair) -> String {
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(key).unwrap().pem()
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::Engine as _;
        let text = base64::prelude::BASE64_STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    #[test]
    fn keys_of_every_usual_form_are_taken() {
        let ec = KeyPair::generate().unwrap();
        let parsed = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &ec.serialize_der()).unwrap();
        let sec1: EcPrivateKeyRfc5915Der<'_> = parsed.private_key().as_der().unwrap();
        let sec1 = pem("EC PRIVATE KEY", sec1.as_ref());
        // As `openssl ecparam -genkey` writes it.
        let parameters = pem("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) + &sec1;
        for key in [ec.serialize_pem(), sec1, parameters] {
            parse(&certificate_of(&ec), &key).unwrap();
        }
        let rsa = KeyPair::from_pem(RSA).unwrap();
        let pkcs1 = rsa::PrivateKey::from_pkcs8_pem(RSA).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
        for key in [RSA, &pkcs1] {
            parse(&certificate_of(&rsa), key).unwrap();
        }
        let both = certificate_of(&ec) + &ec.serialize_pem();
        parse(&both, &both).expect("one file may hold both");
    }

    #[test]
    fn each_mistake_is_told_apart_and_shows_no_key() {
        let key = KeyPair::generate().unwrap();
        let (certificate, key) = (certificate_of(&key), key.serialize_pem());
        let other = KeyPair::generate().unwrap().serialize_pem();
        let chain = certificate.repeat(2);
        let half = |text: &str| text[..text.len() / 2].to_owned();
        let lies = pem("CERTIFICATE", b"no certificate");
        for (certificate, key, told) in [
            (certificate.as_str(), other.as_str(), "cannot be used together"),
            ("", &key, "cert.pem holds no certificate"),
            (&key, &key, "cert.pem holds no certificate"),
            (&half(&certificate), &key, "cert.pem is cut off"),
            (&chain[..chain.len() - 30], &key, "cert.pem is cut off"),
            (&lies, &key, "cert.pem is cut off or damaged"),
            (&certificate, "", "key.pem holds no private key"),
            (&certificate, &certificate, "key.pem holds no private key"),
            (&certificate, &half(&key), "key.pem is cut off"),
            (&certificate, &pem("ENCRYPTED PRIVATE KEY", b"x"), "not encrypted"),
            (&certificate, &pem("PRIVATE KEY", b"x"), "cannot be used together"),
        ] {
            let refused = parse(certificate, key).unwrap_err().to_string();
            assert!(refused.contains(told), "{told}: {refused}");
            let line = key.lines().nth(1).unwrap_or("nothing");
            assert!(line.len() < 10 || !refused.contains(line), "{refused}");
        }
        let gone = TlsFiles { certificate: "gone.pem".into(), key: "gone.pem".into() };
        assert!(Contents::read(&gone).err().unwrap().to_string().contains("cannot read gone.pem"));
    }
}
