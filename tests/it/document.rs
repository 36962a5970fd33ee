//! `tokenhouse apply` and `tokenhouse export`: the configuration as one document.

use std::path::Path;

use serde_json::json;

use super::cli::{folder, set_up};
use crate::support::program::{Output, run, run_with};

#[test]
fn applying_a_document_twice_or_an_export_changes_nothing() {
    let folder = folder();
    let directory = folder.path();
    let document = r"
apis:
  - identifier: https://api/
    scopes: [{ value: a }, { value: b }]
clients:
  - client_id: c
    secrets:
      - { value_env: SECRET, label: first, expires_at: 2099-12-31T00:00:00Z }
    grants:
      - { audience: https://api/, scope: [a, b] }
  - name: Without id
    claims: { tier: gold }
    quota: { per_hour: 5 }
";
    std::fs::write(directory.join("d.yaml"), document).unwrap();
    let variables = [("SECRET", "a secret that a person brought")];
    let apply = |arguments: &[&str]| {
        run_with(directory, &[&["apply", "-f", "d.yaml", "--output", "json"], arguments].concat(), &variables, "")
    };
    let dry = apply(&["--dry-run"]).success().json();
    assert_eq!(run(directory, &["client", "list", "--output", "json"]).json(), json!([]), "a dry run changes nothing");
    let done = apply(&[]).success().json();
    let kinds = |plan: &serde_json::Value| {
        let steps = plan["steps"].as_array().unwrap().clone();
        steps.iter().map(|step| format!("{} {}", step["action"], step["kind"])).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&done), kinds(&dry), "the plan was exact, but for the client id that is generated");
    assert_eq!(apply(&[]).success().json()["steps"], json!([]));

    let exported = run(directory, &["export"]).success().stdout;
    assert!(!exported.contains("a secret that a person brought"));
    std::fs::write(directory.join("exported.yaml"), &exported).unwrap();
    let again = run(directory, &["apply", "-f", "exported.yaml", "--prune", "--output", "json"]).success();
    assert_eq!(again.json()["steps"], json!([]), "{exported}");
    let fresh = tempfile::tempdir().unwrap();
    run_with(fresh.path(), &["apply", "-f", "-"], &[], &exported).success();
    assert_eq!(run(fresh.path(), &["export"]).success().stdout, exported, "a round trip");
}

#[test]
fn a_document_is_the_whole_truth_of_what_it_names_and_prune_of_the_rest() {
    let folder = folder();
    let directory = folder.path();
    set_up(directory);
    run(directory, &["client", "create", "--id", "other"]).success();
    let apply = |document: &str, arguments: &[&str]| {
        run_with(directory, &[&["apply", "-f", "-", "--output", "json"], arguments].concat(), &[], document)
    };
    let document = "apis: [{identifier: 'https://api/', name: Demo, scopes: [{value: a}]}]\nclients: [{client_id: c, name: Client}]";
    let steps = apply(document, &[]).success().json()["steps"].clone();
    assert_eq!(
        steps,
        json!([{"action": "update", "kind": "api", "id": "https://api/"}, {"action": "delete", "kind": "grant", "id": "c for https://api/"}])
    );
    let steps = apply(document, &["--prune"]).success().json()["steps"].clone();
    let kinds: Vec<_> = steps.as_array().unwrap().iter().map(|step| (&step["action"], &step["kind"])).collect();
    assert_eq!(kinds, [(&json!("delete"), &json!("client_secret")), (&json!("delete"), &json!("client"))], "{steps}");
    let half =
        "apis: [{identifier: 'https://new/'}]\nclients: [{client_id: c, grants: [{audience: 'https://missing/'}]}]";
    assert_eq!(apply(half, &[]).code, 3);
    assert_eq!(run(directory, &["api", "show", "https://new/"]).code, 3, "all or nothing");
    let weak = "clients: [{client_id: w, secrets: [{value: short}]}]";
    let output = apply(weak, &[]);
    assert!(output.code == 2 && output.stderr.contains("fewer than 16"), "{output:?}");
    apply(weak, &["--allow-weak-secrets"]).success();
}

