//! E-mails that are associated with records, and the notes of records.

use serde_json::{Value, json};

use super::field::{self, Type};
use super::record::lost;
use super::{Zoho, paged, refusal};
use crate::{Answer, Logged, Office, Request};

/// E-mails on a page.
const PAGE: usize = 10;

/// An e-mail with its record.
#[derive(Debug)]
pub(super) struct Email {
    module: &'static str,
    record: String,
    /// Zoho's own id of the message.
    pub(super) message: String,
    original: String,
    sent: i64,
    item: Value,
}

impl Email {
    pub(super) fn logged(&self) -> Logged {
        let text = |name: &str| self.item[name].as_str().unwrap_or_default().to_owned();
        Logged {
            id: self.message.clone(),
            subject: text("subject"),
            body: text("content"),
            about: vec![self.record.clone()],
        }
    }

    /// As it stands in a list: without its text, and without the id that its sender gave it.
    fn shown(&self) -> Value {
        json!({
            "message_id": self.message, "subject": self.item["subject"], "from": self.item["from"],
            "to": self.item["to"], "cc": self.item["cc"], "sent": self.item["sent"],
            "time": field::time(self.sent), "owner": self.item["owner"], "source": "individual",
        })
    }
}

impl Zoho {
    pub(super) fn associate(&mut self, module: &str, record: &str, request: &Request) -> Answer {
        let Some(module @ ("Accounts" | "Contacts" | "Deals")) = field::module(module) else {
            return self.violation("no e-mails belong to this module");
        };
        let body = request.json().unwrap_or_default();
        let list = self.ways.email_list;
        let Some(items) = body.get(list).and_then(Value::as_array) else {
            let details = json!({"api_name": list, "json_path": format!("$.{list}")});
            return refusal(
                400,
                "MANDATORY_NOT_FOUND",
                "required field not found",
                &details,
            );
        };
        let [item] = &items[..] else {
            return self.violation("one e-mail is associated at a time");
        };
        if self.table(module).live(record).is_none() {
            return refusal(
                400,
                "INVALID_DATA",
                "the related id given seems to be invalid",
                &json!({}),
            );
        }
        if let Some((code, name)) = wrong(item) {
            let details = json!({"api_name": name, "json_path": format!("$.{list}[0].{name}")});
            return entry(list, 400, code, "invalid data", &details);
        }
        if item.get("owner").is_some() && !self.ways.administrator {
            let message = "Only Admin Role/Profile Users will have permission";
            return refusal(403, "NO_PERMISSION", message, &json!({}));
        }
        let original = item["original_message_id"].as_str().unwrap_or_default();
        let is_it = |it: &Email| it.record == record && it.original == original;
        if self.emails.iter().any(is_it) {
            return entry(
                list,
                400,
                "DUPLICATE_DATA",
                "duplicate data",
                &json!({"api_name": "original_message_id"}),
            );
        }
        let message = format!("39c17f{:058x}", self.emails.len() + 1);
        let sent = item["date_time"].as_str().and_then(Office::parse);
        self.emails.push(Email {
            module,
            record: record.to_owned(),
            message: message.clone(),
            original: original.to_owned(),
            sent: sent.unwrap_or_default(),
            item: item.clone(),
        });
        let details = json!({ "message_id": message });
        entry(
            "Emails",
            201,
            "SUCCESS",
            "Your mail has been added successfully",
            &details,
        )
    }

