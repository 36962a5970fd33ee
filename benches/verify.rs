//! What does a verified token cost over its bare signature check: seen for the first time, seen before, and with a general library?

use std::hint::black_box;
use std::time::Duration;

use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::json;
use tokenhouse::clock::UnixMillis;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::keys::{PublicJwk, RsaBits, Signer, SigningAlg, generate_private_key, render_jwk_set};
use tokenhouse_verifier::{JwkSet, Verifier};

const ISSUER: &str = "https://issuer.example.com/";
const AUDIENCE: &str = "https://api.example.com/";
const NOW: u64 = 1_767_225_600;

#[expect(clippy::expect_used, reason = "a benchmark without its token cannot go on")]
fn verify(criterion: &mut Criterion) {
    let claims = json!({
        "iss": ISSUER, "sub": "partner-a", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 3600, "client_id": "partner-a",
        "jti": "019b76da-a800-7000-8000-000000000000", "scope": "create:users list:users",
    });
    let mut group = criterion.benchmark_group("verify");
    for alg in [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::EdDsa] {
        let key = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).expect("a key can be made");
        let signer = Signer::from_private_key(&key).expect("the key signs");
        let token = signer.sign_compact("at+jwt", claims.to_string().as_bytes()).expect("the token is signed");
        let jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).expect("the key has a public half");
        let keys = JwkSet::parse(&render_jwk_set([&jwk])).expect("the set is well-formed");
        for (remembered, name) in [(0, "for the first time"), (10_000, "seen before")] {
            let verifier = Verifier::new(ISSUER, AUDIENCE).remember_signatures(remembered);
            verifier.verify(&token, &keys, NOW).expect("the token is good");
            group.bench_function(format!("Verifier, {} {name}", alg.as_str()), |bencher| {
                bencher.iter(|| verifier.verify(black_box(&token), &keys, NOW));
            });
        }
    }
    let key = generate_private_key(SigningAlg::Rs256, RsaBits::Bits2048, &SystemEntropy).expect("a key can be made");
    let pair = RsaKeyPair::from_pkcs8(key.expose_pkcs8()).expect("the key is RSA");
    let message = vec![b'x'; 789];
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).expect("the message is signed");
    let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()).expect("the key is public");
    group.bench_function("bare aws-lc, RS256", |bencher| {
        bencher.iter(|| public.verify_sig(black_box(&message), &signature));
    });
    let signer = Signer::from_private_key(&key).expect("the key signs");
    let token = signer.sign_compact("at+jwt", claims.to_string().as_bytes()).expect("the token is signed");
    let decoding = DecodingKey::from_rsa_der(pair.public_key().as_ref());
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false;
    group.bench_function("jsonwebtoken::decode, RS256", |bencher| {
        bencher.iter(|| decode::<serde_json::Value>(black_box(&token), &decoding, &validation));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = verify
}
criterion_main!(benches);
