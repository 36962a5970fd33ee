//! Which endpoint is asked? What faults and the request log tell apart.

use serde::{Deserialize, Serialize};

/// An endpoint of an issuer, or its bundled resource API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The token endpoint.
    Token,
    /// The JWK Set.
    Jwks,
    /// The metadata.
    Discovery,
    /// The Management API.
    Management,
    /// The bundled resource API.
    ResourceApi,
    /// Everything else of the issuer.
    Other,
}

/// Which endpoints something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// All but [`Endpoint::Other`].
    Any,
    /// This one.
    One(Endpoint),
}

impl Endpoint {
    /// The endpoint of an issuer at `path`, which is relative to it; none for the health checks, which are nobody's business.
    pub(super) fn of_issuer(path: &str) -> Option<Self> {
        Some(match path {
            "/livez" | "/readyz" => return None,
            "/oauth/token" | "/connect/token" => Self::Token,
            "/.well-known/jwks.json" | "/.well-known/openid-configuration/jwks" => Self::Jwks,
            _ => match path.trim_start_matches('/') {
                ".well-known/openid-configuration" | ".well-known/oauth-authorization-server" => Self::Discovery,
                rest if rest == "api/v2" || rest.starts_with("api/v2/") => Self::Management,
                _ => Self::Other,
            },
        })
    }

    /// The same for the bundled resource API.
    pub(super) fn of_resource_api(path: &str) -> Option<Self> {
        (path != "/healthz").then_some(Self::ResourceApi)
    }
}

impl Endpoints {
    /// Is `endpoint` one of them?
    pub fn include(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Any => endpoint != Endpoint::Other,
            Self::One(one) => one == endpoint,
        }
    }
}

impl Serialize for Endpoints {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::One(one) => one.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "any" {
            return Ok(Self::Any);
        }
        let one = Endpoint::deserialize(serde::de::value::StrDeserializer::<D::Error>::new(&name));
        one.map(Self::One).map_err(|_| {
            serde::de::Error::custom(
                "an endpoint is one of token, jwks, discovery, management, resource_api, other; or any, all but other",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/oauth/token", Some(Endpoint::Token))]
    #[case("/connect/token", Some(Endpoint::Token))]
    #[case("/.well-known/jwks.json", Some(Endpoint::Jwks))]
    #[case("/.well-known/openid-configuration/jwks", Some(Endpoint::Jwks))]
    #[case("//.well-known/openid-configuration", Some(Endpoint::Discovery))]
    #[case("/.well-known/oauth-authorization-server", Some(Endpoint::Discovery))]
    #[case("/api/v2/clients", Some(Endpoint::Management))]
    #[case("/api/v20", Some(Endpoint::Other))]
    #[case("/oauth/secret", Some(Endpoint::Other))]
    #[case("/livez", None)]
    fn a_path_has_an_endpoint(#[case] path: &str, #[case] endpoint: Option<Endpoint>) {
        assert_eq!(Endpoint::of_issuer(path), endpoint);
    }

    #[test]
    fn names_round_trip() {
        for name in ["token", "jwks", "discovery", "management", "resource_api", "other", "any"] {
            let json = format!("\"{name}\"");
            let endpoints: Endpoints = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&endpoints).unwrap(), json);
            assert_eq!(endpoints.include(Endpoint::Other), name == "other");
            assert_eq!(endpoints.include(Endpoint::Token), matches!(name, "token" | "any"));
        }
        assert!(serde_json::from_str::<Endpoints>("\"tokens\"").unwrap_err().to_string().contains("resource_api"));
    }
}
