//! Logged e-mails: completed activities, which Dataverse does not send.

use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{Direction, EmailKey, NewEmail, Party, Ref, Result, patch};

use crate::activity::{
    Activity, Draft, Part, Present, State, edit_parties, set_about, set_subject, subject,
};
use crate::api::Table;
use crate::odata::{Filter, second};
use crate::write::Row;

pub(crate) const EMAILS: Activity = Activity {
    table: Table {
        set: "emails",
        name: "email",
        id: "activityid",
        columns: "activityid,statecode,statuscode,_regardingobjectid_value,modifiedon",
        expand: None,
    },
    parties: "email_activity_parties",
    field: "to",
    parts: &[SENDER, 2, 3, 4],
};

const SENDER: Part = 1;
const RECIPIENTS: [(&str, Part); 3] = [("to", 2), ("cc", 3), ("bcc", 4)];
const SENT: State = State(1, 3);
const RECEIVED: State = State(1, 4);
/// The length of the column `subject`.
const LONGEST_SUBJECT: usize = 800;

/// A new e-mail.
pub(crate) fn new(mut email: NewEmail) -> Result<Draft> {
    let attachments = std::mem::take(&mut email.attachments);
    let key = email.key.clone();
    let mut sender = email.sender.clone();
    sender.address = sender.address.or_else(|| Some(key.sender.clone()));
    let mut draft = draft(email.into(), Vec::new(), Vec::new(), RECEIVED)?;
    if let Some(parties) = &mut draft.parties {
        for (part, party) in parties {
            if *part == SENDER {
                *party = sender.clone();
            }
        }
    }
    // In the form of the header field, as Dataverse keeps it of the messages that it fetches itself.
    let id = key.message_id.as_ref().unwrap_or(&key.key);
    draft.row.body.set("messageid", format!("<{id}>").into());
    draft.attachments = attachments;
    Ok(draft)
}

/// What becomes of an e-mail.
pub(crate) fn changes(patch: &brightsync_sdk::Patch, present: &Present) -> Result<Draft> {
    let fields = Fields::from(patch);
    draft(
        fields,
        present.parties.clone(),
        present.about.clone(),
        present.state,
    )
}

/// The condition that a logged e-mail meets: by its id, or, where that was not kept, by subject and time.
pub(crate) fn found(key: &EmailKey) -> Filter {
    let id = key.message_id.as_ref().unwrap_or(&key.key);
    let alike = vec![
        Filter::empty("messageid"),
        Filter::equals("subject", &subject(&key.subject, LONGEST_SUBJECT)),
        Filter::at("actualend", key.sent_at),
    ];
    Filter::any(vec![
        Filter::equals("messageid", &format!("<{id}>")),
        Filter::equals("messageid", id),
        Filter::all(alike),
    ])
}

fn draft(
    mut fields: Fields,
    mut parties: Vec<(Part, Party)>,
    about_now: Vec<Ref>,
    mut state: State,
) -> Result<Draft> {
    let mut are_changed = false;
    for (field, part) in RECIPIENTS {
        if let Some(edits) = fields.list::<Party>(field)? {
            edit_parties(&mut parties, part, edits);
            are_changed = true;
        }
    }
    if let Some(sender) = fields.value::<Party>("sender")? {
        parties.retain(|it| it.0 != SENDER);
        parties.extend(sender.into_option().map(|it| (SENDER, it)));
        are_changed = true;
    }
    let direction = fields.value::<Direction>("direction")?;
    let about = fields.list::<Ref>("about")?;
    let text = fields.value::<String>("text")?;
    let text = text.map(|it| it.map(|it| html(&it)));
    let description = match fields.value::<String>("html")? {
        Some(Change::Set(html)) => Some(Change::Set(html)),
        cleared => text.or(cleared),
    };
    let subject = fields.value::<String>("subject")?;
    let sent_at = |it: i64| Some(second(it));
    let draft = patch::Draft::from(fields).value("sent-at", "actualend", sent_at);
    let mut row = Row::finish(draft)?;
    set_subject(&mut row, subject, LONGEST_SUBJECT);
    if let Some(description) = description {
        row.body.set("description", description.into());
    }
    if let Some(Change::Set(direction)) = direction {
        let outgoing = direction == Direction::Outgoing;
        row.body.set("directioncode", outgoing.into());
        state = if outgoing { SENT } else { RECEIVED };
    }
    set_about(&mut row, &EMAILS, about_now, about, &parties);
    Ok(Draft {
        row,
        parties: are_changed.then_some(parties),
        attachments: Vec::new(),
        state,
    })
}

/// Plain text as HTML, which bodies are.
fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\r' => {}
            '\n' => html.push_str("<br>"),
            it => html.push(it),
        }
    }
    html
}
