//! When is a session still good?

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::oauth::client::AuthenticationMethod;

const MINUTE: i64 = 60;

#[test]
fn a_session_is_its_clients_and_may_do_what_that_holds_now() {
    let setting = setting();
    let id = setting.begin();
    let event = setting.last_event();
    assert_eq!((event.action.as_str(), event.object_kind.as_str()), ("sign_in", "console_session"));
    assert_eq!((event.object_id.as_str(), event.actor.as_deref()), ("partner", Some("partner")));
    assert_eq!((event.after, event.request_id.as_deref()), (Some(json!({ "by": "secret" })), Some("request")));

    let session = setting.find(&id).unwrap();
    assert_eq!(session.client.client_id.as_str(), "partner");
    assert_eq!((session.begun_at, session.proof), (START, Proof::Credential(setting.secret)));
    assert!(!session.is_operator() && !session.holds("read:clients"));
    let caller = session.caller(Some("r".to_owned()));
    assert_eq!(caller.rights, Rights::Itself(session.client.id));
    assert_eq!(caller.actor, Actor::Client { client_id: "partner".to_owned() });
    assert_eq!(caller.request_id.as_deref(), Some("r"));

    setting.change(|change| change.grant_management("partner"));
    let session = setting.find(&id).unwrap();
    assert!(session.is_operator() && session.holds("read:clients") && !session.holds("read"));
    assert_eq!(session.caller(None).rights, Rights::Scopes(session.rights.clone()));
    let audience = setting.administration.policy().issuer.management_audience();
    setting.change(|change| change.delete_grant("partner", &audience));
    assert!(!setting.find(&id).unwrap().is_operator());
}

#[test]
fn nobody_else_finds_it() {
    let setting = setting();
    setting.begin();
    assert!(setting.find(&SessionId::generate(&SystemEntropy)).is_none());
    assert!(setting.find(&SessionId::parse(&"A".repeat(43)).unwrap()).is_none());
}

#[test]
fn it_ends_when_it_is_not_used_and_in_any_case_after_a_while() {
    let setting = setting();
    let (idle, used) = (setting.begin(), setting.begin());
    for _ in 0..14 {
        setting.pass(MINUTE);
        assert!(setting.find(&used).is_some());
    }
    setting.pass(MINUTE);
    assert!(setting.find(&used).is_some());
    assert!(setting.find(&idle).is_none());
    setting.clock.advance(-2 * MINUTE);
    assert!(setting.find(&idle).is_none(), "for good");
    setting.clock.advance(2 * MINUTE);

    for _ in 1..32 {
        setting.pass(14 * MINUTE + 59);
        assert!(setting.find(&used).is_some());
    }
    setting
        .clock
        .advance(START.plus_seconds(8 * 60 * MINUTE - 1).floor_seconds() - setting.clock.now().floor_seconds());
    setting.served.follow().unwrap();
    assert!(setting.find(&used).is_some());
    setting.pass(1);
    assert!(setting.find(&used).is_none());
}

#[test]
fn that_it_is_used_is_noted_once_a_minute() {
    let setting = setting();
    let id = setting.begin();
    let seen_at = || setting.served.store().find_console_session(&id.hash()).unwrap().unwrap().seen_at;
    for (passed, noted) in [(59, 0), (1, 60), (59, 60), (2, 121)] {
        setting.pass(passed);
        assert_eq!(setting.find(&id).unwrap().seen_at, setting.clock.now());
        assert_eq!(seen_at(), START.plus_seconds(noted));
    }
}

/// What is done to the partner.
type Deed = fn(&Setting);

const RETIRE: Deed = |setting| setting.change(|change| change.retire_secret("partner", &setting.secret.to_string()));
const EXPIRE: Deed = |setting| {
    setting.change(|change| change.rotate_secret("partner", 60, SecretTerms::default()).map(drop));
    assert!(setting.find(&setting.begin()).is_some(), "it works until it expires");
    setting.pass(60);
};
const SET_TO_KEY: Deed = |setting| {
    setting.add_key();
    let methods = [AuthenticationMethod::PrivateKeyJwt];
    setting.change(|change| change.set_authentication_methods("partner", &methods, None).map(drop));
};
const DISABLE: Deed = |setting| setting.edit("partner", |entry| entry.enabled = false);
const DELETE: Deed = |setting| setting.change(|change| change.delete_client("partner"));

