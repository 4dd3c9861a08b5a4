//! Activities: e-mails and appointments, what they are about, and who takes part.
//!
//! An activity is made open, and then brought to its state.
//! One that is completed is read-only, so to be changed it is opened and completed again; its parties are a list that is replaced as a whole.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::{Change, ListEdits};
use brightsync_sdk::{Attachment, Error, InvalidField, Party, Ref, Result, Written, base64, http};
use serde_json::Value;

use crate::api::{Api, Table, version};
use crate::odata::{Guid, Query};
use crate::read::look_up_kind;
use crate::write::{Row, bound, text};

/// The kinds of rows that an activity can be about, the best first: it has room for one.
///
/// A contact comes last, since a contact who takes part has the activity anyway.
const REGARDING: [(&str, &str); 4] = [
    ("opportunity", "opportunities"),
    ("account", "accounts"),
    ("lead", "leads"),
    ("contact", "contacts"),
];

/// The kinds of rows that take part, in the contract's words, Dataverse's, and in addresses.
const TAKING_PART: [(&str, &str, &str); 5] = [
    ("contact", "contact", "contacts"),
    ("account", "account", "accounts"),
    ("lead", "lead", "leads"),
    ("user", "systemuser", "systemusers"),
    ("queue", "queue", "queues"),
];

/// How somebody takes part: the column `participationtypemask`.
pub(crate) type Part = i64;

/// A kind of activity.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) table: Table,
    /// The list of those who take part.
    pub(crate) parties: &'static str,
    /// The field of the contract that has most of them.
    pub(crate) field: &'static str,
    /// The parts that this connector writes; others, such as the owner's, are Dataverse's own.
    pub(crate) parts: &'static [Part],
}

/// A state and its reason: `statecode` and `statuscode`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct State(pub(crate) i64, pub(crate) i64);

/// The state in which an activity can be edited.
const OPEN: State = State(0, 1);

/// An activity as it is.
pub(crate) struct Present {
    pub(crate) state: State,
    pub(crate) parties: Vec<(Part, Party)>,
    pub(crate) about: Vec<Ref>,
    /// What a write would answer that changes nothing.
    pub(crate) written: Written,
}

/// What becomes of an activity.
pub(crate) struct Draft {
    pub(crate) row: Row,
    /// Everybody who takes part; none leaves them alone.
    pub(crate) parties: Option<Vec<(Part, Party)>>,
    /// The files of a new one.
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) state: State,
}

impl Api {
    /// Makes an activity and brings it to its state.
    pub(crate) fn log(&self, activity: &Activity, mut draft: Draft) -> Result<Written> {
        let parties = rows(activity, &mut draft);
        draft.row.body.set(activity.parties, parties.into());
        let written = self.create(&activity.table, &draft.row.body)?;
        let id = crate::api::known(&written.id)?;
        self.attach(activity, &id, &mut draft);
        Ok(self.conclude(activity, &id, draft, written))
    }

    /// Adds files to an activity while it is open, and names those that are not kept.
    fn attach(&self, activity: &Activity, id: &Guid, draft: &mut Draft) {
        let (whole, bare): (Vec<_>, Vec<_>) = std::mem::take(&mut draft.attachments)
            .into_iter()
            .partition(|it| it.content.is_some());
        draft.row.leave_out("attachments", bare.len());
        let request = |it: &Attachment| {
            let content = it.content.as_deref().map(base64::encode);
            let file = Body::new()
                .with(
                    "objectid_activitypointer@odata.bind",
                    format!("/activitypointers({id})"),
                )
                .with("objecttypecode", activity.table.name)
                .with("filename", it.name.as_str())
                .with("mimetype", it.media_type.as_str())
                .with("body", content);
            self.post("activitymimeattachments").json(&file)
        };
        let answers = http::send_all(whole.iter().map(request).collect());
        for (file, answer) in whole.iter().zip(answers) {
            if let Err(error) = answer {
                let reason = format!("{} is not kept: {}", file.name, error.message);
                draft.row.leave("attachments", reason);
            }
        }
    }

