//! Strict stand-ins for CRMs in the cloud, each at the far side of a socket.
//!
//! A stand-in is written from its CRM's public documentation: it knows the real paths, methods, query languages, paging, limits and error bodies, and refuses whatever the real service would refuse.
//! What it does not know it refuses as well, and writes down, see [`Office::violation`], so that no test passes by luck.
//! Its clock stands still until a test moves it.
//!
//! A CRM is one type with the trait [`Crm`]; what is the same for all (the clock, what goes wrong when, who may come in, what was asked) it keeps in an [`Office`].
//! [`StandIn`] puts it behind a socket.

mod answer;
mod crm;
pub mod dataverse;
pub mod hubspot;
mod oauth;
mod office;
pub mod pipedrive;
mod request;
pub mod salesforce;
mod stand_in;
mod table;
pub mod zoho;

pub use answer::Answer;
pub use crm::{
    Access, Colleague, Company, Crm, Deal, Kind, Logged, Outcome, Person, Refusal, serve,
};
pub use oauth::{Client, Issued, OAuth};
pub use office::{Office, START, Seen, Trouble};
pub use request::Request;
pub use stand_in::StandIn;
pub use table::{Row, Table};
