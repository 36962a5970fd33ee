//! What is a user, and which e-mail addresses and names may it have? (RFC 5321 §4.1.2 and §4.5.3.1)

use thiserror::Error;
use uuid::Uuid;

use crate::clock::UnixMillis;

/// What one octet more would be too long for a path in SMTP (RFC 5321 §4.5.3.1.3, without its angle brackets).
const MAX_EMAIL_BYTES: usize = 254;
const MAX_NAME_CHARACTERS: usize = 200;

/// A user of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    /// A UUIDv7 (RFC 9562 §5.7).
    pub(super) id: Uuid,
    /// The address as it was given.
    pub(super) email: EmailAddress,
    /// What the user is called.
    pub(super) name: UserName,
    /// When the user was made.
    pub(super) created_at: UnixMillis,
}

/// What a caller says about a new user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewUser {
    /// The address.
    pub(super) email: EmailAddress,
    /// What the user is called.
    pub(super) name: UserName,
}

/// What a caller wants changed; at least one of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserChange {
    /// The new address.
    pub(super) email: Option<EmailAddress>,
    /// The new name.
    pub(super) name: Option<UserName>,
}

/// A value that no user can have. The text is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum InvalidValue {
    /// No e-mail address.
    #[error("email must be an address such as ada@example.com: at most 254 bytes, without spaces")]
    Email,
    /// No name.
    #[error("name must have 1 to 200 characters, none of them a control character")]
    Name,
}

/// An e-mail address: something, one `@`, something. Whether mail arrives only mail can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address, without changing it.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidValue> {
        let clean = text.len() <= MAX_EMAIL_BYTES && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let (local, domain) = text.split_once('@').ok_or(InvalidValue::Email)?;
        let labels = domain.split('.').all(|label| !label.is_empty()) && !domain.contains('@');
        if clean && labels && !local.is_empty() { Ok(Self(text.to_owned())) } else { Err(InvalidValue::Email) }
    }

    /// The address as it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address by which two are compared: in theory the local part has case (RFC 5321 §2.4), in practice nobody
    /// has two mailboxes that differ in it.
    pub(super) fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// What a user is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserName(String);

impl UserName {
    /// Parses a name, without changing it.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidValue> {
        let length = text.chars().count();
        let fits = (1..=MAX_NAME_CHARACTERS).contains(&length) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidValue::Name) }
    }

    /// The name as it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ada@example.com")]
    #[case("Ada+x@localhost")]
    #[case("ädä@exämple.org")]
    fn an_address_is_taken_as_it_is(#[case] text: &str) {
        assert_eq!(EmailAddress::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("")]
    #[case("ada")]
    #[case("@example.com")]
    #[case("ada@")]
    #[case("ada@b@c")]
    #[case("ada@example..com")]
    #[case("ada@.com")]
    #[case("ada@example.com.")]
    #[case("ada @example.com")]
    #[case(" ada@example.com")]
    #[case("ada@example.com\n")]
    #[case("ada\u{0}@example.com")]
    fn no_address_is_refused(#[case] text: &str) {
        assert_eq!(EmailAddress::parse(text), Err(InvalidValue::Email));
    }

    #[test]
    fn lengths_are_bounded() {
        let domain = "@example.com";
        assert!(EmailAddress::parse(&format!("{}{domain}", "a".repeat(254 - domain.len()))).is_ok());
        assert!(EmailAddress::parse(&format!("{}{domain}", "a".repeat(255 - domain.len()))).is_err());
        assert!(UserName::parse(&"ä".repeat(200)).is_ok());
        assert_eq!(UserName::parse(&"ä".repeat(201)), Err(InvalidValue::Name));
        assert_eq!(UserName::parse(""), Err(InvalidValue::Name));
        assert_eq!(UserName::parse("a\tb"), Err(InvalidValue::Name));
    }

    #[test]
    fn addresses_compare_without_case() {
        let folded = |text| EmailAddress::parse(text).unwrap().folded();
        assert_eq!(folded("Ada@Example.COM"), folded("ada@example.com"));
        assert_eq!(folded("ÄDA@example.com"), folded("äda@example.com"));
    }
}