    /// Reads an activity as it is.
    pub(crate) fn activity(&self, activity: &Activity, id: &Guid) -> Result<Present> {
        let Activity { table, parties, .. } = activity;
        let expand = format!("{parties}($select=_partyid_value,addressused,participationtypemask)");
        let row = format!("{}({id})", table.set);
        let query = Query::new(&row, table.columns).expand(Some(&expand));
        self.get(query.into_address()).send()?.read(|it| {
            let party = |it: Object<'_>| (it.need("participationtypemask"), party(it));
            Ok(Present {
                state: State(it.need("statecode"), it.need("statuscode")),
                parties: it.each(parties, party),
                about: regarding(it).into_iter().collect(),
                written: self.written(table, it),
            })
        })
    }

    /// Changes an activity, which is open meanwhile, and brings it back to its state or to a new one.
    pub(crate) fn relog(
        &self,
        activity: &Activity,
        id: &Guid,
        present: Present,
        mut draft: Draft,
        if_version: Option<&str>,
    ) -> Result<Written> {
        let mut known = version(if_version)?;
        if known.is_some() && known != present.written.version.as_deref() {
            return Err(Error::stale("the activity was changed meanwhile"));
        }
        let table = &activity.table;
        let parties = draft.parties.is_some().then(|| rows(activity, &mut draft));
        let is_edited = !draft.row.body.is_empty() || parties.is_some();
        let is_opened = is_edited && present.state.is_read_only();
        let edited = (|| {
            let mut written = present.written;
            if is_opened {
                written = self.change(table, id, &OPEN.body(), known.take())?;
            }
            if !draft.row.body.is_empty() {
                written = self.change(table, id, &draft.row.body, known)?;
            }
            if let Some(parties) = parties {
                let parties = Body::new().with("value", parties);
                self.replace(table, id, activity.parties, &parties)?;
                // That answers nothing of the new version.
                written.version = None;
            }
            Ok(written)
        })();
        match edited {
            Ok(written) if is_opened || draft.state != present.state => {
                Ok(self.conclude(activity, id, draft, written))
            }
            Ok(written) => Ok(Written {
                incomplete: draft.row.incomplete,
                ..written
            }),
            Err(error) if !is_opened => Err(error),
            Err(mut error) => {
                let closed = self.change(table, id, &present.state.body(), None);
                error.message.push_str(match closed {
                    Ok(_) => "; some of it may be written, and its state is as before",
                    Err(_) => "; some of it may be written, and it stays open",
                });
                Err(error)
            }
        }
    }

    /// Brings an activity that was written to its state; if that does not work, it exists all the same.
    fn conclude(&self, activity: &Activity, id: &Guid, draft: Draft, written: Written) -> Written {
        let mut incomplete = draft.row.incomplete;
        let written = if draft.state == OPEN {
            written
        } else {
            match self.change(&activity.table, id, &draft.state.body(), None) {
                Ok(written) => written,
                Err(error) => {
                    let reason = format!("it stays open, and was not completed: {}", error.message);
                    incomplete.push(InvalidField {
                        code: error.code,
                        ..InvalidField::unnamed(reason)
                    });
                    written
                }
            }
        };
        Written {
            incomplete,
            ..written
        }
    }
}

impl State {
    /// Completed and cancelled activities cannot be edited.
    fn is_read_only(self) -> bool {
        matches!(self.0, 1 | 2)
    }

    fn body(self) -> Body {
        let body = Body::new().with("statecode", self.0);
        body.with("statuscode", self.1)
    }
}

/// The parties as rows; those that have neither an address nor a row that takes part are named.
fn rows(activity: &Activity, draft: &mut Draft) -> Vec<Value> {
    let mut rows = Vec::new();
    for (part, party) in draft.parties.take().unwrap_or_default() {
        if !activity.parts.contains(&part) {
            continue;
        }
        match row(&party, part) {
            Some(row) => rows.push(row),
            None => {
                let who = party.name.as_deref().unwrap_or("somebody");
                let reason = format!("{who} has neither an address nor a row that can take part");
                draft.row.leave(activity.field, reason);
            }
        }
    }
    rows
}

