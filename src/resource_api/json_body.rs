//! Which members does the JSON object in a request body have? (RFC 8259 §4, RFC 9110 §15.5.14 and §15.5.16)

use std::fmt;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::error::ApiError;

/// More is not read.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// Who sends an octet now and then does not keep a connection for ever.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// The members of a JSON object in the order in which they came, none twice.
#[derive(Debug, PartialEq)]
pub(super) struct Members(pub(super) Vec<(String, Value)>);

/// Reads the body of `request`. Call it only when the caller is authorized: nobody else's body is worth reading.
pub(super) async fn read_members(request: &HttpRequest, payload: web::Payload) -> Result<Members, ApiError> {
    if !is_json(request) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let reading = payload.to_bytes_limited(MAX_BODY_BYTES);
    let body = tokio::time::timeout(MAX_BODY_TIME, reading).await.map_err(|_| ApiError::BodyTooSlow)?;
    let body = body.map_err(|_| ApiError::BodyTooLarge)?;
    let body = body.map_err(|_| ApiError::InvalidRequest("the body did not arrive whole: send it again".to_owned()))?;
    parse_members(&body)
}

fn parse_members(body: &[u8]) -> Result<Members, ApiError> {
    serde_json::from_slice(body).map_err(|_| {
        let text = "the body must be one JSON object in which no member is given twice, \
                    such as {\"email\":\"ada@example.com\",\"name\":\"Ada\"}";
        ApiError::InvalidRequest(text.to_owned())
    })
}

fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = object.next_entry::<String, Value>()? {
            // Two parties must not read different values out of one body.
            if members.iter().any(|(held, _)| *held == name) {
                return Err(A::Error::custom("a member is given twice"));
            }
            members.push((name, value));
            // No object of this API has as many; without a bound the comparison above would grow with the square.
            if members.len() > 64 {
                return Err(A::Error::custom("too many members"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn members_come_in_their_order() {
        let members = parse_members(br#" {"b":1,"a":"x"} "#).unwrap();
        assert_eq!(members, Members(vec![("b".to_owned(), json!(1)), ("a".to_owned(), json!("x"))]));
    }

    #[rstest]
    #[case(b"")]
    #[case(b"{")]
    #[case(b"[]")]
    #[case(b"\"x\"")]
    #[case(b"{} {}")]
    #[case(b"{\"a\":1,\"a\":1}")]
    #[case(b"{\"a\":1,\"\\u0061\":1}")]
    #[case(b"{\"a\":\"\xff\"}")]
    fn anything_else_is_refused(#[case] body: &[u8]) {
        assert!(matches!(parse_members(body), Err(ApiError::InvalidRequest(_))));
    }

    #[test]
    fn an_object_with_very_many_members_is_refused() {
        let object: serde_json::Map<_, _> = (0..65).map(|number| (number.to_string(), json!(0))).collect();
        assert!(parse_members(serde_json::to_string(&object).unwrap().as_bytes()).is_err());
    }

    #[rstest]
    #[case("application/json", true)]
    #[case("Application/JSON; charset=utf-8", true)]
    #[case("application/json-patch+json", false)]
    #[case("text/json", false)]
    #[case("", false)]
    fn json_is_told_by_its_media_type(#[case] content_type: &str, #[case] expected: bool) {
        let request = TestRequest::default().insert_header((CONTENT_TYPE, content_type)).to_http_request();
        assert_eq!(is_json(&request), expected);
    }
}
