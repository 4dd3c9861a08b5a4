//! Logging e-mails and meetings as notes, one on each record that they are about.
//!
//! Nobody may change the text of a note, and only administrators may search all of them and delete them
//! (trytond 8.2, `ir.note`). So a change is a new note in place of the old one, and the id of an e-mail or a meeting is
//! the host's own key, which stays.

use brightsync_sdk::{Error, Id, Reason, Ref, Result, Written, http};
use serde_json::{Value, json};

use crate::Tryton;
use crate::api::{self, LARGEST_PAGE, Search};
use crate::note::{self, Draft, Log, Note};

const NOTE: &str = "ir.note";

impl Tryton {
    pub(crate) fn log(&self, log: Log, key: &str, mut draft: Draft) -> Result<Written> {
        log.pattern(key)?;
        let resources = draft.resources()?;
        self.put(&draft.note, &resources)?;
        Ok(Written {
            incomplete: draft.incomplete,
            ..Written::new(key)
        })
    }

    /// Finds what was logged under a key, on the records that it is about: all that an ordinary user may search.
    pub(crate) fn logged(&self, log: Log, key: &str, about: &[Ref]) -> Result<Vec<Id>> {
        let resources = note::resources(about);
        let mut domain = vec![json!(["message", "like", log.pattern(key)?])];
        if !resources.is_empty() {
            domain.insert(0, json!(["resource", "in", resources]));
        }
        let found: Option<api::Stub> = self.first(NOTE, domain.into(), &["id"])?;
        Ok(found.map(|_| key.to_owned()).into_iter().collect())
    }

    pub(crate) fn relog(
        &self,
        log: Log,
        key: &str,
        edit: impl FnOnce(Note, Vec<Ref>) -> Result<Draft>,
    ) -> Result<Written> {
        let notes = self.notes(log, key)?;
        // A change that was interrupted has left old notes and new ones; the new ones are right.
        let message = notes.last().and_then(|it| it.message.as_deref());
        let note = message.and_then(|it| Note::parse(log, key, it));
        let note = note.ok_or_else(|| {
            Error::other(format!(
                "somebody has changed the note of {key}: it does not read"
            ))
        })?;
        let mut draft = edit(note, about(&notes))?;
        let resources = draft.resources()?;
        self.put(&draft.note, &resources)?;
        self.remove(&notes)?;
        Ok(Written {
            incomplete: draft.incomplete,
            ..Written::new(key)
        })
    }

    pub(crate) fn unlog(&self, log: Log, key: &str) -> Result<()> {
        self.remove(&self.notes(log, key)?)
    }

    /// Puts the note on every one of the records, or on none.
    fn put(&self, note: &Note, resources: &[String]) -> Result<()> {
        let message = note.message();
        let record = |it: &String| json!({ "resource": it, "message": message });
        let records: Vec<Value> = resources.iter().map(record).collect();
        let created = self.api.create_all(NOTE, &records).send();
        created.map(drop).map_err(|error| match error.reason {
            // A note on a record that is gone is refused as one on none.
            Reason::Invalid(_) if error.message.contains("\"Resource\"") => {
                Error::invalid("about", "one of these records does not exist any more")
            }
            _ => error,
        })
    }

    fn notes(&self, log: Log, key: &str) -> Result<Vec<api::Note>> {
        let domain = json!([["message", "like", log.pattern(key)?]]);
        let search = Search::new(domain, &["message", "resource"], LARGEST_PAGE);
        let notes: Vec<api::Note> = self.api.search(NOTE, &search).send()?.json()?;
        if notes.is_empty() {
            return Err(Error::not_found(format!("nothing is logged under {key}")));
        }
        Ok(notes)
    }

    fn remove(&self, notes: &[api::Note]) -> Result<()> {
        let requests = notes.iter().map(|it| self.api.delete(NOTE, it.id));
        for answer in http::send_all(requests.collect()) {
            match answer {
                Err(error) if error.reason != Reason::NotFound => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// The records that the notes are on; a note does not say whether a party is an account or a contact.
fn about(notes: &[api::Note]) -> Vec<Ref> {
    let record = |it: &api::Note| {
        let (model, id) = it.resource.split_once(',')?;
        let kind = if model == "sale.opportunity" {
            "opportunity"
        } else {
            "contact"
        };
        Some(Ref::new(kind, id))
    };
    notes.iter().filter_map(record).collect()
}
