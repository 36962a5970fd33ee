//! When is a new certificate looked for, and what is the operator told? Every few seconds and on demand; each thing once.
//!
//! The files are read and compared, not their dates: a swapped link, a copy with an old date and a remount all look
//! the same.

use std::sync::Arc;
use std::time::Duration;

use super::certificate::{TlsError, shown};
use super::served::{CertificateState, Reload, ServedCertificate};

/// How often the files are read.
pub const INTERVAL: Duration = Duration::from_secs(3);

/// Why the files are read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It is time again.
    Interval,
    /// The operator asked for it.
    Asked,
}

/// Follows the files of a certificate.
#[derive(Debug)]
pub struct CertificateWatch {
    served: Arc<ServedCertificate>,
    /// Why the last replacement was refused, and whether that was told.
    refusal: Option<(String, bool)>,
    told_state: CertificateState,
}

impl CertificateWatch {
    /// Starts following; tells if the certificate in use is about to expire.
    pub fn new(served: Arc<ServedCertificate>) -> Self {
        let mut watch = Self { served, refusal: None, told_state: CertificateState::Valid };
        watch.tell_state();
        watch
    }

    /// Looks at the files and at the time. Reads files, so it may block.
    pub fn look(&mut self, occasion: Occasion) {
        match self.served.reload() {
            Ok(Reload::Replaced) => {
                self.refusal = None;
                self.told_state = CertificateState::Valid;
                let expires_at = shown(self.served.not_after());
                tracing::info!(expires_at, "a new TLS certificate is in use for new connections");
            }
            Ok(Reload::Unchanged) => {
                self.refusal = None;
                if occasion == Occasion::Asked {
                    tracing::info!("the TLS certificate in the files is the one in use");
                }
            }
            Err(cause) => self.refuse(&cause, occasion),
        }
        self.tell_state();
    }

    /// Tells a refusal that is still there at the second look: certificate and key are seldom replaced in one moment.
    fn refuse(&mut self, cause: &TlsError, occasion: Occasion) {
        let cause = cause.to_string();
        let (seen, told) = match &self.refusal {
            Some((known, told)) if *known == cause => (true, *told),
            _ => (false, false),
        };
        let tell = occasion == Occasion::Asked || (seen && !told);
        if tell {
            tracing::error!(cause, "the new TLS certificate cannot be used; the one before stays in use");
        }
        self.refusal = Some((cause, told || tell));
    }

    fn tell_state(&mut self) {
        let state = self.served.state();
        if state == self.told_state {
            return;
        }
        self.told_state = state;
        match state {
            CertificateState::Valid => {}
            CertificateState::Due(end) => {
                tracing::warn!(expires_at = shown(end), "the TLS certificate expires soon and was not renewed");
            }
            CertificateState::Expired(end) => {
                tracing::error!(expired_at = shown(end), "the TLS certificate has expired: clients refuse it");
            }
            CertificateState::NotYetValid(start) => {
                tracing::error!(valid_from = shown(start), "the TLS certificate is not valid yet: clients refuse it");
            }
        }
    }
}

impl CertificateState {
    /// The state as `/readyz` tells it.
    pub fn told(self) -> String {
        match self {
            Self::Valid => "ok".to_owned(),
            Self::Due(end) => format!("expires on {} and was not renewed", shown(end)),
            Self::Expired(end) => format!("expired on {}: clients refuse it", shown(end)),
            Self::NotYetValid(start) => format!("not valid before {}: clients refuse it", shown(start)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::EnvFilter;

    use super::super::served::tests::{clock, write_pair};
    use super::*;
    use crate::telemetry::logging::{SharedBuffer, subscriber};

    fn lines(work: impl FnOnce()) -> Vec<String> {
        let buffer = SharedBuffer::default();
        tracing::subscriber::with_default(subscriber(false, EnvFilter::new("info"), buffer.clone()), work);
        buffer.text().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_broken_replacement_is_told_once_and_only_if_it_stays() {
        let directory = tempfile::tempdir().unwrap();
        let files = write_pair(directory.path(), 0);
        let served = Arc::new(ServedCertificate::load(files.clone(), clock()).unwrap());
        let mut watch = CertificateWatch::new(served);
        let certificate = std::fs::read(&files.certificate).unwrap();

        std::fs::write(&files.certificate, &certificate[..100]).unwrap();
        assert!(lines(|| watch.look(Occasion::Interval)).is_empty(), "it may be being written");
        let told = lines(|| watch.look(Occasion::Interval));
        assert!(told.len() == 1 && told[0].contains("cut off") && told[0].contains("stays in use"), "{told:?}");
        assert!(lines(|| (0..5).for_each(|_| watch.look(Occasion::Interval))).is_empty());
        assert_eq!(lines(|| watch.look(Occasion::Asked)).len(), 1, "who asks gets an answer");

        std::fs::write(&files.certificate, &certificate).unwrap();
        assert!(lines(|| watch.look(Occasion::Interval)).is_empty());
        write_pair(directory.path(), 1);
        let told = lines(|| watch.look(Occasion::Interval));
        assert!(told.len() == 1 && told[0].contains("a new TLS certificate is in use"), "{told:?}");
        assert!(told[0].contains("2026-04-02T00:00:00Z"), "{told:?}");
    }

    #[test]
    fn the_end_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let served = Arc::new(ServedCertificate::load(write_pair(directory.path(), 0), clock.clone()).unwrap());
        let mut watch = CertificateWatch::new(served);
        let mut after = |days: i64| {
            clock.advance(days * 86_400);
            lines(|| (0..3).for_each(|_| watch.look(Occasion::Interval)))
        };
        assert!(after(1).is_empty());
        let told = after(80);
        assert!(told.len() == 1 && told[0].contains("WARN") && told[0].contains("expires soon"), "{told:?}");
        let told = after(10);
        assert!(told.len() == 1 && told[0].contains("ERROR") && told[0].contains("has expired"), "{told:?}");
    }
}
