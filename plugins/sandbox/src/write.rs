//! The contract's new records and patches in the sandbox's words; it makes no requests.
//!
//! What the sandbox has no room for is named, each time by the contract's name of the field.

use brightsync_sdk::json::{Body, FromJson};
use brightsync_sdk::patch::{Change, Fields, ListChange, ListEdits};
use brightsync_sdk::{
    Affiliation, Attachment, Attendee, ContactPoint, Direction, EmailKey, Extra, Id, InvalidField,
    Moment, NewAccount, NewContact, NewEmail, NewMeeting, Party, Patch, Ref, Result, Timestamp,
    base64, extra, time,
};
use serde_json::Value;

/// The kinds of records that the sandbox can link to.
const LINKED: [&str; 4] = ["account", "contact", "opportunity", "user"];

/// A body, and what is left out of it.
pub(crate) type Draft = (Body, Vec<InvalidField>);

pub(crate) fn account(it: NewAccount) -> Result<Draft> {
    let body = Body::new()
        .with("name", it.name)
        .with("domains", it.domains);
    common(body, it.owner, &it.extra, Vec::new())
}

/// A contact to be created; a `null` counts as absent.
pub(crate) fn contact(it: NewContact) -> Result<Draft> {
    let mut left_out = Vec::new();
    let body = Body::new()
        .with("full_name", it.whole_name())
        .with("given_name", it.given_name)
        .with("family_name", it.family_name)
        .with("emails", kept("emails", it.emails, address, &mut left_out))
        .with("phones", kept("phones", it.phones, number, &mut left_out))
        .with(
            "accounts",
            kept("accounts", it.accounts, affiliation, &mut left_out),
        )
        .with("title", it.title);
    common(body, it.owner, &it.extra, left_out)
}

pub(crate) fn email(it: NewEmail) -> Result<Draft> {
    let mut left_out = Vec::new();
    let mut parties = |field, list| kept(field, list, party, &mut left_out);
    let body = Body::new()
        .with("message_id", message_id(&it.key))
        .with("thread", it.thread)
        .with("direction", direction(it.direction))
        .with("sent_at", time::rfc3339(it.key.sent_at))
        .with("subject", it.key.subject)
        .with("from", parties("sender", vec![it.sender]).pop())
        .with("to", parties("to", it.to))
        .with("cc", parties("cc", it.cc))
        .with("bcc", parties("bcc", it.bcc))
        .with("text", it.text)
        .with("html", it.html)
        .with(
            "attachments",
            it.attachments
                .into_iter()
                .map(attachment)
                .collect::<Vec<_>>(),
        )
        .with("about", kept("about", it.key.about, link, &mut left_out));
    common(body, it.owner, &it.extra, left_out)
}

pub(crate) fn meeting(it: NewMeeting) -> Result<Draft> {
    let mut left_out = Vec::new();
    let organiser = kept("organiser", vec![it.organiser], party, &mut left_out).pop();
    let body = Body::new()
        .with("ical_uid", it.key.ical_uid)
        .with("occurrence", it.key.occurrence.as_ref().map(time::moment))
        .with("subject", it.key.subject)
        .with("start", time::moment(&it.key.start))
        .with("end", time::moment(&it.end))
        .with("timezone", it.timezone)
        .with("status", it.status)
        .with("location", it.location)
        .with("text", it.text)
        .with("organiser", organiser)
        .with(
            "attendees",
            kept("attendees", it.attendees, attendee, &mut left_out),
        )
        .with("about", kept("about", it.key.about, link, &mut left_out));
    common(body, it.owner, &it.extra, left_out)
}

/// The sandbox keeps one id of a message, so a message without one gets the host's key: it can be found all the same.
pub(crate) fn message_id(key: &EmailKey) -> String {
    key.message_id.clone().unwrap_or_else(|| key.key.clone())
}

pub(crate) fn account_patch(patch: &Patch) -> Result<Draft> {
    let mut edits = Edits::of(patch)?;
    edits.texts(&["name"])?;
    edits.list("domains", |it: String| Some(it), None)?;
    edits.finish()
}

pub(crate) fn contact_patch(patch: &Patch) -> Result<Draft> {
    let mut edits = Edits::of(patch)?;
    edits.texts(&["full-name", "given-name", "family-name", "title"])?;
    edits.list("emails", address, Some("address"))?;
    edits.list("phones", number, Some("number"))?;
    edits.list("accounts", affiliation, Some("account"))?;
    edits.finish()
}

