//! How does the server speak TLS? Versions 1.2 and 1.3, one certificate, HTTP/1.1 (RFC 9325 §3, §4).
//!
//! | file | question |
//! |---|---|
//! | `certificate` | which certificate and key do two PEM files hold? |
//! | `served` | which certificate do new connections get, and how does it change under a running server? |
//! | `watch` | when is a new certificate looked for, and what is the operator told? |

pub mod served;
pub mod watch;

mod certificate;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

pub use self::certificate::TlsError;
pub use self::served::{CertificateState, ServedCertificate};

/// TLS with the certificate that `resolver` has at the time of each handshake. The suites are those of rustls: ECDHE
/// and AEAD only.
///
/// # Errors
/// If the cryptography that this program was built with lacks what TLS needs.
pub fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Unsupported)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// TLS with a certificate chain and its private key that never change.
///
/// # Errors
/// If the two do not go together.
pub fn with_certificate(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    let certified = CertifiedKey::from_der(certificates, key, &default_provider()).map_err(TlsError::Unsupported)?;
    server_config(Arc::new(SingleCertAndKey::from(certified)))
}
