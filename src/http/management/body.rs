//! What does the body of a call say? JSON, read within bounds; a mistake is told by the member it is in.

use std::fmt;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::error::ManagementError;
use crate::http::whole_body::{BodyFault, whole_body};

/// Longest body of a call in bytes: far above the 16 KiB of fields that are kept beside those that are known.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The body of a call, a JSON object.
pub(super) struct Body<T>(pub(super) T);

/// The body of a call that needs none: a JSON object, or nothing at all.
pub(super) struct OptionalBody<T>(pub(super) T);

/// A member of a change: left alone, deleted or set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Patch<T> {
    /// It does not stand in the body.
    #[default]
    Absent,
    /// It stands there as `null`.
    Null,
    /// It has this value.
    Value(T),
}

impl<T> Patch<T> {
    /// The value; `None` where there is none to set.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Sets `target` where something is said, with what `null` means.
    pub(super) fn set(self, target: &mut T, null: impl FnOnce() -> T) {
        match self {
            Self::Absent => {}
            Self::Null => *target = null(),
            Self::Value(value) => *target = value,
        }
    }

    /// Sets or clears `target` where something is said.
    pub(super) fn set_option(self, target: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *target = None,
            Self::Value(value) => *target = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Null, Self::Value))
    }
}

/// A secret in a body: wiped when it is dropped, and never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct SecretText(pub(super) Zeroizing<String>);

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ManagementError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ManagementError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload).into_inner();
        Box::pin(async move {
            let payload = payload.map_err(|error| ManagementError::internal(&error))?;
            must_be_json(&request)?;
            let bytes = read(&request, payload).await?;
            parse(&bytes).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = ManagementError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ManagementError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload).into_inner();
        Box::pin(async move {
            let payload = payload.map_err(|error| ManagementError::internal(&error))?;
            let bytes = read(&request, payload).await?;
            // Some clients send a Content-Type and no body, others neither.
            if bytes.is_empty() {
                return Ok(Self(T::default()));
            }
            must_be_json(&request)?;
            parse(&bytes).map(Self)
        })
    }
}

fn must_be_json(request: &HttpRequest) -> Result<(), ManagementError> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "send the body as JSON, with Content-Type: application/json";
    Err(ManagementError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

async fn read(request: &HttpRequest, payload: web::Payload) -> Result<BytesMut, ManagementError> {
    whole_body(request, payload, MAX_BODY_BYTES).await.map_err(|fault| match fault {
        BodyFault::BrokenOff => ManagementError::body(fault.to_string()),
        BodyFault::TooLong { .. } => {
            ManagementError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", fault.to_string())
        }
        BodyFault::TooSlow => ManagementError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", fault.to_string()),
    })
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ManagementError> {
    // serde would take an array for the members in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ManagementError::body("the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let place =
            if matches!(path.as_str(), "." | "?") { "the body".to_owned() } else { format!("the member {path}") };
        ManagementError::body(format!("{place} is wrong: {}", error.inner()))
    })?;
    deserializer.end().map_err(|error| ManagementError::body(format!("after the JSON object: {error}")))?;
    Ok(parsed)
}
