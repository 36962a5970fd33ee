//! What does a member of an export hold? A wrong one is named by file, place and member, never by its value.

use serde_json::{Map, Value};

use super::source::ImportError;

/// An object of an export.
#[derive(Clone, Debug)]
pub(super) struct Object<'v> {
    members: &'v Map<String, Value>,
    place: String,
    /// .NET's configuration does not mind upper and lower case.
    ignores_case: bool,
}

impl<'v> Object<'v> {
    /// The object at the top of `file`, if it is one.
    pub(super) fn top(value: &'v Value, file: &str) -> Option<Self> {
        Some(Self { members: value.as_object()?, place: file.to_owned(), ignores_case: false })
    }

    /// The objects that are the items of `value`.
    pub(super) fn items(value: &'v Value, place: &str, ignores_case: bool) -> Result<Vec<Self>, ImportError> {
        let wrong = |member: String, expected| ImportError::Member { place: place.to_owned(), member, expected };
        let items = value.as_array().ok_or_else(|| wrong("the whole".to_owned(), "a list"))?;
        let object = |(index, item): (usize, &'v Value)| {
            let members = item.as_object().ok_or_else(|| wrong(format!("[{index}]"), "an object"))?;
            Ok(Self { members, place: format!("{place}: [{index}]"), ignores_case })
        };
        items.iter().enumerate().map(object).collect()
    }

    pub(super) fn ignoring_case(self) -> Self {
        Self { ignores_case: true, ..self }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn members(&self) -> &'v Map<String, Value> {
        self.members
    }

    /// What the member holds; nothing where it is `null`.
    pub(super) fn value(&self, name: &str) -> Option<&'v Value> {
        let exactly = self.members.get(name);
        let found = exactly.or_else(|| {
            let same = |(key, _): &(&'v String, &'v Value)| key.eq_ignore_ascii_case(name);
            self.ignores_case.then(|| self.members.iter().find(same).map(|(_, value)| value)).flatten()
        });
        found.filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'v str>, ImportError> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| self.wrong(name, "a text"))).transpose()
    }

    /// A text that is not empty.
    pub(super) fn filled(&self, name: &str) -> Result<Option<&'v str>, ImportError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn required(&self, name: &str) -> Result<&'v str, ImportError> {
        self.filled(name)?.ok_or_else(|| self.missing(name))
    }

    /// A truth value; databases and .NET's configuration write them as 0 and 1 and as texts too.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let read = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        };
        read.map(Some).ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// A whole number, perhaps written as a text.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let read = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        read.map(Some).ok_or_else(|| self.wrong(name, "a whole number"))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'v str>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(name, "a list of texts");
        value.as_array().ok_or_else(wrong)?.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let members = value.as_object().ok_or_else(|| self.wrong(name, "an object"))?;
        Ok(Some(Self { members, place: self.at(name), ignores_case: self.ignores_case }))
    }

    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| self.wrong(name, "a list of objects"))?;
        let object = |(index, item): (usize, &'v Value)| {
            let members = item.as_object().ok_or_else(|| self.wrong(&format!("{name}[{index}]"), "an object"))?;
            let place = self.at(&format!("{name}[{index}]"));
            Ok(Self { members, place, ignores_case: self.ignores_case })
        };
        items.iter().enumerate().map(object).collect()
    }

    /// The names of the members beside `read` that hold something.
    pub(super) fn others(&self, read: &[&str]) -> impl Iterator<Item = (&'v String, &'v Value)> {
        let is_read = |name: &str| {
            read.iter().any(|known| *known == name || self.ignores_case && known.eq_ignore_ascii_case(name))
        };
        let others: Vec<_> = self.members.iter().filter(|(name, value)| !is_read(name) && !is_empty(value)).collect();
        others.into_iter()
    }

    pub(super) fn wrong(&self, member: &str, expected: &'static str) -> ImportError {
        ImportError::Member { place: self.place.clone(), member: shown(member), expected }
    }

    pub(super) fn missing(&self, member: &str) -> ImportError {
        ImportError::Missing { place: self.place.clone(), member: shown(member) }
    }

    fn at(&self, step: &str) -> String {
        let separator = if self.place.contains(": ") { "." } else { ": " };
        format!("{}{separator}{}", self.place, shown(step))
    }
}

/// A name as a message may hold it: on one line, and not endless.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(100).collect::<String>().escape_debug().to_string()
}

/// Does the value say nothing?
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_i64() == Some(0),
        // A database keeps lists and objects as text.
        Value::String(text) => matches!(text.as_str(), "" | "[]" | "{}"),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_member_is_named_without_its_value() {
        let value =
            json!({"clients": [{"secret": ["canary"], "on": "1", "n": "x"}], "names": ["a", 1], "one": "canary"});
        let top = Object::top(&value, "f.json").unwrap();
        let client = &top.objects("clients").unwrap()[0];
        assert_eq!(client.text("secret").unwrap_err().to_string(), "f.json: clients[0]: secret must be a text");
        assert_eq!(client.integer("n").unwrap_err().to_string(), "f.json: clients[0]: n must be a whole number");
        assert_eq!(client.required("id").unwrap_err().to_string(), "f.json: clients[0]: id is missing");
        assert_eq!(top.texts("names").unwrap_err().to_string(), "f.json: names must be a list of texts");
        assert_eq!(top.objects("one").unwrap_err().to_string(), "f.json: one must be a list of objects");
    }

    #[test]
    fn dotnet_and_databases_are_read_as_they_write() {
        let value = json!({"Enabled": "True", "Off": 0, "Lifetime": "3600", "Nothing": null});
        let top = Object::top(&value, "f").unwrap().ignoring_case();
        assert_eq!(top.flag("enabled").unwrap(), Some(true));
        assert_eq!(top.flag("off").unwrap(), Some(false));
        assert_eq!(top.integer("lifetime").unwrap(), Some(3600));
        assert_eq!(top.text("nothing").unwrap(), None);
        assert_eq!(top.others(&["enabled", "lifetime"]).count(), 0, "what is empty is not left out");
    }
}
