//! Where an attack happens: the connection, what it was granted, and the servers around it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use brightsync_core::grant::Ceiling;
use brightsync_core::retry;
use brightsync_runtime::Limits;

use crate::server::{Answer, Asked};

/// How a server answers.
pub(crate) type Answers = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// What is set up for one attack. By default mallory has a connection to a CRM on the loopback, may reach it, and holds a token for it; a second server, the victim, is nothing of hers.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) limits: Limits,
    pub(crate) retries: retry::Options,
    pub(crate) ceiling: Ceiling,
    /// How many network connections the host may hold.
    pub(crate) sockets: u32,
    /// What a resolver answers.
    pub(crate) names: Vec<IpAddr>,
    /// Settings of the connection; `{crm}` and `{victim}` stand for their origins.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// Further hosts that were granted.
    pub(crate) granted: Vec<&'static str>,
    /// Further places to which the credential was allowed.
    pub(crate) trusted: Vec<&'static str>,
    /// Whether the operator lets mallory reach the victim, or somebody else.
    pub(crate) carved_out: CarvedOut,
    /// The recipe, and the field that holds the secret.
    pub(crate) credential: Option<(&'static str, &'static str)>,
    /// What is replaced in the manifest.
    pub(crate) manifest: Vec<(&'static str, &'static str)>,
    /// Whether there is no neighbour, because its calls would meet the same end.
    pub(crate) is_lonely: bool,
    pub(crate) crm: Answers,
    pub(crate) victim: Answers,
}

/// For whom the victim's address was carved out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CarvedOut {
    Nobody,
    Mallory,
    SomebodyElse,
    /// For mallory, under the name `crm.internal`.
    ByName,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            limits: Limits {
                guest_time: Duration::from_secs(1),
                wall_time: Duration::from_secs(20),
                ..Limits::default()
            },
            retries: retry::Options {
                back_off: Duration::ZERO,
                longest_back_off: Duration::ZERO,
                ..retry::Options::default()
            },
            ceiling: Ceiling::any(),
            sockets: 300,
            names: Vec::new(),
            settings: Vec::new(),
            granted: Vec::new(),
            trusted: Vec::new(),
            carved_out: CarvedOut::Nobody,
            credential: Some(("bearer", "token")),
            manifest: Vec::new(),
            is_lonely: false,
            crm: Arc::new(|_| ok()),
            victim: Arc::new(|_| ok()),
        }
    }
}

impl Scene {
    /// The victim stands in the manifest and in the grant, and can be reached: what is left is to be refused.
    pub(crate) fn open() -> Self {
        Self {
            settings: vec![("elsewhere", "{victim}")],
            granted: vec!["{victim}"],
            carved_out: CarvedOut::Mallory,
            ..Self::default()
        }
    }

    /// The CRM answers like this.
    pub(crate) fn crm(answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::default().with_crm(answers)
    }

    /// The scene with a CRM that answers like this.
    pub(crate) fn with_crm(
        mut self,
        answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.crm = Arc::new(answers);
        self
    }

    /// The scene with these limits.
    pub(crate) fn limited(mut self, set: impl FnOnce(&mut Limits)) -> Self {
        set(&mut self.limits);
        self
    }

    /// The connector wants to do this.
    pub(crate) fn deed(deed: &'static str) -> Self {
        Self {
            settings: vec![("deed", deed)],
            ..Self::default()
        }
    }
}

/// An answer with nothing in it.
pub(crate) fn ok() -> Answer {
    Answer::text(200, "{}").with("content-type", "application/json")
}
