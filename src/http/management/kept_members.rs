//! Which members of an object are kept without being acted upon, and how are they shown again? All that Auth0 documents
//! and Tokenhouse has no use for, so that objects move between the two unharmed.

use serde_json::{Map, Value};

/// The members of one kind of object that are treated in a special way.
pub(super) struct KeptMembers {
    /// What only the server says. Callers send it back as they read it: it is ignored.
    pub(super) read_only: &'static [&'static str],
    /// What is shown of members that nobody has set, as JSON.
    pub(super) defaults: &'static [(&'static str, &'static str)],
}

impl KeptMembers {
    /// Puts what was `given` to what is `kept`; `null` deletes. What equals its default is not kept, so that an object
    /// sent back as it was read is not changed by that.
    pub(super) fn keep(&self, given: Map<String, Value>, kept: &mut Map<String, Value>) {
        for (name, value) in given {
            if self.read_only.contains(&name.as_str()) {
                continue;
            }
            let is_default = self.defaults.iter().any(|(default, json)| *default == name && value == parsed(json));
            if value.is_null() || is_default {
                kept.remove(&name);
            } else {
                kept.insert(name, value);
            }
        }
    }

    /// What is kept, and the defaults of what is not.
    pub(super) fn shown(&self, kept: &Map<String, Value>) -> Map<String, Value> {
        let mut shown: Map<_, _> =
            self.defaults.iter().map(|(name, json)| ((*name).to_owned(), parsed(json))).collect();
        shown.extend(kept.clone());
        shown
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MEMBERS: KeptMembers = KeptMembers { read_only: &["id"], defaults: &[("kind", "\"plain\""), ("on", "true")] };

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_read_and_sent_back_changes_nothing() {
        for kept in [json!({}), json!({"kind": "odd"}), json!({"on": false, "other": [1]})] {
            let kept = object(kept);
            let mut after = kept.clone();
            MEMBERS.keep(MEMBERS.shown(&kept), &mut after);
            assert_eq!(after, kept);
        }
    }

    #[test]
    fn null_and_a_default_delete_and_what_only_the_server_says_is_ignored() {
        let mut kept = object(json!({"kind": "odd", "other": 1}));
        MEMBERS.keep(object(json!({"kind": "plain", "other": null, "id": "mine", "new": 2})), &mut kept);
        assert_eq!(kept, object(json!({"new": 2})));
        assert_eq!(MEMBERS.shown(&kept), object(json!({"kind": "plain", "on": true, "new": 2})));
    }
}
