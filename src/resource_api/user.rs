//! What is a user, and which values may a caller give one?

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::body::Members;
use super::error::ApiError;

/// Longest email address, in octets (RFC 5321 §4.5.3.1.3 less the angle brackets).
const MAX_EMAIL: usize = 254;

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// A user as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    /// In UTC, written as RFC 3339 says.
    pub(super) created_at: Timestamp,
}

/// The values of a user to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewUser {
    pub(super) email: String,
    pub(super) name: String,
}

impl NewUser {
    pub(super) fn parse(members: Members) -> Result<Self, ApiError> {
        match UserChanges::parse_members(members)? {
            UserChanges { email: Some(email), name: Some(name) } => Ok(Self { email, name }),
            UserChanges { email: None, .. } => Err(invalid("email is missing")),
            UserChanges { name: None, .. } => Err(invalid("name is missing")),
        }
    }
}

/// The values of a user to be changed; `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserChanges {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

impl UserChanges {
    pub(super) fn parse(members: Members) -> Result<Self, ApiError> {
        match Self::parse_members(members)? {
            Self { email: None, name: None } => Err(invalid("Give email, name or both: there is nothing to change")),
            changes => Ok(changes),
        }
    }

    fn parse_members(members: Members) -> Result<Self, ApiError> {
        let (mut email, mut name) = (None, None);
        for (member, value) in members {
            match member.as_str() {
                "email" => email = Some(parse_email(value)?),
                "name" => name = Some(parse_name(value)?),
                _ => return Err(unknown_member(&member)),
            }
        }
        Ok(Self { email, name })
    }
}

fn parse_email(value: Value) -> Result<String, ApiError> {
    match value {
        Value::String(email) if email.len() <= MAX_EMAIL && is_email(&email) => Ok(email),
        _ => Err(invalid("email must be an email address of at most 254 characters, such as ada@example.com")),
    }
}

fn parse_name(value: Value) -> Result<String, ApiError> {
    match value {
        Value::String(name) if is_name(&name) => Ok(name),
        _ => Err(invalid("name must be a string of 1 to 200 characters, not all blank and without control characters")),
    }
}

fn is_name(name: &str) -> bool {
    name.chars().count() <= MAX_NAME && !name.trim().is_empty() && !name.chars().any(char::is_control)
}

/// A valid e-mail address as browsers check it (WHATWG HTML §4.10.5.1.5): stricter than RFC 5321 about quoting, and
/// ASCII only.
fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else { return false };
    let local_is_fine =
        local.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&octet));
    !local.is_empty() && local_is_fine && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Names a member that is not known, if its name is an ordinary one that can stand in a text of ours.
fn unknown_member(member: &str) -> ApiError {
    let ordinary = (1..=64).contains(&member.len())
        && member.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"_-.".contains(&octet));
    let named = if ordinary { format!("{member} is not") } else { "There is a member that is not".to_owned() };
    ApiError::InvalidRequest(format!("{named} something a caller can set: give email and name").into())
}

fn invalid(text: &'static str) -> ApiError {
    ApiError::InvalidRequest(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::body::parse_members;
    use super::*;

    fn new_user(body: &Value) -> Result<NewUser, String> {
        NewUser::parse(parse_members(body.to_string().as_bytes()).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn emails_look_like_emails() {
        for email in ["a@b", "ada.lovelace+x@sub.example.co.uk", "o'hara@example.com"] {
            assert!(is_email(email), "{email}");
        }
        for email in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c.d",
            "a@b c",
            "a@b..c",
            "a@-b.c",
            "a@b-",
            "a@b@c",
            "\u{e9}@b.c",
            "a@b.c\n",
            "<a@b.c>",
        ] {
            assert!(!is_email(email), "{email}");
        }
    }

    #[test]
    fn values_are_checked_and_what_to_do_is_told() {
        let long = format!("{}@b.c", "a".repeat(251));
        for (body, told) in [
            (json!({"name": "Ada"}), "email is missing"),
            (json!({"email": "a@b.c"}), "name is missing"),
            (json!({"email": "nope", "name": "Ada"}), "email must be an email address"),
            (json!({"email": long, "name": "Ada"}), "email must be an email address"),
            (json!({"email": null, "name": "Ada"}), "email must be an email address"),
            (json!({"email": "a@b.c", "name": ""}), "name must be a string"),
            (json!({"email": "a@b.c", "name": "  "}), "name must be a string"),
            (json!({"email": "a@b.c", "name": "x".repeat(201)}), "name must be a string"),
            (json!({"email": "a@b.c", "name": "a\u{0}"}), "name must be a string"),
            (json!({"email": "a@b.c", "name": 1}), "name must be a string"),
            (json!({"email": "a@b.c", "name": "Ada", "id": "1"}), "id is not something a caller can set"),
            (json!({"email": "a@b.c", "name": "Ada", "\"\n": "1"}), "There is a member that is not something"),
        ] {
            let refusal = new_user(&body).unwrap_err();
            assert!(refusal.starts_with(told), "{body}: {refusal}");
        }
        assert!(new_user(&json!({"email": "a@b.c", "name": "\u{e9}".repeat(200)})).is_ok());
    }

    #[test]
    fn a_change_changes_something() {
        let parse = |body: &Value| UserChanges::parse(parse_members(body.to_string().as_bytes()).unwrap());
        assert!(parse(&json!({})).is_err());
        assert_eq!(parse(&json!({"name": "B"})).unwrap(), UserChanges { email: None, name: Some("B".to_owned()) });
    }
}
