//! Is the configuration taken out whole, and put in as it was agreed to: by those that may, and by nobody else?

use rstest::rstest;
use serde_json::{Value, json};

use super::operator_of;
use super::page::{HOSTILE, escaped, field_error, hidden};
use crate::management::{Management, token};
use crate::support::answer::Answer;
use crate::support::console::{Browser, audit_events};
use crate::support::control;
use crate::support::dev::{Partner, percent_encoded};
use crate::support::{Dev, Serve};

const DEMO: &str = "https://api.example.com/";

/// What it takes to apply a document that deletes nothing.
const APPLIES: [&str; 15] = [
    "read:clients",
    "create:clients",
    "update:clients",
    "update:client_keys",
    "read:client_credentials",
    "create:client_credentials",
    "update:client_credentials",
    "delete:client_credentials",
    "read:resource_servers",
    "create:resource_servers",
    "update:resource_servers",
    "read:client_grants",
    "create:client_grants",
    "update:client_grants",
    "delete:client_grants",
];

/// A document of an API and a client that can call it.
const NEW: &str = "apis:
- identifier: urn:new
  scopes: [{value: read}]
clients:
- client_id: new-client
  secrets: [{value: a secret that a person brought}]
  grants: [{audience: urn:new, scope: [read]}]
";

/// The page about the plan of `document`.
async fn plan(browser: &Browser, document: &str) -> Answer {
    browser.post("/document/plan", &[("format", "tokenhouse"), ("document", document)]).await
}

/// What is answered to who agrees to the plan that `page` shows, with what the page kept.
async fn agree(browser: &Browser, page: &Answer, document: &str) -> Answer {
    let agreed = hidden(&page.text, "agreed");
    let kept = page.text.contains("name=\"prune\" value=\"yes\"");
    let mut fields = vec![("format", "tokenhouse"), ("document", document), ("agreed", agreed.as_str())];
    fields.extend(kept.then_some(("prune", "yes")));
    browser.post("/document/apply", &fields).await
}

/// Applies `document` by way of its plan.
pub async fn apply(browser: &Browser, document: &str) {
    let page = plan(browser, document).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let applied = agree(browser, &page, document).await;
    assert!(applied.status == 200 && applied.text.contains("It is done"), "{}", applied.text);
}

/// The steps on the page: what is done to which kind of object, and to which.
fn steps(page: &str) -> Vec<String> {
    let rows = page.split("<tr><td data-label=\"What\">").skip(1);
    let text = |part: &str| part.split('>').map(|part| part.split('<').next().unwrap()).collect::<Vec<_>>().join(" ");
    rows.map(|row| {
        text(&format!(">{}", row.split("</tr>").next().unwrap())).split_whitespace().collect::<Vec<_>>().join(" ")
    })
    .collect()
}

/// Everything that is configured, as nobody's rights keep it from being told.
async fn configuration(dev: &Dev) -> Value {
    let management = Management::of(dev).await;
    let clients = management.get("/clients").await.ok();
    json!([clients, management.get("/resource-servers").await.ok(), management.get("/client-grants").await.ok()])
}

/// A browser in which a client with these rights has signed in, and that client.
async fn signed_in(dev: &Dev, name: &str, scope: &[&str]) -> (Browser, Partner) {
    let client = Management::of(dev).await.manager(dev, name, scope).await;
    (Browser::signed_in(&dev.text("issuer"), &client.client_id, &client.client_secret).await, client)
}

