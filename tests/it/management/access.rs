//! Who may call the Management API, and what may nobody do with it: raise its own rights.

use serde_json::{Value, json};
use tokenhouse::keys::Signer;
use tokenhouse::keys::public_test_keys::PublicTestKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Management, complete, segment, token};
use crate::support::answer::{Answer, client};
use crate::support::dev::{Partner, token_part};
use crate::support::{Dev, Serve};

/// `token` with other claims, signed with the key that `dev` signs with.
fn with_claims(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = token_part(token, 1);
    change(&mut claims);
    let signer = Signer::from_private_key(&PublicTestKey::Rs256Active.load()).expect("a test key");
    signer.sign_compact("at+jwt", claims.to_string().as_bytes()).expect("a signature")
}

#[tokio::test]
async fn without_a_valid_token_of_this_issuer_for_this_api_there_is_no_answer() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let url = dev.issuer("/api/v2/clients");
    let call = async |header: Option<String>| {
        let request = client().get(&url);
        complete(
            Answer::to(match header {
                Some(value) => request.header("authorization", value),
                None => request,
            })
            .await,
        )
    };
    for header in [None, Some("Bearer".to_owned()), Some("Basic bWFuYWdlbWVudDp4".to_owned())] {
        let answer = call(header).await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="management""#);
    }
    let twice = client().get(&url).bearer_auth(&management.token).bearer_auth(&management.token);
    complete(Answer::to(twice).await).refused(401, "unauthorized");

    let genuine = management.token.as_str();
    let mut tampered = genuine.to_owned();
    let middle = tampered.len() / 2;
    let other = if tampered.as_bytes()[middle] == b'A' { "B" } else { "A" };
    tampered.replace_range(middle..=middle, other);
    let other_audience = dev.token(&[]).await.access_token();
    for (what, token) in [
        ("tampered", tampered),
        ("no token at all", "nonsense".to_owned()),
        ("expired", with_claims(genuine, |claims| claims["exp"] = json!(1_000_000_000))),
        ("of another issuer", with_claims(genuine, |claims| claims["iss"] = json!("https://evil/"))),
        ("for another API", other_audience),
        ("without the closing slash", with_claims(genuine, |claims| claims["aud"] = json!(dev.issuer("/api/v2")))),
        (
            "of an unknown client",
            with_claims(genuine, |claims| {
                claims["sub"] = json!("nobody");
                claims["client_id"] = json!("nobody");
            }),
        ),
    ] {
        let answer = call(Some(format!("Bearer {token}"))).await;
        let message = answer.refused(401, "invalid_token");
        assert!(!message.contains(&token), "{what}: {message}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="management", error="invalid_token""#, "{what}");
    }
    // The same way of making tokens, with nothing changed, opens.
    let copy = with_claims(genuine, |_| {});
    assert_eq!(call(Some(format!("bearer {copy}"))).await.status, 200);
}

#[tokio::test]
async fn rights_are_those_that_the_client_holds_now() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let partner = management.manager(&dev, "reader", &["read:clients", "read:client_grants"]).await;
    let reader = Management::called_by(&dev, &partner).await;
    assert_eq!(reader.get("/clients").await.status, 200);

    let path = format!("/clients/{}", partner.client_id);
    management.patch(&path, &json!({ "enabled": false })).await.ok();
    let message = reader.get("/clients").await.refused(401, "invalid_token");
    assert!(message.contains("disabled"), "{message}");
    management.patch(&path, &json!({ "enabled": true })).await.ok();
    assert_eq!(reader.get("/clients").await.status, 200);

    let grants = management.get(&format!("/client-grants?client_id={}", partner.client_id)).await.ok();
    let grant = format!("/client-grants/{}", grants[0]["id"].as_str().unwrap());
    management.patch(&grant, &json!({ "scope": ["read:client_grants"] })).await.ok();
    reader.get("/clients").await.refused(403, "insufficient_scope");
    assert_eq!(reader.get("/client-grants").await.status, 200, "what is left holds");
    management.delete(&grant).await;
    reader.get("/client-grants").await.refused(403, "insufficient_scope");
    management.delete(&path).await;
    reader.get("/client-grants").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_client_does_not_inherit_the_tokens_of_one_that_had_its_id() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let created = management.get("/clients/management").await.ok()["created_at"].as_str().unwrap().to_owned();
    let created: jiff::Timestamp = created.parse().unwrap();
    let issued_at = |second: i64| Management {
        base: management.base.clone(),
        token: with_claims(&management.token, |claims| claims["iat"] = json!(second)),
    };
    assert_eq!(issued_at(created.as_second()).get("/clients").await.status, 200, "in the second of its creation");
    let message = issued_at(created.as_second() - 1).get("/clients").await.refused(401, "invalid_token");
    assert!(message.contains("deleted"), "{message}");
}

