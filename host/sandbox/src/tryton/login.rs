//! Who may log in to a prepared Tryton.

use std::fmt;

use serde::Deserialize;

/// A user of the prepared database, with a key for the REST API that is already validated.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Login {
    /// The name to log in with: `anna`, `bruno` and `carla` sell, `dora` may not see opportunities,
    /// and `admin` may do everything.
    pub login: String,
    /// The name for people.
    pub name: String,
    /// The user's own address.
    pub email: String,
    /// The id of the `res.user`.
    pub user: i64,
    /// The id of the `company.employee`, which is what owns opportunities; the administrator is none.
    pub employee: Option<i64>,
    /// The user application key, for the header `Authorization: Bearer …`.
    pub key: String,
}

/// What the preparation writes beside the database.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Logins {
    /// The id of the `company.company`.
    pub(super) company: i64,
    pub(super) users: Vec<Login>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("login", &self.login)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