#[rstest]
#[case::yaml("yaml", "application/yaml")]
#[case::json("json", "application/json")]
#[tokio::test]
async fn the_export_is_that_of_the_command_line(#[case] form: &str, #[case] media_type: &str) {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let (browser, own_secret) = operator_of(&serve).await;
    let page = browser.post("/document/export", &[("as", form)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for told in ["<dt>APIs</dt><dd>1</dd>", "<dt>Clients</dt><dd>2</dd>", "<dt>Hashes of secrets</dt><dd>2</dd>"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert!(!page.text.contains("hash:"), "only how large it is: {}", page.text);
    let file = browser.post("/document/download", &[("as", form)]).await;
    assert_eq!((file.status, file.header("content-type"), file.header("cache-control")), (200, media_type, "no-store"));
    let name = file.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"tokenhouse-2") && name.ends_with(&format!(".{form}\"")), "{name}");
    assert_eq!(file.text.trim_end(), serve.cli(&["export", "--format", form]).success().stdout.trim_end());
    assert!(
        file.text.contains("hash") && !file.text.contains(&secret) && !file.text.contains(&own_secret),
        "{}",
        file.text
    );
}

#[tokio::test]
async fn the_plan_is_shown_first_and_exactly_that_is_done() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let page = browser.get("/document").await;
    assert!(page.status == 200 && page.text.contains("1 API and 3 clients."), "{}", page.text);
    let before = (configuration(&dev).await, audit_events(&dev).await.len());
    let document = format!(
        "{NEW}- {{client_id: partner-a, name: Renamed, grants: [{{audience: '{DEMO}', scope: ['list:users']}}]}}\n"
    );
    let planned = plan(&browser, &document).await;
    assert_eq!(planned.status, 200, "{}", planned.text);
    let expected = [
        "Create API urn:new",
        "Create client new-client",
        "Create secret",
        "Create grant new-client for urn:new",
        "Change client partner-a",
        "Change grant partner-a for https://api.example.com/",
    ];
    let shown = steps(&planned.text);
    assert!(shown.len() == 6 && shown.iter().zip(expected).all(|(step, start)| step.starts_with(start)), "{shown:?}");
    assert!(planned.text.contains("Create: 4") && planned.text.contains("Change: 2"), "{}", planned.text);
    assert!(!planned.text.contains("It deletes"), "{}", planned.text);
    let fields = [("format", "tokenhouse"), ("document", document.as_str())];
    for agreed in ["", "yes", "AAAA"] {
        let asked = browser.post("/document/apply", &[&fields[..], &[("agreed", agreed)]].concat()).await;
        assert!(asked.status == 200 && asked.text.contains("What would be done"), "{agreed}: {}", asked.text);
    }
    assert_eq!((configuration(&dev).await, audit_events(&dev).await.len()), before, "nothing was done");

    let done = agree(&browser, &planned, &document).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let kinds = |steps: &[String]| {
        steps.iter().map(|step| step.split(' ').take(2).collect()).collect::<Vec<Vec<_>>>().concat().join(" ")
    };
    assert_eq!(kinds(&steps(&done.text)), kinds(&shown), "{}", done.text);
    assert!(!done.text.contains("a secret that a person brought"), "{}", done.text);
    let partner = Partner {
        client_id: "new-client".to_owned(),
        client_secret: "a secret that a person brought".to_owned(),
        audience: "urn:new".to_owned(),
    };
    assert_eq!(token(&dev, &partner).await.json()["scope"], "read", "it is served at once");
    assert_eq!(dev.token(&[]).await.json()["scope"], "list:users");
    let events = audit_events(&dev).await;
    let (new, old) = (events.len() - before.1, events[0]["actor"].clone());
    assert_eq!((new, old), (6, json!("management")), "one for each step: {events:?}");
    let again = plan(&browser, &document).await;
    assert!(again.text.contains("Nothing would change") && steps(&again.text).is_empty(), "{}", again.text);
    assert!(!again.text.contains(">Apply<"), "{}", again.text);
}

