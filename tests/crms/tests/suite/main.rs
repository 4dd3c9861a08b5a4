//! Each connector natively against the stand-in of its CRM, without a socket: what it asks, and what becomes of the answers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy's leave for tests does not reach the functions that tests share"
)]

mod dataverse;
mod desk;
mod hubspot;
mod pipedrive;
mod salesforce;
mod zoho;
