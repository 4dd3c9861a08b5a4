//! Logged e-mails.

use brightsync_sdk::json::Body;
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Direction, EmailKey, Id, NewEmail, Party, Patch, Ref, Result, Timestamp, Written, time,
};
use serde_json::Value;

use crate::HubSpot;
use crate::activity::{Activity, Known};
use crate::api::EMAIL;
use crate::record::{checked, property};
use crate::write::Properties;

const EMAILS: Activity = Activity {
    kind: &EMAIL,
    types: [&[198], &[186], &[210]],
    subject: "hs_email_subject",
    time: "hs_timestamp",
    further: &["hs_email_from_email", MESSAGE_ID],
};

/// Who takes part stands in one property, as JSON; the readable ones are made of it.
const HEADERS: &str = "hs_email_headers";

/// HubSpot fills it where it logged a message by itself.
const MESSAGE_ID: &str = "hs_email_message_id";

/// The longest message id that is looked for.
const LONGEST_ID: usize = 900;

impl HubSpot {
    pub(crate) fn log_email(&self, mut email: NewEmail) -> Result<Written> {
        let key = email.key.clone();
        // The address is known in any case.
        email.sender.address.get_or_insert(key.sender);
        let mut fields = Fields::from(email);
        let about = fields.list::<Ref>("about")?;
        let about = about.map(|it| it.apply(Vec::new(), Ref::eq));
        let mut properties = write(&mut fields, || Ok(Body::new()))?;
        properties.set("hs_email_status", "SENT");
        let properties = properties.finish(fields)?;
        self.log(&EMAILS, &key.key, properties, about.unwrap_or_default())
    }

    pub(crate) fn changed_email(&self, id: &str, patch: &Patch) -> Result<Written> {
        let mut fields = Fields::from(patch);
        let mut properties = write(&mut fields, || self.headers(id))?;
        let links = self.relinked(&EMAILS, id, &mut fields, &mut properties)?;
        let properties = properties.finish(fields)?;
        self.change(&EMAIL, id, properties, ("about", &links))
    }

    pub(crate) fn emails_like(&self, key: &EmailKey) -> Result<Vec<Id>> {
        let id = key
            .message_id
            .as_deref()
            .filter(|it| it.len() <= LONGEST_ID && it.bytes().all(|it| it.is_ascii_graphic()));
        let known = Known {
            key: &key.key,
            time: key.sent_at,
            subject: &key.subject,
            id: id.map(|it| (MESSAGE_ID, vec![it.to_owned(), format!("<{it}>")])),
        };
        self.find_logged(&EMAILS, &known, |it| {
            property(it, "hs_email_from_email")
                .is_none_or(|it| it.eq_ignore_ascii_case(&key.sender))
        })
    }

    fn headers(&self, id: &str) -> Result<Body> {
        let request = self
            .api
            .record(&EMAIL, checked(id)?, &[HEADERS.to_owned()], None);
        let record = request.send()?.value()?;
        let headers = property(&record, HEADERS).unwrap_or_default();
        let headers: Option<Value> = serde_json::from_str(headers).ok();
        Ok(match headers {
            Some(Value::Object(headers)) => headers.into(),
            _ => Body::new(),
        })
    }
}

/// Takes what an e-mail consists of; who takes part in it now is asked for only if that changes.
fn write(fields: &mut Fields, present: impl Fn() -> Result<Body>) -> Result<Properties> {
    let mut properties = Properties::default();
    if let Some(Change::Set(at)) = fields.value::<Timestamp>("sent-at")? {
        properties.set("hs_timestamp", time::rfc3339(at));
    }
    if let Some(Change::Set(direction)) = fields.value::<Direction>("direction")? {
        let direction = match direction {
            Direction::Incoming => "INCOMING_EMAIL",
            Direction::Outgoing => "EMAIL",
        };
        properties.set("hs_email_direction", direction);
    }
    let names = [
        ("subject", "hs_email_subject"),
        ("text", "hs_email_text"),
        ("html", "hs_email_html"),
    ];
    properties.copy_long(fields, &names)?;
    properties.copy(fields, &[("owner", "hubspot_owner_id")])?;
    take_parties(fields, &mut properties, present)?;
    Ok(properties)
}

fn take_parties(
    fields: &mut Fields,
    properties: &mut Properties,
    present: impl Fn() -> Result<Body>,
) -> Result<()> {
    let sender = fields.value::<Party>("sender")?;
    let mut lists = Vec::new();
    for field in ["to", "cc", "bcc"] {
        lists.push((field, fields.list::<Party>(field)?));
    }
    if sender.is_none() && lists.iter().all(|it| it.1.is_none()) {
        return Ok(());
    }
    let mut headers = present()?;
    if let Some(change) = sender {
        match change.into_option().as_ref().and_then(written) {
            Some(sender) => {
                headers.set("from", sender.clone().into());
                headers.set("sender", sender.into());
            }
            None => properties.leave("sender", "HubSpot knows a sender by the address"),
        }
    }
    for (field, edits) in lists {
        let now = headers.get(field).and_then(Value::as_array).cloned();
        let Some(edits) = edits else {
            if now.is_none() {
                headers.set(field, Vec::<Value>::new().into());
            }
            continue;
        };
        let now: Vec<Party> = now.iter().flatten().map(party).collect();
        let mut parties: Vec<Value> = Vec::new();
        let mut unknown = 0;
        for it in edits.apply(now, |one, other| lower(one) == lower(other)) {
            match written(&it) {
                Some(party) => parties.push(party.into()),
                None => unknown += 1,
            }
        }
        if 0 < unknown {
            properties.leave(
                field,
                format!("HubSpot has no place for {unknown} without an address"),
            );
        }
        headers.set(field, parties.into());
    }
    properties.set(HEADERS, headers.to_string());
    Ok(())
}

/// Writes a party, who is known by the address.
fn written(party: &Party) -> Option<Body> {
    let address = party.address.as_deref()?;
    let name = party
        .name
        .as_deref()
        .map(str::trim)
        .filter(|it| !it.is_empty());
    let (first, last) = match name.map(|it| it.rsplit_once(' ').unwrap_or((it, ""))) {
        Some((first, last)) => (Some(first), Some(last).filter(|it| !it.is_empty())),
        None => (None, None),
    };
    let body = Body::new().with("email", address);
    Some(
        body.with_some("firstName", first)
            .with_some("lastName", last),
    )
}

fn party(value: &Value) -> Party {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let name: Vec<&str> = ["firstName", "lastName"]
        .into_iter()
        .filter_map(text)
        .collect();
    Party {
        address: text("email").map(str::to_owned),
        name: Some(name.join(" ")).filter(|it| !it.is_empty()),
        ..Party::default()
    }
}

fn lower(party: &Party) -> Option<String> {
    party.address.as_ref().map(|it| it.to_lowercase())
}
