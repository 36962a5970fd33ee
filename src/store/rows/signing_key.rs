//! How is a signing key kept? One row; the private half only sealed.

use diesel::prelude::*;

use super::column::{Place, json_text};
use crate::clock::UnixMillis;
use crate::keys::lifecycle::SigningKeyRecord;
use crate::store::error::StoreError;
use crate::store::schema::signing_keys;

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = signing_keys, primary_key(kid), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct SigningKeyRow {
    pub(in crate::store) kid: String,
    alg: String,
    state: String,
    public_jwk: String,
    sealed_private_key: Option<String>,
    created_at: i64,
    announced_at: Option<i64>,
    activated_at: Option<i64>,
    retired_at: Option<i64>,
    remove_after: Option<i64>,
    revoked_at: Option<i64>,
    revision: i64,
}

impl SigningKeyRow {
    pub(in crate::store) fn new(record: &SigningKeyRecord, revision: i64) -> Result<Self, StoreError> {
        Ok(Self {
            kid: record.kid.clone(),
            alg: record.alg.as_str().to_owned(),
            state: record.state.as_str().to_owned(),
            public_jwk: json_text(&record.public_jwk)?,
            sealed_private_key: record.sealed_private_key.clone(),
            created_at: record.created_at.0,
            announced_at: record.announced_at.map(|instant| instant.0),
            activated_at: record.activated_at.map(|instant| instant.0),
            retired_at: record.retired_at.map(|instant| instant.0),
            remove_after: record.remove_after.map(|instant| instant.0),
            revoked_at: record.revoked_at.map(|instant| instant.0),
            revision,
        })
    }

    pub(in crate::store) fn into_record(self) -> Result<SigningKeyRecord, StoreError> {
        let place = Place("signing_keys", &self.kid);
        Ok(SigningKeyRecord {
            alg: place.parse(&self.alg)?,
            state: place.parse(&self.state)?,
            public_jwk: place.json(&self.public_jwk)?,
            sealed_private_key: self.sealed_private_key,
            created_at: UnixMillis(self.created_at),
            announced_at: self.announced_at.map(UnixMillis),
            activated_at: self.activated_at.map(UnixMillis),
            retired_at: self.retired_at.map(UnixMillis),
            remove_after: self.remove_after.map(UnixMillis),
            revoked_at: self.revoked_at.map(UnixMillis),
            kid: self.kid,
        })
    }
}
