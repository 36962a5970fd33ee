//! Which headers has the issuer signed? All tokens under one key have the same one, which then need not be read again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::header::JoseHeader;

/// How many are kept: one for each key and `typ` in use.
const KEPT: usize = 8;

/// The headers of the latest tokens whose signature was valid: of others, anyone could make any number.
#[derive(Debug, Default)]
pub(crate) struct HeaderMemory(RwLock<Vec<(String, Arc<JoseHeader>)>>);

impl HeaderMemory {
    /// What the header says whose base64url is this text, if it is kept.
    pub(crate) fn find(&self, text: &str) -> Option<Arc<JoseHeader>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == text).map(|(_, header)| Arc::clone(header))
    }

    /// Keeps what the header says whose base64url is this text.
    pub(crate) fn keep(&self, text: &str, header: &Arc<JoseHeader>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may just have done so.
        kept.retain(|(known, _)| *known != text);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((text.to_owned(), Arc::clone(header)));
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn header(kid: usize) -> (String, Arc<JoseHeader>) {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#);
        let parsed = JoseHeader::parse(header.as_bytes()).unwrap();
        (URL_SAFE_NO_PAD.encode(header), Arc::new(parsed))
    }

    #[test]
    fn the_latest_are_kept_and_no_more() {
        let memory = HeaderMemory::default();
        for kid in (0..KEPT + 2).chain([KEPT]) {
            let (text, parsed) = header(kid);
            memory.keep(&text, &parsed);
        }
        let found: Vec<_> = (0..KEPT + 2).filter_map(|kid| memory.find(&header(kid).0)).collect();
        assert_eq!(found.len(), KEPT);
        assert_eq!(found[0].kid, "2");
    }
}
