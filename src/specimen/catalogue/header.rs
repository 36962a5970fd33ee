//! Does the header say that this is no access token, or that something must be understood first? (RFC 7515 §4.1.11, RFC 8725 §3.11)

use serde_json::{Value, json};

use crate::specimen::case::{Case, Level, NotSent, Presentation};
use crate::specimen::draft::{changed, signed};
use crate::specimen::forge::Forge;
use crate::specimen::subject::Profile;

const CRIT: &str = "RFC 7515 §4.1.11, CVE-2025-59420, CVE-2026-32597";
const UNDERSTOOD: &str =
    "crit lists what changes the meaning of the token; who ignores it reads another token than the issuer wrote";
const TYP: &str = "RFC 9068 §4, RFC 8725 §3.11";
const ANOTHER_KIND: &str =
    "another kind of JWT of the same issuer, made for another purpose, passes for an access token";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = extensions();
    cases.extend(types());
    cases
}

fn with(forge: &Forge<'_>, header: Value) -> Result<Presentation, NotSent> {
    forge.token(header, json!({})).map(Presentation::bearer)
}

fn extensions() -> Vec<Case> {
    vec![
        Case::refuse("unknown_crit", "crit names an extension that nobody has heard of", CRIT, UNDERSTOOD, |forge| {
            with(forge, json!({ "crit": ["conform"], "conform": true }))
        }),
        Case::refuse(
            "crit_b64",
            "crit names b64, which is false",
            "RFC 7797 §6, RFC 7515 §4.1.11",
            UNDERSTOOD,
            |forge| with(forge, json!({ "crit": ["b64"], "b64": false })),
        ),
        Case::refuse("crit_absent_member", "crit names a parameter that is not there", CRIT, UNDERSTOOD, |forge| {
            with(forge, json!({ "crit": ["conform"] }))
        }),
        Case::refuse("crit_empty", "crit is an empty array", CRIT, "crit is malformed", |forge| {
            with(forge, json!({ "crit": [] }))
        })
        .at(Level::Should),
        Case::refuse("crit_registered", "crit names alg", CRIT, "crit is malformed", |forge| {
            with(forge, json!({ "crit": ["alg"] }))
        })
        .at(Level::Should),
        Case::refuse("crit_string", "crit is a string", CRIT, "crit is malformed", |forge| {
            with(forge, json!({ "crit": "conform", "conform": true }))
        })
        .at(Level::Should),
        Case::refuse(
            "b64_without_crit",
            "b64 is false, and crit does not say so",
            "RFC 7797 §6",
            "crit must name b64; what is signed is not what is read",
            |forge| with(forge, json!({ "b64": false })),
        )
        .at(Level::Should),
        Case::refuse(
            "zip_payload",
            "zip: the payload is compressed",
            "RFC 7515 §7.1 (JWS has no zip), RFC 8725 §3.6, CVE-2024-33664",
            "who inflates what a stranger sent can be made to inflate a bomb",
            |forge| {
                // One stored block (RFC 1951 §3.2.4): the claims are short enough for it.
                let claims = forge.claims().to_string().into_bytes();
                let length = u16::try_from(claims.len()).unwrap_or(u16::MAX);
                let (low, high) = (length.to_le_bytes(), (!length).to_le_bytes());
                let deflated = [&[1][..], &low, &high, &claims].concat();
                let header = changed(forge.header(), json!({ "zip": "DEF" })).to_string();
                signed(&forge.keys.genuine, header.as_bytes(), &deflated).map(Presentation::bearer)
            },
        ),
    ]
}

fn types() -> Vec<Case> {
    fn typ(forge: &Forge<'_>, typ: &str) -> Result<Presentation, NotSent> {
        with(forge, json!({ "typ": typ }))
    }
    vec![
        Case::refuse("wrong_type", "typ JWT", TYP, ANOTHER_KIND, |forge| match forge.subject.profile {
            Profile::Rfc9068 => typ(forge, "JWT"),
            Profile::Jwt => Err(NotSent::DoesNotApply("without RFC 9068 access tokens may have this type")),
        }),
        Case::refuse("typ_missing", "no typ", TYP, ANOTHER_KIND, |forge| match forge.subject.profile {
            Profile::Rfc9068 => with(forge, json!({ "typ": null })),
            Profile::Jwt => Err(NotSent::DoesNotApply("without RFC 9068 typ is optional")),
        }),
        Case::refuse("typ_dpop", "typ dpop+jwt: a DPoP proof", TYP, ANOTHER_KIND, |forge| typ(forge, "dpop+jwt"))
            .at(Level::MustInRfc9068),
        Case::refuse("typ_client_authentication", "typ client-authentication+jwt: a client assertion", TYP, ANOTHER_KIND, |forge| {
            typ(forge, "client-authentication+jwt")
        })
        .at(Level::MustInRfc9068),
        Case::refuse("typ_logout", "typ logout+jwt: a logout token", TYP, ANOTHER_KIND, |forge| typ(forge, "logout+jwt"))
            .at(Level::MustInRfc9068),
        Case::refuse("typ_secevent", "typ secevent+jwt: a security event", TYP, ANOTHER_KIND, |forge| {
            typ(forge, "secevent+jwt")
        })
        .at(Level::MustInRfc9068),
        Case::refuse("typ_number", "typ is a number", TYP, "typ is malformed", |forge| with(forge, json!({ "typ": 1 })))
            .at(Level::MustInRfc9068),
        Case::refuse(
            "id_token",
            "an ID token of the client, which calls with it",
            "OpenID Connect Core §2, RFC 9068 §5, RFC 8725 §3.12",
            "an ID token is made for the client, and anybody who gets to see it could call the API",
            |forge| {
                let claims = json!({
                    "aud": forge.subject.client_id, "azp": forge.subject.client_id, "nonce": "n", "at_hash": "x",
                    "client_id": null, "jti": null,
                });
                forge.token(json!({ "typ": "JWT" }), claims).map(Presentation::bearer)
            },
        ),
        Case::refuse(
            "id_token_for_this_api",
            "an ID token whose aud is this API",
            "RFC 9068 §5, RFC 8725 §3.12",
            "where the API's identifier is also a client's, ID tokens pass for access tokens",
            |forge| {
                let claims = json!({ "azp": forge.subject.client_id, "nonce": "n", "at_hash": "x", "client_id": null, "jti": null });
                forge.token(json!({ "typ": "JWT" }), claims).map(Presentation::bearer)
            },
        )
        .at(Level::MustInRfc9068),
    ]
}
