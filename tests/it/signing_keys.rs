//! Signing keys on a running server: rotated by hand and by themselves, imported, exported, and sealed anew.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::support::assertion::{PartnerKey, unix_seconds};
use crate::support::dev::token_part;
use crate::support::program::{Output, run, run_with};
use crate::support::{Answer, Serve};

fn issued(answer: &Answer) -> bool {
    answer.status == 200
}

fn kid_of(token: &str) -> String {
    token_part(token, 0)["kid"].as_str().expect("a kid").to_owned()
}

async fn published(serve: &Serve) -> BTreeSet<String> {
    let set = serve.jwk_set().await;
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the key `kid` signs, for 15 seconds at most.
async fn token_signed_by(serve: &Serve, secret: &str, kid: &str) -> String {
    for _ in 0..1500 {
        let answer = serve.token("c", secret).await;
        if issued(&answer) && kid_of(&answer.access_token()) == kid {
            return answer.access_token();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{kid} does not sign: {}", serve.log());
}

#[tokio::test]
async fn keys_rotate_by_hand_only_after_their_announcement() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let before = serve.token_within_a_second("c", &secret, issued).await.access_token();
    let early = serve.cli(&["key", "rotate"]);
    assert_eq!(early.code, 3, "{early:?}");
    assert!(early.stderr.contains("--now") && early.stderr.contains("until 20"), "{early:?}");
    let next = serve.cli(&["key", "list", "--output", "json"]).success().json();
    let next = next.as_array().unwrap().iter().find(|key| key["state"] == "next").expect("a next key")["kid"].clone();
    let published = serve.jwk_set().await;
    assert!(published["keys"].as_array().unwrap().iter().any(|key| key["kid"] == next), "announced");

    let rotated = serve.cli(&["key", "rotate", "--now", "--output", "json"]).success().json();
    assert_eq!(rotated["kid"], next);
    let wanted = next.as_str().unwrap().to_owned();
    let after = token_signed_by(&serve, &secret, &wanted).await;
    let keys = serve.jwk_set().await;
    let kids: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    assert!(kids.contains(&token_part(&before, 0)["kid"]), "the last one stays while its tokens live");
    assert_eq!(kids.len(), 3, "active, next and retired");
    for token in [&before, &after] {
        let verified = run(serve.path(), &["verify", token, "--issuer", &serve.url("/"), "--audience", "https://api/"]);
        assert_eq!(verified.code, 0, "{verified:?}");
    }
}

#[tokio::test]
async fn keys_of_every_algorithm_are_announced_and_rotate() {
    let serve = Serve::start(&["--set", "jwks.max_age_seconds=0", "--set", "keys.propagation_seconds=0"]).await;
    let quick = ["--set", "jwks.max_age_seconds=0", "--set", "keys.propagation_seconds=0"];
    serve.cli(&["api", "create", "https://ec/", "--signing-alg", "ES256", "--token-lifetime", "2000000"]).success();
    serve.cli(&[&["key", "rotate", "--alg", "ES256"][..], &quick].concat()).success();
    serve.cli(&["api", "update", "https://ec/", "--token-lifetime", "60"]).success();
    serve.cli(&[&["key", "rotate", "--alg", "ES256"][..], &quick].concat()).success();
    let keys = serve.cli(&["key", "list", "--output", "json"]).success().json();
    let retired: Vec<_> = keys.as_array().unwrap().iter().filter(|key| key["state"] == "retired").collect();
    assert_eq!(retired.len(), 2);
    let in_twenty_days = jiff::Timestamp::from_second(1_728_000 + unix_seconds()).unwrap();
    for key in retired {
        let remove_after: jiff::Timestamp = key["remove_after"].as_str().unwrap().parse().unwrap();
        assert!(remove_after > in_twenty_days, "tokens of the longer lifetime may still live: {key}");
    }
    let missing = serve.cli(&["key", "rotate", "--alg", "PS256"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    let after = serve.cli(&["key", "list", "--output", "json"]).success().json();
    // Of RS256, the next key may have been made in the background by now.
    assert!(after.as_array().unwrap().iter().all(|key| key["alg"] != "PS256"), "nobody uses it: {after}");
}

#[tokio::test]
async fn a_command_with_another_master_key_changes_nothing() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    announced(&serve, 2).await;
    let before = serve.cli(&["key", "list", "--output", "json"]).success().stdout;
    std::fs::create_dir(serve.path().join("other")).unwrap();
    let variables = [("TOKENHOUSE__KEYS__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
    let output = run_with(serve.path(), &["key", "rotate", "--now"], &variables, "");
    assert!(output.code == 1 && output.stderr.contains("nothing was changed"), "{output:?}");
    assert_eq!(serve.cli(&["key", "list", "--output", "json"]).success().stdout, before);
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200);
}

#[tokio::test]
async fn keys_rotate_by_themselves_and_every_token_can_be_verified() {
    let settings = ["keys.rotation_seconds=2", "jwks.max_age_seconds=1", "keys.propagation_seconds=0"];
    let serve = Serve::start(&settings.map(|setting| ["--set", setting]).concat()).await;
    let secret = serve.set_up();
    let first = kid_of(&serve.token_within_a_second("c", &secret, issued).await.access_token());
    let mut signed = BTreeSet::from([first]);
    let deadline = Instant::now() + Duration::from_mins(1);
    while signed.len() < 4 && Instant::now() < deadline {
        let (fetched, known) = (Instant::now(), published(&serve).await);
        while fetched.elapsed() < Duration::from_millis(900) {
            let kid = kid_of(&serve.token("c", &secret).await.access_token());
            // A set may be kept for a second.
            assert!(known.contains(&kid) || fetched.elapsed() > Duration::from_secs(1), "{kid} was not in {known:?}");
            signed.insert(kid);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(signed.len() > 3, "{signed:?}: {}", serve.log());
    assert!(published(&serve).await.is_superset(&signed), "retired keys stay while their tokens live");
    serve.wait_for_log("the signing key was rotated").await;
    let trail = serve.cli(&["audit", "export"]).success().stdout;
    assert!(trail.contains("\"rotate\"") && trail.contains("\"system\""), "{trail}");
}

/// Waits until `count` keys are published: an RSA key is made in the background.
async fn announced(serve: &Serve, count: usize) {
    for _ in 0..1500 {
        if published(serve).await.len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} keys are not published: {}", serve.log());
}

/// Writes `pem` to a file beside the database.
fn pem_file(serve: &Serve, name: &str, pem: &str) -> String {
    std::fs::File::create(serve.path().join(name)).unwrap().write_all(pem.as_bytes()).unwrap();
    name.to_owned()
}

#[tokio::test]
async fn a_key_from_elsewhere_is_imported_signs_and_is_exported_again() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let pem = PartnerKey::new("ES256").private_pem();
    let file = pem_file(&serve, "es256.pem", &pem);
    let imported = serve.cli(&["key", "import", &file, "--output", "json"]).success().json();
    assert_eq!((&imported["alg"], &imported["state"]), (&"ES256".into(), &"active".into()), "none signed before");
    let kid = imported["kid"].as_str().unwrap();
    serve.cli(&["api", "update", "https://api/", "--signing-alg", "ES256"]).success();
    token_signed_by(&serve, &secret, kid).await;

    let next = PartnerKey::new("ES256").private_pem();
    let variables: [(&str, &str); 0] = [];
    let issuer = format!("issuer={}", serve.url("/"));
    let waiting =
        run_with(serve.path(), &["key", "import", "-", "--set", &issuer, "--output", "json"], &variables, &next);
    let waiting = waiting.success().json();
    assert_eq!(waiting["state"], "next");
    assert!(published(&serve).await.contains(kid), "{kid} signs on");
    assert_eq!(serve.cli(&["key", "rotate", "--alg", "ES256"]).code, 3, "it is announced first");

    let shown = serve.cli(&["key", "export", kid]).success();
    assert_eq!(shown.stdout.trim(), pem.trim());
    serve.cli(&["key", "export", kid, "--file", "exported.pem"]).success();
    let exported = serve.path().join("exported.pem");
    assert_eq!(std::fs::read_to_string(&exported).unwrap(), pem);
    assert_eq!(std::fs::metadata(&exported).unwrap().permissions().mode() & 0o777, 0o600);

    let says = |output: Output, code: i32, text: &str| {
        assert!(output.code == code && output.stderr.contains(text), "{output:?}");
        assert!(!output.stderr.contains("PRIVATE KEY-----") && output.stdout.is_empty(), "{output:?}");
    };
    says(serve.cli(&["key", "export", kid, "--file", "exported.pem"]), 2, "not there yet");
    says(serve.cli(&["key", "export", "nobody", "--file", "none.pem"]), 3, "no signing key");
    assert!(!serve.path().join("none.pem").exists());
    says(serve.cli(&["key", "import", &file]), 3, "been here already");
    says(serve.cli(&["key", "import", &file, "--alg", "RS256"]), 2, "RS256");
    says(serve.cli(&["key", "import", "missing.pem"]), 2, "missing.pem");
    says(serve.cli(&["key", "import", &pem_file(&serve, "no.pem", "no key")]), 2, "BEGIN PRIVATE KEY");
    let public = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/rs256-active.pem");
    says(serve.cli(&["key", "import", public]), 3, "known to everyone");
}

#[tokio::test]
async fn another_master_key_takes_over_while_the_server_runs() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let before = serve.token_within_a_second("c", &secret, issued).await.access_token();
    announced(&serve, 2).await;
    let (key, old_key) = (serve.path().join("keys/master.key"), serve.path().join("keys/master.key.old"));
    let first = std::fs::read(&key).unwrap();

    let resealed = serve.cli(&["key", "reseal", "--new-master-key", "--output", "json"]).success().json();
    assert_eq!(resealed["resealed"].as_array().unwrap().len(), 2, "active and next");
    assert_eq!(std::fs::read(&old_key).unwrap(), first);
    assert_ne!(std::fs::read(&key).unwrap(), first);
    serve.wait_for_log("a signing key cannot be used; the one before signs on").await;
    assert_eq!(kid_of(&serve.token("c", &secret).await.access_token()), kid_of(&before), "it signs on");

    assert_eq!(serve.terminate(), 0);
    std::fs::remove_file(&old_key).unwrap();
    serve.start_again(&[]).await;
    assert_eq!(kid_of(&serve.token("c", &secret).await.access_token()), kid_of(&before));
    let again = serve.cli(&["key", "reseal", "--output", "json"]).success().json();
    assert_eq!(again["resealed"], serde_json::json!([]));
}

#[tokio::test]
async fn a_master_key_that_is_given_is_replaced_by_another_that_is_given() {
    let mut serve = Serve::start(&[]).await;
    assert_eq!(serve.terminate(), 0);
    let key = serve.path().join("keys/master.key");
    std::fs::rename(&key, serve.path().join("old.key")).unwrap();
    let new = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
    std::fs::write(serve.path().join("new.key"), new).unwrap();
    let both = ["--set", "keys.master_key_file=new.key", "--set", "keys.old_master_key_file=old.key"];
    let one = &both[..2];

    let lost = serve.cli(&[&["key", "reseal"][..], one].concat());
    assert!(lost.code == 1 && lost.stderr.contains("master key"), "{lost:?}");
    let not_a_file = serve.cli(&[&["key", "reseal", "--new-master-key"][..], &both].concat());
    assert!(not_a_file.code == 2 && not_a_file.stderr.contains("keys.old_master_key"), "{not_a_file:?}");
    serve.start_again(&both).await;
    serve.cli(&[&["key", "reseal"][..], &both].concat()).success();
    assert_eq!(serve.terminate(), 0);
    serve.start_again(one).await;
}
