//! Why there is no answer to a request, and, where the host refused something, which of its layers did.

use std::fmt;
use std::time::Duration;

use brightsync_core::policy;
use serde::Serialize;

/// Why there is no answer. The codes are part of this program and never somebody's text: what a guest may know, and what is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Denied(Refusal),
    NotSent(&'static str),
    NoAnswer(&'static str),
    TooLarge,
    Credential,
    /// Over the CRM's limits, and for how long if that is known.
    Limited(Option<Duration>),
    /// All network connections that the tenant may have are in use.
    Busy,
    /// The authorization server cannot issue a token now.
    NoToken,
    Other(&'static str),
}

/// The host refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) layer: Layer,
    pub(crate) code: &'static str,
}

/// What of the host refuses a request or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layer {
    /// The connector asked for what none may ask for.
    Request,
    /// The manifest does not ask for the place.
    Manifest,
    /// The tenant has not granted the place.
    Tenant,
    /// The operator does not allow the place.
    Operator,
    /// The place is not on `https`.
    Scheme,
    /// The address cannot be read in one way only, or may not be reached.
    Address,
    /// An answer points to where none may point.
    Redirect,
    /// The call has used up what it may use, or an answer is larger than it may be.
    Limits,
    /// The CRM's limits are reached.
    Quota,
    /// The server has failed too often.
    Breaker,
    /// The connector, the tenant or the connection is suspended.
    Suspension,
    /// The credential does not fit its recipe.
    Credential,
    /// A dry run sends nothing that changes something.
    DryRun,
    /// The audit cannot be written, and without it nothing leaves.
    Audit,
}

/// A server is left alone.
pub(super) const CIRCUIT_OPEN: &str = "circuit-open";

/// Nothing more is sent or passed on.
pub(super) const SUSPENDED: &str = "suspended";

impl Failure {
    pub(crate) fn denied(layer: Layer, code: &'static str) -> Self {
        Self::Denied(Refusal { layer, code })
    }

    /// A stable word for reports.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Denied(refusal) => refusal.code,
            Self::NotSent(code) | Self::NoAnswer(code) | Self::Other(code) => code,
            Self::TooLarge => "too-large",
            Self::Credential => "credential",
            Self::Limited(_) => "limited",
            Self::Busy => "busy",
            Self::NoToken => "token",
        }
    }

    /// What of the host refused, if that is why.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let layer = match self {
            Self::Denied(refusal) => refusal.layer,
            Self::TooLarge | Self::Busy => Layer::Limits,
            Self::Credential | Self::NoToken => Layer::Credential,
            Self::Limited(_) => Layer::Quota,
            Self::NotSent(CIRCUIT_OPEN) => Layer::Breaker,
            Self::Other(SUSPENDED) => Layer::Suspension,
            Self::NotSent(_) | Self::NoAnswer(_) | Self::Other(_) => return None,
        };
        Some(Refusal {
            layer,
            code: self.code(),
        })
    }
}

impl Layer {
    /// Returns the layer as one stable word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Manifest => "manifest",
            Self::Tenant => "tenant",
            Self::Operator => "operator",
            Self::Scheme => "scheme",
            Self::Address => "address",
            Self::Redirect => "redirect",
            Self::Limits => "limits",
            Self::Quota => "quota",
            Self::Breaker => "breaker",
            Self::Suspension => "suspension",
            Self::Credential => "credential",
            Self::DryRun => "dry-run",
            Self::Audit => "audit",
        }
    }
}

impl From<policy::Layer> for Layer {
    fn from(layer: policy::Layer) -> Self {
        match layer {
            policy::Layer::Address => Self::Address,
            policy::Layer::Manifest => Self::Manifest,
            policy::Layer::Tenant => Self::Tenant,
            policy::Layer::Operator => Self::Operator,
            policy::Layer::Scheme => Self::Scheme,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_did_is_no_refusal() {
        for failure in [
            Failure::NotSent("connect"),
            Failure::NoAnswer("timeout"),
            Failure::Other("not-json"),
        ] {
            assert_eq!(failure.refusal(), None, "{failure:?}");
        }
        for (failure, layer) in [
            (Failure::denied(Layer::Tenant, "not-granted"), "tenant"),
            (Failure::NotSent(CIRCUIT_OPEN), "breaker"),
            (Failure::Limited(None), "quota"),
            (Failure::NoToken, "credential"),
            (Failure::TooLarge, "limits"),
            (Failure::Other(SUSPENDED), "suspension"),
        ] {
            let refusal = failure.refusal().unwrap();
            assert_eq!(
                (refusal.layer.name(), refusal.code),
                (layer, failure.code())
            );
        }
    }
}
