//! A record that is being written, by creation or by patch, in the words of the CRM.

use serde_json::Value;

use super::{Change, Fields, ListChange, ListEdits};
use crate::json::{Body, FromJson};
use crate::{
    Attachment, Error, InvalidField, NewAccount, NewContact, NewEmail, NewMeeting, Patch, Result,
};

/// A record that is being written: field by field, the contract's words become the CRM's.
///
/// One mapping serves creations and changes alike.
/// What it does not take, and what maps to none, is named in `incomplete`; what does not fit is the error of [`finish`](Self::finish).
///
/// ```
/// use brightsync_sdk::json::Body;
/// use brightsync_sdk::patch::Draft;
/// use brightsync_sdk::{ContactPoint, Edit, NewContact, Patch};
/// use serde_json::json;
///
/// fn contact(draft: Draft) -> Draft {
///     draft
///         .texts(&[("full-name", "name"), ("title", "job")])
///         .list("emails", "mails", "address", |it: ContactPoint| {
///             Some(Body::new().with("address", it.value))
///         })
///         .custom("custom.")
/// }
///
/// let ann = NewContact {
///     full_name: Some("Ann".to_owned()),
///     emails: vec![ContactPoint::primary("ann@a.example")],
///     phones: vec![ContactPoint::primary("1")],
///     ..NewContact::default()
/// };
/// let created = contact(Draft::from(ann)).finish()?;
/// assert_eq!(json!(created.set), json!({"name": "Ann", "mails": [{"address": "ann@a.example"}]}));
/// assert_eq!(created.incomplete[0].field.as_deref(), Some("phones"));
///
/// let edits = [
///     ("title", Edit::Clear),
///     ("emails", Edit::Remove(r#"{"value":"ann@a.example"}"#.to_owned())),
///     ("extra.tier", Edit::Set("3".to_owned())),
/// ];
/// let edits = edits.map(|(field, edit)| (field.to_owned(), edit));
/// let changed = contact(Draft::from(Patch::new(edits.to_vec()))).finish()?;
/// assert_eq!(json!(changed.set), json!({"custom.tier": 3}));
/// assert_eq!(changed.clear, ["job"]);
/// assert_eq!(json!(changed.remove), json!({"mails": [{"address": "ann@a.example"}]}));
/// # Ok::<(), brightsync_sdk::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a draft does nothing until it is finished"]
pub struct Draft {
    fields: Fields,
    changes: Changes,
    /// The first thing that does not fit.
    problem: Option<Error>,
}

/// What becomes of a record, by the CRM's names; of a new one, there is `set` alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// What gets a value; a list is replaced.
    pub set: Body,
    /// What becomes empty.
    pub clear: Vec<String>,
    /// What lists get, unless it is there.
    pub add: Body,
    /// What lists lose, if it is there.
    pub remove: Body,
    /// What has no place in this CRM, by the contract's names.
    pub incomplete: Vec<InvalidField>,
    /// The only version of the record that may be changed, if the patch names one.
    pub if_version: Option<String>,
}

impl Draft {
    /// Takes fields with one text each, by the contract's name and the CRM's.
    pub fn texts(self, names: &[(&str, &str)]) -> Self {
        names.iter().fold(self, |draft, (field, theirs)| {
            draft.value(field, theirs, |it: String| Some(it))
        })
    }

    /// Takes fields with one text each, whose names in the CRM differ in having `_` for `-`.
    pub fn same_texts(self, names: &[&str]) -> Self {
        names.iter().fold(self, |draft, field| {
            let theirs = field.replace('-', "_");
            draft.value(field, &theirs, |it: String| Some(it))
        })
    }

    /// Takes a field with one value.
    pub fn value<T: FromJson, U: Into<Value>>(
        mut self,
        field: &str,
        theirs: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Self {
        let change = self.fields.value_as(field, map);
        self.keep(theirs, change);
        self
    }

    /// Takes a field with a list, of which the CRM tells elements apart by this member, without regard to case; elements that are texts by themselves.
    pub fn list<T: FromJson, U: Into<Value>>(
        mut self,
        field: &str,
        theirs: &str,
        member: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Self {
        let edits = self.fields.list_as(field, map);
        self.keep_list(theirs, member, edits);
        self
    }

    /// Takes the attachments of a new e-mail; patches have none.
    pub fn attachments(mut self, theirs: &str, map: impl Fn(Attachment) -> Option<Value>) -> Self {
        let attachments = std::mem::take(&mut self.fields.attachments);
        let mut kept = Vec::with_capacity(attachments.len());
        let count = attachments.len();
        for it in attachments {
            kept.extend(map(it));
        }
        let gone = InvalidField::without_place("attachments", count - kept.len());
        self.fields.left_out.extend(gone);
        if !kept.is_empty() {
            self.changes.set.set(theirs, kept.into());
        }
        self
    }

    /// Takes the custom fields, named in the CRM with this before their names.
    pub fn custom(mut self, prefix: &str) -> Self {
        match self.fields.extra() {
            Ok(extra) => {
                for (name, change) in extra {
                    self.keep(&format!("{prefix}{name}"), Ok(Some(change)));
                }
            }
            Err(error) => self.note(error),
        }
        self
    }

    /// Takes the custom fields as members of one object, `null` where they become empty.
    pub fn custom_in(mut self, theirs: &str) -> Self {
        match self.fields.extra() {
            Ok(extra) => {
                let mut custom = Body::new();
                for (name, change) in extra {
                    custom.set(&name, change.into_option().unwrap_or_default());
                }
                if !custom.is_empty() {
                    self.changes.set.set(theirs, custom.into());
                }
            }
            Err(error) => self.note(error),
        }
        self
    }

    /// Sets something that is no field of the contract.
    pub fn with(mut self, theirs: &str, value: impl Into<Value>) -> Self {
        self.changes.set.set(theirs, value.into());
        self
    }

    /// Answers what becomes of the record, or the first thing that did not fit.
    pub fn finish(self) -> Result<Changes> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(Changes {
                incomplete: self.fields.rest(),
                ..self.changes
            }),
        }
    }