#[rstest]
#[case::its_secret_is_retired(RETIRE)]
#[case::its_secret_expires(EXPIRE)]
#[case::its_client_may_use_no_secret_any_more(SET_TO_KEY)]
#[case::its_client_is_disabled(DISABLE)]
#[case::its_client_is_deleted(DELETE)]
fn it_ends_at_the_next_request_when(#[case] deed: Deed) {
    let setting = setting();
    let (id, unasked) = (setting.begin(), setting.begin());
    let other = setting.console.begin(&setting.client("manager"), Proof::Link, None).unwrap();
    deed(&setting);
    assert!(setting.find(&id).is_none());
    assert!(setting.find(&other).is_some(), "that of another goes on");
    assert_eq!(setting.served.store().find_console_session(&id.hash()), Ok(None));
    assert!(setting.find(&unasked).is_none());
}

#[test]
fn it_does_not_come_back_with_its_client() {
    let setting = setting();
    let id = setting.begin();
    DISABLE(&setting);
    assert!(setting.find(&id).is_none());
    setting.edit("partner", |entry| entry.enabled = true);
    assert!(setting.find(&id).is_none());

    let id = setting.begin();
    DELETE(&setting);
    let entry = ClientEntry::new(Some("partner".to_owned()), None);
    setting.change(|change| change.create_client(&entry, IdRule::Chosen));
    assert!(setting.find(&id).is_none(), "another client has the id now");
}

#[test]
fn a_client_has_a_hundred_at_most_and_the_oldest_make_room() {
    let setting = setting();
    let first = setting.begin();
    let others: Vec<SessionId> = (0..100)
        .map(|_| {
            setting.clock.advance(1);
            setting.begin()
        })
        .collect();
    assert!(setting.find(&first).is_none());
    assert!(setting.find(&others[0]).is_some() && setting.find(&others[99]).is_some());
    let manager = setting.client("manager");
    let other = setting.console.begin(&manager, Proof::Link, None).unwrap();
    assert!(setting.find(&others[0]).is_some() && setting.find(&other).is_some(), "those of others do not count");
}

#[test]
fn one_by_a_key_ends_with_the_key() {
    let setting = setting();
    let key = setting.add_key();
    let id = setting.begin_with(Proof::Credential(key));
    assert_eq!(setting.last_event().after, Some(json!({ "by": "key" })));
    assert!(setting.find(&id).is_some());
    let secrets = [AuthenticationMethod::ClientSecretPost];
    setting.change(|change| change.set_authentication_methods("partner", &secrets, None));
    assert!(setting.find(&id).is_none(), "its client may use no key any more");
    setting.change(|change| change.set_authentication_methods("partner", &[], None));
    let id = setting.begin_with(Proof::Credential(key));
    setting.change(|change| change.retire_client_key("partner", &key.to_string()));
    assert!(setting.find(&id).is_none());
}

#[test]
fn one_by_a_published_key_ends_with_the_place_where_that_is_published() {
    let setting = setting();
    setting.edit("partner", |entry| entry.jwks_uri = Some("https://partner.example/jwks".to_owned()));
    let (id, by_link) = (setting.begin_with(Proof::PublishedKey), setting.begin_with(Proof::Link));
    assert!(setting.find(&id).is_some());
    setting.edit("partner", |entry| entry.jwks_uri = None);
    assert!(setting.find(&id).is_none());
    assert!(setting.find(&by_link).is_some());
}

#[test]
fn none_is_begun_by_a_client_that_is_gone_or_disabled_by_now() {
    let setting = setting();
    let client = setting.client("partner");
    let begin = || setting.console.begin(&client, Proof::Link, None);
    DISABLE(&setting);
    assert!(matches!(begin().unwrap_err(), AdministrationError::NotFound { .. }));
    DELETE(&setting);
    let entry = ClientEntry::new(Some("partner".to_owned()), None);
    setting.change(|change| change.create_client(&entry, IdRule::Chosen));
    assert!(matches!(begin().unwrap_err(), AdministrationError::NotFound { .. }), "another client has the id now");
}

#[test]
fn whoever_proves_anew_who_it_is_is_fresh_for_a_while() {
    let setting = setting();
    let id = setting.begin_with(Proof::Link);
    let is_fresh = || setting.find(&id).unwrap().is_fresh(setting.clock.now());
    assert!(is_fresh());
    setting.pass(5 * MINUTE - 1);
    assert!(is_fresh());
    setting.pass(1);
    assert!(!is_fresh());
    setting.console.prove(&id, Proof::Credential(setting.secret)).unwrap();
    assert!(is_fresh());
    assert_eq!(setting.find(&id).unwrap().begun_at, START, "it lasts no longer");
    RETIRE(&setting);
    assert!(setting.find(&id).is_none(), "it is bound to what was proved with last");
}

