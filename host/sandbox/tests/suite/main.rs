//! The sandbox as a vendor program meets it: over a real socket, with a real HTTP client.

mod client;
mod paging;
