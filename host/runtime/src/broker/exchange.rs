//! Requests of the host's own, with secrets in their bodies: for tokens, to log in, to give a token back.
//!
//! They pass the same policy, audit and dial as those of connectors. They are another type, and so are their answers: those are not redacted, and reach no connector.

use std::time::Duration;

use brightsync_core::decode::Decoder;
use brightsync_core::escape::escape;
use brightsync_core::policy::{Permit, Policy};
use brightsync_core::recipe::{Reason, SecretAnswer, SecretRequest, Trouble};
use brightsync_core::rule::Rule;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::failure::SUSPENDED;
use super::inject::sensitive;
use super::transport::Wire;
use super::{Broker, Failure, Layer};
use crate::audit::{Asked, Purpose, Unwritten};
use crate::principal::Principal;
use crate::report::Stages;

/// How long such a request may take in all. It is less than the lease under which a token is renewed.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// The largest answer, in bytes, as it comes and unpacked.
const LARGEST: usize = 256 * 1024;

/// Why there is no answer, and whether the request may have been carried out.
pub(crate) struct Unanswered {
    pub(crate) trouble: Trouble,
    pub(crate) is_in_doubt: bool,
}

impl Broker {
    /// Makes a request of the host's own.
    pub(crate) async fn exchange(
        &self,
        who: &Principal,
        purpose: Purpose,
        request: SecretRequest,
    ) -> Result<SecretAnswer, Unanswered> {
        let asked = Asked {
            purpose,
            method: request.method.as_str(),
            origin: request.url.origin().ascii_serialization(),
            // A secret may be a part of the path.
            path: match purpose {
                Purpose::Identify => String::new(),
                Purpose::Token | Purpose::Login | Purpose::Revoke => {
                    escape(request.url.path(), 256).into_owned()
                }
            },
        };
        let refuse = |failure: Failure| {
            if let Some(refusal) = failure.refusal() {
                who.shared
                    .audit
                    .authenticated(who, &asked, Some(refusal))
                    .ok();
            }
            Unanswered::of(&failure)
        };
        let permit = self.permit_endpoint(who, &request).map_err(refuse)?;
        if who
            .shared
            .suspended(&who.key, who.manifest().name())
            .is_some()
        {
            return Err(refuse(Failure::denied(Layer::Suspension, SUSPENDED)));
        }
        let socket = self.sockets.take(who.key.tenant()).await;
        let _socket = socket.ok_or_else(|| refuse(Failure::Busy))?;
        let written = who.shared.audit.authenticated(who, &asked, None);
        written.map_err(|Unwritten| Unanswered::of(&Failure::denied(Layer::Audit, "audit")))?;
        let made = tokio::time::timeout(LONGEST, self.make(who, &permit, request)).await;
        let answer = made.unwrap_or(Err(Failure::NoAnswer("timeout")));
        let status = answer.as_ref().ok().map(|it| it.status);
        let failure = answer.as_ref().err().map(Failure::code);
        tracing::debug!(connection = %who.key, origin = asked.origin, purpose = purpose.name(), status, failure, "authentication");
        answer.map_err(|failure| Unanswered::of(&failure))
    }

    fn permit_endpoint(&self, who: &Principal, request: &SecretRequest) -> Result<Permit, Failure> {
        let deny = |layer, code, why: &dyn std::fmt::Display| {
            tracing::warn!(connection = %who.key, connector = %who.manifest().name(), %layer, code, why = %escape(&why.to_string(), 1024), "authentication denied");
            Failure::denied(layer, code)
        };
        let carve_outs = self.carve_outs.of(&who.key);
        let policy = Policy::resolve(
            who.manifest(),
            &who.settings,
            &who.grant,
            &self.ceiling,
            &carve_outs,
            Some(&who.recipe),
        )
        .map_err(|problem| deny(Layer::Manifest, "policy", &problem))?;
        policy
            .behind(&self.nat64)
            .check_endpoint(request.method, &request.url)
            .map_err(|refusal| deny(refusal.layer().into(), refusal.code(), &refusal))
    }

    async fn make(
        &self,
        who: &Principal,
        permit: &Permit,
        request: SecretRequest,
    ) -> Result<SecretAnswer, Failure> {
        let wire = Wire {
            method: request.method,
            url: request.url,
            headers: Vec::new(),
            // Wiped when it is sent and gone.
            body: request.body.map(Bytes::from_owner),
        };
        let mut ready = wire.ready()?;
        for (name, value) in &request.headers {
            ready.set(
                reqwest::header::HeaderName::from_static(name),
                sensitive(value)?,
            );
        }
        let limits = &who.shared.limits;
        let transport = self
            .transports
            .get(&who.key, who.revision, permit, limits)
            .map_err(|_| Failure::NotSent("transport"))?;
        let mut response = transport
            .send(ready, limits, &mut Stages::default())
            .await?;
        let mut decoder = Decoder::new(response.encoding()?)?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await? {
            let left = LARGEST.saturating_sub(body.len());
            let bytes = decoder.feed(&chunk, left)?;
            if Rule::AnswerSize.refuses(left < bytes.len()) {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&bytes);
        }
        decoder.finish()?;
        let headers = response
            .headers()
            .map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_vec())));
        Ok(SecretAnswer {
            status: response.status(),
            headers: headers.collect(),
            body,
        })
    }
}

impl Unanswered {
    fn of(failure: &Failure) -> Self {
        let (reason, is_in_doubt) = match failure {
            Failure::Denied(_) | Failure::Credential => (Reason::Denied, false),
            Failure::NotSent(_) | Failure::Limited(_) | Failure::Busy | Failure::NoToken => {
                (Reason::Unavailable, false)
            }
            Failure::NoAnswer(_) => (Reason::Unavailable, true),
            Failure::TooLarge | Failure::Other(_) => (Reason::Unreadable, true),
        };
        Self {
            trouble: Trouble::new(reason).with(failure.code(), ""),
            is_in_doubt,
        }
    }
}
