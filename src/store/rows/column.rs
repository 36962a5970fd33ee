//! How does one column become a value, and which row is named when it cannot?

use std::fmt::Display;
use std::str::FromStr;

use uuid::Uuid;

use crate::store::error::StoreError;

/// The row that a value is read from: its table and its id, for the error.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Place<'row>(pub(in crate::store) &'static str, pub(in crate::store) &'row str);

impl Place<'_> {
    pub(in crate::store) fn unreadable(self, why: impl Display) -> StoreError {
        StoreError::Unreadable { table: self.0, id: self.1.to_owned(), why: why.to_string() }
    }

    pub(in crate::store) fn parse<T: FromStr<Err: Display>>(self, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.unreadable(error))
    }

    pub(in crate::store) fn parse_optional<T: FromStr<Err: Display>>(
        self,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parse(text)).transpose()
    }

    pub(in crate::store) fn number(self, number: i64) -> Result<u32, StoreError> {
        u32::try_from(number).map_err(|error| self.unreadable(error))
    }

    pub(in crate::store) fn json<T: serde::de::DeserializeOwned>(self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.unreadable(error))
    }

    /// The row's own id.
    pub(in crate::store) fn id(self) -> Result<Uuid, StoreError> {
        self.parse(self.1)
    }
}

/// The position of the `index`th of a list.
pub(in crate::store) fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// The text of `value`, which serialises always: it was JSON or holds only strings.
pub(in crate::store) fn json_text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Query { detail: error.to_string() })
}
