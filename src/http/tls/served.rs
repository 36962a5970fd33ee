//! Which certificate do new connections get, and how does it change under a running server?
//!
//! Connections keep the certificate that they began with; a new one never interrupts them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::{Certificate, Contents, TlsError};
use crate::clock::{Clock, UnixMillis};
use crate::config::TlsFiles;
use crate::keys::Validity;

/// A certificate is due when less than this part of its life is left. certbot and cert-manager renew when a third is
/// left: at a sixth, renewal has failed for a while.
const DUE_PART: i64 = 6;
/// The longest time before the end that a certificate counts as due, in milliseconds: 14 days.
const LONGEST_DUE: i64 = 14 * 86_400_000;

/// The certificate that new connections get, and the files that it comes from.
#[derive(Debug)]
pub struct ServedCertificate {
    files: TlsFiles,
    clock: Arc<dyn Clock>,
    current: ArcSwap<Certificate>,
}

/// What a look at the files brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The certificate in use.
    Unchanged,
    /// Another one, in use from now on.
    Replaced,
}

/// How long clients will accept the certificate in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// For long.
    Valid,
    /// For a while: it should have been renewed.
    Due(UnixMillis),
    /// No longer.
    Expired(UnixMillis),
    /// Not yet.
    NotYetValid(UnixMillis),
}

impl ServedCertificate {
    /// The certificate in `files`. One that has expired is taken too: the next may come while the server runs.
    ///
    /// # Errors
    /// If a file cannot be read, or the two do not go together.
    pub fn load(files: TlsFiles, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let certificate = Contents::read(&files)?.parse(&files)?;
        Ok(Self { files, clock, current: ArcSwap::from_pointee(certificate) })
    }

    /// Reads the files again, and uses what they hold from now on.
    ///
    /// # Errors
    /// As [`Self::load`], and if the certificate is not valid now. The certificate in use then stays.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let contents = Contents::read(&self.files)?;
        if contents.are_those_of(&self.current.load()) {
            return Ok(Reload::Unchanged);
        }
        let certificate = contents.parse(&self.files)?;
        let (validity, now) = (certificate.validity, self.clock.now());
        if !(validity.not_before..=validity.not_after).contains(&now) {
            return Err(TlsError::OutOfTime { path: self.files.certificate.clone(), validity, now });
        }
        self.current.store(Arc::new(certificate));
        Ok(Reload::Replaced)
    }

    /// How long clients will accept the certificate in use.
    pub fn state(&self) -> CertificateState {
        let Validity { not_before, not_after } = self.current.load().validity;
        let now = self.clock.now();
        let due = (not_after.0.saturating_sub(not_before.0) / DUE_PART).min(LONGEST_DUE);
        if now < not_before {
            CertificateState::NotYetValid(not_before)
        } else if now > not_after {
            CertificateState::Expired(not_after)
        } else if not_after.0.saturating_sub(now.0) < due {
            CertificateState::Due(not_after)
        } else {
            CertificateState::Valid
        }
    }

    /// When the certificate in use expires.
    pub fn not_after(&self) -> UnixMillis {
        self.current.load().validity.not_after
    }
}

impl ResolvesServerCert for ServedCertificate {
    /// The one certificate, whatever name the client asks for.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load().certified_key.clone())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::clock::ManualClock;

    const DAY: i64 = 86_400;

    /// A pair in a folder, valid for 90 days from 2026-01-01 plus `after` days.
    pub(in super::super) fn write_pair(directory: &Path, after: u64) -> TlsFiles {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1) + Duration::from_hours(24 * after);
        params.not_after = params.not_before + Duration::from_hours(24 * 90);
        let files = TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    /// A clock at the beginning of 2026-01-02.
    pub(in super::super) fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(UnixMillis(1_767_312_000_000)))
    }

    #[test]
    fn a_good_replacement_is_used_and_a_bad_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let files = write_pair(directory.path(), 0);
        let served = ServedCertificate::load(files.clone(), clock()).unwrap();
        assert_eq!(served.reload().unwrap(), Reload::Unchanged);
        let first = served.not_after();

        std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(matches!(served.reload(), Err(TlsError::Unusable { .. })));
        write_pair(directory.path(), 2);
        assert!(served.reload().unwrap_err().to_string().contains("not valid before 2026-01-03T00:00:00Z"));
        std::fs::remove_file(&files.key).unwrap();
        assert!(matches!(served.reload(), Err(TlsError::Unreadable { .. })));
        assert_eq!(served.not_after(), first, "the one in use stays");

        write_pair(directory.path(), 1);
        assert_eq!(served.reload().unwrap(), Reload::Replaced);
        assert_eq!(served.not_after(), first.plus_seconds(DAY));
        assert_eq!(served.reload().unwrap(), Reload::Unchanged);
    }

    #[test]
    fn an_expired_replacement_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let served = ServedCertificate::load(write_pair(directory.path(), 60), clock.clone()).unwrap();
        clock.advance(100 * DAY);
        write_pair(directory.path(), 0);
        assert!(served.reload().unwrap_err().to_string().contains("expired on 2026-04-01T00:00:00Z"));
    }

    #[test]
    fn the_end_is_told_before_it_comes() {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let served = ServedCertificate::load(write_pair(directory.path(), 1), clock.clone()).unwrap();
        let end = served.not_after();
        assert_eq!(served.state(), CertificateState::Valid);
        clock.advance(76 * DAY);
        assert_eq!(served.state(), CertificateState::Valid, "14 days are left");
        clock.advance(1);
        assert_eq!(served.state(), CertificateState::Due(end));
        clock.advance(14 * DAY);
        assert_eq!(served.state(), CertificateState::Expired(end));
        clock.advance(-92 * DAY);
        assert_eq!(served.state(), CertificateState::NotYetValid(end.plus_seconds(-90 * DAY)));
    }
}
