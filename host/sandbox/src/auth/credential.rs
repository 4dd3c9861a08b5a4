//! Everything that lets somebody in from the start: keys, passwords, tokens and secrets, made from the seed.

use std::fmt;

use crate::seed::random::{Random, mix};

/// Everything that lets somebody in to one server.
///
/// They are made from the seed, so they protect nothing but a sandbox.
#[derive(Clone)]
pub struct Credentials {
    /// A key of the whole organisation: it reads and writes, and stands for no user.
    pub organisation_key: String,
    /// A key of the whole organisation that only reads.
    pub read_only_key: String,
    /// The key for `/_faults`, `/_requests`, `/_counts` and `/_changes`, and for nothing else.
    pub admin_key: String,
    /// The active users.
    pub users: Vec<Login>,
}

/// The ways in of one user.
#[derive(Clone)]
pub struct Login {
    /// The user's id, as in `owner` fields.
    pub id: String,
    /// The user's address, with which people log in.
    pub email: String,
    /// The user's password.
    pub password: String,
    /// The user's own key, for `X-Api-Key`.
    pub key: String,
    /// The secret beside the key, for `Authorization: token KEY:SECRET`.
    pub secret: String,
    /// The user's token, for `Authorization: Bearer`.
    pub token: String,
    /// The name of the user's signing secret, for `X-Hmac-Authorization` and `X-Key`.
    pub hmac_key: String,
    /// The secret that requests are signed with, and that is never sent.
    pub hmac_secret: String,
}

impl Credentials {
    pub(crate) fn derive(seed: u64, users: Vec<(String, String)>) -> Self {
        let secret = |purpose: &str| {
            let start = purpose
                .bytes()
                .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
            let mut random = Random::new(start);
            format!("{:016x}{:016x}", random.next(), random.next())
        };
        let login = |(id, email): (String, String)| Login {
            password: format!("pass-{}", secret(&format!("password {id}"))),
            key: format!("key-user-{}", secret(&format!("key {id}"))),
            secret: format!("secret-{}", secret(&format!("secret {id}"))),
            token: format!("token-{}", secret(&format!("token {id}"))),
            hmac_key: format!("hmac-key-{}", secret(&format!("hmac key {id}"))),
            hmac_secret: format!("hmac-secret-{}", secret(&format!("hmac secret {id}"))),
            id,
            email,
        };
        Self {
            organisation_key: format!("key-org-{}", secret("organisation")),
            read_only_key: format!("key-read-{}", secret("reader")),
            admin_key: format!("key-admin-{}", secret("admin")),
            users: users.into_iter().map(login).collect(),
        }
    }

    /// Returns the user with an address and a password.
    pub(crate) fn login(&self, email: &str, password: &str) -> Option<&Login> {
        self.user(email).filter(|it| it.password == password)
    }

    /// Returns the user with an address.
    pub(crate) fn user(&self, email: &str) -> Option<&Login> {
        let same = |it: &&Login| it.email.eq_ignore_ascii_case(email);
        self.users.iter().find(same)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("id", &self.id)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