#[tokio::test]
async fn a_plan_that_has_changed_is_shown_anew_and_nothing_is_done_or_lost() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let planned = plan(&browser, NEW).await;
    Management::of(&dev).await.api("urn:new", &["read"]).await;
    let before = (configuration(&dev).await, audit_events(&dev).await.len());
    let late = agree(&browser, &planned, NEW).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("The plan has changed."), "{}", late.text);
    assert_eq!((configuration(&dev).await, audit_events(&dev).await.len()), before, "nothing was done");
    assert!(!steps(&late.text).iter().any(|step| step.starts_with("Create API")), "{}", late.text);
    assert!(hidden(&late.text, "document").contains("a secret that a person brought"), "nothing is lost");
    assert_ne!(hidden(&late.text, "agreed"), hidden(&planned.text, "agreed"));
    let done = agree(&browser, &late, NEW).await;
    assert!(done.status == 200 && done.text.contains("It is done"), "{}", done.text);
    let back = browser.post("/document", &[("format", "tokenhouse"), ("document", NEW)]).await;
    assert!(back.status == 200 && back.text.contains("- client_id: new-client"), "{}", back.text);
}

#[tokio::test]
async fn a_mistake_is_told_with_its_place_and_the_text_stays() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let before = configuration(&dev).await;
    for (document, told) in [
        ("apis: []\r\nclientz: []", "line 2, column 1"),
        ("apis: [", "line 1"),
        ("clients:\n- client_id: kept\n  secrets: [{value: 1, bogus: 2}]", "line 3"),
        ("{\"apis\": [}", "line 1"),
        ("clients: [{client_id: kept, grants: [{audience: 'urn:missing'}]}]", "urn:missing"),
        ("clients: [{client_id: kept}, {client_id: kept}]", "stands twice"),
        ("clients: [{client_id: kept, secrets: [{value: short}]}]", "fewer than 16"),
        ("apis: [{identifier: 'urn:a', name: \"A\\u202Egpj\"}]", "U+202E"),
        (" \n", "Paste the document"),
    ] {
        let refused = plan(&browser, document).await;
        assert_eq!(refused.status, 400, "{document}: {}", refused.text);
        let error = field_error(&refused.text, "document");
        assert!(error.contains(told), "{document}: {error}");
        let kept = document.lines().next().unwrap().trim().replace('"', "&#34;").replace('\'', "&#39;");
        assert!(refused.text.contains(&kept), "{document}: {}", refused.text);
        assert_eq!(
            browser.post("/document/apply", &[("format", "tokenhouse"), ("document", document)]).await.status,
            400
        );
    }
    let format = browser.post("/document/plan", &[("format", "other"), ("document", "kept text")]).await;
    assert!(format.status == 400 && field_error(&format.text, "format").contains("Choose"), "{}", format.text);
    assert!(format.text.contains("kept text"));
    escaped(&plan(&browser, HOSTILE).await.text);
    escaped(&plan(&browser, &format!("apis: [{{identifier: 'urn:a', name: '{HOSTILE}'}}]")).await.text);
    assert_eq!(configuration(&dev).await, before, "nothing was done");
}

#[tokio::test]
async fn nothing_of_the_host_is_read() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    std::fs::write(dev.path().join("secret.txt"), "a secret that lies on the host").unwrap();
    let file = dev.path().join("secret.txt");
    for source in
        ["value_env: PATH".to_owned(), format!("value_file: {}", file.display()), "value_file: secret.txt".to_owned()]
    {
        let document = format!("clients: [{{client_id: thief, secrets: [{{{source}}}]}}]");
        for path in ["/document/plan", "/document/apply"] {
            let refused =
                browser.post(path, &[("format", "tokenhouse"), ("document", &document), ("agreed", "x")]).await;
            assert_eq!(refused.status, 400, "{source}");
            assert!(field_error(&refused.text, "document").contains("not here"), "{source}: {}", refused.text);
            assert!(
                !refused.text.contains("lies on the host") && !refused.text.contains("/usr/bin"),
                "{}",
                refused.text
            );
        }
    }
    assert_eq!(Management::of(&dev).await.get("/clients/thief").await.status, 404);
}