pub(crate) fn email_patch(patch: &Patch) -> Result<Draft> {
    let mut edits = Edits::of(patch)?;
    edits.texts(&["subject", "thread", "text", "html"])?;
    edits.value("sent-at", "sent_at", |it: Timestamp| {
        Some(time::rfc3339(it))
    })?;
    edits.value("direction", "direction", |it| Some(direction(it)))?;
    edits.value("sender", "from", party)?;
    for field in ["to", "cc", "bcc"] {
        edits.list(field, party, Some("address"))?;
    }
    edits.list("about", link, Some("id"))?;
    edits.finish()
}

pub(crate) fn meeting_patch(patch: &Patch) -> Result<Draft> {
    let mut edits = Edits::of(patch)?;
    edits.texts(&["subject", "timezone", "status", "location", "text"])?;
    for field in ["start", "end"] {
        edits.value(field, field, |it: Moment| Some(time::moment(&it)))?;
    }
    edits.value("organiser", "organiser", party)?;
    edits.list("attendees", attendee, Some("address"))?;
    edits.list("about", link, Some("id"))?;
    edits.finish()
}

/// A patch as the sandbox has it: what to clear, set, remove and add, applied in this order.
struct Edits {
    fields: Fields,
    clear: Vec<String>,
    set: Body,
    remove: Body,
    add: Body,
}

impl Edits {
    fn of(patch: &Patch) -> Result<Self> {
        Ok(Self {
            fields: Fields::of(patch)?,
            clear: Vec::new(),
            set: Body::new(),
            remove: Body::new(),
            add: Body::new(),
        })
    }

    fn texts(&mut self, fields: &[&str]) -> Result<()> {
        for field in fields {
            self.value(field, &field.replace('-', "_"), |it: String| Some(it))?;
        }
        Ok(())
    }

