//! Which tables does the database have? In step with `migrations/resource_api/`.

diesel::table! {
    users (position) {
        position -> BigInt,
        id -> Text,
        client_id -> Text,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        created_at -> BigInt,
    }
}

// SQLite offers `PRAGMA quick_check` as a table too.
diesel::table! {
    pragma_quick_check (quick_check) {
        quick_check -> Text,
    }
}

diesel::table! {
    sqlite_master (name) {
        #[sql_name = "type"]
        kind -> Text,
        name -> Text,
    }
}
