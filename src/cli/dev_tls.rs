//! How does `dev --tls` get a certificate? A CA made on the spot, in a private folder that is removed at the end.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

use crate::http::tls::with_certificate;

/// Names and addresses of this machine to itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A CA, and a server certificate of it for this machine.
#[derive(Debug)]
pub struct DevTls {
    server_config: rustls::ServerConfig,
    ca_pem: String,
    ca_file: PathBuf,
    /// Removed, with the file in it, when this is dropped.
    _directory: TempDir,
}

impl DevTls {
    /// Makes CA and certificate, and writes the CA's certificate where clients can read it.
    ///
    /// # Errors
    /// If they cannot be made or written.
    pub fn create() -> anyhow::Result<Self> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.distinguished_name.push(DnType::CommonName, "Tokenhouse dev CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let ca = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(NAMES.map(str::to_owned).to_vec())?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&key, &ca)?;
        let private_key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow::anyhow!(error))?;
        let server_config = with_certificate(vec![certificate.der().clone()], private_key)?;

        // The folder is this user's alone: nobody else can put another CA there.
        let directory = tempfile::Builder::new()
            .prefix("tokenhouse-dev-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .context("no temporary folder")?;
        let ca_file = directory.path().join("ca.pem");
        std::fs::File::create_new(&ca_file)?.write_all(ca_pem.as_bytes())?;
        Ok(Self { server_config, ca_pem, ca_file, _directory: directory })
    }

    /// TLS for the servers.
    pub fn server_config(&self) -> rustls::ServerConfig {
        self.server_config.clone()
    }

    /// The CA's certificate, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The file that holds it.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_gone_afterwards() {
        let tls = DevTls::create().unwrap();
        let file = tls.ca_file().to_owned();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), tls.ca_pem());
        let mode = std::fs::metadata(file.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        drop(tls);
        assert!(!file.exists());
    }
}
