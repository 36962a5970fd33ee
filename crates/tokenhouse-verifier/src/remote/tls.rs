//! Whom does a fetch over TLS trust? (RFC 8414 §6.1, BCP 195)

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::ConfigurationError;

/// TLS 1.2 and 1.3 that trusts the certificates in `ca_pem` if given, else the system's.
pub(super) fn client_config(ca_pem: Option<&[u8]>) -> Result<ClientConfig, ConfigurationError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(ConfigurationError::Tls)?;
    if let Some(pem) = ca_pem {
        return Ok(builder.with_root_certificates(roots(pem)?).with_no_client_auth());
    }
    match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => {
            Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
        }
        // A machine without any CA certificates, such as a bare container, can still reach an issuer on loopback.
        Err(error) => {
            tracing::debug!(%error, "no CA certificates on this machine: https needs some of its own");
            Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, ConfigurationError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| ConfigurationError::InvalidCa)?;
        roots.add(certificate).map_err(|_| ConfigurationError::InvalidCa)?;
    }
    if roots.is_empty() { Err(ConfigurationError::InvalidCa) } else { Ok(roots) }
}