/// The steps of a plan: what is done to which kind of object.
fn steps(output: Output) -> Vec<String> {
    let plan = output.success().json();
    let step = |step: &serde_json::Value| format!("{} {}", text(&step["action"]), text(&step["kind"]));
    plan["steps"].as_array().unwrap().iter().map(step).collect()
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap()
}

fn apply(directory: &Path, document: &str, arguments: &[&str]) -> Output {
    run_with(directory, &[&["apply", "-f", "-", "--output", "json"], arguments].concat(), &[], document)
}

#[test]
fn repeated_values_count_once_and_ids_are_no_names() {
    let folder = folder();
    let directory = folder.path();
    let document = r"
apis: [{ identifier: https://api/, scopes: [{ value: a }, { value: b }] }]
clients:
  - client_id: foo
    authentication_methods: [client_secret_basic, client_secret_post, client_secret_basic]
    grants: [{ audience: https://api/, scope: [b, a, b] }]
  - name: foo
";
    assert_eq!(
        steps(apply(directory, document, &[])),
        ["create api", "create client", "create grant", "create client"]
    );
    assert!(steps(apply(directory, document, &["--prune"])).is_empty());
    let clients = run(directory, &["client", "list", "--output", "json"]).success().json();
    assert_eq!(clients.as_array().unwrap().len(), 2, "one is meant by its id, the other by its name: {clients}");
    let shown = run(directory, &["client", "show", "foo", "--output", "json"]).success().json();
    assert_eq!(shown["authentication_methods"], json!(["client_secret_basic", "client_secret_post"]));
    assert_eq!(shown["grants"][0]["scope"], json!(["b", "a"]));
    for twice in ["[{client_id: x}, {client_id: x, name: y}]", "[{name: x}, {name: x}]"] {
        let output = apply(directory, &format!("clients: {twice}"), &[]);
        assert!(output.code == 2 && output.stderr.contains("the client x stands twice"), "{output:?}");
    }
}

const PBKDF2: [&str; 2] = [
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8",
    "$pbkdf2-sha256$i=1000,l=32$DwECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8",
];

#[test]
fn prune_makes_room_for_the_secrets_that_replace_others() {
    let folder = folder();
    let directory = folder.path();
    let secrets = |secrets: &str| format!("clients: [{{client_id: c, secrets: [{secrets}]}}]");
    let [first, second] = PBKDF2.map(|hash| secrets(&format!("{{hash: '{hash}'}}")));
    assert_eq!(steps(apply(directory, &first, &[])), ["create client", "create client_secret"]);
    let output = apply(directory, &second, &[]);
    assert!(output.code == 3 && output.stderr.contains("(pbkdf2-sha256…): retire"), "{output:?}");
    let replaced = ["delete client_secret", "create client_secret"];
    assert_eq!(steps(apply(directory, &second, &["--prune", "--dry-run"])), replaced);
    assert_eq!(steps(apply(directory, &second, &["--prune"])), replaced);
    let value = secrets("{value: a secret that a person brought}, {value: another secret of that person}");
    assert_eq!(steps(apply(directory, &value, &["--prune"])), [&replaced[..], &replaced[1..]].concat());
    assert!(steps(apply(directory, &value, &["--prune"])).is_empty());

    let ten = |from: usize| {
        let hashes: Vec<_> = (from..from + 10).map(|number| format!("{{hash: {number:x>42}0=}}")).collect();
        secrets(&hashes.join(", "))
    };
    apply(directory, &ten(0), &["--prune"]).success();
    assert!(apply(directory, &ten(10), &[]).stderr.contains("10 is the limit"));
    assert_eq!(
        steps(apply(directory, &ten(10), &["--prune"])),
        [["delete client_secret"; 10], ["create client_secret"; 10]].concat()
    );
}

#[test]
fn an_expired_secret_in_the_way_is_named() {
    let folder = folder();
    let directory = folder.path();
    let expired =
        format!("clients: [{{client_id: c, secrets: [{{hash: '{}', expires_at: 2020-01-01T00:00:00Z}}]}}]", PBKDF2[0]);
    apply(directory, &expired, &[]).success();
    let listed = run(directory, &["client", "secret", "list", "c", "--output", "json"]).success().json();
    let id = text(&listed[0]["id"]);
    let other = "clients: [{client_id: c, secrets: [{value: a secret that a person brought}]}]";
    let output = apply(directory, other, &[]);
    assert!(output.code == 3 && output.stderr.contains("an expired secret"), "{output:?}");
    assert!(output.stderr.contains(&format!("retire {id} first")), "{output:?}");
    run(directory, &["client", "secret", "retire", "c", id]).success();
    assert_eq!(steps(apply(directory, other, &[])), ["create client_secret"]);
}

#[test]
fn prune_keeps_the_last_client_that_can_manage() {
    let folder = folder();
    let directory = folder.path();
    apply(directory, "", &[]).success();
    let apis = run(directory, &["api", "list", "--output", "json"]).success().json();
    let management = apis.as_array().unwrap().iter().find(|api| api["name"] == "Auth0 Management API").unwrap();
    let management = text(&management["identifier"]);
    let client = |id: &str, secret: &str, more: &str, scope: &str| {
        let secrets = if secret.is_empty() { String::new() } else { format!("{{value: '{secret}'}}") };
        let grants = format!("{{audience: '{management}', scope: [{scope}]}}");
        format!("{{client_id: {id}, secrets: [{secrets}], grants: [{grants}]{more}}}")
    };
    let secret = "a secret that a person brought";
    let manager = client("manager", secret, "", "'read:clients', 'update:clients'");
    let clients = [
        client("reader", secret, "", "'read:clients'"),
        manager.clone(),
        client("later", secret, "", "'read:clients', 'delete:clients'"),
        client("disabled", secret, ", enabled: false", "'read:clients'"),
        client("secretless", "", "", "'read:clients'"),
        client("scopeless", secret, "", ""),
    ];
    let left = || {
        let clients = run(directory, &["client", "list", "--output", "json"]).success().json();
        let mut ids: Vec<_> =
            clients.as_array().unwrap().iter().map(|one| text(&one["client_id"]).to_owned()).collect();
        ids.sort();
        ids
    };
    let document = |clients: &[String]| format!("clients: [{}]", clients.join(", "));
    apply(directory, &document(&clients[..2]), &[]).success();
    apply(directory, &document(&clients), &[]).success();
    apply(directory, "", &["--prune"]).success();
    assert_eq!(left(), ["manager"], "the oldest of those with most rights");
    apply(directory, "", &["--prune"]).success();
    assert_eq!(left(), ["manager"]);

    apply(directory, &document(&clients[2..]), &["--prune"]).success();
    assert_eq!(left(), ["disabled", "later", "scopeless", "secretless"], "another manager is named");
    apply(directory, &document(&[clients[3].clone(), manager]), &[]).success();
    apply(directory, &document(&clients[3..5]), &["--prune"]).success();
    assert_eq!(left(), ["disabled", "later", "secretless"], "none of those named can manage");
}

#[test]
fn a_mistake_in_a_document_is_told_without_the_secrets_beside_it() {
    let folder = folder();
    let document = "clients:\n  - client_id: c\n    secrets: [{value: SuperSecretValue1234, bogus: 1}]\n";
    let output = apply(folder.path(), document, &[]);
    assert!(output.code == 2 && output.stderr.contains("line 3") && output.stderr.contains("bogus"), "{output:?}");
    assert!(!format!("{output:?}").contains("SuperSecret"), "{output:?}");
}
