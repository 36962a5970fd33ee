//! What is an event called? Its action, its object and its actor in words; what a newer version has written stays as it is.

use super::super::form::Choice;
use super::super::frame::Section;
use crate::store::{AuditAction, ObjectKind};

/// What is said of an action in every list: "Created".
pub(super) const fn action_label(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Create => "Created",
        AuditAction::Update => "Changed",
        AuditAction::Delete => "Deleted or used up",
        AuditAction::Import => "Imported",
        AuditAction::Export => "Exported",
        AuditAction::Rotate => "Rotated",
        AuditAction::Revoke => "Revoked",
        AuditAction::Retire => "Set to expire",
        AuditAction::Reseal => "Sealed anew",
        AuditAction::Rehash => "Hashed anew",
        AuditAction::Restore => "Restored",
        AuditAction::SignIn => "Signed in",
    }
}

/// A kind of object: "API".
pub(super) const fn kind_label(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Api => "API",
        ObjectKind::Client => "client",
        ObjectKind::ClientSecret => "client secret",
        ObjectKind::ClientKey => "client key",
        ObjectKind::Grant => "grant",
        ObjectKind::SigningKey => "signing key",
        ObjectKind::ConsoleSession => "console session",
        ObjectKind::OneTimeLink => "one-time link",
        ObjectKind::Configuration => "configuration",
        ObjectKind::Database => "database",
    }
}

/// What was done to what, behind the name of who did it: "changed the API"; the object's name stands behind it, if that says more.
pub(super) fn deed(action: &str, kind: &str) -> String {
    let (known_action, known_kind) = (action.parse::<AuditAction>(), kind.parse::<ObjectKind>());
    let noun: &str = match known_kind {
        Ok(known) => kind_label(known),
        Err(_) => kind,
    };
    match (known_action, known_kind) {
        (Ok(AuditAction::SignIn), _) => "signed in to the console".to_owned(),
        (Ok(AuditAction::Create), Ok(ObjectKind::OneTimeLink)) => "made the one-time link".to_owned(),
        (Ok(AuditAction::Delete), Ok(ObjectKind::OneTimeLink)) => "used up or withdrew the one-time link".to_owned(),
        (Ok(AuditAction::Delete), Ok(ObjectKind::SigningKey)) => "took out of the JWK Set the signing key".to_owned(),
        (Ok(AuditAction::Restore), Ok(ObjectKind::Database)) => "put a backup in place of the database".to_owned(),
        (Ok(AuditAction::Retire), _) => format!("set to expire the {noun}"),
        (Ok(AuditAction::Reseal), _) => format!("sealed under another master key the {noun}"),
        (Ok(AuditAction::Rehash), _) => format!("hashed anew, without changing it, the {noun}"),
        (Ok(AuditAction::Delete), _) => format!("deleted the {noun}"),
        (Ok(action), _) => format!("{} the {noun}", action_label(action).to_lowercase()),
        (Err(_), _) => format!("{action} the {noun}"),
    }
}

/// Does the name of the object say more than the deed and the actor?
pub(super) fn names_object(action: &str) -> bool {
    action != AuditAction::SignIn.as_str()
}

/// The page of the object, as the section and the name by which it is found there; none if it has none.
pub(super) fn page_of<'a>(action: &str, kind: &str, object_id: &'a str) -> Option<(Section, &'a str)> {
    let is_gone = action == AuditAction::Delete.as_str();
    match kind.parse().ok()? {
        ObjectKind::Api if !is_gone => Some((Section::Apis, object_id)),
        ObjectKind::Client if !is_gone => Some((Section::Clients, object_id)),
        ObjectKind::SigningKey => Some((Section::Keys, object_id)),
        ObjectKind::ConsoleSession => Some((Section::Clients, object_id)),
        ObjectKind::ClientSecret | ObjectKind::ClientKey | ObjectKind::OneTimeLink => {
            object_id.split_once(" of ").map(|(_, client_id)| (Section::Clients, client_id))
        }
        // A client id may hold " for ", an API's identifier holds no space.
        ObjectKind::Grant => object_id.rsplit_once(" for ").map(|(client_id, _)| (Section::Clients, client_id)),
        ObjectKind::Api | ObjectKind::Client | ObjectKind::Configuration | ObjectKind::Database => None,
    }
}

/// The actions as choices, and first any.
pub(super) fn actions() -> Vec<Choice> {
    let named = AuditAction::ALL.iter().map(|action| Choice::new(action.as_str(), action_label(*action)));
    std::iter::once(Choice::new("", "Any action")).chain(named).collect()
}

/// The kinds of objects as choices, and first any.
pub(super) fn kinds() -> Vec<Choice> {
    let capital = |text: &str| {
        let mut letters = text.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    let named = ObjectKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), capital(kind_label(*kind))));
    std::iter::once(Choice::new("", "Any kind")).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_on_every_kind_has_words() {
        for action in AuditAction::ALL {
            for kind in ObjectKind::ALL {
                let deed = deed(action.as_str(), kind.as_str());
                assert!(!deed.contains('_') && deed.contains(' '), "{deed}");
            }
        }
        assert_eq!(deed("update", "api"), "changed the API");
        assert_eq!(deed("defrost", "freezer"), "defrost the freezer", "what a newer version has written");
        assert_eq!(actions().len(), 1 + AuditAction::ALL.len());
        assert!(kinds().iter().any(|choice| choice.label == "One-time link"));
    }

    #[test]
    fn an_object_leads_to_its_page() {
        let page = |kind, object_id| page_of("update", kind, object_id);
        assert_eq!(page("api", "urn:a"), Some((Section::Apis, "urn:a")));
        assert_eq!(page("client_secret", "1-2 of a of b"), Some((Section::Clients, "a of b")));
        assert_eq!(page("grant", "a for b for urn:x"), Some((Section::Clients, "a for b")));
        assert_eq!(page_of("delete", "client", "a"), None);
        assert_eq!((page("database", "x"), page("freezer", "x")), (None, None));
    }
}
