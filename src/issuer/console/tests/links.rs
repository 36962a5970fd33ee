//! What is a link good for, and how often?

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::scope::ScopeSet;

fn make_as(
    setting: &Setting,
    caller: &Caller,
    purpose: LinkPurpose,
    minutes: u32,
) -> Result<MadeLink, AdministrationError> {
    let label = (purpose == LinkPurpose::ClaimSecret).then(|| "from the link".to_owned());
    setting.administration.change(caller, |change| change.make_link("partner", purpose, minutes, label))
}

fn make(setting: &Setting, purpose: LinkPurpose) -> LinkToken {
    make_as(setting, &Caller::system(), purpose, 10).unwrap().token
}

fn look(setting: &Setting, token: &LinkToken) -> Option<OpenLink> {
    setting.console.look_at_link(token).unwrap()
}

fn sign_in(setting: &Setting, token: &LinkToken) -> Option<SessionId> {
    setting.console.redeem_sign_in(token, Some("request".to_owned())).unwrap()
}

fn claim(setting: &Setting, token: &LinkToken) -> Option<Claimed> {
    setting.console.redeem_claim(token, None).unwrap()
}

#[test]
fn a_link_to_sign_in_with_is_good_once() {
    let setting = setting();
    let token = make(&setting, LinkPurpose::SignIn);
    let made = setting.last_event();
    assert_eq!((made.action.as_str(), made.object_kind.as_str()), ("create", "one_time_link"));
    assert_eq!(made.object_id, "sign_in of partner");
    assert_eq!(made.after.unwrap()["purpose"], "sign_in");

    let revision = setting.administration.store().revision().unwrap();
    for _ in 0..2 {
        let open = look(&setting, &token).unwrap();
        assert_eq!((open.client_id.as_str(), open.client_name.as_str()), ("partner", "The partner"));
        assert_eq!((open.purpose, open.expires_at), (LinkPurpose::SignIn, START.plus_seconds(600)));
    }
    assert_eq!(setting.administration.store().revision().unwrap(), revision, "whoever only looks changes nothing");
    assert!(claim(&setting, &token).is_none(), "it is for something else");

    let id = sign_in(&setting, &token).unwrap();
    let event = setting.last_event();
    assert_eq!((event.action.as_str(), event.after), ("sign_in", Some(json!({ "by": "link" }))));
    assert_eq!(event.request_id.as_deref(), Some("request"));
    let session = setting.find(&id).unwrap();
    assert_eq!((session.client.client_id.as_str(), session.proof), ("partner", Proof::Link));
    assert!(look(&setting, &token).is_none() && sign_in(&setting, &token).is_none());
}

#[test]
fn a_secret_is_picked_up_once_and_works_at_once() {
    let setting = setting();
    let token = make(&setting, LinkPurpose::ClaimSecret);
    assert!(sign_in(&setting, &token).is_none(), "it is for something else");
    let claimed = claim(&setting, &token).unwrap();
    assert_eq!(claimed.client.name, "The partner");
    assert_eq!(claimed.secret.stored.label.as_deref(), Some("from the link"));
    let stored = claimed.secret.stored.id;
    let served = setting.client("partner");
    assert!(served.secrets.iter().any(|secret| secret.id == stored));
    assert_eq!(setting.find(&claimed.session).unwrap().proof, Proof::Credential(stored));
    assert!(look(&setting, &token).is_none() && claim(&setting, &token).is_none());
    setting.change(|change| change.retire_secret("partner", &stored.to_string()));
    assert!(setting.find(&claimed.session).is_none(), "the session is bound to it");
}

#[test]
fn a_secret_without_a_label_is_called_claimed() {
    let setting = setting();
    let make = |change: &mut Change<'_>| change.make_link("partner", LinkPurpose::ClaimSecret, 60, None);
    let link = setting.change(make);
    assert_eq!(claim(&setting, &link.token).unwrap().secret.stored.label.as_deref(), Some("claimed"));
}

