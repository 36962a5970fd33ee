//! What can be said of a client in a form? Each field is checked by the rules of the use cases, so that what is wrong stands beside it.

use std::fmt::Display;

use serde_json::{Map, Value};
use tokenhouse_verifier::JsonObjectError;
use tokenhouse_verifier::jws::parse_json_object;

use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::plot::grouped;
use crate::http::console::visit::Visit;
use crate::issuer::administration::validated_claims;
use crate::issuer::apis::validated_text;
use crate::issuer::clients::validated_methods;
use crate::issuer::document::ClientEntry;
use crate::oauth::client::{AuthenticationMethod, Client, Quota};
use crate::oauth::client_key::JwksUri;
use crate::one_line::on_one_line;

/// What a box that is checked is posted as.
pub(super) const ON: &str = "on";

/// What was said of a client.
pub(super) struct ClientFields {
    name: String,
    pub(super) enabled: bool,
    default_audience: Option<String>,
    pub(super) methods: Vec<AuthenticationMethod>,
    pub(super) jwks_uri: Option<String>,
    quota: Option<Quota>,
    claims: Map<String, Value>,
}

/// What can be chosen.
pub(super) struct ClientChoices {
    pub(super) audiences: Vec<Choice>,
    pub(super) methods: Vec<Choice>,
}

impl ClientFields {
    /// What stands in `form`, which afterwards says what is wrong with it.
    pub(super) fn read(form: &mut Form, choices: &ClientChoices) -> Self {
        let name = form.value("name").trim().to_owned();
        if name.is_empty() {
            form.fail("name", "Give the client a name by which people know it.");
        }
        check(form, "name", validated_text("name", &name));
        let audience = text(form, "default_audience");
        if audience.as_ref().is_some_and(|audience| !choices.audiences.iter().any(|choice| choice.value == *audience)) {
            form.fail("default_audience", "There is no such API any more: choose another one, or none.");
        }
        let jwks_uri = text(form, "jwks_uri");
        if let Some(uri) = &jwks_uri {
            check(form, "jwks_uri", uri.parse::<JwksUri>());
        }
        Self {
            name,
            enabled: form.is_checked("enabled", ON),
            default_audience: audience,
            methods: read_methods(form),
            jwks_uri,
            quota: read_quota(form),
            claims: read_claims(form),
        }
    }

    /// Makes `entry` what was said.
    pub(super) fn apply_to(self, entry: &mut ClientEntry) {
        let Self { name, enabled, default_audience, methods, jwks_uri, quota, claims } = self;
        entry.name = Some(name);
        entry.enabled = enabled;
        entry.default_audience = default_audience;
        // The order in which they stand is no choice of the form's, and none that was made elsewhere is lost.
        let known = &entry.authentication_methods;
        if methods.len() != known.len() || methods.iter().any(|method| !known.contains(method)) {
            entry.authentication_methods = methods;
        }
        entry.jwks_uri = jwks_uri;
        entry.quota = quota;
        entry.claims = claims;
    }

    /// The form with what is so now.
    pub(super) fn form_of(client: &Client) -> Form {
        let quota = client.quota.unwrap_or_default();
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let claims = if client.claims.is_empty() {
            String::new()
        } else {
            serde_json::to_string_pretty(&client.claims).unwrap_or_default()
        };
        let form = Form::empty()
            .with("name", &client.name)
            .with("default_audience", client.default_audience.as_ref().map(ToString::to_string).unwrap_or_default())
            .with("jwks_uri", client.jwks_uri.as_ref().map(ToString::to_string).unwrap_or_default())
            .with("quota_per_hour", number(quota.per_hour))
            .with("quota_per_day", number(quota.per_day))
            .with("claims", claims);
        let form = if client.enabled { form.with("enabled", ON) } else { form };
        let form = if client.quota.is_none_or(|quota| quota.enforce) { form.with("quota_enforce", ON) } else { form };
        client.authentication_methods.iter().fold(form, |form, method| form.with("method", method.as_str()))
    }
}

impl ClientChoices {
    /// What can be chosen by whoever is signed in for a client whose default audience is `current`.
    pub(super) async fn load(visit: &Visit, current: Option<String>) -> Result<Self, ConsoleError> {
        let mut audiences = vec![Choice::new("", "None: each request must name its API")];
        if visit.holds("read:resource_servers") {
            let apis = visit.read(|reader| Ok(reader.list_apis()?)).await?;
            let choice = |api: &crate::oauth::resource::Api| {
                let (audience, name) = (api.identifier.to_string(), api.name.as_str());
                let label = if name == audience { audience.clone() } else { format!("{name} ({audience})") };
                Choice::new(audience, label)
            };
            audiences.extend(apis.iter().map(choice));
        }
        if let Some(current) = current.filter(|current| !audiences.iter().any(|choice| choice.value == *current)) {
            audiences.push(Choice::new(current.clone(), current));
        }
        let methods = AuthenticationMethod::ALL.iter();
        let methods = methods.map(|method| Choice::new(method.as_str(), method_label(*method)).hint(method.as_str()));
        Ok(Self { audiences, methods: methods.collect() })
    }
}

