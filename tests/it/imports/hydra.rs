//! `tokenhouse import hydra`

use tokenhouse::entropy::SystemEntropy;

use super::{claims, fixture, import_twice, machine_made, noted, put, token};
use crate::support::Serve;

const AUDIENCE: &str = "https://parcels.example.com/";

/// A secret of the form that Hydra gives out: 26 characters, dots and tildes among them.
fn hydra_made() -> String {
    format!("{}.~", &machine_made()[..24])
}

/// The secret's hash as Hydra makes it: PBKDF2 with SHA-256 and 25,000 iterations.
fn pbkdf2(secret: &str) -> String {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD_NO_PAD;
    use tokenhouse::entropy::Entropy as _;
    let (mut salt, mut hash) = ([0; 16], [0; 32]);
    SystemEntropy.fill(&mut salt);
    let iterations = std::num::NonZeroU32::new(25_000).unwrap();
    aws_lc_rs::pbkdf2::derive(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, secret.as_bytes(), &mut hash);
    let (salt, hash) = (BASE64_STANDARD_NO_PAD.encode(salt), BASE64_STANDARD_NO_PAD.encode(hash));
    format!("$pbkdf2-sha256$i=25000,l=32${salt}${hash}")
}

#[tokio::test]
async fn rows_of_the_table_keep_their_secrets() {
    let serve = Serve::start(&[]).await;
    let secret = hydra_made();
    put(&serve, "rows.json", &fixture("hydra-rows.json").replace("HASH_OF_SECRET", &pbkdf2(&secret)));
    let first = import_twice(&serve, &["hydra", "rows.json"]);
    assert_eq!(noted(&first, "api_made"), [AUDIENCE]);
    let id = "3f1c5e0e-8a57-4d7e-9d39-0d6f9a7d2f11";
    let issued = claims(&token(&serve, id, &secret, AUDIENCE).await);
    assert_eq!(issued["exp"].as_i64().unwrap() - issued["iat"].as_i64().unwrap(), 1800);
    assert_eq!(issued.get("scope"), None, "Hydra gives no scope that is not asked for");
}

#[tokio::test]
async fn a_list_with_a_secret_and_without_an_audience_is_taken() {
    let serve = Serve::start(&[]).await;
    let secret = hydra_made();
    put(&serve, "list.json", &fixture("hydra-list.json").replace("CLIENT_SECRET", &secret));
    let refused = serve.cli(&["import", "hydra", "list.json"]);
    assert!(refused.code == 2 && refused.stderr.contains("--audience"), "{refused:?}");
    import_twice(&serve, &["hydra", "list.json", "--audience", AUDIENCE]);
    assert_eq!(token(&serve, "c3b49cf0-88e4-4faa-9489-28d5b8957858", &secret, AUDIENCE).await.status, 200);
}
