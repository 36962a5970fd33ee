//! Which user does a request body describe, or what is to be changed about one?

use serde_json::Value;

use super::error::ApiError;
use super::json_body::Members;
use super::user::{EmailAddress, InvalidValue, NewUser, UserChange, UserName};

/// How much of an unknown member's name is told back.
const MAX_NAME_SHOWN: usize = 64;

impl From<InvalidValue> for ApiError {
    fn from(invalid: InvalidValue) -> Self {
        Self::InvalidRequest(invalid.to_string())
    }
}

/// A new user, from the body of `POST /users`.
pub(super) fn parse_new_user(members: Members) -> Result<NewUser, ApiError> {
    let UserChange { email, name } = parse_members(members)?;
    Ok(NewUser { email: email.ok_or_else(|| missing("email"))?, name: name.ok_or_else(|| missing("name"))? })
}

/// A change, from the body of `PATCH /users/{id}`.
pub(super) fn parse_change(members: Members) -> Result<UserChange, ApiError> {
    let change = parse_members(members)?;
    if change.email.is_none() && change.name.is_none() {
        return Err(ApiError::InvalidRequest("there is nothing to change: send email, name or both".to_owned()));
    }
    Ok(change)
}

fn parse_members(Members(members): Members) -> Result<UserChange, ApiError> {
    let mut change = UserChange { email: None, name: None };
    for (name, value) in members {
        match name.as_str() {
            "email" => change.email = Some(EmailAddress::parse(text("email", &value)?)?),
            "name" => change.name = Some(UserName::parse(text("name", &value)?)?),
            _ => return Err(unknown(&name)),
        }
    }
    Ok(change)
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, ApiError> {
    value.as_str().ok_or_else(|| ApiError::InvalidRequest(format!("{name} must be a string")))
}

fn missing(name: &str) -> ApiError {
    ApiError::InvalidRequest(format!("{name} is missing: send email and name"))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(MAX_NAME_SHOWN).collect();
    ApiError::InvalidRequest(format!("there is no member {shown:?}: send email and name, nothing else"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn members(object: Value) -> Members {
        let Value::Object(object) = object else { unreachable!() };
        Members(object.into_iter().collect())
    }

    fn refusal(outcome: Result<impl std::fmt::Debug, ApiError>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn a_new_user_has_both() {
        let user = parse_new_user(members(json!({"email": "ada@example.com", "name": "Ada"}))).unwrap();
        assert_eq!((user.email.as_str(), user.name.as_str()), ("ada@example.com", "Ada"));
    }

    #[rstest]
    #[case(json!({"name": "Ada"}), "email is missing: send email and name")]
    #[case(json!({"email": "ada@example.com"}), "name is missing: send email and name")]
    #[case(json!({"email": null, "name": "Ada"}), "email must be a string")]
    #[case(json!({"email": "ada@example.com", "name": 1}), "name must be a string")]
    #[case(
        json!({"email": "ada@example.com", "name": "Ada", "role": "x"}),
        r#"there is no member "role": send email and name, nothing else"#
    )]
    #[case(json!({"id": "x"}), r#"there is no member "id": send email and name, nothing else"#)]
    fn what_is_wrong_is_named(#[case] body: Value, #[case] text: &str) {
        assert_eq!(refusal(parse_new_user(members(body))), text);
    }

    #[test]
    fn a_change_has_at_least_one() {
        let change = parse_change(members(json!({"name": "Ada"}))).unwrap();
        assert_eq!((change.email, change.name.unwrap().as_str()), (None, "Ada"));
        assert_eq!(refusal(parse_change(members(json!({})))), "there is nothing to change: send email, name or both");
    }

    #[test]
    fn a_long_unknown_name_is_cut_and_escaped() {
        let name = format!("\n{}", "x".repeat(1000));
        let text = refusal(parse_change(members(json!({name: 1}))));
        assert!(text.starts_with(r#"there is no member "\nxxx"#) && text.len() < 150, "{text}");
    }
}
