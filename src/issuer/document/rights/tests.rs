//! Does a document give nobody what single changes would not?

use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::clock::{ManualClock, UnixMillis};
use crate::entropy::SystemEntropy;
use crate::issuer::administration::AdministrationPolicy;
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::document::apply::{ApplyOptions, Plan};
use crate::keys::MasterKey;
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::oauth::metadata::Issuer;
use crate::store::{Actor, Database, Migrate, Store, StoreSettings};

const MANAGEMENT: &str = "http://localhost/api/v2/";
const SECRET: &str = "3q2-7wAAAABtYWNoaW5lLW1hZGUtc2VjcmV0LWZvci10ZXN0cw";

/// A server with the client `stronger`, which can read signing keys, and `operator`, which holds what it takes to apply documents.
fn fixture() -> Administration {
    let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
    let administration = Administration::new(
        Store::open(&settings, Migrate::Always).unwrap(),
        Arc::new(MasterKey::generate(&SystemEntropy).into()),
        Arc::new(ManualClock::new(UnixMillis(1_000))),
        Arc::new(SystemEntropy),
        AdministrationPolicy::of_dev(Issuer::new("http://localhost/")),
    );
    let installed = administration.change(&Caller::system(), |change| {
        change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)?;
        change.install_key(&PublicTestKey::Rs256Next.load(), KeyState::Next)
    });
    installed.unwrap();
    administration.bootstrap(ManagementApi::BringUpToDate).unwrap();
    let document = format!(
        "apis: [{{identifier: 'urn:api', scopes: [{{value: a}}]}}]
clients:
- {{client_id: stronger, secrets: [{{value: {SECRET}}}], grants: [{{audience: '{MANAGEMENT}', scope: ['update:signing_keys']}}]}}
- {{client_id: operator, secrets: [{{value: {SECRET}}}], grants: [{{audience: '{MANAGEMENT}', scope: [{}]}}]}}
- {{client_id: partner, secrets: [{{value: {SECRET}}}]}}",
        APPLY_SCOPES.map(|scope| format!("'{scope}'")).join(", ")
    );
    administration.apply(&Caller::system(), &Document::parse(&document).unwrap(), ApplyOptions::default()).unwrap();
    administration
}

fn operator(scopes: impl IntoIterator<Item = &'static str>) -> Caller {
    let rights = Rights::Scopes(scopes.into_iter().map(|scope| scope.parse().unwrap()).collect());
    Caller { actor: Actor::Client { client_id: "operator".to_owned() }, request_id: None, rights }
}

fn apply(
    administration: &Administration,
    caller: &Caller,
    text: &str,
    options: ApplyOptions,
) -> Result<Plan, AdministrationError> {
    let before = administration.store().revision().unwrap();
    let applied = administration.apply(caller, &Document::parse(text).unwrap(), options);
    if applied.is_err() || options.dry_run {
        assert_eq!(administration.store().revision().unwrap(), before, "nothing was changed");
    }
    applied
}

