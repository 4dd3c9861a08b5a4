//! Refusals, in Salesforce's form.

use serde_json::{Value, json};

use crate::Answer;

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    status: u16,
    code: String,
    message: String,
    fields: Vec<String>,
    /// What a duplicate rule found.
    pub(super) duplicates: Option<Value>,
}

/// A refusal for one reason.
pub(super) fn wrong(status: u16, code: &str, message: impl Into<String>) -> Wrong {
    Wrong {
        status,
        code: code.to_owned(),
        message: message.into(),
        fields: Vec::new(),
        duplicates: None,
    }
}

/// A refusal because of some fields.
pub(super) fn wrong_fields(code: &str, message: impl Into<String>, fields: &[&str]) -> Wrong {
    Wrong {
        fields: fields.iter().map(|it| (*it).to_owned()).collect(),
        ..wrong(400, code, message)
    }
}

impl Wrong {
    pub(super) fn answer(&self) -> Answer {
        let mut element = json!({"message": self.message, "errorCode": self.code});
        if let Value::Object(element) = &mut element {
            if self.status == 400 && !self.fields.is_empty() {
                element.insert("fields".to_owned(), json!(self.fields));
            }
            if let Some(found) = &self.duplicates {
                element.insert("duplicateResult".to_owned(), found.clone());
            }
        }
        Answer::json(self.status, &json!([element]))
    }

    /// As the results of a batch have it.
    pub(super) fn result(&self) -> Value {
        json!({"success": false, "errors": [
            {"statusCode": self.code, "message": self.message, "fields": self.fields},
        ]})
    }
}
