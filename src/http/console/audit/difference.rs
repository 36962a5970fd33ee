//! Which members differ between what was and what is? By the way that leads to them, with the values of both.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A member that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberChange {
    /// The names that lead to it: `quota.per_hour`.
    pub(super) name: String,
    /// What it held; of a list, what left it. Empty: nothing.
    pub(super) before: Vec<String>,
    /// What it holds; of a list, what was added.
    pub(super) after: Vec<String>,
}

/// The members that differ.
pub(super) fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<MemberChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

/// An absent member and one that is `null` say the same.
fn compare(name: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<MemberChange>) {
    let (before, after) = (before.filter(|value| !value.is_null()), after.filter(|value| !value.is_null()));
    if before == after {
        return;
    }
    let nothing = Map::new();
    let members = match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => Some((before, after)),
        (Some(Value::Object(before)), None) => Some((before, &nothing)),
        (None, Some(Value::Object(after))) => Some((&nothing, after)),
        _ => None,
    };
    if let Some((before, after)) = members {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for inner in names {
            let path = if name.is_empty() { inner.clone() } else { format!("{name}.{inner}") };
            compare(&path, before.get(inner), after.get(inner), found);
        }
        return;
    }
    let (left, added) = match (before, after) {
        (Some(Value::Array(before)), Some(Value::Array(after))) => moved(before, after),
        _ => (written(before), written(after)),
    };
    found.push(MemberChange { name: name.to_owned(), before: left, after: added });
}

/// What left a list and what was added; if only the order differs, all of both.
fn moved(before: &[Value], after: &[Value]) -> (Vec<String>, Vec<String>) {
    let without = |these: &[Value], those: &[Value]| -> Vec<String> {
        these.iter().filter(|item| !those.contains(item)).map(words).collect()
    };
    let (left, added) = (without(before, after), without(after, before));
    if left.is_empty() && added.is_empty() {
        return (before.iter().map(words).collect(), after.iter().map(words).collect());
    }
    (left, added)
}

fn written(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(words).collect(),
        Some(value) => vec![words(value)],
    }
}

/// A value for people: no quotes around text, no braces around members.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| format!("{name}: {}", words(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Null => "none".to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<(String, String, String)> {
        let changes = changes(Some(before), Some(after)).into_iter();
        changes.map(|change| (change.name, change.before.join("|"), change.after.join("|"))).collect()
    }

    fn row(name: &str, before: &str, after: &str) -> (String, String, String) {
        (name.to_owned(), before.to_owned(), after.to_owned())
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({ "name": "A", "enabled": true, "quota": { "per_hour": 5, "per_day": 9 }, "gone": null });
        let after = json!({ "name": "B", "enabled": true, "quota": { "per_hour": 6, "per_day": 9 } });
        assert_eq!(told(&before, &after), [row("name", "A", "B"), row("quota.per_hour", "5", "6")]);
        assert_eq!(told(&before, &before), []);
    }

    #[test]
    fn of_a_list_what_left_it_and_what_was_added_is_told() {
        let scope = |value: &str, text: &str| json!({ "value": value, "description": text });
        let before = json!({ "scopes": [scope("read", "To read"), scope("write", "")] });
        let after = json!({ "scopes": [scope("read", "To read"), scope("delete", "Away")] });
        let change = row("scopes", "description: (empty), value: write", "description: Away, value: delete");
        assert_eq!(told(&before, &after), [change]);
        assert_eq!(told(&json!({ "a": [1, 2] }), &json!({ "a": [2, 1] })), [row("a", "1|2", "2|1")]);
    }

    #[test]
    fn what_is_new_or_gone_is_told_member_by_member() {
        let value = json!({ "name": "A", "tags": ["x", "y"], "on": false });
        let made = changes(None, Some(&value));
        assert_eq!(made.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["name", "on", "tags"]);
        assert!(made.iter().all(|change| change.before.is_empty() && !change.after.is_empty()), "{made:?}");
        let gone = changes(Some(&value), None);
        assert!(gone.iter().all(|change| !change.before.is_empty() && change.after.is_empty()), "{gone:?}");
        assert_eq!(changes(None, None), []);
        assert_eq!(told(&json!({ "a": { "b": 1 } }), &json!({ "a": 2 })), [row("a", "b: 1", "2")]);
    }
}
