//! Certificate authorities made on the spot, and the pairs of PEM files that they vouch for.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use tokenhouse::clock::{Clock as _, SystemClock};

const DAY: Duration = Duration::from_hours(24);

/// A certificate authority.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Ca {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes `cert.pem` and `key.pem` for localhost, valid for 90 days.
    pub fn write_pair(&self, directory: &Path) {
        self.write_pair_with(directory, &KeyPair::generate().unwrap(), 1, 89);
    }

    /// Writes `cert.pem` and `key.pem` for another name.
    pub fn write_pair_for(&self, directory: &Path, name: &str) {
        self.write(directory, &[name], &KeyPair::generate().unwrap(), 1, 89);
    }

    /// Writes `cert.pem` and `key.pem` for localhost, valid from `before` days ago until `after` days from now.
    pub fn write_pair_with(&self, directory: &Path, key: &KeyPair, before: i32, after: i32) {
        self.write(directory, &["localhost", "127.0.0.1"], key, before, after);
    }

    fn write(&self, directory: &Path, names: &[&str], key: &KeyPair, before: i32, after: i32) {
        let now =
            date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(SystemClock.now().floor_seconds()).unwrap());
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_before = now - DAY * u32::try_from(before).unwrap();
        params.not_after = if after < 0 { now - DAY * after.unsigned_abs() } else { now + DAY * after.unsigned_abs() };
        std::fs::create_dir_all(directory).unwrap();
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
    }

    /// An HTTP client that trusts this authority alone.
    pub fn client(&self) -> reqwest::Client {
        let certificate = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        super::answer::builder().tls_certs_only([certificate]).build().unwrap()
    }
}
