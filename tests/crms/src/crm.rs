//! What a stand-in is, and the words in which the scenarios speak with all of them.

use crate::{Answer, Office, Request, Trouble};

/// A CRM that stands in for the real one.
pub trait Crm: Send + 'static {
    /// What it has in common with all others.
    fn office(&mut self) -> &mut Office;

    /// How a connection comes in: the recipe of the connector's manifest and its fields.
    fn access(&self) -> Access;

    /// The settings of a connection, besides those that its recipe sets.
    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Answers a request for which no trouble is due: it checks the credential ([`Office::tokens`], [`Office::revoked`], [`Office::lacking`]) and everything else, and does what is asked.
    fn answer(&mut self, request: &Request) -> Answer;

    /// Refuses a request for a reason that all CRMs have, in this one's own form.
    fn refuse(&mut self, refusal: Refusal) -> Answer;

    /// The scope or right that the credential has not, once [`Office::lacking`] is set: one without which contacts cannot be read.
    fn lacks(&self) -> &'static str;

    /// The id of the user whose connection it is.
    fn me(&self) -> String;

    /// Puts a user there.
    fn add_user(&mut self, user: &Colleague) -> String;

    /// Puts a company there; times are those of the clock.
    fn add_company(&mut self, company: &Company) -> String;

    /// Puts a person there.
    fn add_person(&mut self, person: &Person) -> String;

    /// Puts an opportunity there.
    fn add_deal(&mut self, deal: &Deal) -> String;

    /// Gives a person another family name, as a colleague in the office would.
    fn rename(&mut self, person: &str, family: &str);

    /// Gives a person to another user.
    fn give(&mut self, person: &str, owner: &str);

    /// Deletes a record as a colleague in the office would.
    fn remove(&mut self, kind: Kind, id: &str);

    /// The ids of all records of a kind that are not deleted.
    fn ids(&self, kind: Kind) -> Vec<String>;

    /// What was logged, as the CRM keeps it.
    fn logged(&self, kind: Kind) -> Vec<Logged>;
}

/// What every CRM refuses for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The credential is not, or no longer, good.
    Unauthorized,
    /// The credential lacks a scope or a right; see [`Crm::lacks`].
    Lacking,
    /// A rate limit was hit.
    Limit,
    /// It is down.
    Outage,
}

/// How a connection comes in.
#[derive(Clone, Debug)]
pub struct Access {
    /// The recipe's name in the manifest.
    pub recipe: &'static str,
    /// The fields that the recipe asks for.
    pub fields: Vec<(&'static str, String)>,
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accounts.
    Company,
    /// Contacts.
    Person,
    /// Logged e-mails.
    Email,
    /// Logged meetings.
    Meeting,
}

/// A user of the CRM.
#[derive(Clone, Debug)]
pub struct Colleague {
    /// The whole name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// A company.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// The name.
    pub name: String,
    /// The domain, such as `acme.example`.
    pub domain: Option<String>,
    /// The user who owns it; none for the connected one.
    pub owner: Option<String>,
}

/// A person.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The given name.
    pub given: String,
    /// The family name.
    pub family: String,
    /// The main address.
    pub email: Option<String>,
    /// The company.
    pub company: Option<String>,
    /// The user who owns it; none for the connected one.
    pub owner: Option<String>,
}

/// An opportunity.
#[derive(Clone, Debug)]
pub struct Deal {
    /// The name.
    pub name: String,
    /// The company.
    pub company: Option<String>,
    /// The person that it goes through.
    pub person: Option<String>,
    /// The amount, a decimal with two places.
    pub amount: String,
    /// How it stands.
    pub outcome: Outcome,
}

/// How an opportunity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not decided.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
}

/// An e-mail or a meeting as the CRM keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The id in the CRM's own words.
    pub id: String,
    /// The subject.
    pub subject: String,
    /// The body, as it is kept.
    pub body: String,
    /// The persons, companies and opportunities that it is linked with.
    pub about: Vec<String>,
}

/// Serves one request: what goes wrong goes first, and everything is noted.
///
/// The second of the answer is true if the connection is to be closed in the middle of it.
pub fn serve(crm: &mut dyn Crm, request: &Request) -> (Answer, bool) {
    let trouble = crm.office().next_trouble();
    let answer = match trouble {
        Some(Trouble::Limit) => crm.refuse(Refusal::Limit),
        Some(Trouble::Outage) => crm.refuse(Refusal::Outage),
        Some(Trouble::Cut) | None => crm.answer(request),
    };
    crm.office().note(request, &answer);
    (answer, trouble == Some(Trouble::Cut))
}