    fn value<T: FromJson, U: Into<Value>>(
        &mut self,
        field: &str,
        theirs: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Result<()> {
        match self.fields.value_as(field, map)? {
            None => {}
            Some(Change::Clear) => self.clear.push(theirs.to_owned()),
            Some(Change::Set(value)) => self.set.set(theirs, value),
        }
        Ok(())
    }

    /// Takes a list whose elements the sandbox tells apart by this member, or as a whole.
    fn list<T: FromJson, U: Into<Value>>(
        &mut self,
        field: &str,
        map: impl Fn(T) -> Option<U>,
        key: Option<&str>,
    ) -> Result<()> {
        if let Some(edits) = self.fields.list_as(field, map)? {
            self.sum(field, edits, key);
        }
        Ok(())
    }

    fn sum(&mut self, field: &str, edits: ListEdits<Value>, key: Option<&str>) {
        let id = |it: &Value| {
            let id = key.map_or(Some(it), |key| it.get(key));
            id.and_then(Value::as_str).map(str::to_ascii_lowercase)
        };
        match edits.sum(|one, other| id(one) == id(other)) {
            ListChange::Whole(list) => self.set.set(field, list.into()),
            ListChange::Parts { add, remove } => {
                self.add.set(field, add.into());
                self.remove.set(field, remove.into());
            }
        }
    }

    /// Takes what all kinds of records have, and names what is left.
    fn finish(mut self) -> Result<Draft> {
        self.value("owner", "owner", |it: Id| Some(it))?;
        for (name, change) in self.fields.extra()? {
            let field = format!("custom.{name}");
            match change {
                Change::Clear => self.clear.push(field),
                Change::Set(value) => self.set.set(&field, value),
            }
        }
        let body = Body::new()
            .with("clear", self.clear)
            .with("set", self.set)
            .with("remove", self.remove)
            .with("add", self.add);
        Ok((body, self.fields.rest()))
    }
}

fn common(
    body: Body,
    owner: Option<Id>,
    extra: &Extra,
    left_out: Vec<InvalidField>,
) -> Result<Draft> {
    let body = body
        .with("owner", owner)
        .with("custom", extra::to_map(extra)?);
    Ok((body, left_out))
}

/// Maps what the sandbox can keep, and says of which field something is left out.
fn kept<T, U: Into<Value>>(
    field: &str,
    list: Vec<T>,
    map: impl Fn(T) -> Option<U>,
    left_out: &mut Vec<InvalidField>,
) -> Vec<Value> {
    let mut kept = Vec::new();
    let length = list.len();
    for it in list {
        kept.extend(map(it).map(Into::into));
    }
    left_out.extend(InvalidField::without_place(field, length - kept.len()));
    kept
}

fn address(it: ContactPoint) -> Option<Body> {
    Some(point("address", it))
}

fn number(it: ContactPoint) -> Option<Body> {
    Some(point("number", it))
}

fn point(name: &str, it: ContactPoint) -> Body {
    Body::new()
        .with(name, it.value)
        .with("primary", it.primary)
        .with_some("label", it.label)
}

fn affiliation(it: Affiliation) -> Option<Body> {
    let body = Body::new()
        .with("account", it.account)
        .with("primary", it.primary);
    Some(body.with_some("role", it.role))
}

/// A party, if it has what the sandbox asks of one: an address.
fn party(it: Party) -> Option<Body> {
    let body = Body::new()
        .with("address", it.address?)
        .with_some("name", it.name);
    Some(body.with_some("link", it.link.and_then(link)))
}

fn attendee(it: Attendee) -> Option<Body> {
    // The sandbox has no word for a room, and calls an answer that is awaited none.
    let word = |it: String| match it.as_str() {
        "needs-action" | "resource" => "none".to_owned(),
        _ => it,
    };
    let body = party(it.party)?.with_some("response", it.response.map(word));
    Some(body.with_some("role", it.role.map(word)))
}

fn link(it: Ref) -> Option<Body> {
    let known = LINKED.contains(&it.kind.as_str());
    known.then(|| Body::new().with("kind", it.kind).with("id", it.id))
}

fn attachment(it: Attachment) -> Value {
    Body::new()
        .with("name", it.name)
        .with("media_type", it.media_type)
        .with("size", it.size)
        .with("content", it.content.map(|bytes| base64::encode(&bytes)))
        .into()
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

#[cfg(test)]
mod tests {
    use brightsync_sdk::{Edit, Patch, Result};
    use serde_json::{Value, json};

    use super::Draft;

    #[track_caller]
    fn check(edit: fn(&Patch) -> Result<Draft>, edits: &[(&str, Edit)], expected: Value) {
        let edits = edits
            .iter()
            .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
        let (patch, incomplete) = edit(&Patch::new(edits.collect())).unwrap();
        let incomplete: Vec<_> = incomplete.into_iter().filter_map(|it| it.field).collect();
        assert_eq!(json!([patch, incomplete]), expected);
    }

    fn party(address: &str) -> String {
        json!({"address": address}).to_string()
    }

    #[test]
    fn the_last_edit_of_a_participant_counts() {
        check(
            super::email_patch,
            &[
                ("to", Edit::Add(party("a@x.example"))),
                ("to", Edit::Remove(party("A@x.example"))),
                ("to", Edit::Add(party("b@x.example"))),
            ],
            json!([{
                "clear": [], "set": {},
                "add": {"to": [{"address": "b@x.example"}]},
                "remove": {"to": [{"address": "A@x.example"}]},
            }, []]),
        );
    }

    #[test]
    fn a_list_that_is_set_is_replaced() {
        let attendees = json!([
            {"party": {"address": "a@x.example"}, "response": "needs-action"},
            {"party": {"name": "Somebody"}},
        ]);
        check(
            super::meeting_patch,
            &[
                ("attendees", Edit::Set(attendees.to_string())),
                ("end", Edit::Set(r#"{"at":0}"#.to_owned())),
            ],
            json!([{
                "clear": [], "add": {}, "remove": {},
                "set": {
                    "attendees": [{"address": "a@x.example", "response": "none"}],
                    "end": "1970-01-01T00:00:00.000Z",
                },
            }, ["attendees"]]),
        );
    }

    #[test]
    fn custom_fields_are_set_and_cleared_one_by_one() {
        check(
            super::account_patch,
            &[
                ("extra.tier", Edit::Set("3".to_owned())),
                ("extra.vip", Edit::Clear),
                ("owner", Edit::Clear),
                ("kind", Edit::Set("\"partner\"".to_owned())),
            ],
            json!([{
                "clear": ["owner", "custom.vip"], "set": {"custom.tier": 3}, "add": {}, "remove": {},
            }, ["kind"]]),
        );
    }
}
