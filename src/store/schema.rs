//! Which tables does the database have? In step with `migrations/issuer/`.

diesel::table! {
    meta (singleton) {
        singleton -> BigInt,
        id -> Text,
        revision -> BigInt,
        created_at -> BigInt,
        works_from -> Text,
    }
}

diesel::table! {
    apis (id) {
        id -> Text,
        identifier -> Text,
        name -> Text,
        token_lifetime -> BigInt,
        signing_alg -> Text,
        token_dialect -> Nullable<Text>,
        default_scope -> Text,
        scope_policy -> Text,
        scope_format -> Nullable<Text>,
        token_reuse_seconds -> BigInt,
        is_system -> Bool,
        auth0_fields -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    api_scopes (api_id, position) {
        api_id -> Text,
        position -> BigInt,
        value -> Text,
        description -> Nullable<Text>,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        client_id -> Text,
        name -> Text,
        enabled -> Bool,
        client_credentials_allowed -> Bool,
        default_audience -> Nullable<Text>,
        jwks_uri -> Nullable<Text>,
        quota_per_hour -> Nullable<BigInt>,
        quota_per_day -> Nullable<BigInt>,
        quota_enforce -> Nullable<Bool>,
        claims -> Text,
        auth0_fields -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    client_authentication_methods (client_row_id, position) {
        client_row_id -> Text,
        position -> BigInt,
        method -> Text,
    }
}

diesel::table! {
    client_secrets (id) {
        id -> Text,
        client_row_id -> Text,
        hash -> Text,
        imported_hash -> Nullable<Text>,
        secret_id -> Nullable<Text>,
        label -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    client_keys (id) {
        id -> Text,
        client_row_id -> Text,
        credential_type -> Text,
        name -> Nullable<Text>,
        kid -> Text,
        alg -> Text,
        public_jwk -> Text,
        enabled -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    used_client_assertions (digest) {
        digest -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        client_row_id -> Text,
        api_id -> Text,
        auth0_fields -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    grant_scopes (grant_id, position) {
        grant_id -> Text,
        position -> BigInt,
        value -> Text,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        alg -> Text,
        state -> Text,
        public_jwk -> Text,
        sealed_private_key -> Nullable<Text>,
        created_at -> BigInt,
        announced_at -> Nullable<BigInt>,
        activated_at -> Nullable<BigInt>,
        retired_at -> Nullable<BigInt>,
        remove_after -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    client_usage (client_row_id, hour) {
        client_row_id -> Text,
        hour -> BigInt,
        issued -> BigInt,
        refused -> BigInt,
        last_seen_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    unattributed_refusals (hour) {
        hour -> BigInt,
        refused -> BigInt,
    }
}

diesel::table! {
    tombstones (kind, object_id) {
        kind -> Text,
        object_id -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        position -> BigInt,
        revision -> BigInt,
        at -> BigInt,
        actor_kind -> Text,
        actor -> Nullable<Text>,
        action -> Text,
        object_kind -> Text,
        object_id -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        request_id -> Nullable<Text>,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    console_sessions (id_hash) {
        id_hash -> Text,
        client_row_id -> Text,
        proof -> Text,
        credential_id -> Nullable<Text>,
        begun_at -> BigInt,
        seen_at -> BigInt,
        proved_at -> BigInt,
    }
}

diesel::table! {
    one_time_links (token_hash) {
        token_hash -> Text,
        purpose -> Text,
        client_row_id -> Text,
        label -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    servers (id) {
        id -> Text,
        name -> Text,
        version -> Text,
        revision -> BigInt,
        state -> Text,
        started_at -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::joinable!(client_secrets -> clients (client_row_id));
diesel::joinable!(grants -> clients (client_row_id));
diesel::joinable!(grants -> apis (api_id));
diesel::joinable!(grant_scopes -> grants (grant_id));
diesel::allow_tables_to_appear_in_same_query!(clients, client_secrets, grants, grant_scopes, apis);
