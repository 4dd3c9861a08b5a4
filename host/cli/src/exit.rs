//! How a command ends, as a number for scripts.

use std::process::ExitCode;

use brightsync_core::component;
use brightsync_core::recipe::Reason;
use brightsync_core::setting;
use brightsync_runtime::{CallError, ConnectError, End, JsonCallError, LoadError};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Success = 0,
    /// It failed here: a file, the network, the host itself.
    Ours = 1,
    /// It was not asked correctly.
    Usage = 2,
    /// The CRM, or the connector for it, answered an error.
    Crm = 3,
    /// The connector failed: it panicked, exited, or broke the contract.
    Connector = 4,
    /// The connector went beyond a limit.
    Limit = 5,
    /// The host refuses: the component may not be loaded, or the call not made.
    Refused = 6,
}

/// The command line is understood, but what it asks for makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Something that the operator has not allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

impl Exit {
    /// The end that an error stands for.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_one).unwrap_or(Self::Ours)
    }

    fn of_one(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<CallError>() {
            return Some(Self::of_end(&error.end));
        }
        if let Some(error) = error.downcast_ref::<JsonCallError>() {
            return Some(match error {
                JsonCallError::Argument { .. } => Self::Usage,
                JsonCallError::Call(error) => Self::of_end(&error.end),
            });
        }
        if let Some(error) = error.downcast_ref::<ConnectError>() {
            return Some(Self::of_connecting(error));
        }
        if error.is::<Usage>() || error.is::<setting::Error>() {
            return Some(Self::Usage);
        }
        if let Some(LoadError::Component(_) | LoadError::Contract { .. }) = error.downcast_ref() {
            return Some(Self::Refused);
        }
        (error.is::<Refusal>() || error.is::<component::Error>()).then_some(Self::Refused)
    }

    /// The exit that the end of a call stands for.
    pub(crate) fn of_end(end: &End) -> Self {
        match end {
            End::Connector(_) => Self::Crm,
            End::Trap(_) => Self::Connector,
            End::Limit(_) => Self::Limit,
            End::Refused(_) => Self::Refused,
            // The rest is the host's own, today and later.
            _ => Self::Ours,
        }
    }

    /// The exit that an account stands for that was not connected.
    fn of_connecting(error: &ConnectError) -> Self {
        match error {
            ConnectError::Refused(_) => Self::Refused,
            ConnectError::Misfit(_) | ConnectError::Setting(_) | ConnectError::Address(_) => {
                Self::Usage
            }
            ConnectError::Trouble(trouble) if trouble.reason() == Reason::Denied => Self::Refused,
            ConnectError::Trouble(_) | ConnectError::Learn(_) => Self::Crm,
            // The rest is this side's own, today and later.
            _ => Self::Ours,
        }
    }

    /// The kind of failure as one word, for JSON.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Ours => "ours",
            Self::Usage => "usage",
            Self::Crm => "crm",
            Self::Connector => "connector",
            Self::Limit => "limit",
            Self::Refused => "refused",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};
    use brightsync_core::component::{Caps, check as check_component};

    use super::*;

    #[track_caller]
    fn check(error: anyhow::Error, expected: Exit) {
        assert_eq!(Exit::of(&error), expected, "{error:#}");
    }

    #[test]
    fn the_kind_of_a_failure_is_found_below_its_context() {
        check(anyhow!("anything"), Exit::Ours);
        let usage = Err::<(), _>(Usage("no such recipe".to_owned()));
        check(usage.context("while asking").unwrap_err(), Exit::Usage);
        let refused = check_component(b"no component", &Caps::default());
        check(refused.context("x.wasm").unwrap_err(), Exit::Refused);
    }

    #[test]
    fn an_account_that_is_not_connected_says_who_has_to_act() {
        use brightsync_core::recipe::Trouble;
        let refused = |reason| ConnectError::Trouble(Trouble::new(reason));
        check(refused(Reason::ConsentWithdrawn).into(), Exit::Crm);
        check(refused(Reason::Denied).into(), Exit::Refused);
        check(ConnectError::Misfit(String::new()).into(), Exit::Usage);
        check(ConnectError::UnknownAttempt.into(), Exit::Ours);
    }

    #[test]
    fn a_connectors_own_error_is_not_a_trap_and_a_limit_is_no_refusal() {
        use brightsync_runtime::{Limit, Refused, Trap, TrapKind};
        let trap = Trap {
            kind: TrapKind::Exit(1),
            stderr: String::new(),
        };
        assert_eq!(Exit::of_end(&End::Trap(trap)), Exit::Connector);
        assert_eq!(Exit::of_end(&End::Limit(Limit::Memory)), Exit::Limit);
        assert_eq!(Exit::of_end(&End::Refused(Refused::Busy)), Exit::Refused);
        assert_eq!(Exit::of_end(&End::Host(String::new())), Exit::Ours);
    }
}