/// A method in words.
pub(super) const fn method_label(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::ClientSecretBasic => "A secret, in the header Authorization",
        AuthenticationMethod::ClientSecretPost => "A secret, in the body of the request",
        AuthenticationMethod::PrivateKeyJwt => "An assertion signed with its private key",
    }
}

/// The text of a field; none if there is none but space.
pub(super) fn text(form: &Form, field: &str) -> Option<String> {
    Some(form.value(field).trim().to_owned()).filter(|text| !text.is_empty())
}

/// A whole number from a field; none if it is empty or no such number, which `form` then says.
pub(super) fn number(form: &mut Form, field: &str, least: u32, most: u32) -> Option<u32> {
    let text = text(form, field)?;
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    if number.is_none() {
        let (least, most) = (grouped(least.into()), grouped(most.into()));
        form.fail(field, format!("Write a whole number from {least} to {most}, in figures only."));
    }
    number
}

/// Says beside `field` why `outcome` is none.
pub(super) fn check<T, E: Display>(form: &mut Form, field: &str, outcome: Result<T, E>) -> Option<T> {
    outcome.inspect_err(|error| form.fail(field, sentence(&on_one_line(&error.to_string())))).ok()
}

/// `text` with a capital at its beginning, unless that is the name of something, and a full stop at its end.
fn sentence(text: &str) -> String {
    let begins_with_word =
        text.split([' ', ':']).next().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let mut characters = text.trim_end_matches('.').chars();
    match characters.next() {
        Some(first) if begins_with_word => format!("{}{}.", first.to_ascii_uppercase(), characters.as_str()),
        Some(first) => format!("{first}{}.", characters.as_str()),
        None => String::new(),
    }
}

fn read_methods(form: &mut Form) -> Vec<AuthenticationMethod> {
    let parsed: Result<Vec<AuthenticationMethod>, _> = form.values("method").map(str::parse).collect();
    let methods = check(form, "method", parsed).unwrap_or_default();
    check(form, "method", validated_methods(&methods)).unwrap_or_default()
}

fn read_quota(form: &mut Form) -> Option<Quota> {
    let per_hour = number(form, "quota_per_hour", 0, u32::MAX);
    let per_day = number(form, "quota_per_day", 0, u32::MAX);
    let is_limited = per_hour.is_some() || per_day.is_some();
    is_limited.then(|| Quota { per_hour, per_day, enforce: form.is_checked("quota_enforce", ON) })
}

fn read_claims(form: &mut Form) -> Map<String, Value> {
    let Some(text) = text(form, "claims") else { return Map::new() };
    match parse_claims(&text) {
        Ok(claims) => check(form, "claims", validated_claims(&claims)).unwrap_or_default(),
        Err(reason) => {
            form.fail("claims", reason);
            Map::new()
        }
    }
}

/// One JSON object; otherwise what is wrong, and where.
fn parse_claims(text: &str) -> Result<Map<String, Value>, String> {
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        return Err(format!("Line {line}, column {column} is no JSON: {reason}."));
    }
    parse_json_object(text.as_bytes()).map_err(|error| match error {
        JsonObjectError::NotAnObject => r#"Write one JSON object, such as {"tenant": "north"}."#.to_owned(),
        JsonObjectError::DuplicateMember => "The same name stands twice in one object: leave one out.".to_owned(),
        JsonObjectError::NotJson => sentence(&format!("the text {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        fields.iter().fold(Form::empty(), |form, (name, value)| form.with(*name, *value))
    }

    #[test]
    fn what_is_wrong_with_claims_is_said_with_its_place() {
        assert_eq!(parse_claims(r#"{"a": {"b": [1]}}"#).unwrap().len(), 1);
        let place = parse_claims("{\n  \"a\": 1,\n}").unwrap_err();
        assert!(place.starts_with("Line 3, column 1 is no JSON: "), "{place}");
        assert!(parse_claims("[1]").unwrap_err().contains("one JSON object"));
        assert!(parse_claims(r#"{"a": 1, "a": 2}"#).unwrap_err().contains("twice"));
    }

    #[test]
    fn a_quota_is_what_has_a_limit() {
        let mut limited = form(&[("quota_per_hour", " 60 "), ("quota_enforce", ON)]);
        assert_eq!(read_quota(&mut limited), Some(Quota { per_hour: Some(60), per_day: None, enforce: true }));
        assert_eq!(read_quota(&mut form(&[("quota_per_hour", ""), ("quota_enforce", ON)])), None);
        let mut wrong = form(&[("quota_per_day", "many")]);
        assert_eq!(read_quota(&mut wrong), None);
        assert!(wrong.error("quota_per_day").is_some_and(|text| text.contains("whole number")));
    }

    #[test]
    fn a_key_stands_alone_among_the_methods() {
        let mut both = form(&[("method", "private_key_jwt"), ("method", "client_secret_post")]);
        read_methods(&mut both);
        assert!(both.error("method").is_some_and(|text| text.starts_with("private_key_jwt stands alone")));
        let mut unknown = form(&[("method", "none")]);
        read_methods(&mut unknown);
        assert!(unknown.error("method").is_some());
    }
}
