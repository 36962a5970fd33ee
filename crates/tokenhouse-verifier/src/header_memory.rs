//! Which headers has the issuer signed? All tokens under one key have the same one, which then need not be read again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::header::JoseHeader;

/// How many are kept: one for each key and `typ` in use.
const KEPT: usize = 8;

/// The headers of the latest tokens whose signature was valid: of others, anyone could make any number.
#[derive(Debug, Default)]
pub(crate) struct HeaderMemory(RwLock<Vec<(Vec<u8>, Arc<JoseHeader>)>>);

impl HeaderMemory {
    /// What the header with this text says, if it is kept.
    pub(crate) fn find(&self, text: &[u8]) -> Option<Arc<JoseHeader>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == text).map(|(_, header)| Arc::clone(header))
    }

    /// Keeps what the header with this text says.
    pub(crate) fn keep(&self, text: Vec<u8>, header: &Arc<JoseHeader>) {
        if self.find(&text).is_some() {
            return;
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may just have done so.
        kept.retain(|(known, _)| *known != text);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((text, Arc::clone(header)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kid: usize) -> (Vec<u8>, Arc<JoseHeader>) {
        let text = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#).into_bytes();
        let parsed = JoseHeader::parse(&text).unwrap();
        (text, Arc::new(parsed))
    }

    #[test]
    fn the_latest_are_kept_and_no_more() {
        let memory = HeaderMemory::default();
        for kid in (0..KEPT + 2).chain([KEPT]) {
            let (text, parsed) = header(kid);
            memory.keep(text, &parsed);
        }
        let found: Vec<_> = (0..KEPT + 2).filter_map(|kid| memory.find(&header(kid).0)).collect();
        assert_eq!(found.len(), KEPT);
        assert_eq!(found[0].kid, "2");
    }
}