#[tokio::test]
async fn deleting_what_the_document_lacks_takes_its_own_rights_and_spares_the_last_manager() {
    let dev = Dev::start(&[]);
    let (small, small_client) = signed_in(&dev, "Small", &APPLIES).await;
    let page = small.get("/document").await;
    assert!(page.text.contains("Show the plan") && !page.text.contains("name=\"prune\""), "{}", page.text);
    let document = format!("apis: [{{identifier: '{DEMO}', name: Partner API}}]");
    let fields = [("format", "tokenhouse"), ("document", document.as_str()), ("prune", "yes")];
    let before = configuration(&dev).await;
    for path in ["/document/plan", "/document/apply"] {
        let refused = small.post(path, &fields).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
        for lacking in ["delete:clients", "delete:resource_servers"] {
            assert!(refused.text.contains(lacking), "{lacking}: {}", refused.text);
        }
    }
    let operator = Browser::operator(&dev).await;
    // Another one is named that can manage, so nothing spares the caller but that it is the caller.
    let secret = format!("secrets: [{{value: '{}'}}]", small_client.client_secret);
    let grant = format!("grants: [{{audience: '{}', scope: ['read:clients']}}]", small_client.audience);
    let other = format!("clients: [{{client_id: {}, name: Small, {secret}, {grant}}}]", small_client.client_id);
    let fields = [("format", "tokenhouse"), ("document", other.as_str()), ("prune", "yes")];
    let refused = operator.post("/document/plan", &fields).await;
    assert!(field_error(&refused.text, "document").contains("is the one that calls"), "{}", refused.text);
    assert_eq!(configuration(&dev).await, before, "nothing was done");

    let all = format!("{document}\nclients: [{{client_id: partner-b, name: Partner B}}]");
    let planned =
        operator.post("/document/plan", &[("format", "tokenhouse"), ("document", &all), ("prune", "yes")]).await;
    assert_eq!(planned.status, 200, "{}", planned.text);
    assert!(planned.text.contains("It deletes.") && planned.text.contains("Apply, and delete"), "{}", planned.text);
    let deleted: Vec<_> = steps(&planned.text).into_iter().filter(|step| step.starts_with("Delete client")).collect();
    assert_eq!(deleted.len(), 2, "not the last manager: {deleted:?}");
    let done = agree(&operator, &planned, &all).await;
    assert!(done.text.contains("It is done"), "{}", done.text);
    let left = Management::of(&dev).await.get("/clients").await.ok();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&"partner-b") && left.contains(&"management"), "{left:?}");
}

#[tokio::test]
async fn each_right_that_is_lacking_is_named_and_nothing_is_done() {
    let dev = Dev::start(&[]);
    let document = ("document", NEW);
    let before = configuration(&dev).await;
    let (reader, _) = signed_in(&dev, "Reader", &["read:clients"]).await;
    let page = reader.get("/document").await;
    assert_eq!((page.status, page.text.matches("Not for you.").count()), (200, 2), "{}", page.text);
    assert!(!page.text.contains("4 clients") && !page.text.contains("<textarea"), "{}", page.text);
    let (other, _) = signed_in(&dev, "Other", &["read:resource_servers", "read:stats"]).await;
    let partner = Browser::partner(&dev).await;
    for browser in [&other, &partner] {
        assert_eq!(browser.get("/document").await.status, 403);
        assert_eq!(browser.post("/document", &[document]).await.status, 403);
    }
    // With all but one.
    for lacking in APPLIES {
        let held: Vec<_> = APPLIES.into_iter().filter(|scope| *scope != lacking).collect();
        let (browser, _) = signed_in(&dev, lacking, &held).await;
        for path in ["/document/plan", "/document/apply"] {
            let refused = browser.post(path, &[("format", "tokenhouse"), document]).await;
            assert_eq!(refused.status, 403, "{lacking}: {}", refused.text);
            assert!(refused.text.contains(lacking), "{lacking}: {}", refused.text);
        }
    }
    for browser in [&reader, &other, &partner] {
        for path in ["/document/plan", "/document/apply", "/document/export", "/document/download"] {
            let refused = browser.post(path, &[("format", "tokenhouse"), document, ("as", "yaml")]).await;
            assert_eq!(refused.status, 403, "{path}: {}", refused.text);
            assert!(!refused.text.contains("hash:"), "{path}: {}", refused.text);
        }
    }
    // Its hashes are of clients that hold more than the four rights that an export takes.
    let reads = ["read:clients", "read:client_credentials", "read:resource_servers", "read:client_grants"];
    let (weaker, _) = signed_in(&dev, "Weaker", &reads).await;
    let refused = weaker.post("/document/download", &[("as", "json")]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("update:signing_keys") && !refused.text.contains("argon2"), "{}", refused.text);
    assert_eq!(before[1], configuration(&dev).await[1], "no API was made");
    assert_eq!(Management::of(&dev).await.get("/clients/new-client").await.status, 404);
}

