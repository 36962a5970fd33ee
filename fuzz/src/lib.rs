//! Does our verifier say of every token what somebody else's says?
//!
//! | file | question |
//! |---|---|
//! | `issuer` | how is what the fuzzer wrote made into a token? |
//! | `peer` | what does jwt-simple say of a token? |
//! | `disagreement` | why may the two differ? |
//!
//! jwt-simple has its own base64 and Ed25519, and RustCrypto's P-256 and RSA; what both share is serde_json. The other targets are in
//! `src/fuzz` of the main crate, where `cargo test` replays them; this one needs a library that the main crate must not have.

mod disagreement;
mod issuer;
mod peer;

use std::path::Path;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokenhouse_verifier::{AccessTokenDialect, Verifier};

use disagreement::{Reading, Reason, why_they_may_be_stricter, why_we_may_be_stricter};

/// The issuer of the tokens.
const ISSUER: &str = "https://issuer.example/";
/// For whom they are.
const AUDIENCE: &str = "https://api.example/";
/// When they are judged, in Unix seconds.
const NOW: u64 = 1_800_000_000;
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 30;
/// The longest token, in octets.
const LONGEST: usize = 8 * 1024;

/// A token as it arrives; or in lines: who signs (`ed`, `es`, `rs` or `ps`), the header, the payload, and changes to the signed token,
/// each as the place of one octet and what is put there instead.
pub fn differential(data: &[u8]) {
    compare(data);
}

/// Why the two differ about the token, if they do.
fn compare(data: &[u8]) -> Option<Reason> {
    let token = issuer::token(std::str::from_utf8(data).ok()?)?;
    let dialects = [AccessTokenDialect::Rfc9068, AccessTokenDialect::Auth0, AccessTokenDialect::IdentityServer];
    let verifier = Verifier::new(ISSUER, AUDIENCE).accept_dialects(dialects);
    let ours = verifier.verify(&token, issuer::key_set(), NOW);
    let theirs = peer::verify(&token);
    let reading = Reading::of(&token);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            theirs.agrees_with(ours, &reading);
            None
        }
        (Err(_), Err(_)) => None,
        (Err(refusal), Ok(_)) => Some(
            why_we_may_be_stricter(refusal, &reading)
                .unwrap_or_else(|| panic!("only jwt-simple accepts it, we say: {refusal}\n{reading:?}\n{token}")),
        ),
        (Ok(_), Err(refusal)) => Some(
            why_they_may_be_stricter(&reading)
                .unwrap_or_else(|| panic!("only we accept it, jwt-simple says: {refusal}\n{reading:?}\n{token}")),
        ),
    }
}

/// Runs `target`, and keeps an input that takes long in the folder that `fuzz/run` names.
pub fn watch(data: &[u8], target: fn(&[u8])) {
    let started = Instant::now();
    target(data);
    // Once more, since the first time may have made keys; and in processor time, since on a busy machine anything may take long.
    if started.elapsed() < SLOW || processor_time_of(|| target(data)) < SLOW {
        return;
    }
    let Some(folder) = std::env::var_os("TOKENHOUSE_FUZZ_SLOW") else { return };
    let name = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, data).as_ref()[..12]);
    let kept = std::fs::write(Path::new(&folder).join(name), data);
    kept.expect("the folder can be written to");
}

/// What no input should take.
const SLOW: Duration = Duration::from_millis(100);

fn processor_time_of(work: impl FnOnce()) -> Duration {
    let spent = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or_default())
    };
    let before = spent();
    work();
    spent().saturating_sub(before)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A reason that is never seen would be one to be struck out.
    #[test]
    fn the_corpus_shows_every_reason() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/differential");
        let files = std::fs::read_dir(corpus).expect("the corpus").flatten();
        let seen: BTreeSet<_> =
            files.filter_map(|file| compare(&std::fs::read(file.path()).expect("a file"))).collect();
        assert_eq!(seen, BTreeSet::from(Reason::ALL));
    }
}
