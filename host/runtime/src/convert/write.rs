//! Lowers what is passed to connectors.

use brightsync_core::crm::account::NewAccount;
use brightsync_core::crm::contact::{Affiliation, ContactPoint, NewContact};
use brightsync_core::crm::email::{Attachment, Direction, EmailKey, NewEmail};
use brightsync_core::crm::meeting::{Attendee, MeetingKey, NewMeeting};
use brightsync_core::crm::page::{Detail, Owner, PageRequest, ReadRequest, Scope, Window};
use brightsync_core::crm::write::{Edit, Patch};
use brightsync_core::crm::{Moment, Party, Ref};

use super::{Lower, lower_record};
use crate::bindings::{accounts, contacts, emails, meetings, types};

lower_record!(Ref => types::Ref { kind, id });
lower_record!(Party => types::Party { address, name, link, extra });
lower_record!(Window => types::Window { since, until });
lower_record!(PageRequest => types::PageRequest { token, size, extra });
lower_record!(ReadRequest => types::ReadRequest { owner, scope, detail, complete, page });
lower_record!(NewAccount => accounts::NewAccount { name, domains, owner, extra });
lower_record!(ContactPoint => contacts::ContactPoint { value, primary, label });
lower_record!(Affiliation => contacts::Affiliation { account, primary, role });
lower_record!(NewContact => contacts::NewContact {
    full_name, given_name, family_name, emails, phones, accounts, title, owner, extra,
});
lower_record!(Attachment => emails::Attachment { name, media_type, size, content });
lower_record!(EmailKey => emails::EmailKey { key, message_id, sent_at, subject, sender, about });
lower_record!(NewEmail => emails::NewEmail {
    key, thread, direction, sender, to, cc, bcc, text, html, attachments, owner, extra,
});
lower_record!(MeetingKey => meetings::MeetingKey { key, ical_uid, occurrence, start, subject, about });
lower_record!(Attendee => meetings::Attendee { party, response, role });
lower_record!(NewMeeting => meetings::NewMeeting {
    key, end, timezone, status, location, text, organiser, attendees, owner, extra,
});

impl Lower<types::Moment> for Moment {
    fn lower(self) -> types::Moment {
        match self {
            Self::At(time) => types::Moment::At(time),
            Self::On(day) => types::Moment::On(day),
        }
    }
}

impl Lower<types::Owner> for Owner {
    fn lower(self) -> types::Owner {
        match self {
            Self::Me => types::Owner::Me,
            Self::User(id) => types::Owner::User(id.lower()),
            Self::Anyone => types::Owner::Anyone,
        }
    }
}

impl Lower<types::Scope> for Scope {
    fn lower(self) -> types::Scope {
        match self {
            Self::All => types::Scope::All,
            Self::Updated(window) => types::Scope::Updated(window.lower()),
            Self::ChangedSince(token) => types::Scope::ChangedSince(token.lower()),
            Self::Departed(window) => types::Scope::Departed(window.lower()),
            Self::DepartedSince(token) => types::Scope::DepartedSince(token.lower()),
        }
    }
}

impl Lower<types::Detail> for Detail {
    fn lower(self) -> types::Detail {
        match self {
            Self::Ids => types::Detail::Ids,
            Self::Full => types::Detail::Full,
        }
    }
}

impl Lower<emails::Direction> for Direction {
    fn lower(self) -> emails::Direction {
        match self {
            Self::Incoming => emails::Direction::Incoming,
            Self::Outgoing => emails::Direction::Outgoing,
        }
    }
}

impl Lower<types::Patch> for Patch {
    fn lower(self) -> types::Patch {
        let lower = |edit| match edit {
            Edit::Set(value) => types::Edit::Set(value.to_string()),
            Edit::Clear => types::Edit::Clear,
            Edit::Add(value) => types::Edit::Add(value.to_string()),
            Edit::Remove(value) => types::Edit::Remove(value.to_string()),
        };
        types::Patch {
            edits: self
                .edits
                .into_iter()
                .map(|(field, edit)| (field, lower(edit)))
                .collect(),
            if_version: self.if_version,
        }
    }
}