#[tokio::test]
async fn a_document_gives_nobody_a_right_that_it_does_not_hold() {
    let dev = Dev::start(&[]);
    let (browser, own) = signed_in(&dev, "Small", &APPLIES).await;
    let operator = Browser::operator(&dev).await;
    let (system, own_id) = (dev.management().audience, own.client_id);
    let before = (configuration(&dev).await, audit_events(&dev).await.len());
    let granted = |client: &str, scope: &str| {
        format!("clients: [{{client_id: {client}, grants: [{{audience: '{system}', scope: ['{scope}']}}]}}]")
    };
    let touching = |what: &str| format!("clients: [{{client_id: management, name: Taken, {what}}}]");
    let taken = "a secret that the thief knows";
    for (document, told) in [
        (granted("puppet", "update:signing_keys"), "update:signing_keys"),
        (granted("partner-a", "delete:clients"), "delete:clients"),
        (granted(&own_id, "delete:clients"), "delete:clients"),
        (touching(&format!("secrets: [{{value: {taken}}}]")), "delete:clients"),
        (touching("jwks_uri: 'https://evil.example/keys'"), "delete:clients"),
        (touching("authentication_methods: [private_key_jwt]"), "delete:clients"),
        (format!("apis: [{{identifier: '{system}', scopes: [{{value: 'own:everything'}}]}}]"), "cannot change"),
    ] {
        let planned = plan(&browser, &document).await;
        assert!(matches!(planned.status, 400 | 403), "{document}: {} {}", planned.status, planned.text);
        assert!(field_error(&planned.text, "document").contains(told), "{document}: {}", planned.text);
        assert!(planned.text.contains("<textarea"), "the text stays: {}", planned.text);
        // Who knows the digest of a plan that somebody else may see gets no further by it.
        let seen = plan(&operator, &document).await;
        let is_plan = seen.text.contains("name=\"agreed\"");
        let agreed = if is_plan { hidden(&seen.text, "agreed") } else { String::new() };
        let fields = [("format", "tokenhouse"), ("document", document.as_str()), ("agreed", agreed.as_str())];
        let refused = browser.post("/document/apply", &fields).await;
        assert!(matches!(refused.status, 400 | 403), "{document}: {} {}", refused.status, refused.text);
    }
    assert_eq!((configuration(&dev).await, audit_events(&dev).await.len()), before, "nothing was done");
    // A secret of a stronger client cannot be guessed by trying plans.
    let right = touching(&format!("secrets: [{{value: '{}'}}]", dev.management().client_secret));
    let wrong = touching("secrets: [{value: 'a secret that nobody has ever had'}]");
    let [right, wrong] = [plan(&browser, &right).await, plan(&browser, &wrong).await];
    assert_eq!(field_error(&right.text, "document"), field_error(&wrong.text, "document"));
}

#[tokio::test]
async fn a_document_that_is_too_long_is_refused_with_the_limit() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let long = "#".repeat(16 * 1024 * 1024);
    let refused = plan(&browser, &long).await;
    assert_eq!(refused.status, 413);
    assert!(refused.text.contains("16777216 bytes"), "{}", refused.text);
    // Far longer than another form may be.
    let fits = format!("apis: [] {}", "#".repeat(1024 * 1024));
    assert_eq!(plan(&browser, &fits).await.status, 200);
}

