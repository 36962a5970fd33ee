//! How is an issuer for a test put together?

use tokenhouse::dev::demo::Demo;
use tokenhouse::dev::drive::parse_document;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::issuer::document::Document;

use crate::objects::{TestApi, TestClient};
use crate::test_issuer::TestIssuer;

/// What an issuer is to hold. Without any API it holds a demo: the API `https://api.example.com/`, and the clients `partner-a`
/// (`list:users create:users`) and `partner-b` (`list:users`).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TestIssuerBuilder {
    document: Document,
}

impl TestIssuerBuilder {
    /// With one more API.
    pub fn api(mut self, api: TestApi) -> Self {
        self.document.apis.push(api.into_entry());
        self
    }

    /// With one more client.
    pub fn client(mut self, client: TestClient) -> Self {
        self.document.clients.push(client.into_entry());
        self
    }

    /// With everything in a configuration document, YAML or JSON, as `tokenhouse apply` takes it: for what the other
    /// methods cannot say.
    ///
    /// # Panics
    /// If it is none.
    #[expect(clippy::panic, reason = "a test that is written wrongly must fail where it is wrong")]
    pub fn document(mut self, text: &str) -> Self {
        match parse_document(text) {
            Ok(document) => {
                self.document.apis.extend(document.apis);
                self.document.clients.extend(document.clients);
                self
            }
            Err(error) => panic!("the document of the test issuer: {error}"),
        }
    }

    /// Starts it, on a free port of this machine.
    ///
    /// # Panics
    /// If what it is to hold makes no sense, or it cannot be started.
    #[expect(clippy::panic, reason = "without its issuer a test cannot go on")]
    pub async fn start(self) -> TestIssuer {
        let empty = self.document.apis.is_empty() && self.document.clients.is_empty();
        let demo = if empty { Demo::standard(&SystemEntropy) } else { Demo::seeded(self.document) };
        match TestIssuer::start_with(demo).await {
            Ok(issuer) => issuer,
            Err(error) => panic!("the test issuer does not start: {error}"),
        }
    }
}
