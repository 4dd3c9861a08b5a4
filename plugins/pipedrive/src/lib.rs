//! The connector to Pipedrive.
//!
//! Each request costs tokens, of which a company has a number for each day, so the cheaper way is taken wherever there are two.

mod activity;
mod api;
mod deal;
mod departure;
mod log;
mod lookup;
mod mine;
mod note;
mod read;
mod route;
#[cfg(test)]
mod tests;
mod value;
mod write;

use brightsync_sdk::http::{Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Error, ForbiddenKind, Id, MeetingKey, Moment,
    NewAccount, NewContact, NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch,
    ReadRequest, Reason, Result, User, Whoami, Written, settings, time,
};

use activity::Sign;
use api::{ACTIVITIES, Api, Kind, ORGANIZATION, PERSON};
use log::unknown;
use lookup::lower;
use note::Log;
use read::{View, is_deleted};
use value::number;
use write::Draft;

/// The connector.
pub struct Pipedrive {
    api: Api,
    company: String,
}

brightsync_sdk::export!(Pipedrive);

impl Connector for Pipedrive {
    fn open() -> Result<Self> {
        Ok(Self {
            api: Api::new(),
            company: settings::required("company")?,
        })
    }

    fn get_me(&self) -> Result<Whoami> {
        let wanted = settings::wanted_fields("user");
        let me = self.api.me().send()?;
        me.read(|it| read::whoami(it, &wanted))
    }

    fn get_users(&self, _: PageRequest) -> Result<Page<User>> {
        self.users()
    }

    fn get_users_by_email(&self, emails: &[String], _: PageRequest) -> Result<Page<User>> {
        if emails.is_empty() {
            return Ok(Page::empty());
        }
        let mut users = self.users()?;
        let is_asked = |it: &String| emails.iter().any(|asked| lower(asked) == lower(it));
        users.items.retain(|it| it.emails.iter().any(is_asked));
        Ok(users)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.create(&ORGANIZATION, write::account(account.into())?)
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.get(&ORGANIZATION, id, read::account)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.by_ids(&ORGANIZATION, ids, read::account)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update(&ORGANIZATION, id, write::account(Fields::from(&patch))?)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(ORGANIZATION.path, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.mine(&ORGANIZATION, &request, read::account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.by_name(&ORGANIZATION, name, &page, read::account)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.create(&PERSON, write::new_contact(contact)?)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.get(&PERSON, id, read::contact)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.by_ids(&PERSON, ids, read::contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let draft = write::contact(Fields::from(&patch), || self.get_contact(id))?;
        self.update(&PERSON, id, draft)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.delete(PERSON.path, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.mine(&PERSON, &request, read::contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.by_name(&PERSON, name, &page, read::contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.by_emails(emails, &page)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.by_domain(domain, &page)
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let key = email.key.clone();
        let draft = activity::new_email(email)?;
        self.log(&sign_of(&key), &key.about, Some(key.sent_at), draft)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Email, id, |present| {
            activity::edit_email(Fields::from(&patch), present)
        })
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.delete(ACTIVITIES, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.logged(&sign_of(&key), &key.about, Some(key.sent_at))
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let key = meeting.key.clone();
        let draft = activity::new_meeting(meeting, time::now())?;
        self.log(&meeting_sign(&key), &key.about, None, draft)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Meeting, id, |present| {
            activity::edit_meeting(Fields::from(&patch), present, time::now())
        })
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.delete(ACTIVITIES, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        self.logged(&meeting_sign(&key), &key.about, None)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.deals_of("person_id", contacts, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.deals_of("org_id", accounts, &page)
    }
}

impl Pipedrive {
    /// How records of an object are read.
    fn view(&self, object: &str) -> View {
        View {
            company: self.company.clone(),
            wanted: settings::wanted_fields(object),
        }
    }

    fn get<T>(&self, kind: &Kind, id: &str, map: fn(Object<'_>, &View) -> T) -> Result<T> {
        let view = self.view(kind.object);
        let number = number(id).ok_or_else(|| unknown(id))?;
        let request = self.api.read(kind.path, number);
        let request = request.query_some("custom_fields", view.custom_fields());
        request.send()?.read(|it| {
            let live = |it: Object<'_>| (!is_deleted(it)).then(|| map(it, &view));
            it.need_object("data", live).ok_or_else(|| unknown(id))
        })
    }

    fn create(&self, kind: &Kind, draft: Draft) -> Result<Written> {
        self.write(kind, draft, |body| self.api.create(kind.path, body))
    }

    fn update(&self, kind: &Kind, id: &str, draft: Draft) -> Result<Written> {
        let number = number(id).ok_or_else(|| unknown(id))?;
        self.write(kind, draft, |body| match body.is_empty() {
            // There is nothing to be changed, but the record has to be there.
            true => self.api.read(kind.path, number),
            false => self.api.change(kind.path, number, body),
        })
    }

    /// Writes a person or an organisation; without a job title if the company has none, which is refused as a whole.
    fn write(
        &self,
        kind: &Kind,
        mut draft: Draft,
        request: impl Fn(&Body) -> Request,
    ) -> Result<Written> {
        let is_refused = |it: &Result<Response>| {
            let this = Reason::Forbidden(ForbiddenKind::ThisOperation);
            it.as_ref().is_err_and(|it| it.reason == this)
        };
        let mut sent = request(&draft.whole()).send();
        if draft.title.is_some() && is_refused(&sent) {
            draft.title = None;
            let reason = "Pipedrive keeps job titles once contact sync is set up";
            draft.leave("title", reason);
            sent = request(&draft.whole()).send();
        }
        let view = self.view(kind.object);
        let written = sent?.read(|it| {
            let url = |id: &str| Some(view.link(kind.item, id));
            let live = |it: Object<'_>| (!is_deleted(it)).then(|| read::written(it, url));
            let gone = || Error::not_found("the record is deleted");
            it.need_object("data", live).ok_or_else(gone)
        })?;
        Ok(Written {
            incomplete: draft.incomplete,
            ..written
        })
    }

    /// Deletes a record that is there: whether a second deletion is refused is not said anywhere.
    fn delete(&self, path: &str, id: &str) -> Result<()> {
        let number = number(id).ok_or_else(|| unknown(id))?;
        let there = self.api.read(path, number).send()?;
        if there.read(|it| Ok(it.need_object("data", is_deleted)))? {
            return Err(unknown(id));
        }
        self.api.delete(path, number).send().map(drop)
    }
}

fn sign_of(key: &EmailKey) -> Sign {
    let sent = Moment::At(key.sent_at);
    Sign::new(Log::Email, key.key.clone(), &key.subject, sent)
}

fn meeting_sign(key: &MeetingKey) -> Sign {
    let start = key.start.clone();
    Sign::new(Log::Meeting, key.key.clone(), &key.subject, start)
}