#[tokio::test]
async fn whoever_signed_in_a_while_ago_proves_itself_once_more() {
    let (dev, control) = control::start(&[]);
    let browser = Browser::operator(&dev).await;
    let planned = plan(&browser, NEW).await;
    control.post("clock/advance", &json!({ "seconds": 360 })).await;
    let agreed = hidden(&planned.text, "agreed");
    let applying = [("format", "tokenhouse"), ("document", NEW), ("agreed", agreed.as_str())];
    let secret = dev.management().client_secret;
    for (path, fields, kept) in [
        ("/document/export", &[("as", "json")][..], ("as", "json")),
        ("/document/download", &[("as", "json")], ("as", "json")),
        ("/document/apply", &applying, ("agreed", agreed.as_str())),
    ] {
        for wrong in [None, Some(("again_secret", "wrong"))] {
            let asked = browser.post(path, &[fields, wrong.as_slice()].concat()).await;
            assert_eq!(asked.status, 403, "{path}");
            assert!(asked.text.contains("Prove who you are once more"), "{path}: {}", asked.text);
            assert_eq!(hidden(&asked.text, kept.0), kept.1, "what was sent is kept");
            assert!(!asked.text.contains("argon2"), "{path}: {}", asked.text);
        }
    }
    let asked = browser.post("/document/apply", &applying).await;
    assert!(hidden(&asked.text, "document").contains("new-client"), "{}", asked.text);
    assert_eq!(Management::of(&dev).await.get("/clients/new-client").await.status, 404, "nothing was done");
    assert_eq!(plan(&browser, NEW).await.status, 200, "a plan changes nothing");
    let proved = browser.post("/document/apply", &[&applying[..], &[("again_secret", &secret)]].concat()).await;
    assert!(proved.status == 200 && proved.text.contains("It is done"), "{}", proved.text);
    let file = browser.post("/document/download", &[("as", "json")]).await;
    assert_eq!((file.status, file.json()["clients"].as_array().map(Vec::len)), (200, Some(4)), "{}", file.text);
}

#[tokio::test]
async fn the_export_of_another_product_is_imported_beside_what_is_there() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let export = json!([{
        "client_id": "from-hydra",
        "client_name": HOSTILE,
        "client_secret": "short",
        "grant_types": ["client_credentials"],
        "scope": "orders",
    }])
    .to_string();
    let fields = [("format", "hydra"), ("document", export.as_str()), ("prune", "yes")];
    let asked = browser.post("/document/plan", &fields).await;
    assert_eq!(asked.status, 400);
    assert!(field_error(&asked.text, "audience").contains("belong to no API"), "{}", asked.text);
    let fields = [&fields[..], &[("audience", "urn:orders")]].concat();
    let planned = browser.post("/document/plan", &fields).await;
    assert!(planned.status == 200 && planned.text.contains("What the export became"), "{}", planned.text);
    assert!(!planned.text.contains("It deletes") && !planned.text.contains("<img"), "{}", planned.text);
    let agreed = hidden(&planned.text, "agreed");
    let done = browser.post("/document/apply", &[&fields[..], &[("agreed", &agreed)]].concat()).await;
    assert!(done.status == 200 && done.text.contains("It is done"), "{}", done.text);
    let secret = [("client_id", Some("from-hydra")), ("client_secret", Some("short"))];
    let request = [("audience", Some("urn:orders")), ("scope", Some("orders"))];
    dev.token(&[secret, request].concat()).await.access_token();
    assert_eq!(dev.token(&[]).await.status, 200, "what was there stays");
    let api = Management::of(&dev).await.get(&format!("/resource-servers/{}", percent_encoded("urn:orders"))).await;
    assert_eq!(api.ok()["identifier"], "urn:orders");
}
