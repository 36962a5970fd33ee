//! A client has proved who it is: what is its request granted, and with which token is it answered?

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::TokenIssuer;
use super::authenticate_client::AuthenticatedClient;
use super::granted::Granted;
use super::issue_token::{TokenDecision, internal, overloaded};
use super::quota::QuotaVerdict;
use super::signing_together::signed_together;
use super::snapshot::Snapshot;
use super::steps::StepName;
use super::token_reuse::SharingRequest;
use super::work_pool::Busy;
use crate::clock::UnixMillis;
use crate::oauth::access_token::{AccessTokenTemplate, TokenSubject};
use crate::oauth::client::Client;
use crate::oauth::client_auth::Mechanism;
use crate::oauth::client_credentials::{Authorization, authorize_client_credentials};
use crate::oauth::error::TokenError;
use crate::oauth::token_request::AccessRequest;
use crate::oauth::token_response::render_token_response;

impl TokenIssuer {
    /// What `authenticated` is granted that asks for `access`, by the rules.
    pub(super) fn allow(
        &self,
        access: &AccessRequest,
        authenticated: AuthenticatedClient,
        mechanism: Mechanism,
        snapshot: &Snapshot,
        decision: &mut TokenDecision,
    ) -> Result<Granted, TokenError> {
        let client = authenticated.client();
        let Authorization { api, scope } = authorize_client_credentials(access, client, snapshot)?;
        let api = snapshot.api(api.id).ok_or_else(|| internal("authorization", &"an API that is not there"))?;
        let issuer = self.served.context().issuer.as_str();
        let subject = TokenSubject { issuer, client, api, scope: &scope, compat: self.compat };
        let template = AccessTokenTemplate::of(&subject);
        let scope: Arc<str> = scope.to_string().into();
        decision.allow(api, &scope);
        let api = api.clone();
        Ok(Granted { authenticated, mechanism, api, scope, template })
    }

    /// Answers a request that was `granted`, unless that goes beyond the quota of its client.
    pub(super) async fn issue_granted(
        &self,
        granted: &Granted,
        snapshot: &Arc<Snapshot>,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<String, TokenError> {
        let charged = self.charge(granted.authenticated.client(), now);
        decision.quota_left.extend(self.quotas.left(granted.authenticated.client(), now));
        charged?;

        let sharing = SharingRequest::of(granted, snapshot);
        if let Some(answer) = sharing.as_ref().and_then(|request| self.hand_out_again(request, granted, decision)) {
            return Ok(answer);
        }
        let signing = decision.steps.begin();
        let issued = self.issue_new(granted, snapshot, now).await;
        decision.steps.end(StepName::Sign, signing);
        let (token, jti) = issued?;
        let answer = render_token_response(&token, granted.template.expires_in(), &granted.scope);
        if let Some(request) = sharing {
            self.reuse.keep(request, token, jti.clone(), now);
        }
        decision.jti = Some(jti);
        Ok(answer)
    }

    /// Answers with a token that was issued a moment ago, if `request` may share one.
    fn hand_out_again(
        &self,
        request: &SharingRequest,
        granted: &Granted,
        decision: &mut TokenDecision,
    ) -> Option<String> {
        // Not the time of arrival: the check of the secret may have taken a while, and the token is that much older.
        let now = self.clock.now();
        let kept = self.reuse.find(request, now)?;
        decision.jti = Some(kept.jti().to_owned());
        decision.reused = true;
        Some(render_token_response(kept.token(), kept.expires_in(now), &granted.scope))
    }

    /// Builds and signs a new token: itself and its identifier.
    async fn issue_new(
        &self,
        granted: &Granted,
        snapshot: &Arc<Snapshot>,
        now: UnixMillis,
    ) -> Result<(String, String), TokenError> {
        let jti = self.new_jti();
        let claims = granted.template.claims(now.floor_seconds(), &jti);
        let token = self.sign(snapshot, granted.api.signing_alg, granted.template.typ(), claims).await?;
        Ok((token, jti))
    }

    async fn sign(
        &self,
        snapshot: &Arc<Snapshot>,
        alg: crate::keys::SigningAlg,
        typ: &'static str,
        claims: String,
    ) -> Result<String, TokenError> {
        let Some(signer) = snapshot.keys.active(alg).cloned() else {
            return Err(internal("signing", &format!("no active {alg} key")));
        };
        let sign = move || {
            let began = Instant::now();
            (signer.sign_compact(typ, claims.as_bytes()), began.elapsed())
        };
        let (signed, took) = if alg.is_rsa() {
            self.signatures.run(sign).await.map_err(|Busy| overloaded())?
        } else {
            signed_together(sign).await.ok_or_else(|| internal("signing", &"another request's turn ended early"))?
        };
        self.counts.signature(alg, took);
        signed.map_err(|error| internal("signing", &error))
    }

    /// Counts the token against the quota of `client`.
    fn charge(&self, client: &Client, now: UnixMillis) -> Result<(), TokenError> {
        match self.quotas.count(client, now) {
            QuotaVerdict::Within => Ok(()),
            QuotaVerdict::BeyondUnenforced => {
                tracing::warn!(client_id = client.client_id.as_str(), "beyond its quota, which is not enforced");
                Ok(())
            }
            QuotaVerdict::Beyond { retry_after } => Err(TokenError::TooManyRequests { retry_after }),
        }
    }

    /// 128 random bits: unique without asking anyone (RFC 7519 §4.1.7).
    fn new_jti(&self) -> String {
        let mut random = [0_u8; 16];
        self.entropy.fill(&mut random);
        BASE64_URL_SAFE_NO_PAD.encode(random)
    }
}
