//! Which key does an X.509 certificate hold, and when is it valid? (RFC 5280 §4.1)
//!
//! Only that: who vouches for it does not matter where a person registers it as the key of a client.

use rsa::pkcs8::der::asn1::{GeneralizedTime, UtcTime};
use rsa::pkcs8::der::{self, Reader, SliceReader, Tag, TagNumber};

use crate::clock::UnixMillis;

/// What is read of a certificate.
pub(super) struct CertifiedKey<'der> {
    /// The SubjectPublicKeyInfo in DER.
    pub(super) spki: &'der [u8],
    /// The end of its validity.
    pub(super) not_after: UnixMillis,
    /// The beginning of its validity.
    not_before: UnixMillis,
}

/// The instants between which a certificate is valid, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first.
    pub not_before: UnixMillis,
    /// The last.
    pub not_after: UnixMillis,
}

impl Validity {
    /// The validity of a certificate in DER; none if it cannot be read.
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let CertifiedKey { not_before, not_after, .. } = read_certificate(der).ok()?;
        Some(Self { not_before, not_after })
    }
}

/// Reads a certificate in DER.
pub(super) fn read_certificate(der: &[u8]) -> der::Result<CertifiedKey<'_>> {
    let mut reader = SliceReader::new(der)?;
    let certified = reader.sequence(|certificate| {
        let certified = certificate.sequence(read_tbs)?;
        skip(certificate, 2)?; // signatureAlgorithm, signatureValue
        der::Result::Ok(certified)
    })?;
    reader.finish()?;
    Ok(certified)
}

fn read_tbs<'der>(tbs: &mut impl Reader<'der>) -> der::Result<CertifiedKey<'der>> {
    // The version, which a certificate of version 1 leaves out.
    if Tag::peek(tbs)? == (Tag::ContextSpecific { constructed: true, number: TagNumber(0) }) {
        skip(tbs, 1)?;
    }
    skip(tbs, 3)?; // serialNumber, signature, issuer
    let (not_before, not_after) =
        tbs.sequence(|validity| der::Result::Ok((read_time(validity)?, read_time(validity)?)))?;
    skip(tbs, 1)?; // subject
    let spki = tbs.tlv_bytes()?;
    while !tbs.is_finished() {
        skip(tbs, 1)?;
    }
    Ok(CertifiedKey { spki, not_after, not_before })
}

fn read_time<'der>(reader: &mut impl Reader<'der>) -> der::Result<UnixMillis> {
    let since_1970 = if Tag::peek(reader)? == Tag::UtcTime {
        reader.decode::<UtcTime>()?.to_unix_duration()
    } else {
        reader.decode::<GeneralizedTime>()?.to_unix_duration()
    };
    Ok(UnixMillis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)))
}

fn skip<'der>(reader: &mut impl Reader<'der>, count: usize) -> der::Result<()> {
    (0..count).try_for_each(|_| reader.tlv_bytes().map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{CERTIFICATE_VALIDITY_DAYS, self_signed_certificate};

    #[test]
    fn the_validity_is_that_of_the_certificate() {
        let first = 1_700_000_000_000;
        let der = self_signed_certificate(&PublicTestKey::Rs256Active.load(), "x", UnixMillis(first)).unwrap();
        let last = first + i64::from(CERTIFICATE_VALIDITY_DAYS) * 86_400_000;
        let expected = Validity { not_before: UnixMillis(first), not_after: UnixMillis(last) };
        assert_eq!(Validity::of_certificate(&der), Some(expected));
        assert_eq!(Validity::of_certificate(&der[1..]), None);
    }
}
