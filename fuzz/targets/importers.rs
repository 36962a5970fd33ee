//! See `tokenhouse::fuzz::importers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenhouse_fuzz::watch(data, tokenhouse::fuzz::importers));