#[tokio::test]
async fn rights_that_are_lost_while_the_body_comes_are_lost() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let partner = management.manager(&dev, "slow", &["create:clients", "read:clients"]).await;
    let slow = Management::called_by(&dev, &partner).await;
    let body = r#"{"name":"late"}"#;
    for (change, status) in [(json!({ "name": "renamed" }), 201), (json!({ "enabled": false }), 401)] {
        let address = dev.issuer("").trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /api/v2/clients HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{{",
            slow.token,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        // It is admitted first.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        management.patch(&format!("/clients/{}", partner.client_id), &change).await.ok();
        socket.write_all(&body.as_bytes()[1..]).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{change}: {answer}");
    }
    let late = management.get("/clients?per_page=100").await.text.matches(r#""name":"late""#).count();
    assert_eq!(late, 1, "none by a client that was disabled when the call was complete");
}

#[tokio::test]
async fn a_token_gives_no_more_than_it_names() {
    let dev = Dev::start(&[]);
    let narrow = dev.management();
    let changes = [
        ("client_id", Some(narrow.client_id.as_str())),
        ("client_secret", Some(narrow.client_secret.as_str())),
        ("audience", Some(narrow.audience.as_str())),
        ("scope", Some("update:client_keys create:client_grants")),
    ];
    let narrow = Management { base: dev.issuer("/api/v2"), token: dev.token(&changes).await.access_token() };
    narrow.get("/clients").await.refused(403, "insufficient_scope");
    let rotate = |id: &str| narrow.request("POST", &format!("/clients/{id}/rotate-secret"));
    // Its own client holds more than the token names: a secret of it would be worth more than the token.
    narrow.send(rotate("management")).await.refused(403, "insufficient_scope");
    assert_eq!(narrow.send(rotate("partner-a")).await.status, 200, "one without rights here");
}

#[tokio::test]
async fn every_endpoint_wants_its_scope() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let all = [
        ("GET", "/clients", "read:clients,read:client_keys"),
        ("POST", "/clients", "create:clients"),
        ("GET", "/clients/partner-a", "read:clients,read:client_keys"),
        ("PATCH", "/clients/partner-a", "update:clients"),
        ("DELETE", "/clients/partner-a", "delete:clients"),
        ("POST", "/clients/partner-a/rotate-secret", "update:client_keys"),
        ("GET", "/resource-servers", "read:resource_servers"),
        ("POST", "/resource-servers", "create:resource_servers"),
        ("GET", "/resource-servers/x", "read:resource_servers"),
        ("PATCH", "/resource-servers/x", "update:resource_servers"),
        ("DELETE", "/resource-servers/x", "delete:resource_servers"),
        ("GET", "/client-grants", "read:client_grants"),
        ("POST", "/client-grants", "create:client_grants"),
        ("GET", "/client-grants/x", "read:client_grants"),
        ("PATCH", "/client-grants/x", "update:client_grants"),
        ("DELETE", "/client-grants/x", "delete:client_grants"),
        ("GET", "/keys/signing", "read:signing_keys"),
        ("GET", "/keys/signing/x", "read:signing_keys"),
        ("POST", "/keys/signing/rotate", "create:signing_keys,update:signing_keys"),
        ("PUT", "/keys/signing/x/revoke", "update:signing_keys"),
    ];
    let system = format!("/resource-servers/{}", segment(&dev.management().audience));
    let defined = management.get(&system).await.ok();
    let defined: Vec<_> =
        defined["scopes"].as_array().unwrap().iter().map(|scope| scope["value"].as_str().unwrap()).collect();
    for (method, path, scopes) in all {
        let lacking: Vec<&str> =
            defined.iter().copied().filter(|scope| !scopes.split(',').any(|one| one == *scope)).collect();
        let caller = management.manager(&dev, "all but one", &lacking).await;
        let caller = Management::called_by(&dev, &caller).await;
        let mut request = caller.request(method, path);
        if ["POST", "PATCH"].contains(&method) && !path.starts_with("/keys") {
            request = request.json(&json!({ "name": "x" }));
        }
        let message = caller.send(request).await.refused(403, "insufficient_scope");
        // The deploy CLI reads the scopes out of this very text.
        assert_eq!(message, format!("Insufficient scope, expected any of: {scopes}"), "{method} {path}");
    }
    assert_eq!(management.get("/clients/partner-a").await.status, 200, "nothing was done");
}

#[tokio::test]
async fn nobody_raises_its_own_rights() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let scope = [
        "create:clients",
        "update:clients",
        "read:clients",
        "update:client_keys",
        "create:client_grants",
        "update:client_grants",
        "read:client_grants",
        "create:resource_servers",
        "update:resource_servers",
    ];
    let own = management.manager(&dev, "attacker", &scope).await;
    let attacker = Management::called_by(&dev, &own).await;
    let accomplice = attacker.partner("accomplice", &own.audience).await;
    let grant = |partner: &Partner, scope: Value| json!({ "client_id": partner.client_id, "audience": own.audience, "scope": scope });

    // Scopes that it lacks, handed out.
    let message = attacker.post("/client-grants", &grant(&accomplice, json!(["delete:clients"]))).await;
    assert!(message.refused(403, "insufficient_scope").contains("delete:clients"));
    let mut all = grant(&accomplice, json!([]));
    all["allow_all_scopes"] = json!(true);
    attacker.post("/client-grants", &all).await.refused(403, "insufficient_scope");
    let id = attacker.grant(&accomplice, &["update:client_keys", "read:clients"]).await;
    let path = format!("/client-grants/{id}");
    let more = json!({ "scope": ["update:client_keys", "update:signing_keys"] });
    attacker.patch(&path, &more).await.refused(403, "insufficient_scope");
    attacker.patch(&path, &json!({ "allow_all_scopes": true })).await.refused(403, "insufficient_scope");
    assert_eq!(management.get(&path).await.ok()["scope"], json!(["update:client_keys", "read:clients"]));

    // Credentials of a client that holds more.
    for (who, caller) in [("attacker", &attacker), ("accomplice", &Management::called_by(&dev, &accomplice).await)] {
        let rotate = caller.request("POST", "/clients/management/rotate-secret");
        caller.send(rotate).await.refused(403, "insufficient_scope");
        if who == "attacker" {
            for body in [
                json!({ "client_secret": "a-secret-that-the-attacker-knows-0123456789" }),
                json!({ "token_endpoint_auth_method": "client_secret_basic" }),
            ] {
                caller.patch("/clients/management", &body).await.refused(403, "insufficient_scope");
            }
        }
    }
    // The accomplice holds less than the attacker, too.
    let accomplice = Management::called_by(&dev, &accomplice).await;
    let rotate = accomplice.request("POST", &format!("/clients/{}/rotate-secret", own.client_id));
    accomplice.send(rotate).await.refused(403, "insufficient_scope");

    // Another API in the place of the Management API, or more scopes in it.
    attacker.post("/resource-servers", &json!({ "identifier": own.audience })).await.refused(409, "conflict");
    let system = format!("/resource-servers/{}", segment(&own.audience));
    attacker.patch(&system, &json!({ "scopes": [{ "value": "all" }] })).await.refused(400, "operation_not_supported");

    assert_eq!(token(&dev, &dev.management()).await.status, 200, "its secret is still the same");
    assert_eq!(attacker.patch("/clients/management", &json!({ "description": "x" })).await.status, 200, "harmless");
    // Where there are no rights, everything is open to who may change clients.
    let rotate = attacker.request("POST", "/clients/partner-a/rotate-secret");
    assert_eq!(attacker.send(rotate).await.status, 200);
    let partner = attacker.partner("other", "https://api.example.com/").await;
    attacker.grant(&partner, &["delete:users"]).await;
}

