//! stub
use crate::clock::Clock;
use crate::entropy::Entropy;
use std::path::PathBuf;
use std::sync::Arc;
/// x
#[derive(Debug)]
pub enum Database {
    /// x
    InMemory,
    /// x
    File(PathBuf),
}
/// x
#[derive(Debug)]
#[expect(missing_docs)]
pub struct Settings {
    pub issuer: String,
    pub audience: String,
    pub dialects: Vec<tokenhouse_verifier::AccessTokenDialect>,
    pub database: Database,
    pub public_url: String,
    pub extra_ca_pem: Option<Vec<u8>>,
    pub jwks_uri: Option<String>,
    pub realm: String,
}
/// x
#[derive(Debug)]
pub struct ResourceApi;
#[expect(missing_docs)]
impl ResourceApi {
    pub fn open(_s: Settings, _c: Arc<dyn Clock>, _e: Arc<dyn Entropy>) -> Result<Self, std::io::Error> {
        Ok(Self)
    }
    pub fn seed_users(&self, _c: &str) -> Result<(), std::io::Error> {
        Ok(())
    }
    pub fn configure(&self) -> impl Fn(&mut actix_web::web::ServiceConfig) + Clone + Send + 'static + use<> {
        |_c| {}
    }
}
