//! The contract's new records and patches in the sandbox's words; it makes no requests.
//!
//! One mapping serves both; what the sandbox has no room for, the draft names by the contract's name of the field.

use brightsync_sdk::json::Body;
use brightsync_sdk::patch::Draft;
use brightsync_sdk::{
    Affiliation, Attachment, Attendee, ContactPoint, Direction, EmailKey, Id, MeetingKey, Moment,
    NewContact, NewEmail, NewMeeting, Party, Ref, Timestamp, base64, time,
};
use serde_json::Value;

/// The kinds of records that the sandbox can link to.
const LINKED: [&str; 4] = ["account", "contact", "opportunity", "user"];

/// The sandbox has to have a whole name.
pub(crate) fn new_contact(it: NewContact) -> Draft {
    let full_name = it.whole_name();
    contact(Draft::from(NewContact { full_name, ..it }))
}

pub(crate) fn new_email(it: NewEmail) -> Draft {
    let id = message_id(&it.key);
    email(Draft::from(it)).with("message_id", id)
}

pub(crate) fn new_meeting(it: NewMeeting) -> Draft {
    let (id, occurrence) = (it.key.ical_uid.clone(), occurrence(&it.key));
    let draft = meeting(Draft::from(it)).with("ical_uid", id);
    draft.with("occurrence", occurrence)
}

pub(crate) fn account(draft: Draft) -> Draft {
    let draft = draft.same_texts(&["name", "owner"]);
    draft.list("domains", "domains", "", Some::<String>)
}

pub(crate) fn contact(draft: Draft) -> Draft {
    draft
        .same_texts(&["full-name", "given-name", "family-name", "title", "owner"])
        .list("emails", "emails", "address", |it| point("address", it))
        .list("phones", "phones", "number", |it| point("number", it))
        .list("accounts", "accounts", "account", Some::<Affiliation>)
}

pub(crate) fn email(draft: Draft) -> Draft {
    draft
        .same_texts(&["thread", "subject", "text", "html", "owner"])
        .value("direction", "direction", Some::<Direction>)
        .value("sent-at", "sent_at", instant)
        .value("sender", "from", party)
        .list("to", "to", "address", party)
        .list("cc", "cc", "address", party)
        .list("bcc", "bcc", "address", party)
        .list("about", "about", "id", link)
        .attachments("attachments", attachment)
}

pub(crate) fn meeting(draft: Draft) -> Draft {
    draft
        .same_texts(&["subject", "timezone", "status", "location", "text", "owner"])
        .value("start", "start", moment)
        .value("end", "end", moment)
        .value("organiser", "organiser", party)
        .list("attendees", "attendees", "address", attendee)
        .list("about", "about", "id", link)
}

/// The sandbox keeps one id of a message, so a message without one gets the host's key: it can be found all the same.
pub(crate) fn message_id(key: &EmailKey) -> Id {
    key.message_id.as_ref().unwrap_or(&key.key).clone()
}

/// When an occurrence of a series would begin; a meeting by itself has none.
pub(crate) fn occurrence(key: &MeetingKey) -> Option<String> {
    key.occurrence.as_ref().map(time::moment)
}

fn point(name: &str, it: ContactPoint) -> Option<Body> {
    let body = Body::new().with(name, it.value).with("primary", it.primary);
    Some(body.with_some("label", it.label))
}

/// A party, if it has what the sandbox asks of one: an address.
fn party(it: Party) -> Option<Party> {
    it.address.as_ref()?;
    let link = it.link.and_then(link);
    Some(Party { link, ..it })
}

fn attendee(it: Attendee) -> Option<Body> {
    // The sandbox has no word for a room, and calls an answer that is awaited none.
    let word = |it: String| match it.as_str() {
        "needs-action" | "resource" => "none".to_owned(),
        _ => it,
    };
    let party = party(it.party)?;
    let body = Body::new()
        .with("address", party.address)
        .with_some("name", party.name)
        .with_some("link", party.link)
        .with_some("response", it.response.map(word));
    Some(body.with_some("role", it.role.map(word)))
}

fn link(it: Ref) -> Option<Ref> {
    LINKED.contains(&it.kind.as_str()).then_some(it)
}

fn attachment(it: Attachment) -> Option<Value> {
    let body = Body::new()
        .with("name", it.name)
        .with("media_type", it.media_type)
        .with("size", it.size)
        .with_some("content", it.content.map(|bytes| base64::encode(&bytes)));
    Some(body.into())
}

fn instant(it: Timestamp) -> Option<String> {
    Some(time::rfc3339(it))
}

fn moment(it: Moment) -> Option<String> {
    Some(time::moment(&it))
}

#[cfg(test)]
mod tests {
    use brightsync_sdk::patch::Draft;
    use brightsync_sdk::{Edit, Patch};
    use serde_json::{Value, json};

    #[track_caller]
    fn check(map: fn(Draft) -> Draft, edits: &[(&str, Edit)], expected: Value) {
        let edits = edits
            .iter()
            .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
        let patch = Patch::new(edits.collect());
        let it = map(Draft::from(patch)).custom("custom.").finish().unwrap();
        let incomplete = it.incomplete.into_iter().filter_map(|it| it.field);
        let incomplete: Vec<_> = incomplete.collect();
        let changes = json!({"clear": it.clear, "set": it.set, "remove": it.remove, "add": it.add});
        assert_eq!(json!([changes, incomplete]), expected);
    }

    fn party(address: &str) -> String {
        json!({"address": address}).to_string()
    }

    #[test]
    fn the_last_edit_of_a_participant_counts() {
        check(
            super::email,
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
            super::meeting,
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
            super::account,
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