#[tokio::test]
async fn each_change_is_recorded_with_its_caller_and_request() {
    let serve = Serve::start(&[]).await;
    let management = Management::of_server(&serve).await;
    // Until the next signing key is announced, in the background, the first change announces it too.
    while management.get("/keys/signing").await.json().as_array().is_none_or(|keys| keys.len() < 2) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let api =
        management.post("/resource-servers", &json!({ "identifier": "urn:x", "scopes": [{ "value": "a" }] })).await;
    let client = management.post("/clients", &json!({ "name": "x" })).await;
    let client_id = client.created()["client_id"].as_str().unwrap().to_owned();
    let grant = json!({ "client_id": client_id, "audience": "urn:x", "scope": ["a"] });
    let grant = management.post("/client-grants", &grant).await;
    let rotated = management.post("/keys/signing/rotate", &json!({ "force": true })).await;
    let refused = management.post("/resource-servers", &json!({ "identifier": "urn:x" })).await;
    assert_eq!(refused.status, 409);
    let trail = serve.cli(&["audit", "export"]).success().stdout;
    let events: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |answer: &Answer| -> Vec<(String, String)> {
        let text = |event: &Value, member: &str| event[member].as_str().unwrap_or_default().to_owned();
        let same = |event: &&Value| event["request_id"] == answer.header("x-request-id");
        let found = events.iter().filter(same);
        found
            .inspect(|event| assert_eq!((&event["actor_kind"], &event["actor"]), (&json!("client"), &json!("manager"))))
            .map(|event| (text(event, "action"), text(event, "object_kind")))
            .collect()
    };
    let done = |steps: &[(&str, &str)]| -> Vec<(String, String)> {
        steps.iter().map(|(action, kind)| ((*action).to_owned(), (*kind).to_owned())).collect()
    };
    assert_eq!(of(&api), done(&[("create", "api")]));
    assert_eq!(of(&client), done(&[("create", "client"), ("create", "client_secret")]));
    assert_eq!(of(&grant), done(&[("create", "grant")]));
    assert!(of(&rotated).contains(&("rotate".to_owned(), "signing_key".to_owned())), "{:?}", of(&rotated));
    assert_eq!(of(&refused), []);
    assert_eq!(serve.cli(&["audit", "verify"]).code, 0);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let limits = ["--set", "limits.management_per_second=1", "--set", "limits.management_burst=3"];
    let serve = Serve::start(&limits).await;
    let management = Management::of_server(&serve).await;
    let mut remaining = Vec::new();
    let refused = loop {
        let answer = management.get("/clients").await;
        if answer.status != 200 {
            break answer;
        }
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
        remaining.push(answer.header("x-ratelimit-remaining").to_owned());
        assert!(remaining.len() < 20, "{remaining:?}");
    };
    assert!(remaining.starts_with(&["2".to_owned(), "1".to_owned()]), "{remaining:?}");
    refused.refused(429, "too_many_requests");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "{refused:?}");
    // Who has no token shares another counter.
    let stranger = complete(Answer::to(client().get(serve.url("/api/v2/clients"))).await);
    assert_eq!(stranger.status, 401);
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(management.get("/clients").await.status, 200);
}