    pub(super) fn list_emails(&mut self, module: &str, record: &str, request: &Request) -> Answer {
        if !self.is_there(module, record) {
            return lost();
        }
        let of = |it: &&Email| it.module == module && it.record == record;
        let mut all: Vec<&Email> = self.emails.iter().filter(of).collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.sent));
        let start: usize = request
            .param("index")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let rows: Vec<Value> = all
            .iter()
            .skip(start)
            .take(PAGE)
            .map(|it| it.shown())
            .collect();
        if rows.is_empty() {
            return Answer::empty(204);
        }
        let more = all.len() > start + PAGE;
        let next = more.then(|| (start + PAGE).to_string());
        let info = json!({"per_page": PAGE, "count": rows.len(), "more_records": more, "next_index": next, "prev_index": "0"});
        Answer::json(200, &json!({"Emails": rows, "info": info}))
    }

    pub(super) fn email(&mut self, module: &str, record: &str, message: &str) -> Answer {
        let is_it =
            |it: &&Email| it.module == module && it.record == record && it.message == message;
        let Some(email) = self.emails.iter().find(is_it) else {
            return Answer::empty(204);
        };
        let mut whole = email.item.clone();
        whole["sent_time"] = field::time(email.sent).into();
        for hidden in ["original_message_id", "date_time", "sent"] {
            whole.as_object_mut().map(|it| it.remove(hidden));
        }
        Answer::json(200, &json!({"Emails": [whole]}))
    }

    pub(super) fn list_notes(&mut self, module: &str, record: &str, request: &Request) -> Answer {
        if !self.is_there(module, record) {
            return lost();
        }
        let of = |it: &Value| it["Parent_Id"]["id"] == record;
        let names = request.param("fields").unwrap_or_default().split(',');
        let names: Vec<&str> = names.collect();
        let unknown = names.iter().find(|it| field::field("Notes", it).is_none());
        if let Some(unknown) = unknown {
            return self.violation(format!("a note has no field {unknown}"));
        }
        let mut notes = Vec::new();
        for row in self.table("Notes").after(None) {
            let fields = Value::Object(row.fields.clone());
            if row.deleted.is_none() && of(&fields) {
                let mut shown = json!({ "id": row.id });
                for name in &names {
                    shown[*name] = field::field("Notes", name).map(|it| it.shown(row)).into();
                }
                notes.push(shown);
            }
        }
        paged("data", notes.into_iter(), request)
    }

    fn is_there(&mut self, module: &str, record: &str) -> bool {
        let module = field::module(module);
        module.is_some_and(|it| self.table(it).live(record).is_some())
    }
}

/// What is wrong with an e-mail: the code, and the name of the member.
fn wrong(item: &Value) -> Option<(&'static str, &'static str)> {
    const NEEDED: [&str; 7] = [
        "from",
        "to",
        "subject",
        "content",
        "original_message_id",
        "sent",
        "date_time",
    ];
    const KNOWN: [&str; 5] = ["cc", "bcc", "mail_format", "attachments", "owner"];
    let empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        value => value.is_null(),
    };
    if let Some(name) = NEEDED.into_iter().find(|it| empty(&item[*it])) {
        return Some(("MANDATORY_NOT_FOUND", name));
    }
    let mut members = item.as_object()?.keys();
    if members.any(|it| !NEEDED.contains(&it.as_str()) && !KNOWN.contains(&it.as_str())) {
        return Some(("INVALID_DATA", "item"));
    }
    let somebody = |it: &Value| it["email"].as_str().is_some_and(|it| it.contains('@'));
    for name in ["to", "cc", "bcc"] {
        let list = item[name].as_array();
        if list.is_some_and(|it| it.len() > 50 || !it.iter().all(somebody)) {
            return Some(("INVALID_DATA", name));
        }
    }
    let length = |name: &str| item[name].as_str().map_or(0, |it| it.chars().count());
    let long = [
        ("subject", 500),
        ("content", 32_000),
        ("original_message_id", 255),
    ];
    if let Some((name, _)) = long.into_iter().find(|(name, most)| length(name) > *most) {
        return Some(("INVALID_DATA", name));
    }
    if !somebody(&item["from"]) {
        return Some(("INVALID_DATA", "from"));
    }
    let time = item["date_time"].as_str().unwrap_or_default();
    (!Type::Time.takes(time)).then_some(("INVALID_DATA", "date_time"))
}

fn entry(list: &str, status: u16, code: &str, message: &str, details: &Value) -> Answer {
    let word = if code == "SUCCESS" {
        "success"
    } else {
        "error"
    };
    let entry = json!({"code": code, "message": message, "details": details, "status": word});
    Answer::json(status, &json!({list: [entry]}))
}
