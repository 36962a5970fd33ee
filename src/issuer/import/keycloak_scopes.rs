//! What stands in a Keycloak realm beside its clients: roles, client scopes, audiences and service accounts?

use std::collections::{BTreeSet, HashMap, HashSet};

use super::reading::Object;
use super::source::ImportError;

/// Client scopes that Keycloak brings, which are about users or about how tokens look.
pub(super) const BUILT_IN_SCOPES: &[&str] = &[
    "acr",
    "address",
    "basic",
    "email",
    "microprofile-jwt",
    "offline_access",
    "organization",
    "phone",
    "profile",
    "role_list",
    "roles",
    "saml_organization",
    "service_account",
    "web-origins",
];

/// The role of a client, by the client's id and its own name.
pub(super) type RoleName = (String, String);

/// A role of a client: its name and its description.
pub(super) type Role = (String, Option<String>);

/// The roles of clients.
#[derive(Default)]
pub(super) struct Roles {
    /// By client, in the order of the export.
    pub(super) of_clients: Vec<(String, Vec<Role>)>,
    composites: HashMap<RoleName, Vec<RoleName>>,
}

impl Roles {
    pub(super) fn read(realm: &Object<'_>) -> Result<Self, ImportError> {
        let mut roles = Self::default();
        let Some(of_clients) = realm.object("roles")?.map(|roles| roles.object("client")).transpose()?.flatten() else {
            return Ok(roles);
        };
        for client in of_clients.members().keys() {
            let mut own = Vec::new();
            for role in of_clients.objects(client)? {
                let name = role.required("name")?;
                own.push((name.to_owned(), role.filled("description")?.map(str::to_owned)));
                let composites = role.object("composites")?.map(|all| all.object("client")).transpose()?.flatten();
                let Some(composites) = composites else { continue };
                for other in composites.members().keys() {
                    let named = composites.texts(other)?.into_iter().map(|role| (other.clone(), role.to_owned()));
                    roles.composites.entry((client.clone(), name.to_owned())).or_default().extend(named);
                }
            }
            roles.of_clients.push((client.clone(), own));
        }
        Ok(roles)
    }

    /// These roles and those that they are made of.
    pub(super) fn with_composites(&self, given: Vec<RoleName>) -> BTreeSet<RoleName> {
        let (mut open, mut all) = (given, BTreeSet::new());
        while let Some(role) = open.pop() {
            if all.insert(role.clone()) {
                open.extend(self.composites.get(&role).into_iter().flatten().cloned());
            }
        }
        all
    }
}

/// What the service account of a client may do.
#[derive(Default)]
pub(super) struct ServiceAccount {
    pub(super) client_roles: Vec<RoleName>,
    pub(super) realm_roles: Vec<String>,
    pub(super) groups: Vec<String>,
}

/// The service accounts, by the id of their client; `None` where the export has no users at all.
pub(super) fn read_accounts(realm: &Object<'_>) -> Result<Option<HashMap<String, ServiceAccount>>, ImportError> {
    if realm.value("users").is_none() {
        return Ok(None);
    }
    let mut accounts = HashMap::new();
    for user in realm.objects("users")? {
        let Some(client) = user.filled("serviceAccountClientId")? else { continue };
        let mut account = ServiceAccount::default();
        if let Some(roles) = user.object("clientRoles")? {
            for owner in roles.members().keys() {
                account
                    .client_roles
                    .extend(roles.texts(owner)?.into_iter().map(|role| (owner.clone(), role.to_owned())));
            }
        }
        let own = |role: &&str| {
            !role.starts_with("default-roles-") && !matches!(*role, "offline_access" | "uma_authorization")
        };
        account.realm_roles = user.texts("realmRoles")?.into_iter().filter(own).map(str::to_owned).collect();
        account.groups = user.texts("groups")?.into_iter().map(str::to_owned).collect();
        accounts.insert(client.to_owned(), account);
    }
    Ok(Some(accounts))
}

/// A client scope.
pub(super) struct ClientScope {
    pub(super) in_token: bool,
    pub(super) description: Option<String>,
    pub(super) audiences: Vec<String>,
}

/// The client scopes, by their name.
pub(super) fn read_client_scopes(realm: &Object<'_>) -> Result<HashMap<String, ClientScope>, ImportError> {
    let mut scopes = HashMap::new();
    for scope in realm.objects("clientScopes")? {
        let hidden = scope.object("attributes")?.map(|all| all.flag("include.in.token.scope")).transpose()?.flatten();
        let read = ClientScope {
            in_token: hidden != Some(false),
            description: scope.filled("description")?.map(str::to_owned),
            audiences: read_audiences(&scope)?,
        };
        scopes.insert(scope.required("name")?.to_owned(), read);
    }
    Ok(scopes)
}

/// The audiences that the mappers of a client or a client scope put into access tokens.
pub(super) fn read_audiences(owner: &Object<'_>) -> Result<Vec<String>, ImportError> {
    let mut audiences = Vec::new();
    for mapper in owner.objects("protocolMappers")? {
        if mapper.filled("protocolMapper")? != Some("oidc-audience-mapper") {
            continue;
        }
        let Some(config) = mapper.object("config")? else { continue };
        if config.flag("access.token.claim")? == Some(false) {
            continue;
        }
        // As Keycloak does: the client, and only without one the custom audience.
        let named = config.filled("included.client.audience")?.or(config.filled("included.custom.audience")?);
        audiences.extend(named.map(str::to_owned));
    }
    let mut seen = HashSet::new();
    audiences.retain(|audience| seen.insert(audience.clone()));
    Ok(audiences)
}