#[test]
fn one_ends_or_all_of_a_client() {
    let setting = setting();
    let [one, two, three] = [setting.begin(), setting.begin(), setting.begin()];
    let other = setting.console.begin(&setting.client("manager"), Proof::Link, None).unwrap();
    for id in [&one, &two, &three, &other] {
        assert!(setting.find(id).is_some());
    }
    setting.console.end(&one).unwrap();
    assert!(setting.find(&one).is_none() && setting.find(&two).is_some());
    assert_eq!(setting.console.end_all(&setting.client("partner")), Ok(2));
    setting.be_silent(3);
    for id in [&one, &two, &three] {
        assert!(setting.find(id).is_none(), "nor is it remembered");
    }
    assert!(setting.find(&other).is_some());
}

#[test]
fn while_the_store_is_silent_those_are_found_that_were_found_before() {
    let setting = setting();
    let (known, unknown) = (setting.begin(), setting.begin());
    let ended = setting.begin();
    assert!(setting.find(&known).is_some() && setting.find(&ended).is_some());
    setting.be_silent(3);
    assert!(setting.find(&known).is_some());
    assert!(setting.find(&unknown).is_none());
    setting.console.end(&ended).unwrap();
    assert!(setting.find(&ended).is_none());

    for _ in 0..20 {
        setting.be_silent(14 * MINUTE);
        assert!(setting.find(&known).is_some(), "for as long as it is used");
    }
    setting.served.follow().unwrap();
    assert!(setting.find(&known).is_some(), "and after");
    setting.be_silent(15 * MINUTE);
    assert!(setting.find(&known).is_none(), "but not for longer");
}

#[test]
fn one_whose_client_was_disabled_meanwhile_is_not_found_while_the_store_is_silent() {
    let setting = setting();
    let (id, other) = (setting.begin(), setting.console.begin(&setting.client("manager"), Proof::Link, None).unwrap());
    assert!(setting.find(&id).is_some() && setting.find(&other).is_some());
    DISABLE(&setting);
    setting.edit("partner", |entry| entry.enabled = true);
    setting.be_silent(3);
    assert!(setting.find(&id).is_none() && setting.find(&other).is_some());
}

#[test]
fn one_that_is_over_is_not_proved_anew() {
    let setting = setting();
    let id = setting.begin();
    assert_eq!(setting.console.prove(&id, Proof::Link), Ok(true));
    DISABLE(&setting);
    assert_eq!(setting.console.prove(&id, Proof::Link), Ok(false));
}

#[test]
fn what_no_token_is_issued_to_any_more_manages_nothing_here_either() {
    let setting = setting();
    let id = setting.console.begin(&setting.client("manager"), Proof::Link, None).unwrap();
    assert!(setting.find(&id).unwrap().is_operator());
    setting.edit("manager", |entry| entry.client_credentials_allowed = false);
    assert!(!setting.find(&id).unwrap().is_operator(), "it still sees its own page");
}

#[test]
fn what_is_known_of_its_client_counts_also_while_the_store_is_silent() {
    let setting = setting();
    let expiring = setting.begin();
    setting.change(|change| change.rotate_secret("partner", 60, SecretTerms::default()).map(drop));
    assert!(setting.find(&expiring).is_some());
    setting.be_silent(59);
    assert!(setting.find(&expiring).is_some());
    setting.be_silent(1);
    assert!(setting.find(&expiring).is_none());
}

#[test]
fn one_that_another_server_began_with_a_new_secret_is_found_here_at_once() {
    let setting = setting();
    let elsewhere = another_server(&setting.administration, &setting.clock);
    let elsewhere = ConsoleSessions::new(elsewhere, setting.administration.clone());
    let added = setting.change(|change| change.add_secret("partner", SecretTerms::default()));
    let id = setting.begin_with(Proof::Credential(added.stored.id));
    assert!(elsewhere.find(&id, Occasion::Use).unwrap().is_some());
    setting.console.end(&id).unwrap();
    assert!(elsewhere.find(&id, Occasion::Use).unwrap().is_none());
}

#[test]
fn before_anything_was_read_nobody_is_told_to_be_signed_out() {
    let setting = setting();
    let id = setting.begin();
    let served = starting_server(&setting.administration, &setting.clock);
    let starting = ConsoleSessions::new(Arc::new(served), setting.administration.clone());
    assert!(starting.find(&id, Occasion::Use).unwrap_err().is_unavailable());
    assert!(setting.find(&id).is_some());
}

#[test]
fn what_is_over_is_forgotten() {
    let setting = setting();
    let (idle, used) = (setting.begin(), setting.begin());
    for _ in 0..2 {
        setting.pass(10 * MINUTE);
        assert!(setting.find(&used).is_some());
    }
    setting.console.forget_expired().unwrap();
    let is_kept = |id: &SessionId| setting.served.store().find_console_session(&id.hash()).unwrap().is_some();
    assert!(!is_kept(&idle) && is_kept(&used));
}
