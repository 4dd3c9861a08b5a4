//! Logging e-mails and meetings as notes, one on each record that they are about.
//!
//! Nobody may change the text of a note, and only administrators may search all of them and delete them
//! (trytond 8.2, `ir.note`). So a change is a new note in place of the old one, and the id of an e-mail or a meeting is
//! the host's own key, which stays.

use brightsync_sdk::json::Body;
use brightsync_sdk::{Error, Id, Reason, Ref, Result, Written, http};

use crate::Tryton;
use crate::api::{LARGEST_PAGE, Search};
use crate::note::{self, Draft, Log, Note};
use crate::query::{self, is};

const NOTE: &str = "ir.note";

/// A note as it is in Tryton.
struct Kept {
    id: i64,
    message: String,
    /// The record that it is on.
    about: Option<Ref>,
}

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
        let mut domain = Vec::new();
        if !resources.is_empty() {
            domain.push(is("resource", "in", resources));
        }
        domain.push(is("message", "like", log.pattern(key)?));
        let found = self.first(NOTE, domain, &["id"], |_| key.to_owned())?;
        Ok(Vec::from_iter(found))
    }

    pub(crate) fn relog(
        &self,
        log: Log,
        key: &str,
        edit: impl FnOnce(Note, Vec<Ref>) -> Result<Draft>,
    ) -> Result<Written> {
        let notes = self.notes(log, key)?;
        // A change that was interrupted has left old notes and new ones; the new ones are right.
        let note = notes.last();
        let note = note.and_then(|it| Note::parse(log, key, &it.message));
        let note = note.ok_or_else(|| {
            let message = format!("somebody has changed the note of {key}: it does not read");
            Error::other(message)
        })?;
        let about = notes.iter().filter_map(|it| it.about.clone());
        let mut draft = edit(note, about.collect())?;
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
        let mut records = Vec::new();
        for resource in resources {
            let record = Body::new().with("resource", resource.as_str());
            records.push(record.with("message", message.as_str()).into());
        }
        let created = self.api.create_all(NOTE, records).send();
        created.map(drop).map_err(|error| match error.reason {
            // A note on a record that is gone is refused as one on none.
            Reason::Invalid(_) if error.message.contains("\"Resource\"") => {
                Error::invalid("about", "one of these records does not exist any more")
            }
            _ => error,
        })
    }

    fn notes(&self, log: Log, key: &str) -> Result<Vec<Kept>> {
        let domain = query::all(vec![is("message", "like", log.pattern(key)?)]);
        let search = Search::new(domain, &["message", "resource"], LARGEST_PAGE);
        let notes = self.api.search(NOTE, search).send()?.each(|it| Kept {
            id: it.need("id"),
            message: it.get("message").unwrap_or_default(),
            about: about(&it.need::<String>("resource")),
        })?;
        if notes.is_empty() {
            return Err(Error::not_found(format!("nothing is logged under {key}")));
        }
        Ok(notes)
    }

    fn remove(&self, notes: &[Kept]) -> Result<()> {
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

/// The record that a note is on; it does not say whether a party is an account or a contact.
fn about(resource: &str) -> Option<Ref> {
    let (model, id) = resource.split_once(',')?;
    let kind = match model {
        "sale.opportunity" => "opportunity",
        _ => "contact",
    };
    Some(Ref::new(kind, id))
}
