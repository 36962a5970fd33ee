//! What is counted of each client, exactly, and shown by the command line.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::program::Output;
use crate::support::{Answer, Serve};

const CONNECTIONS: usize = 16;
const TOKENS: usize = 1_000;

fn issued(answer: &Answer) -> bool {
    answer.status == 200
}

fn usage(serve: &Serve, client_id: &str) -> Value {
    serve.cli(&["client", "usage", client_id, "--output", "json"]).success().json()
}

/// Many tokens over a few connections at once; how many were issued.
async fn get_tokens(serve: &Serve, secret: &str) -> usize {
    let connection = async |number: usize| {
        let client = crate::support::answer::builder().pool_max_idle_per_host(1).build().unwrap();
        let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", secret)];
        let mut count = 0;
        while number + count * CONNECTIONS < TOKENS {
            // A busy machine may shed load: what is refused is asked for once more.
            let mut answer = Answer::to(client.post(serve.url("/oauth/token")).form(&form)).await;
            while answer.status == 503 {
                answer = Answer::to(client.post(serve.url("/oauth/token")).form(&form)).await;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            count += 1;
        }
        count
    };
    join_all((0..CONNECTIONS).map(connection)).await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_token_and_every_refusal_is_counted_once_also_over_a_restart() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    serve.cli(&["client", "create", "--id", "idle"]).success();
    // Until it is served, the requests are those of nobody.
    serve.token_within_a_second("c", &secret, issued).await;
    assert_eq!(serve.terminate(), 0);
    let before = usage(&serve, "c");
    let (issued_before, refused_before) = (before["issued"].as_u64().unwrap(), before["refused"].as_u64().unwrap());
    assert_eq!(issued_before, 1);

    serve.start_again(&["--set", "signing.queue_milliseconds=30000"]).await;
    assert_eq!(get_tokens(&serve, &secret).await, TOKENS);
    for _ in 0..5 {
        assert_eq!(serve.token("c", "wrong").await.status, 401);
        assert_eq!(serve.token("idle", "wrong").await.status, 401);
        assert_eq!(serve.token("nobody", "wrong").await.status, 401);
    }
    assert_eq!(serve.terminate(), 0);

    let after = usage(&serve, "c");
    assert_eq!(after["issued"], json!(issued_before + 1_000), "{after}");
    assert_eq!(after["refused"], json!(refused_before + 5), "{after}");
    let sum =
        |list: &str| -> u64 { after[list].as_array().unwrap().iter().map(|row| row["issued"].as_u64().unwrap()).sum() };
    assert_eq!((sum("days"), sum("hours")), (1_001, 1_001));
    assert!(after["last_seen_at"].is_string());
    let idle = usage(&serve, "idle");
    assert_eq!((&idle["issued"], &idle["refused"], &idle["last_seen_at"]), (&json!(0), &json!(5), &Value::Null));

    let stats = serve.cli(&["stats", "--output", "json"]).success().json();
    assert_eq!((&stats["issued"], &stats["active_clients"], &stats["clients"]), (&json!(1_001), &json!(1), &json!(2)));
    assert_eq!(stats["top_clients"][0]["client_id"], "c");
    assert!(stats["refused_unattributed"].as_u64().unwrap() >= 5, "{stats}");

    serve.cli(&["client", "delete", "c"]).success();
    let stats = serve.cli(&["stats", "--output", "json"]).success().json();
    assert_eq!(stats["issued"], 0, "a client takes its counters along");
}

#[tokio::test]
async fn usage_and_secrets_that_can_be_retired_are_shown_to_people() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200);
    assert_eq!(serve.terminate(), 0);
    let list = |arguments: &[&str]| -> Output {
        serve.cli(&[&["client", "secret", "list", "c"], arguments].concat()).success()
    };
    let only = list(&["--output", "json"]).json();
    assert_eq!(
        (&only[0]["safe_to_retire"], &only[0]["safe_to_retire_reason"]),
        (&json!(false), &json!("the only secret that works: add another one first"))
    );
    serve.cli(&["client", "secret", "add", "c"]).success();
    let fresh = list(&["--output", "json"]).json();
    let reason = "not used since it was added today; no other secret that works has been used since";
    assert_eq!(fresh[1]["safe_to_retire_reason"], reason);
    let table = list(&[]).stdout;
    assert!(table.contains("SAFE TO RETIRE") && table.contains(reason), "{table}");

    let shown = serve.cli(&["client", "usage", "c"]).success().stdout;
    assert!(shown.contains("issued") && shown.contains("date 20"), "{shown}");
    let shown = serve.cli(&["stats"]).success().stdout;
    assert!(shown.contains("top_clients") && shown.contains("client_id c, issued 1"), "{shown}");
    assert_eq!(serve.cli(&["client", "usage", "none"]).code, 3);
    assert_eq!(serve.cli(&["stats", "--days", "401"]).code, 2);
}
