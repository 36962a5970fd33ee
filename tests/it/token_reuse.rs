//! `token_reuse_seconds`: the same request gets the same token for a while, and nothing else ever does.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client, token, unix_seconds};
use crate::support::dev::{basic, token_part};
use crate::support::jwks_host::JwksHost;
use crate::support::{Dev, Serve};

const API: &str = "https://api/";
const FIRST: &str = "the first secret of c";
const SECOND: &str = "the second secret of c";

/// A client with secrets, and grants for `a b` of both APIs.
fn secret_client(client_id: &str, secrets: &[&str]) -> Value {
    let secrets: Vec<_> = secrets.iter().map(|value| json!({ "value": value })).collect();
    let grant = |audience: &str| json!({"audience": audience, "scope": ["a", "b"]});
    json!({"client_id": client_id, "secrets": secrets, "default_audience": API, "grants": [grant(API), grant("https://other/")]})
}

/// `dev` with two APIs that hand tokens out again for `seconds`, and one that does not.
fn dev(seconds: u32) -> Dev {
    let api = |identifier: &str, seconds: u32| {
        json!({
            "identifier": identifier, "scopes": [{"value": "a"}, {"value": "b"}], "token_lifetime": 60,
            "token_reuse_seconds": seconds
        })
    };
    let mut fresh = secret_client("fresh", &[FIRST]);
    fresh["grants"] = json!([{"audience": "https://fresh/", "scope": ["a"]}]);
    fresh["default_audience"] = json!("https://fresh/");
    let mut limited = secret_client("limited", &[FIRST]);
    limited["quota"] = json!({"per_hour": 3, "enforce": true});
    let clients = [secret_client("c", &[FIRST, SECOND]), secret_client("d", &[FIRST]), fresh, limited];
    let apis = [api(API, seconds), api("https://other/", seconds), api("https://fresh/", 0)];
    Dev::seeded(&json!({"apis": apis, "clients": clients}), &[])
}

/// The answer to `client_id` and `secret` with further parameters.
async fn ask(dev: &Dev, client_id: &str, secret: &str, further: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
    form.extend_from_slice(further);
    Answer::to(client().post(dev.text("token_endpoint")).form(&form)).await
}

fn expires_in(answer: &Answer) -> i64 {
    answer.json()["expires_in"].as_i64().unwrap()
}

