//! What does it cost to read a token request: as a form, as JSON, with the secret in the header or in the body?

use std::hint::black_box;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, criterion_group, criterion_main};
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::oauth::token_request::{RawTokenRequest, parse_token_request};
use tokenhouse::secret::GeneratedSecret;

fn parse(criterion: &mut Criterion) {
    let secret = GeneratedSecret::generate(&SystemEntropy);
    let secret = secret.expose();
    let access =
        "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com%2F&scope=list%3Ausers+create%3Ausers";
    let basic = format!("Basic {}", STANDARD.encode(format!("partner-a:{secret}")));
    let form: &[u8] = b"application/x-www-form-urlencoded";
    let json = serde_json::json!({
        "grant_type": "client_credentials", "client_id": "partner-a", "client_secret": secret,
        "audience": "https://api.example.com/", "scope": "list:users create:users",
    });
    let with_secret = format!("{access}&client_id=partner-a&client_secret={secret}");
    let none: &[&[u8]] = &[];
    let header: &[&[u8]] = &[basic.as_bytes()];
    let mut group = criterion.benchmark_group("parse");
    for (name, content_type, authorization, body) in [
        ("form, secret in the body", form, none, with_secret.as_bytes()),
        ("form, secret in the header", form, header, access.as_bytes()),
        ("JSON, secret in the body", b"application/json", none, json.to_string().as_bytes()),
    ] {
        let raw = RawTokenRequest { content_type: Some(content_type), authorization, body, parameter_limit: 64 };
        group.bench_function(name, |bencher| bencher.iter(|| parse_token_request(black_box(&raw)).is_ok()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = parse
}
criterion_main!(benches);
