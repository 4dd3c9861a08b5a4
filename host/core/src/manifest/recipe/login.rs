//! A login in two steps: a request with user and password, whose answer opens a session.

use std::num::NonZeroU32;

use serde::Serialize;

use super::RecipeRequest;
use crate::name::FieldName;

/// A session that begins with a request of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Login {
    pub(in crate::manifest) request: RecipeRequest,
    // Invariant: not empty.
    pub(in crate::manifest) takes: Vec<(FieldName, Take)>,
    pub(in crate::manifest) lifetime: Option<NonZeroU32>,
    pub(in crate::manifest) lifetime_at: Option<String>,
}

/// Where in the answer to a login a value stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// In its body, which is JSON, at this pointer (RFC 6901).
    Body(String),
    /// In the cookie of this name.
    Cookie(String),
    /// In the header of this name, which is in lower case.
    Header(String),
}

impl Login {
    /// Returns the request that opens a session.
    pub fn request(&self) -> &RecipeRequest {
        &self.request
    }

    /// Returns what is taken out of its answer, and what that is called; at least one.
    pub fn takes(&self) -> &[(FieldName, Take)] {
        &self.takes
    }

    /// Returns for how many seconds a session holds where its answer does not say so.
    pub fn lifetime(&self) -> Option<u32> {
        self.lifetime.map(NonZeroU32::get)
    }

    /// Returns where the answer says for how many seconds the session holds.
    pub fn lifetime_at(&self) -> Option<&str> {
        self.lifetime_at.as_deref()
    }

    pub(super) fn authority(&self) -> Vec<String> {
        vec![format!("login {}", self.request)]
    }
}
