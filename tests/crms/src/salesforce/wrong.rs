//! Refusals, in Salesforce's form.

use serde_json::{Value, json};

use crate::Answer;

/// A refusal: the status, and the elements of its body.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) status: u16,
    pub(super) elements: Vec<Value>,
}

/// A refusal for one reason.
pub(super) fn wrong(status: u16, code: &str, message: impl Into<String>) -> Wrong {
    let message: String = message.into();
    Wrong {
        status,
        elements: vec![json!({"message": message, "errorCode": code})],
    }
}

/// A refusal because of some fields.
pub(super) fn wrong_fields(code: &str, message: impl Into<String>, fields: &[&str]) -> Wrong {
    let mut refusal = wrong(400, code, message);
    refusal.elements[0]["fields"] = fields.into();
    refusal
}

impl Wrong {
    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &Value::Array(self.elements.clone()))
    }

    /// The first element as the results of a batch have it.
    pub(super) fn result(&self) -> Value {
        let first = &self.elements[0];
        json!({"success": false, "errors": [{
            "statusCode": first["errorCode"],
            "message": first["message"],
            "fields": first.get("fields").cloned().unwrap_or_else(|| json!([])),
        }]})
    }
}
