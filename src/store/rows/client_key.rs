//! How is a public key of a client kept?

use std::collections::HashMap;

use diesel::prelude::*;
use tokenhouse_verifier::Algorithm;
use uuid::Uuid;

use super::column::{Place, json_text};
use crate::clock::UnixMillis;
use crate::keys::PublicKey;
use crate::oauth::client_key::ClientKey;
use crate::store::error::StoreError;
use crate::store::schema::client_keys;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_keys, treat_none_as_default_value = false)]
pub(in crate::store) struct ClientKeyRow {
    id: String,
    pub(in crate::store) client_row_id: String,
    credential_type: String,
    name: Option<String>,
    kid: String,
    alg: String,
    public_jwk: String,
    enabled: bool,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
}

impl ClientKeyRow {
    pub(in crate::store) fn new(client_row_id: Uuid, key: &ClientKey) -> Result<Self, StoreError> {
        Ok(Self {
            id: key.id.to_string(),
            client_row_id: client_row_id.to_string(),
            credential_type: key.credential_type.as_str().to_owned(),
            name: key.name.clone(),
            kid: key.kid.as_str().to_owned(),
            alg: key.key.algorithm().name().to_owned(),
            public_jwk: json_text(key.key.parameters())?,
            enabled: key.enabled,
            created_at: key.created_at.0,
            updated_at: key.updated_at.0,
            expires_at: key.expires_at.map(|instant| instant.0),
        })
    }

    fn into_key(self) -> Result<ClientKey, StoreError> {
        let place = Place("client_keys", &self.id);
        let algorithm = Algorithm::from_name(&self.alg).ok_or_else(|| place.unreadable("its alg is unknown"))?;
        let parameters = place.json(&self.public_jwk)?;
        Ok(ClientKey {
            id: place.id()?,
            credential_type: place.parse(&self.credential_type)?,
            kid: place.parse(&self.kid)?,
            key: PublicKey::new(parameters, Some(algorithm)).map_err(|error| place.unreadable(error))?,
            enabled: self.enabled,
            created_at: UnixMillis(self.created_at),
            updated_at: UnixMillis(self.updated_at),
            expires_at: self.expires_at.map(UnixMillis),
            name: self.name,
        })
    }
}

/// The keys of each client, oldest first.
pub(super) fn keys_by_client(rows: Vec<ClientKeyRow>) -> Result<HashMap<String, Vec<ClientKey>>, StoreError> {
    let mut by_client: HashMap<String, Vec<ClientKey>> = HashMap::new();
    for mut row in rows {
        let client = std::mem::take(&mut row.client_row_id);
        by_client.entry(client).or_default().push(row.into_key()?);
    }
    for keys in by_client.values_mut() {
        keys.sort_unstable_by_key(|key| (key.created_at, key.id));
    }
    Ok(by_client)
}