fn lacking(outcome: Result<impl std::fmt::Debug, AdministrationError>) -> Vec<String> {
    match outcome {
        Err(AdministrationError::InsufficientScope(lacking)) => lacking,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_scope_is_needed_even_to_see_the_plan() {
    let administration = fixture();
    for dry_run in [true, false] {
        let options = ApplyOptions { dry_run, ..ApplyOptions::default() };
        for without in APPLY_SCOPES {
            let caller = operator(APPLY_SCOPES.into_iter().filter(|scope| *scope != without));
            assert_eq!(lacking(apply(&administration, &caller, "clients: []", options)), [without]);
        }
        let pruning = ApplyOptions { prune: true, ..options };
        let outcome = apply(&administration, &operator(APPLY_SCOPES), "clients: []", pruning);
        assert_eq!(lacking(outcome), PRUNE_SCOPES);
    }
    let itself = Caller { rights: Rights::Itself(uuid::Uuid::nil()), ..operator([]) };
    assert_eq!(lacking(apply(&administration, &itself, "", ApplyOptions::default())).len(), APPLY_SCOPES.len());
}

#[rstest]
#[case::to_itself("operator")]
#[case::to_another("partner")]
#[case::to_a_new_one("new")]
fn no_document_grants_what_its_sender_lacks(#[case] client_id: &str) {
    let administration = fixture();
    let secrets = if client_id == "new" { format!("secrets: [{{value: {SECRET}}}], ") } else { String::new() };
    let text = |scope: &str| {
        format!(
            "clients: [{{client_id: {client_id}, {secrets}grants: [{{audience: '{MANAGEMENT}', scope: ['{scope}']}}]}}]"
        )
    };
    let outcome =
        apply(&administration, &operator(APPLY_SCOPES), &text("update:signing_keys"), ApplyOptions::default());
    assert_eq!(lacking(outcome), ["update:signing_keys"]);
    if client_id != "operator" {
        apply(&administration, &operator(APPLY_SCOPES), &text("read:clients"), ApplyOptions::default()).unwrap();
    }
}

#[rstest]
#[case::one_that_is_added("secrets: [{value: another-secret-of-some-length-9c7}]")]
#[case::one_that_is_right("secrets: [{value: SECRET}]")]
#[case::one_that_is_wrong("secrets: [{value: 3q2-7wAAAABub3QtdGhlLXNlY3JldC1idXQtYXMtbG9uZw}]")]
#[case::published_keys("jwks_uri: 'https://evil.example/jwks.json'")]
#[case::another_method("authentication_methods: [private_key_jwt]")]
fn credentials_of_a_stronger_client_are_neither_touched_nor_tried(#[case] entry: &str) {
    let administration = fixture();
    let grant = format!("grants: [{{audience: '{MANAGEMENT}', scope: ['update:signing_keys']}}]");
    let text = format!("clients: [{{client_id: stronger, {}, {grant}}}]", entry.replace("SECRET", SECRET));
    for dry_run in [true, false] {
        let options = ApplyOptions { dry_run, ..ApplyOptions::default() };
        assert_eq!(lacking(apply(&administration, &operator(APPLY_SCOPES), &text, options)), ["update:signing_keys"]);
    }
    let partners = format!("clients: [{{client_id: partner, {}}}]", entry.replace("SECRET", SECRET));
    apply(&administration, &operator(APPLY_SCOPES), &partners, ApplyOptions::default()).unwrap();
}

#[test]
fn whoever_prunes_does_not_delete_itself() {
    let administration = fixture();
    let caller = operator(APPLY_SCOPES.into_iter().chain(PRUNE_SCOPES).chain(["update:signing_keys"]));
    let options = ApplyOptions { prune: true, ..ApplyOptions::default() };
    // Another one stays that can manage the server; else it would be kept for that.
    let text = format!(
        "clients: [{{client_id: stronger, secrets: [{{value: {SECRET}}}], grants: [{{audience: '{MANAGEMENT}', scope: ['update:signing_keys']}}]}}]"
    );
    let refused = apply(&administration, &caller, &text, options).unwrap_err();
    assert!(matches!(refused, AdministrationError::Refused(_)), "{refused}");
}

#[test]
fn an_export_needs_the_rights_of_all_whose_hashes_it_shows() {
    let administration = fixture();
    for without in EXPORT_SCOPES {
        let caller = operator(EXPORT_SCOPES.into_iter().filter(|scope| *scope != without));
        assert_eq!(lacking(administration.export(&caller)), [without]);
    }
    assert_eq!(lacking(administration.export(&operator(APPLY_SCOPES))), ["update:signing_keys"]);
    let all = operator(APPLY_SCOPES.into_iter().chain(["update:signing_keys"]));
    assert_eq!(administration.export(&all).unwrap().clients.len(), 3);
}

#[test]
fn only_the_plan_that_was_agreed_to_is_carried_out() {
    let administration = fixture();
    let caller = operator(APPLY_SCOPES);
    let text =
        format!("clients: [{{name: New, secrets: [{{value: {SECRET}}}]}}, {{client_id: partner, name: Partner}}]");
    let planned = apply(&administration, &caller, &text, ApplyOptions { dry_run: true, ..ApplyOptions::default() });
    let agreed = ApplyOptions { agreed: Some(planned.unwrap().digest()), ..ApplyOptions::default() };
    let renamed = "clients: [{client_id: partner, name: Partner}]";
    apply(&administration, &caller, renamed, ApplyOptions::default()).unwrap();
    assert!(matches!(apply(&administration, &caller, &text, agreed), Err(AdministrationError::Outdated)));
    apply(&administration, &caller, "clients: [{client_id: partner}]", ApplyOptions::default()).unwrap();
    assert_eq!(
        apply(&administration, &caller, &text, agreed).unwrap().steps.len(),
        3,
        "with other ids that are made up"
    );
}
