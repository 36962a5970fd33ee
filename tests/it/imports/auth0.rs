//! `tokenhouse import auth0`

use serde_json::json;

use super::{claims, fixture, import_twice, machine_made, noted, put, token};
use crate::support::Serve;
use crate::support::program::run_with;

const AUDIENCE: &str = "https://dev.example.com/partners";
const PARTNER_A: &str = "Yy1aQ2bR3cS4dT5eU6fV7gW8hX9iZ0jK";

fn mapping(secret: &str, weak: &str) -> String {
    json!({"AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUTH0_KEYWORD_REPLACE_MAPPINGS": {
        "ENV": "dev", "PARTNER_A_SECRET": secret, "WEAK_SECRET": weak,
        "PARTNER_SCOPES": [{"value": "read:users", "description": "Read users"}, {"value": "write:users"}]
    }})
    .to_string()
}

#[tokio::test]
async fn a_tenant_moves_with_its_ids_and_secrets() {
    // Here a wrong secret is tried for a second.
    let serve = Serve::start(&["--set", "limits.failed_attempts=0"]).await;
    let secret = machine_made();
    put(&serve, "tenant.yaml", &fixture("tenant.yaml"));
    put(&serve, "config.json", &mapping(&secret, "weak one"));
    let arguments = ["auth0", "tenant.yaml", "--mapping", "config.json"];
    let dry = serve.cli(&[&["import"], &arguments[..], &["--dry-run", "--output", "json"]].concat()).success().json();
    assert_eq!((&dry["dry_run"], serve.cli(&["client", "list", "--output", "json"]).json()), (&json!(true), json!([])));

    let first = import_twice(&serve, &arguments);
    assert_eq!(first["report"]["taken"]["clients"], 3);
    assert_eq!(first["report"]["taken"]["machine_made_secrets"], 1);
    assert_eq!(noted(&first, "weak_secret"), ["Partner without id"]);
    assert_eq!(noted(&first, "client_refused"), ["PortalPortalPortalPortalPortal12"]);
    assert_eq!(noted(&first, "section_left_out"), ["connections"]);
    assert!(!first.to_string().contains(&secret));

    let answer = token(&serve, PARTNER_A, &secret, AUDIENCE).await;
    let issued = claims(&answer);
    assert_eq!((&issued["azp"], &issued["gty"]), (&json!(PARTNER_A), &json!("client-credentials")), "as Auth0's look");
    assert_eq!(issued["scope"], "read:users write:users");
    assert_eq!(token(&serve, PARTNER_A, &machine_made(), AUDIENCE).await.error(), (401, "invalid_client".to_owned()));

    let clients = serve.cli(&["client", "list", "--output", "json"]).success().json();
    let generated = clients.as_array().unwrap().iter().find(|client| client["name"] == "Partner without id").unwrap();
    let generated = generated["client_id"].as_str().unwrap();
    assert_eq!(claims(&token(&serve, generated, "weak one", AUDIENCE).await)["scope"], "read:users");
    let portal = serve.token("PortalPortalPortalPortalPortal12", "any").await;
    assert_eq!(portal.status, 401);
    let exported = serve.cli(&["export"]).success().stdout;
    assert!(exported.contains("team: partners") && !exported.contains(&secret), "{exported}");
    let log = serve.cli(&["audit", "export"]).success().stdout;
    assert!(log.contains("\"import\"") && !log.contains(&secret), "{log}");
}

#[tokio::test]
async fn what_was_added_here_stays_when_the_export_comes_again() {
    let serve = Serve::start(&[]).await;
    put(&serve, "tenant.yaml", &fixture("tenant.yaml"));
    put(&serve, "config.json", &mapping(&machine_made(), "weak one"));
    let arguments = ["auth0", "tenant.yaml", "--mapping", "config.json"];
    import_twice(&serve, &arguments);
    serve.cli(&["api", "create", "https://own/", "--scope", "own"]).success();
    serve.cli(&["grant", "create", PARTNER_A, "https://own/", "--scope", "own"]).success();
    serve.cli(&["api", "update", AUDIENCE, "--add-scope", "later"]).success();
    serve.cli(&["client", "secret", "add", PARTNER_A]).success();
    import_twice(&serve, &arguments);
    serve.cli(&["client", "update", PARTNER_A, "--name", "Renamed here"]).success();
    let plan = serve.cli(&["import", "auth0", "tenant.yaml", "--mapping", "config.json", "--output", "json"]).success();
    assert_eq!(plan.json()["plan"]["steps"], json!([{"action": "update", "kind": "client", "id": PARTNER_A}]));
}

#[tokio::test]
async fn folders_are_read_as_the_deploy_cli_writes_them() {
    let serve = Serve::start(&[]).await;
    let secret = machine_made();
    for name in
        ["resource-servers/Partner API.json", "clients/Partner A.json", "grants/Partner A.json", "actions/code.js"]
    {
        put(&serve, &format!("export/{name}"), &fixture(&format!("auth0-folder/{name}")));
    }
    put(&serve, "config.json", &mapping(&secret, "weak one"));
    let first = import_twice(&serve, &["auth0", "export", "--mapping", "config.json"]);
    assert_eq!(noted(&first, "section_left_out"), ["actions"]);
    assert_eq!(claims(&token(&serve, "partner-a", &secret, AUDIENCE).await)["scope"], "read:users");
}

#[tokio::test]
async fn a_document_instead_of_the_store_holds_hashes_only() {
    let serve = Serve::start(&[]).await;
    let secret = machine_made();
    put(&serve, "tenant.yaml", &fixture("tenant.yaml"));
    put(&serve, "config.json", &mapping(&secret, "weak one"));
    let arguments = ["import", "auth0", "tenant.yaml", "--mapping", "config.json", "--to-document"];
    let written = serve.cli(&[&arguments[..], &["moved.yaml"]].concat()).success();
    assert!(
        written.stdout.starts_with("auth0: APIs 1") && written.stderr.contains("nothing was stored"),
        "{written:?}"
    );
    let document = std::fs::read_to_string(serve.path().join("moved.yaml")).unwrap();
    assert!(document.contains("$argon2id$") && !document.contains(&secret) && !document.contains("weak one"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(serve.path().join("moved.yaml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(serve.cli(&["client", "list", "--output", "json"]).json(), json!([]));
    for changes in [true, false] {
        let plan = serve.cli(&["apply", "-f", "moved.yaml", "--output", "json"]).success().json();
        assert_eq!(plan["steps"] != json!([]), changes);
    }
    assert_eq!(token(&serve, PARTNER_A, &secret, AUDIENCE).await.status, 200);
    let elsewhere = tempfile::tempdir().unwrap();
    let tenant = serve.path().join("tenant.yaml").display().to_string();
    let config = serve.path().join("config.json").display().to_string();
    let shown =
        run_with(elsewhere.path(), &["import", "auth0", &tenant, "--mapping", &config, "--to-document", "-"], &[], "");
    assert!(shown.success().stdout.starts_with("apis:"));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "no database is made for it");
}
