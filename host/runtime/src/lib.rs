#![doc = include_str!("../README.md")]

mod audit;
mod bindings;
mod broker;
mod call;
pub mod compile;
mod connecting;
mod connection;
mod connector;
mod convert;
mod creation;
mod credential;
mod custody;
mod end;
mod engine;
mod event;
mod functions;
mod guest_time;
mod host;
mod imports;
mod limits;
mod lookup;
mod metrics;
mod principal;
mod read;
mod redactor;
mod report;
mod slots;
mod state;
mod store;
pub mod vault;
mod versions;
mod wasi;

pub use brightsync_core as core;

pub use self::audit::{AuditEvent, AuditLine, Decision, Purpose};
pub use self::broker::{Layer, PlannedRequest, Quota, Resolve, SystemResolver, TlsError};
pub use self::compile::{CompileError, Digest, OpenError, Worker};
pub use self::connecting::{
    AccountStatus, Authorization, ConnectError, Connected, Connecting, Removed,
};
pub use self::connection::{
    Connection, ConnectionKey, ConnectionOptions, InvalidKey, NotLoaded, Pending,
};
pub use self::connector::{LoadError, Source};
pub use self::creation::Creation;
pub use self::credential::{Credential, Secret};
pub use self::custody::Broken;
pub use self::end::{CallError, End, Refused, Trap, TrapKind};
pub use self::event::{CredentialEvent, Event};
pub use self::functions::{DryRun, JsonCallError};
pub use self::host::{BuildError, Builder, Host, Loaded, Suspension};
pub use self::limits::{Limit, Limits};
pub use self::report::{CallId, Exchange, Report, Stage, Stages};
pub use self::state::{
    Compartment, MAX_BYTES, MAX_KEY, MAX_KEYS, MemoryState, Refusal, StateStore,
};
pub use self::vault::{Vault, VaultError};
