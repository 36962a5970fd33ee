//! Is the request's body a JSON object of acceptable size? (RFC 9110 §8.3, RFC 8259 §4)

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::ApiError;

/// Largest body, in octets.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a body may take to come in: a caller that sends an octet now and then holds no worker for ever.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The members of a JSON object.
pub(super) type Members = BTreeMap<String, Value>;

/// Reads the body as a JSON object.
pub(super) async fn read_members(request: &HttpRequest, payload: web::Payload) -> Result<Members, ApiError> {
    if !is_json(request) {
        return Err(ApiError::UnsupportedMediaType);
    }
    match tokio::time::timeout(READ_TIMEOUT, read(payload)).await {
        Ok(body) => parse_members(&body?),
        Err(_) => Err(ApiError::RequestTimeout),
    }
}

/// Parses a JSON object in which no member is given twice.
pub(super) fn parse_members(body: &[u8]) -> Result<Members, ApiError> {
    match serde_json::from_slice(body) {
        Ok(UniqueMembers(members)) => Ok(members),
        Err(_) => Err(ApiError::InvalidRequest("The body must be one JSON object that gives each member once".into())),
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"].iter().any(|json| media_type.eq_ignore_ascii_case(json))
}

async fn read(mut payload: web::Payload) -> Result<web::BytesMut, ApiError> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::InvalidRequest("The body broke off".into()))?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::BodyTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

struct UniqueMembers(Members);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueMembersVisitor)
    }
}

struct UniqueMembersVisitor;

impl<'de> Visitor<'de> for UniqueMembersVisitor {
    type Value = UniqueMembers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<UniqueMembers, A::Error> {
        let mut members = Members::new();
        while let Some((name, value)) = entries.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(UniqueMembers(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_with_each_member_once() {
        assert_eq!(parse_members(br#"{"a":1}"#).unwrap().len(), 1);
        for body in ["", "[]", "null", "{", r#"{"a":1,"a":2}"#, "{}{}", "\u{feff}{}", "a=b"] {
            assert!(parse_members(body.as_bytes()).is_err(), "{body}");
        }
    }
}