#[tokio::test]
async fn the_same_request_gets_the_same_token_for_a_while_and_then_another() {
    let dev = dev(3);
    let start = Instant::now();
    let first = ask(&dev, "c", FIRST, &[]).await;
    let issued = token_part(&first.access_token(), 1);
    assert_eq!(expires_in(&first), 60);

    let mut last = 60;
    let mut again = 0;
    let renewed = loop {
        let answer = ask(&dev, "c", FIRST, &[]).await;
        if answer.access_token() != first.access_token() {
            break answer;
        }
        let left = issued["exp"].as_i64().unwrap() - unix_seconds();
        assert!((left - 1..=left + 1).contains(&expires_in(&answer)), "{left} seconds are left: {answer:?}");
        assert!(expires_in(&answer) <= last, "what is left does not grow: {answer:?}");
        let told = answer.json();
        assert_eq!((&told["token_type"], &told["scope"]), (&json!("Bearer"), &json!("a b")));
        assert_eq!(answer.header("cache-control"), "no-store");
        last = expires_in(&answer);
        again += 1;
        assert!(start.elapsed() < Duration::from_secs(10), "no new token after the window");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(again > 1 && last <= 58, "{again} times, at last with {last} seconds");
    assert!(start.elapsed() >= Duration::from_secs(2), "from the second in iat: {:?}", start.elapsed());
    let claims = token_part(&renewed.access_token(), 1);
    assert_eq!(expires_in(&renewed), 60);
    assert!(claims["iat"].as_i64().unwrap() >= issued["iat"].as_i64().unwrap() + 3, "{claims}");
    assert_ne!(claims["jti"], issued["jti"]);
}

#[tokio::test]
async fn secret_audience_scope_and_client_keep_tokens_apart_and_the_place_of_the_secret_does_not() {
    let dev = dev(50);
    let first = ask(&dev, "c", FIRST, &[]).await.access_token();
    let header = basic("c", FIRST);
    let request = client().post(dev.text("token_endpoint")).header("authorization", header);
    let in_header = Answer::to(request.form(&[("grant_type", "client_credentials")])).await;
    assert_eq!(in_header.access_token(), first, "the same secret in the header");
    for same in [[("scope", "a b")], [("audience", API)], [("resource", API)]] {
        assert_eq!(ask(&dev, "c", FIRST, &same).await.access_token(), first, "the same access: {same:?}");
    }

    let mut tokens = HashSet::from([first.clone()]);
    for (client_id, secret, further) in [
        ("c", FIRST, vec![("scope", "a")]),
        ("c", FIRST, vec![("scope", "b")]),
        ("c", FIRST, vec![("scope", "b a")]),
        ("c", FIRST, vec![("audience", "https://other/")]),
        ("c", SECOND, vec![]),
        ("c", SECOND, vec![("scope", "a")]),
        ("d", FIRST, vec![]),
    ] {
        let case = format!("{client_id} {secret} {further:?}");
        let answer = ask(&dev, client_id, secret, &further).await;
        let claims = token_part(&answer.access_token(), 1);
        assert_eq!((&claims["client_id"], &claims["scope"]), (&json!(client_id), &answer.json()["scope"]), "{case}");
        assert!(tokens.insert(answer.access_token()), "{case} shares a token with another request");
        assert_eq!(ask(&dev, client_id, secret, &further).await.access_token(), answer.access_token(), "{case}");
    }
    assert_eq!(ask(&dev, "c", FIRST, &[]).await.access_token(), first, "the others have not pushed it out");

    for (secret, further) in
        [("wrong", vec![]), (FIRST, vec![("scope", "c")]), (FIRST, vec![("audience", "https://fresh/")])]
    {
        assert_ne!(ask(&dev, "c", secret, &further).await.status, 200, "each request is judged in full: {further:?}");
    }
    let fresh = ask(&dev, "fresh", FIRST, &[]).await.access_token();
    assert_ne!(ask(&dev, "fresh", FIRST, &[]).await.access_token(), fresh, "an API that has not asked for it");
}

#[tokio::test]
async fn a_token_that_is_handed_out_again_counts_and_is_logged_as_such() {
    let dev = dev(50);
    let answers = [ask(&dev, "limited", FIRST, &[]).await, ask(&dev, "limited", FIRST, &[]).await];
    assert_eq!(answers[0].access_token(), answers[1].access_token());
    assert_eq!(ask(&dev, "limited", FIRST, &[]).await.status, 200);
    assert_eq!(ask(&dev, "limited", FIRST, &[]).await.status, 429, "the quota is one of answers");

    let jti = token_part(&answers[0].access_token(), 1)["jti"].as_str().unwrap().to_owned();
    let log = dev.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(&jti)).collect();
    let reused: Vec<_> = lines.iter().map(|line| line.contains("reused")).collect();
    assert_eq!(reused, [false, true, true], "{log}");
    assert!(!log.contains(&answers[0].access_token()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_their_own_tokens_and_soon_the_same() {
    let dev = dev(50);
    let get = async |client_id: &'static str| (client_id, ask(&dev, client_id, FIRST, &[]).await.access_token());
    let all = join_all((0..40).map(|number| get(if number % 2 == 0 { "c" } else { "d" }))).await;
    for (client_id, token) in &all {
        assert_eq!(token_part(token, 1)["client_id"], *client_id);
    }
    for client_id in ["c", "d"] {
        let settled = get(client_id).await.1;
        assert!(all.iter().any(|(_, token)| *token == settled), "the token of one of those requests");
        for (_, token) in join_all((0..20).map(|_| get(client_id))).await {
            assert_eq!(token, settled);
        }
    }
}

/// The access token of the client `c` for the scope `a`, asked for until `wanted`: a change may take a moment.
async fn token_until(serve: &Serve, secret: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", secret), ("scope", "a")];
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = Answer::to(serve.client().post(serve.url("/oauth/token")).form(&form)).await;
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn issued(answer: &Answer) -> bool {
    answer.status == 200
}

/// A token of the client `c`, which it gets again and again as long as nothing changes.
async fn settled(serve: &Serve, secret: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut token = String::new();
    let mut same = 0;
    // A change may come in between: what counts is that it ends.
    while same < 3 {
        assert!(Instant::now() < deadline, "another token each time");
        let next = token_until(serve, secret, issued).await.access_token();
        same = if next == token { same + 1 } else { 0 };
        token = next;
    }
    token
}

/// Does what `command` says, and waits until the client gets another token than before, and that one again.
async fn assert_drops(serve: &Serve, secret: &str, command: &[&str]) -> Value {
    let before = settled(serve, secret).await;
    let output = serve.cli(&[command, &["--output", "json"]].concat()).success();
    token_until(serve, secret, |answer| issued(answer) && answer.access_token() != before).await;
    assert_ne!(settled(serve, secret).await, before, "{command:?}");
    serde_json::from_str(&output.stdout).unwrap_or(Value::Null)
}

/// A server with the client `c` and its secret, whose API hands tokens out again for ten minutes.
async fn serve() -> (Serve, String) {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let updated = serve.cli(&["api", "update", API, "--token-reuse-seconds", "600", "--output", "json"]).success();
    assert_eq!(updated.json()["token_reuse_seconds"], 600);
    token_until(&serve, &secret, issued).await;
    // Until the change of the API is served too, each token is another one.
    let deadline = Instant::now() + Duration::from_secs(10);
    while token_until(&serve, &secret, issued).await.text != token_until(&serve, &secret, issued).await.text {
        assert!(Instant::now() < deadline, "no token is handed out again");
    }
    (serve, secret)
}

#[tokio::test]
async fn a_change_of_the_client_its_secrets_or_its_grant_gets_a_new_token() {
    let (serve, secret) = serve().await;
    assert_drops(&serve, &secret, &["client", "update", "c", "--name", "Other"]).await;
    assert_drops(&serve, &secret, &["client", "secret", "add", "c"]).await;
    let secrets = serve.cli(&["client", "secret", "list", "c", "--output", "json"]).success().json();
    let added = secrets[1]["id"].as_str().unwrap();
    assert_drops(&serve, &secret, &["client", "secret", "retire", "c", added]).await;
    // The token has the scope a before and after.
    assert_drops(&serve, &secret, &["grant", "update", "c", API, "--scope", "a", "--scope", "b"]).await;

    let before = settled(&serve, &secret).await;
    serve.cli(&["client", "update", "c", "--enabled", "false"]).success();
    let refused = token_until(&serve, &secret, |answer| !issued(answer)).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()));
    serve.cli(&["client", "update", "c", "--enabled", "true"]).success();
    assert_ne!(settled(&serve, &secret).await, before, "enabled again, it gets a new one");

    let before = settled(&serve, &secret).await;
    serve.cli(&["grant", "delete", "c", API]).success();
    let refused = token_until(&serve, &secret, |answer| !issued(answer)).await;
    assert_eq!(refused.error(), (400, "invalid_target".to_owned()));
    serve.cli(&["grant", "create", "c", API, "--scope", "a"]).success();
    assert_ne!(settled(&serve, &secret).await, before, "granted again, it gets a new one");
}

#[tokio::test]
async fn a_change_of_the_api_or_of_the_signing_key_gets_a_new_token_and_that_of_others_does_not() {
    let (serve, secret) = serve().await;
    let before = settled(&serve, &secret).await;
    let other = serve.cli(&["client", "create", "--id", "other", "--output", "json"]).success().json();
    serve.cli(&["grant", "create", "other", API, "--scope", "a"]).success();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !issued(&serve.token("other", other["client_secret"].as_str().unwrap()).await) {
        assert!(Instant::now() < deadline, "the other client is not served");
    }
    assert_eq!(settled(&serve, &secret).await, before, "another client is no concern of this one");

    assert_drops(&serve, &secret, &["api", "update", API, "--name", "Other"]).await;
    let rotated = assert_drops(&serve, &secret, &["key", "rotate", "--now"]).await;
    let kid = rotated["kid"].as_str().unwrap().to_owned();
    assert_eq!(token_part(&settled(&serve, &secret).await, 0)["kid"], kid);
    assert_drops(&serve, &secret, &["key", "revoke", &kid, "--force"]).await;
    assert_ne!(token_part(&settled(&serve, &secret).await, 0)["kid"], kid, "nothing of the revoked key is handed out");

    serve.cli(&["api", "update", API, "--token-reuse-seconds", "0"]).success();
    let before = settled_no_more(&serve, &secret).await;
    assert_ne!(token_until(&serve, &secret, issued).await.access_token(), before);
}

/// A token, once each request gets another.
async fn settled_no_more(serve: &Serve, secret: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (one, other) = (token_until(serve, secret, issued).await, token_until(serve, secret, issued).await);
        if one.access_token() != other.access_token() {
            return other.access_token();
        }
        assert!(Instant::now() < deadline, "tokens are still handed out again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_end_of_another_secret_gets_a_new_token_although_nothing_is_written_then() {
    let (serve, _) = serve().await;
    let rotated = serve.cli(&["client", "rotate-secret", "c", "--overlap-seconds", "8", "--output", "json"]).success();
    let end = Instant::now() + Duration::from_secs(8);
    let secret = rotated.json()["client_secret"].as_str().unwrap().to_owned();
    let before = settled(&serve, &secret).await;
    assert!(Instant::now() < end, "too slow a machine for this test");
    token_until(&serve, &secret, |answer| issued(answer) && answer.access_token() != before).await;
    assert!(Instant::now() > end.checked_sub(Duration::from_secs(2)).unwrap(), "before the other secret has ended");
    settled(&serve, &secret).await;
}

#[tokio::test]
async fn a_registered_key_keeps_its_token_and_a_published_one_gets_a_new_one_each_time() {
    let keys = [PartnerKey::new("ES256"), PartnerKey::new("EdDSA"), PartnerKey::new("ES256")];
    let host = JwksHost::start(&[keys[2].jwk()]);
    let mut publishing = key_client("publishing", &[]);
    publishing["jwks_uri"] = json!(host.url("/jwks"));
    let mut document = document(&[key_client("c", &[keys[0].jwk(), keys[1].jwk()]), publishing]);
    document["apis"][0]["token_reuse_seconds"] = json!(600);
    let ca = format!("client_assertions.jwks_uri_ca_file={}", host.ca_file().display());
    let arguments = ["--set", &ca, "--set", "client_assertions.jwks_uri_hosts=localhost"];
    let mut serve = Serve::start(&arguments).await;
    std::fs::write(serve.path().join("document.json"), document.to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    assert_eq!(serve.terminate(), 0);
    serve.start_again(&arguments).await;

    let get = async |key: &PartnerKey, client_id: &str| {
        let assertion = key.assertion(client_id, &serve.url("/"), &json!({}));
        (assertion.clone(), token(&serve.url("/oauth/token"), &assertion, &[]).await.access_token())
    };
    let (assertion, first) = get(&keys[0], "c").await;
    assert_eq!(get(&keys[0], "c").await.1, first, "another assertion with the same key");
    let second = get(&keys[1], "c").await.1;
    assert_ne!(second, first, "another key");
    assert_eq!(get(&keys[1], "c").await.1, second);
    let replayed = token(&serve.url("/oauth/token"), &assertion, &[]).await;
    assert_eq!(replayed.error(), (401, "invalid_client".to_owned()), "an assertion is good once, whatever is kept");
    assert_ne!(get(&keys[2], "publishing").await.1, get(&keys[2], "publishing").await.1);
}

#[tokio::test]
async fn usage_counts_each_answer_and_explain_tells_the_window() {
    let (mut serve, secret) = serve().await;
    let explained = serve.cli(&["explain", "c", "--audience", API, "--output", "json"]).success().json();
    assert_eq!((&explained["token_reuse_seconds"], &explained["expires_in"]), (&json!(600), &json!(3600)));
    assert_eq!(serve.terminate(), 0);
    let counted = |serve: &Serve| {
        serve.cli(&["client", "usage", "c", "--output", "json"]).success().json()["issued"].as_u64().unwrap()
    };
    let before = counted(&serve);
    serve.start_again(&[]).await;
    settled(&serve, &secret).await;
    assert_eq!(serve.terminate(), 0);
    assert_eq!(counted(&serve), before + 4);
}

#[tokio::test]
async fn without_room_every_token_is_a_new_one() {
    let (mut serve, secret) = serve().await;
    settled(&serve, &secret).await;
    assert_eq!(serve.terminate(), 0);
    serve.start_again(&["--set", "token.reuse_bytes=0"]).await;
    let tokens: HashSet<_> =
        join_all((0..5).map(|_| token_until(&serve, &secret, issued))).await.iter().map(Answer::access_token).collect();
    assert_eq!(tokens.len(), 5);
}

#[tokio::test]
async fn the_window_must_end_before_the_token() {
    let serve = Serve::start(&[]).await;
    let create = |seconds: &str| {
        let lifetime = ["--token-lifetime", "60", "--token-reuse-seconds", seconds, "--output", "json"];
        serve.cli(&[&["api", "create", API], &lifetime[..]].concat())
    };
    for seconds in ["60", "4294967295"] {
        let refused = create(seconds);
        let bound = format!("token_reuse_seconds {seconds} is not below token_lifetime, 60: use 0 to 59");
        assert!(refused.code != 0 && refused.stderr.contains(&bound), "{refused:?}");
    }
    assert_eq!(create("59").success().json()["token_reuse_seconds"], 59);
    let shorter = serve.cli(&["api", "update", API, "--token-lifetime", "59"]);
    assert!(shorter.code != 0 && shorter.stderr.contains("use 0 to 58"), "{shorter:?}");
    assert_eq!(serve.cli(&["api", "show", API, "--output", "json"]).success().json()["token_reuse_seconds"], 59);
    let exported = serve.cli(&["export", "--output", "json"]).success().json();
    let api = exported["apis"].as_array().unwrap().iter().find(|api| api["identifier"] == API).unwrap().clone();
    assert_eq!(api["token_reuse_seconds"], 59);
}