#[test]
fn of_those_that_use_it_at_the_same_moment_one_gets_in() {
    let setting = setting();
    for purpose in [LinkPurpose::SignIn, LinkPurpose::ClaimSecret] {
        let token = make(&setting, purpose);
        let used = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let got_in = match purpose {
                        LinkPurpose::SignIn => sign_in(&setting, &token).is_some(),
                        LinkPurpose::ClaimSecret => claim(&setting, &token).is_some(),
                    };
                    used.fetch_add(usize::from(got_in), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(used.into_inner(), 1, "{purpose}");
    }
    assert_eq!(setting.client("partner").secrets.len(), 2);
}

#[test]
fn it_works_for_some_minutes_and_is_then_forgotten() {
    let setting = setting();
    let (one, other) = (make(&setting, LinkPurpose::SignIn), make(&setting, LinkPurpose::ClaimSecret));
    setting.pass(599);
    assert!(look(&setting, &one).is_some() && look(&setting, &other).is_some());
    setting.pass(1);
    for token in [&one, &other] {
        assert!(look(&setting, token).is_none());
        assert!(sign_in(&setting, token).is_none() && claim(&setting, token).is_none());
    }
    let is_kept = || setting.administration.store().read(|reader| reader.find_link(&one.hash())).unwrap().is_some();
    assert!(is_kept());
    setting.console.forget_expired().unwrap();
    assert!(!is_kept());
}

#[test]
fn it_is_made_for_as_long_as_its_purpose_allows() {
    let setting = setting();
    let caller = Caller::system();
    for (purpose, longest) in [(LinkPurpose::SignIn, 60), (LinkPurpose::ClaimSecret, 1440)] {
        assert!(purpose.default_minutes() <= longest && purpose.longest_minutes() == longest);
        for minutes in [1, longest] {
            let link = make_as(&setting, &caller, purpose, minutes).unwrap();
            assert_eq!(link.expires_at, START.plus_seconds(i64::from(minutes) * 60));
        }
        for minutes in [0, longest + 1, u32::MAX] {
            let refused = make_as(&setting, &caller, purpose, minutes).unwrap_err();
            assert!(matches!(refused, AdministrationError::Invalid(_)), "{refused}");
        }
    }
    let label = Some("x".repeat(10_000));
    let too_long = |change: &mut Change<'_>| change.make_link("partner", LinkPurpose::ClaimSecret, 1, label);
    let refused = setting.administration.change(&caller, too_long).unwrap_err();
    assert!(matches!(refused, AdministrationError::Invalid(_)), "{refused}");
    let nobody = |change: &mut Change<'_>| change.make_link("nobody", LinkPurpose::SignIn, 1, None);
    let refused = setting.administration.change(&caller, nobody).unwrap_err();
    assert!(matches!(refused, AdministrationError::NotFound { .. }), "{refused}");
}

#[test]
fn only_who_may_act_as_the_client_makes_one() {
    let setting = setting();
    let partner = setting.client("partner");
    let rights = |rights: Rights| Caller { rights, ..Caller::system() };
    let scopes = |text: &str| rights(Rights::Scopes(ScopeSet::parse(text).unwrap()));
    let may = |caller: &Caller, purpose| match make_as(&setting, caller, purpose, 1) {
        Ok(_) => true,
        Err(AdministrationError::Refused(_) | AdministrationError::InsufficientScope(_)) => false,
        Err(error) => panic!("{error}"),
    };
    let (itself, another) = (rights(Rights::Itself(partner.id)), rights(Rights::Itself(Uuid::nil())));
    for (caller, signs_in, claims) in [
        (&Caller::system(), true, true),
        (&itself, true, true),
        (&another, false, false),
        (&scopes("update:clients"), false, true),
    ] {
        let made = (may(caller, LinkPurpose::SignIn), may(caller, LinkPurpose::ClaimSecret));
        assert_eq!(made, (signs_in, claims), "{caller:?}");
    }
    setting.change(|change| change.grant_management("partner"));
    let lesser = scopes("update:clients");
    assert!(!may(&lesser, LinkPurpose::ClaimSecret), "the secret would have rights that the caller lacks");
    let equal = setting.client("manager").grants[0].scope.clone();
    assert!(may(&rights(Rights::Scopes(equal)), LinkPurpose::ClaimSecret));
}

#[test]
fn a_client_that_has_no_use_for_it_gets_none_and_cannot_use_one_that_it_has() {
    let setting = setting();
    let refuse = |purpose| make_as(&setting, &Caller::system(), purpose, 1).map(drop).unwrap_err();
    let (enter, pick_up) = (make(&setting, LinkPurpose::SignIn), make(&setting, LinkPurpose::ClaimSecret));

    setting.add_key();
    let to_key = [AuthenticationMethod::PrivateKeyJwt];
    setting.change(|change| change.set_authentication_methods("partner", &to_key, None));
    assert!(matches!(refuse(LinkPurpose::ClaimSecret), AdministrationError::Refused(_)));
    assert!(look(&setting, &pick_up).is_none() && claim(&setting, &pick_up).is_none());
    assert!(look(&setting, &enter).is_some());

    setting.edit("partner", |entry| entry.enabled = false);
    for purpose in [LinkPurpose::SignIn, LinkPurpose::ClaimSecret] {
        assert!(matches!(refuse(purpose), AdministrationError::Refused(_)));
    }
    assert!(look(&setting, &enter).is_none() && sign_in(&setting, &enter).is_none());
}

#[test]
fn what_is_open_is_withdrawn_when_the_client_gains_rights_or_is_disabled() {
    let setting = setting();
    let before = make(&setting, LinkPurpose::ClaimSecret);
    setting.change(|change| change.grant_management("partner"));
    assert!(claim(&setting, &before).is_none(), "whoever made it may hold less than the client now");
    let with_few = make(&setting, LinkPurpose::ClaimSecret);
    let audience = setting.administration.policy().issuer.management_audience();
    setting.change(|change| {
        let fewer = vec!["read:clients".to_owned()];
        change.update_grant("partner", audience.as_str(), |entry| {
            entry.scope = fewer;
            Ok(())
        })
    });
    assert!(claim(&setting, &with_few).is_none());
    let last = make(&setting, LinkPurpose::SignIn);
    setting.edit("partner", |entry| entry.enabled = false);
    setting.edit("partner", |entry| entry.enabled = true);
    assert!(sign_in(&setting, &last).is_none(), "it does not come back with its client");
}

#[test]
fn a_client_with_as_many_secrets_as_it_may_have_gets_no_more() {
    let setting = setting();
    let token = make(&setting, LinkPurpose::ClaimSecret);
    let added = setting.change(|change| change.add_secret("partner", SecretTerms::default()));
    let full = make_as(&setting, &Caller::system(), LinkPurpose::ClaimSecret, 1).unwrap_err();
    assert!(matches!(full, AdministrationError::Conflict(_)), "{full}");
    let full = setting.console.redeem_claim(&token, None).err().unwrap();
    assert!(matches!(full, AdministrationError::Conflict(_)), "{full}");
    setting.change(|change| change.retire_secret("partner", &added.stored.id.to_string()));
    assert!(claim(&setting, &token).is_some(), "the link was not used up");
}

#[test]
fn neither_tokens_nor_ids_nor_their_hashes_are_in_the_audit_trail() {
    let setting = setting();
    let (enter, pick_up) = (make(&setting, LinkPurpose::SignIn), make(&setting, LinkPurpose::ClaimSecret));
    let (session, claimed) = (sign_in(&setting, &enter).unwrap(), claim(&setting, &pick_up).unwrap());
    let list = |reader: &mut crate::store::Reader| reader.list_audit_events(&AuditFilter::default(), Page::ALL);
    let trail = format!("{:?}", setting.administration.store().read(list).unwrap());
    let secrets = [enter.expose(), pick_up.expose(), session.expose(), claimed.session.expose()];
    let hashes = [enter.hash(), pick_up.hash(), session.hash(), claimed.session.hash()];
    for hidden in secrets.into_iter().chain(hashes.iter().map(String::as_str)).chain([claimed.secret.secret.expose()]) {
        assert!(!trail.contains(hidden), "{hidden}");
    }
    assert!(trail.contains("claim_secret of partner"));
}
