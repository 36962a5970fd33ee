//! What does the query of a call say? Known parameters are read strictly, others are ignored, as with Auth0.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use url::form_urlencoded;

use super::error::ManagementError;

/// The parameters of the query, in their order.
pub(super) struct Query(pub(super) Vec<(String, String)>);

impl FromRequest for Query {
    type Error = ManagementError;
    type Future = Ready<Result<Self, ManagementError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        ready(Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())))
    }
}

impl Query {
    /// The value of `name`, which may stand once; empty means absent.
    pub(super) fn text<'q>(&'q self, name: &'q str) -> Result<Option<&'q str>, ManagementError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(ManagementError::query(format!("{name} stands twice in the query: give it once")));
        }
        Ok(first)
    }

    /// Every value of `name` that is not empty.
    pub(super) fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The values of `name`, separated by commas.
    pub(super) fn list<'q>(&'q self, name: &'q str) -> Vec<&'q str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// The value of `name` as `true` or `false`.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ManagementError> {
        match self.text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(ManagementError::query(format!("{name} must be true or false"))),
        }
    }

    /// The value of `name`, parsed.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, ManagementError> {
        let wrong = |error| ManagementError::query(format!("{name} is wrong: {error}"));
        self.text(name)?.map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// The value of `name` as a whole number from `least` to `most`.
    pub(super) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, ManagementError> {
        let parse = |text: &str| text.parse().ok().filter(|number| (least..=most).contains(number));
        let wrong = || ManagementError::query(format!("{name} must be a whole number from {least} to {most}"));
        self.text(name)?.map(|text| parse(text).ok_or_else(wrong)).transpose()
    }
}
