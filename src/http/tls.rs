//! How does the server get its certificate? (TLS 1.2 and 1.3)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: rustls::pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("{0} holds no certificate: give the server's certificate and those of its issuers, as PEM")]
    NoCertificate(PathBuf),
    /// Certificate and key do not go together, or the key is of no known kind.
    #[error("the certificate and the private key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS with the certificate chain and the private key in two PEM files.
///
/// # Errors
/// If a file cannot be read, or the two do not go together.
pub fn server_config(certificate_file: &Path, key_file: &Path) -> Result<ServerConfig, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::Unreadable { path, cause }
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(certificate_file)
        .map_err(unreadable(certificate_file))?
        .collect::<Result<_, _>>()
        .map_err(unreadable(certificate_file))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(certificate_file.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(unreadable(key_file))?;
    with_certificate(certificates, key)
}

/// TLS with a certificate chain and its private key.
///
/// # Errors
/// If the two do not go together.
pub fn with_certificate(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(certificate: &str, key: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let (certificate_file, key_file) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        (directory, certificate_file, key_file)
    }

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_matching_pair_is_taken() {
        let (certificate, key) = pair();
        let (_directory, certificate_file, key_file) = files(&certificate, &key);
        assert!(server_config(&certificate_file, &key_file).is_ok());
    }

    #[test]
    fn each_mistake_is_told_apart() {
        let (certificate, key) = pair();
        let (_directory, certificate_file, key_file) = files(&certificate, &pair().1);
        let told = |certificate: &Path, key: &Path| server_config(certificate, key).unwrap_err().to_string();
        assert!(told(&certificate_file, &key_file).contains("cannot be used together"));
        assert!(told(Path::new("gone.pem"), &key_file).contains("gone.pem"));
        let (_directory, empty, good_key) = files("", &key);
        assert!(told(&empty, &good_key).contains("holds no certificate"));
        assert!(told(&certificate_file, &empty).contains("cannot read"));
    }
}
