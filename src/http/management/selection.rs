//! Which members of an object does the caller want to see? Auth0's `fields` and `include_fields`.

use serde_json::{Map, Value};

use super::error::ManagementError;
use super::query::Query;

/// The members to show.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    fields: Vec<String>,
    exclude: bool,
}

impl Selection {
    /// What the query selects; everything, if it does not say.
    pub(super) fn of(query: &Query) -> Result<Self, ManagementError> {
        let fields = query.list("fields").into_iter().map(str::to_owned).collect();
        Ok(Self { fields, exclude: query.boolean("include_fields")? == Some(false) })
    }

    /// The part of `object` that is shown.
    pub(super) fn apply(&self, object: Map<String, Value>) -> Value {
        if self.fields.is_empty() {
            return Value::Object(object);
        }
        Value::Object(object.into_iter().filter(|(name, _)| self.fields.contains(name) != self.exclude).collect())
    }
}
