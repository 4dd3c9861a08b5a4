//! What the server answers: a status, often an empty body, and the reason in the header `X-Status-Reason`.

use serde_json::{Value, json};

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) body: Option<Value>,
}

/// An answer that ends a request early, and what a test must hear about it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) answer: Answer,
    pub(super) violation: Option<String>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            reason: None,
            body: Some(body),
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            reason: None,
            body: None,
        }
    }
}

impl Refusal {
    pub(super) fn new(status: u16, reason: &str) -> Self {
        Self {
            answer: Answer {
                status,
                reason: Some(reason.to_owned()),
                body: None,
            },
            violation: None,
        }
    }

    pub(super) fn bad(reason: &str) -> Self {
        Self::new(400, reason)
    }

    pub(super) fn forbidden(reason: &str) -> Self {
        Self::new(403, reason)
    }

    pub(super) fn missing(id: &str) -> Self {
        Self::new(404, &format!("Record {id} not found."))
    }

    /// A field that the server's validation does not pass.
    pub(super) fn invalid(entity: &str, field: &str, kind: &str) -> Self {
        let mut refusal = Self::bad(&format!(
            "Field validation failure; entityType: {entity}, field: {field}, type: {kind}."
        ));
        refusal.answer.body = Some(json!({
            "messageTranslation": {
                "label": "validationFailure",
                "scope": null,
                "data": {"field": field, "type": kind},
            }
        }));
        refusal
    }

    /// A record that a link names and that is not there, or may not be seen.
    pub(super) fn unrelated(foreign: &str) -> Self {
        let mut refusal = Self::forbidden("Can't relate with non-existing record.");
        refusal.answer.body = Some(json!({
            "messageTranslation": {
                "label": "cannotRelateNonExisting",
                "scope": null,
                "data": {"foreignEntityType": foreign},
            }
        }));
        refusal
    }

    pub(super) fn conflict(reason: &str, body: Value) -> Self {
        let mut refusal = Self::new(409, reason);
        refusal.answer.body = Some(body);
        refusal
    }

    /// Marks it as something that no connector should ever bring about.
    pub(super) fn violating(mut self) -> Self {
        self.violation.clone_from(&self.answer.reason);
        self
    }
}