fn row(party: &Party, part: Part) -> Option<Value> {
    let link = party.link.as_ref().and_then(|link| {
        let (_, name, set) = TAKING_PART.iter().find(|it| it.0 == link.kind)?;
        Some((format!("partyid_{name}@odata.bind"), bound(set, &link.id)?))
    });
    if link.is_none() && party.address.is_none() {
        return None;
    }
    let mut row = Body::new()
        .with("participationtypemask", part)
        .with_some("addressused", party.address.clone());
    if let Some((name, link)) = link {
        row.set(&name, link.into());
    }
    Some(row.into())
}

fn party(it: Object<'_>) -> Party {
    let kind = look_up_kind(it, "_partyid_value");
    let known = TAKING_PART
        .iter()
        .find(|known| Some(known.1) == kind.as_deref());
    let link = known.zip(text(it, "_partyid_value"));
    Party {
        address: text(it, "addressused"),
        link: link.map(|(known, id)| Ref::new(known.0, id)),
        ..Party::default()
    }
}

/// Applies edits to those who take part in one way, and leaves the others as they are.
pub(crate) fn edit_parties(parties: &mut Vec<(Part, Party)>, part: Part, edits: ListEdits<Party>) {
    let (now, others) = std::mem::take(parties)
        .into_iter()
        .partition::<Vec<_>, _>(|it| it.0 == part);
    let now = now.into_iter().map(|it| it.1).collect();
    *parties = others;
    parties.extend(edits.apply(now, is_same).into_iter().map(|it| (part, it)));
}

/// Somebody is known by the row, or by the address.
pub(crate) fn is_same(one: &Party, other: &Party) -> bool {
    match (&one.address, &other.address) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => one.link.is_some() && one.link == other.link,
    }
}

fn regarding(it: Object<'_>) -> Option<Ref> {
    let kind = look_up_kind(it, "_regardingobjectid_value")?;
    Some(Ref::new(kind, text(it, "_regardingobjectid_value")?))
}

/// Chooses what an activity is about, and names what there is no room for; who takes part is linked as such.
pub(crate) fn set_about(
    row: &mut Row,
    activity: &Activity,
    now: Vec<Ref>,
    edits: Option<ListEdits<Ref>>,
    parties: &[(Part, Party)],
) {
    let Some(edits) = edits else { return };
    let is_new = now.is_empty();
    let about = edits.apply(now, Ref::eq);
    let chosen = REGARDING.iter().find_map(|(kind, set)| {
        let is_it = |it: &&Ref| it.kind == *kind && Guid::parse(&it.id).is_some();
        Some((*kind, *set, about.iter().find(is_it)?))
    });
    let name = activity.table.name;
    let name = |kind: &str| format!("regardingobjectid_{kind}_{name}@odata.bind");
    match chosen {
        Some((kind, set, it)) => {
            let link = bound(set, &it.id);
            row.body.set(&name(kind), link.into());
        }
        None if is_new => {}
        None => row.body.set(&name("contact"), Value::Null),
    }
    for it in &about {
        let takes_part = parties
            .iter()
            .any(|(_, party)| party.link.as_ref() == Some(it));
        if takes_part || chosen.is_some_and(|(_, _, chosen)| chosen == it) {
            continue;
        }
        let reason = format!(
            "Dataverse links one row with an activity, and has no room for {} {}",
            it.kind, it.id
        );
        row.leave("about", reason);
    }
}

/// Sets the subject, and names it if the column has no room for all of it.
pub(crate) fn set_subject(row: &mut Row, change: Option<Change<String>>, longest: usize) {
    let Some(change) = change else { return };
    let given = change.into_option().unwrap_or_default();
    let kept = subject(&given, longest);
    if longest < given.trim().chars().count() {
        row.leave("subject", format!("it has room for {longest} characters"));
    }
    row.body.set("subject", kept.into());
}

/// A subject as the column takes it.
pub(crate) fn subject(text: &str, longest: usize) -> String {
    let subject: String = text.trim().chars().take(longest).collect();
    match subject.is_empty() {
        true => "(no subject)".to_owned(),
        false => subject,
    }
}
