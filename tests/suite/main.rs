//! The suite: what is promised, one file a promise, with real components on real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy's leave for tests does not reach the functions that tests share"
)]

mod approval;
mod attacks;
mod audit;
mod authority;
mod call;
mod canary;
mod caps;
mod choke_point;
mod compiling;
mod connectors;
mod creation;
mod credential;
mod dataverse;
mod egress;
mod ends;
mod espocrm;
mod hubspot;
mod isolation;
mod lifecycle;
mod limits;
mod loading;
mod metrics;
mod narrowed;
mod pipedrive;
mod processes;
mod properties;
mod quota;
mod reads;
mod recipes;
mod redact;
mod redirect;
mod renewal;
mod report;
mod response;
mod retry;
mod salesforce;
mod sandbox;
mod secrets;
mod small;
mod sockets;
mod state;
mod tables;
mod tidy;
mod tryton;
mod weakened;
mod zoho;
