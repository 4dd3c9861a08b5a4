//! All attacks, by family.

mod credentials;
mod egress;
mod headers;
mod lies;
mod protocol;
mod recipes;
mod resources;
mod supply;

use crate::attack::Attack;

/// All attacks, in the order in which they are told.
pub fn all() -> Vec<Attack> {
    [
        egress::attacks(),
        headers::attacks(),
        credentials::attacks(),
        recipes::attacks(),
        resources::attacks(),
        lies::attacks(),
        protocol::attacks(),
        supply::attacks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
