//! How do the tables of IdentityServer's Entity Framework store become the objects that its configuration has?
//!
//! A row of a child table names its parent by number: `ClientSecrets.ClientId` is `Clients.Id`.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The sections that are read.
const ROOTS: &[&str] = &["ApiScopes", "ApiResources", "Clients"];

/// Child table, the column that names the parent, the parent table, the member that it becomes there, and the one column
/// that is the item, where the item is a text.
const CHILDREN: &[(&str, &str, &str, &str, Option<&str>)] = &[
    ("ClientSecrets", "ClientId", "Clients", "ClientSecrets", None),
    ("ClientClaims", "ClientId", "Clients", "Claims", None),
    ("ClientScopes", "ClientId", "Clients", "AllowedScopes", Some("Scope")),
    ("ClientGrantTypes", "ClientId", "Clients", "AllowedGrantTypes", Some("GrantType")),
    ("ApiResourceScopes", "ApiResourceId", "ApiResources", "Scopes", Some("Scope")),
];

/// All sections and tables that were given, by name.
pub(super) type Tables = Map<String, Value>;

/// The name as it is written in IdentityServer.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    let all = ROOTS.iter().chain(CHILDREN.iter().map(|(table, ..)| table));
    all.copied().find(|known| known.eq_ignore_ascii_case(name))
}

/// The sections with the rows of the child tables in their parents.
pub(super) fn joined(mut tables: Tables) -> Tables {
    for (table, parent_column, parent, member, item_column) in CHILDREN {
        let Some(Value::Array(rows)) = tables.remove(*table) else { continue };
        let mut items: HashMap<String, Vec<Value>> = HashMap::new();
        for row in rows {
            let Some(key) = column(&row, parent_column).and_then(key_text) else { continue };
            let item = item_column.map_or(Some(&row), |name| column(&row, name)).cloned();
            items.entry(key).or_default().extend(item);
        }
        put_into(tables.get_mut(*parent), &items, member);
    }
    // Before version 4, each API scope named its API resource.
    let mut scopes: HashMap<String, Vec<Value>> = HashMap::new();
    for scope in tables.get("ApiScopes").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(name)) = (column(scope, "ApiResourceId").and_then(key_text), column(scope, "Name")) {
            scopes.entry(key).or_default().push(name.clone());
        }
    }
    put_into(tables.get_mut("ApiResources"), &scopes, "Scopes");
    tables
}

fn put_into(parents: Option<&mut Value>, items: &HashMap<String, Vec<Value>>, member: &str) {
    for parent in parents.and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(found) = column(parent, "Id").and_then(key_text).and_then(|key| items.get(&key)) else { continue };
        if let Some(members) = parent.as_object_mut() {
            members.insert(member.to_owned(), Value::Array(found.clone()));
        }
    }
}

fn column<'v>(row: &'v Value, name: &str) -> Option<&'v Value> {
    let members = row.as_object()?;
    members.get(name).or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A key as a number or as the text that some dumps make of it.
fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}
