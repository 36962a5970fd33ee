//! What did the caller of the control API send? One JSON object, in which no member is unknown.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::dev::drive_error::DriveError;

/// More is not read.
const MAX_BYTES: usize = 1024 * 1024;

/// How long a body may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The body as text; empty if there is none.
pub(super) struct Text(pub(super) String);

/// The body as `T`; an empty one is an empty object.
pub(super) struct Json<T>(pub(super) T);

impl FromRequest for Text {
    type Error = DriveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, DriveError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(DriveError::invalid)?;
            let reading = tokio::time::timeout(MAX_TIME, payload.to_bytes_limited(MAX_BYTES)).await;
            let slow = || DriveError::Invalid("the body did not arrive within 10 seconds: send it again".to_owned());
            let body = reading.map_err(|_| slow())?.map_err(|_| DriveError::TooLarge)?;
            let body =
                body.map_err(|_| DriveError::Invalid("the body did not arrive whole: send it again".to_owned()))?;
            let text = String::from_utf8(body.to_vec());
            text.map(Self).map_err(|_| DriveError::Invalid("the body is not UTF-8".to_owned()))
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = DriveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, DriveError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = Text::from_request(request, payload);
        Box::pin(async move {
            let Text(text) = text.await?;
            parse(if text.trim().is_empty() { "{}" } else { &text }).map(Self)
        })
    }
}

/// The query `text` as `T`, of which no parameter is required.
pub(super) fn query<T: DeserializeOwned>(text: &str) -> Result<T, DriveError> {
    let whole = web::Query::<T>::from_query(text);
    whole.map(web::Query::into_inner).map_err(|error| {
        // The parser does not say which one it was at.
        let wrong = text.split('&').find(|pair| web::Query::<T>::from_query(pair).is_err());
        let name = wrong.map(|pair| pair.split('=').next().unwrap_or_default());
        let place = name.map(|name| format!("{}: ", name.escape_debug())).unwrap_or_default();
        DriveError::Invalid(format!("the query is not as it must be: {place}{error}"))
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DriveError> {
    // An array would do for a struct, member by member in the order in which they happen to be declared.
    if !text.trim_start().starts_with('{') {
        return Err(DriveError::Invalid("the body must be one JSON object: it does not begin with {".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        DriveError::Invalid(format!("the body is not as it must be: {place}{}", error.into_inner()))
    })?;
    reader.end().map_err(|error| DriveError::Invalid(format!("the body must be one JSON object: {error}")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::fault::Fault;

    #[test]
    fn a_mistake_is_named() {
        for (text, told) in [
            (r#"{"endpoint":"token","tmies":1}"#, "unknown field `tmies`"),
            (r#"{"endpoint":"token","times":"1"}"#, "times: invalid type"),
            (r#"{"endpoint":"nothing"}"#, "endpoint: an endpoint is one of"),
            ("{}", "missing field `endpoint`"),
            (r#"{"endpoint":"token"} x"#, "one JSON object"),
            ("nonsense", "one JSON object"),
            ("[]", "one JSON object"),
            (r#"["token"]"#, "one JSON object"),
        ] {
            let error = parse::<Fault>(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