    fn keep(&mut self, theirs: &str, change: Result<Option<Change<Value>>>) {
        match change {
            Ok(None) => {}
            Ok(Some(Change::Clear)) => self.changes.clear.push(theirs.to_owned()),
            Ok(Some(Change::Set(value))) => self.changes.set.set(theirs, value),
            Err(error) => self.note(error),
        }
    }

    fn keep_list(&mut self, theirs: &str, member: &str, edits: Result<Option<ListEdits<Value>>>) {
        let edits = match edits {
            Ok(Some(edits)) => edits,
            Ok(None) => return,
            Err(error) => return self.note(error),
        };
        let id = |it: &Value| {
            let id = it.get(member).unwrap_or(it).as_str();
            id.map(str::to_ascii_lowercase)
        };
        match edits.sum(|one, other| id(one) == id(other)) {
            ListChange::Whole(list) => self.changes.set.set(theirs, list.into()),
            ListChange::Parts { add, remove } => {
                if !add.is_empty() {
                    self.changes.add.set(theirs, add.into());
                }
                if !remove.is_empty() {
                    self.changes.remove.set(theirs, remove.into());
                }
            }
        }
    }

    fn note(&mut self, error: Error) {
        self.problem.get_or_insert(error);
    }
}

impl From<Fields> for Draft {
    fn from(fields: Fields) -> Self {
        Self {
            fields,
            changes: Changes::default(),
            problem: None,
        }
    }
}

impl From<Patch> for Draft {
    fn from(patch: Patch) -> Self {
        let mut draft = Self::from(Fields::from(&patch));
        draft.changes.if_version = patch.if_version;
        draft
    }
}

impl From<NewAccount> for Draft {
    fn from(account: NewAccount) -> Self {
        Fields::from(account).into()
    }
}

impl From<NewContact> for Draft {
    fn from(contact: NewContact) -> Self {
        Fields::from(contact).into()
    }
}

impl From<NewEmail> for Draft {
    fn from(email: NewEmail) -> Self {
        Fields::from(email).into()
    }
}

impl From<NewMeeting> for Draft {
    fn from(meeting: NewMeeting) -> Self {
        Fields::from(meeting).into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Changes, Draft};
    use crate::{
        Attachment, Direction, Edit, EmailKey, Extra, NewAccount, NewEmail, Party, Patch, Reason,
        Ref,
    };

    fn left_out(changes: Changes) -> Vec<String> {
        let fields = changes.incomplete.into_iter();
        fields.filter_map(|it| it.field).collect()
    }

    fn offer() -> NewEmail {
        NewEmail {
            key: EmailKey {
                key: "k1".to_owned(),
                message_id: Some("1@a.example".to_owned()),
                sent_at: 0,
                subject: "Offer".to_owned(),
                sender: "a@a.example".to_owned(),
                about: vec![Ref::contact("7")],
            },
            thread: None,
            direction: Direction::Incoming,
            sender: Party::new("a@a.example"),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            text: None,
            html: None,
            attachments: vec![Attachment {
                name: "offer.pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                size: 3,
                content: None,
            }],
            owner: None,
            extra: Extra::new(),
        }
    }

    #[test]
    fn what_is_not_taken_of_a_new_record_is_named_and_what_it_is_found_by_is_not() {
        let changes = Draft::from(offer()).finish().unwrap();
        let fields = ["sent-at", "subject", "about", "direction", "sender"];
        let all = [&fields[..], &["attachments"]].concat();
        assert_eq!(left_out(changes), all);
        let draft = Draft::from(offer()).attachments("files", |it| Some(it.name.into()));
        let changes = draft.finish().unwrap();
        assert_eq!(json!(changes.set), json!({"files": ["offer.pdf"]}));
        assert_eq!(left_out(changes), fields);
    }

    #[test]
    fn custom_fields_are_one_object_or_many_fields() {
        let account = || NewAccount {
            extra: vec![
                ("vip".to_owned(), "true".to_owned()),
                ("brightsync.x".to_owned(), "1".to_owned()),
            ],
            ..NewAccount::new("Acme")
        };
        let draft = || Draft::from(account()).same_texts(&["name"]);
        let changes = draft().custom_in("own").finish().unwrap();
        assert_eq!(
            json!(changes.set),
            json!({"name": "Acme", "own": {"vip": true}})
        );
        assert!(changes.incomplete.is_empty());
        let changes = draft().custom("own_").finish().unwrap();
        assert_eq!(json!(changes.set), json!({"name": "Acme", "own_vip": true}));
    }

    #[test]
    fn the_first_thing_that_does_not_fit_is_the_error() {
        let edits = [("name", "1"), ("extra.vip", "{")];
        let edits = edits.map(|(field, json)| (field.to_owned(), Edit::Set(json.to_owned())));
        let draft = Draft::from(Patch::new(edits.to_vec()));
        let error = draft.same_texts(&["name"]).custom("").finish().unwrap_err();
        let Reason::Invalid(fields) = error.reason else {
            panic!("{error:?}")
        };
        assert_eq!(fields[0].field.as_deref(), Some("name"));
    }
}
