//! What does a token's signature cost over the bare one, by algorithm, and beside a library that parses the key each time?

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs8::PrivateKeyInfoRef;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::keys::{PrivateKey, RsaBits, Signer, SigningAlg, generate_private_key};

const CLAIMS: &str = r#"{"iss":"https://issuer.example.com/","sub":"partner-a","aud":"https://api.example.com/","iat":1767225600,"exp":1767229200,"client_id":"partner-a","jti":"019b76da-a800-7000-8000-000000000000","scope":"create:users list:users"}"#;

/// A key, or the end of the benchmark: without it there is nothing to measure.
#[expect(clippy::expect_used, reason = "a benchmark without its key cannot go on")]
fn key(alg: SigningAlg, bits: RsaBits) -> PrivateKey {
    generate_private_key(alg, bits, &SystemEntropy).expect("a key can be made")
}

#[expect(clippy::expect_used, reason = "a benchmark without its key cannot go on")]
fn sign(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign");
    for (alg, bits) in [
        (SigningAlg::Rs256, RsaBits::Bits2048),
        (SigningAlg::Rs256, RsaBits::Bits3072),
        (SigningAlg::Rs256, RsaBits::Bits4096),
        (SigningAlg::Ps256, RsaBits::Bits2048),
        (SigningAlg::Es256, RsaBits::Bits2048),
        (SigningAlg::EdDsa, RsaBits::Bits2048),
    ] {
        let signer = Signer::from_private_key(&key(alg, bits)).expect("the key signs");
        let name = if alg.is_rsa() { format!("{}-{}", alg.as_str(), bits.get()) } else { alg.as_str().to_owned() };
        group.bench_function(format!("Signer, {name}"), |bencher| {
            bencher.iter(|| signer.sign_compact("at+jwt", black_box(CLAIMS.as_bytes())));
        });
    }
    let key = key(SigningAlg::Rs256, RsaBits::Bits2048);
    let bare = RsaKeyPair::from_pkcs8(key.expose_pkcs8()).expect("the key is RSA");
    let mut signature = vec![0; bare.public_modulus_len()];
    let message = vec![b'x'; 789];
    group.bench_function("bare aws-lc, RS256-2048", |bencher| {
        bencher.iter(|| bare.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), black_box(&message), &mut signature));
    });
    let pkcs1 = PrivateKeyInfoRef::try_from(key.expose_pkcs8()).expect("the key is PKCS#8").private_key.as_bytes();
    let encoding = EncodingKey::from_rsa_der(pkcs1);
    let claims: serde_json::Value = serde_json::from_str(CLAIMS).expect("the claims are JSON");
    group.bench_function("jsonwebtoken::encode, RS256-2048", |bencher| {
        bencher.iter(|| encode(&Header::new(Algorithm::RS256), black_box(&claims), &encoding));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(500)).measurement_time(std::time::Duration::from_secs(2));
    targets = sign
}
criterion_main!(benches);
