//! The sandbox as a vendor's program meets it: over a real socket, with a real HTTP client.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy's leave for tests does not reach the functions that tests share"
)]

mod access;
mod assertion;
mod bearer;
mod client;
mod clients;
mod faults;
mod flow;
mod oauth;
mod paging;
mod readme;
mod refusals;
mod search;
mod seeding;
mod sessions;
mod signatures;
mod token;
mod tombstones;
mod writes;
