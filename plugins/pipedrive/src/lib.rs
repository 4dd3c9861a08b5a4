//! The connector to Pipedrive.
//!
//! Each request costs tokens, of which a company has a number for each day, so the cheaper way is taken wherever there are two.

mod activity;
mod api;
mod deal;
mod departure;
mod due;
mod lookup;
mod mine;
mod note;
mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

use brightsync_sdk::http::{Request, Response};
use brightsync_sdk::json::Object;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, ForbiddenKind, Id, MeetingKey, Moment,
    NewAccount, NewContact, NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch,
    ReadRequest, Reason, Result, User, Whoami, Written, settings,
};

use activity::{Log, Sign};
use api::{ACTIVITIES, Api};
use lookup::lower;
use read::{Kind, ORGANIZATION, PERSON, View, is_deleted};
use value::{gone, known};
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
        self.get(&ORGANIZATION, id)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.by_ids(&ORGANIZATION, ids)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update(&ORGANIZATION, id, write::account(Fields::from(&patch))?)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(ORGANIZATION.path, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.mine(&ORGANIZATION, &request)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.by_name(&ORGANIZATION, name, &page)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.create(&PERSON, write::new_contact(contact)?)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.get(&PERSON, id)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.by_ids(&PERSON, ids)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let draft = write::contact(Fields::from(&patch), || self.get_contact(id))?;
        self.update(&PERSON, id, draft)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.delete(PERSON.path, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.mine(&PERSON, &request)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.by_name(&PERSON, name, &page)
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

    fn create_email(&self, mut email: NewEmail) -> Result<Written> {
        let files = std::mem::take(&mut email.attachments);
        self.log(&Sign::from(email.key.clone()), email.into(), &files)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Email, id, Fields::from(&patch))
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.delete(ACTIVITIES, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.logged(&key.into())
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        self.log(&Sign::from(meeting.key.clone()), meeting.into(), &[])
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Meeting, id, Fields::from(&patch))
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.delete(ACTIVITIES, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        self.logged(&key.into())
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

    /// Reads the record of an answer, unless it is deleted: for a month it can still be read.
    fn live<T>(&self, answer: &Response, id: &str, map: impl Fn(Object<'_>) -> T) -> Result<T> {
        answer.read(|it| {
            let live = |it: Object<'_>| (!is_deleted(it)).then(|| map(it));
            it.need_object("data", live).ok_or_else(|| gone(id))
        })
    }

    fn get<T>(&self, kind: &Kind<T>, id: &str) -> Result<T> {
        let view = self.view(kind.object);
        let answer = self.api.read(kind.path, known(id)?).send()?;
        self.live(&answer, id, |it| (kind.map)(it, &view))
    }

    fn create<T>(&self, kind: &Kind<T>, draft: Draft) -> Result<Written> {
        let request = |draft: &Draft| self.api.create(kind.path, &draft.filled());
        self.write(kind, "", draft, request)
    }

    fn update<T>(&self, kind: &Kind<T>, id: &str, draft: Draft) -> Result<Written> {
        let number = known(id)?;
        let request = |draft: &Draft| match draft.whole() {
            // There is nothing to be changed, but the record has to be there.
            body if body.is_empty() => self.api.read(kind.path, number),
            body => self.api.change(kind.path, number, &body),
        };
        self.write(kind, id, draft, request)
    }

    /// Writes a person or an organisation; without a job title if the company has none, when all of it is refused.
    fn write<T>(
        &self,
        kind: &Kind<T>,
        id: &str,
        mut draft: Draft,
        request: impl Fn(&Draft) -> Request,
    ) -> Result<Written> {
        const REFUSED: Reason = Reason::Forbidden(ForbiddenKind::ThisOperation);
        let mut sent = request(&draft).send();
        if draft.title.is_some() && sent.as_ref().is_err_and(|it| it.reason == REFUSED) {
            draft.title = None;
            let reason = "Pipedrive keeps job titles once contact sync is set up";
            draft.leave("title", reason);
            sent = request(&draft).send();
        }
        let answer = sent?;
        self.live(&answer, id, |_| ())?;
        let view = self.view(kind.object);
        draft.done(answer.read(|it| read::written(it, |id| Some(view.link(kind.item, id))))?)
    }

    /// Deletes a record that is there: whether a second deletion is refused is not said anywhere.
    fn delete(&self, path: &str, id: &str) -> Result<()> {
        let number = known(id)?;
        let there = self.api.read(path, number).send()?;
        self.live(&there, id, |_| ())?;
        self.api.delete(path, number).send().map(drop)
    }
}

impl From<EmailKey> for Sign {
    fn from(it: EmailKey) -> Self {
        Self {
            log: Log::Email,
            key: it.key,
            subject: it.subject,
            start: Moment::At(it.sent_at),
            about: it.about,
        }
    }
}

impl From<MeetingKey> for Sign {
    fn from(it: MeetingKey) -> Self {
        Self {
            log: Log::Meeting,
            key: it.key,
            subject: it.subject,
            start: it.start,
            about: it.about,
        }
    }
}
