//! Every function of the contract, one after the other, on whatever CRM: what is created is found again, changed and deleted.

mod step;

use std::fmt;
use std::time::{Duration, Instant};

use brightsync_core::crm::email::EmailKey;
use brightsync_core::crm::meeting::MeetingKey;
use brightsync_core::crm::user::User;
use brightsync_core::crm::{Id, Moment, Timestamp};
use brightsync_core::function::Function;
use brightsync_core::manifest::Manifest;
use brightsync_core::manifest::OwnerKind;
use brightsync_runtime::{CallError, Connection};
use serde::Serialize;

use super::ledger::micros;
use crate::table::{Columns, Side::Left, Side::Right};
use crate::terminal::{Terminal, Tone};
use crate::text;

/// The order: what a function needs comes before it, and what was made is deleted at the end.
const ORDER: [Function; 30] = [
    Function::GetMe,
    Function::GetUsers,
    Function::GetUsersByEmail,
    Function::CreateAccount,
    Function::GetAccount,
    Function::GetAccounts,
    Function::UpdateAccount,
    Function::GetMyAccounts,
    Function::GetAccountsByName,
    Function::CreateContact,
    Function::GetContact,
    Function::GetContacts,
    Function::UpdateContact,
    Function::GetMyContacts,
    Function::GetContactsByName,
    Function::GetContactsByEmail,
    Function::GetContactsByEmailDomain,
    Function::GetAccountsByDomain,
    Function::CreateEmail,
    Function::FindEmail,
    Function::UpdateEmail,
    Function::CreateMeeting,
    Function::FindMeeting,
    Function::UpdateMeeting,
    Function::GetOpportunitiesForContacts,
    Function::GetOpportunitiesForAccounts,
    Function::DeleteEmail,
    Function::DeleteMeeting,
    Function::DeleteContact,
    Function::DeleteAccount,
];

/// How many steps a tour has.
pub(super) const LENGTH: u64 = ORDER.len() as u64;

/// What came of one function.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Step {
    pub(super) function: Function,
    pub(super) outcome: Outcome,
    /// In words, safe to show.
    pub(super) what: String,
    /// Microseconds, the host's part included.
    pub(super) took: u64,
}

/// How a function went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// It answered, and the answer is right.
    Right,
    /// The manifest does not list it.
    Unsupported,
    /// It was not tried, since `get-me` says that this connection lacks it.
    Lacking,
    /// It did not answer, or not what it should.
    Wrong,
}

/// Why a step is wrong.
enum Failure {
    Call(CallError),
    /// It answered something else than it should.
    Answer(String),
    /// A step before it has not made what it needs.
    Needs(&'static str),
}

/// One customer's tour: what was found and made on the way.
pub(super) struct Tour<'a> {
    connection: &'a Connection,
    manifest: &'a Manifest,
    /// Makes names that no other tour has.
    stamp: String,
    started: Timestamp,
    user: Option<User>,
    capabilities: Vec<(String, String)>,
    account: Option<Id>,
    contact: Option<Id>,
    email: Option<Id>,
    meeting: Option<Id>,
    some_accounts: Vec<Id>,
    some_contacts: Vec<Id>,
}

impl<'a> Tour<'a> {
    pub(super) fn new(connection: &'a Connection, manifest: &'a Manifest, now: Timestamp) -> Self {
        Self {
            connection,
            manifest,
            stamp: format!("{:x}", now & 0xff_ffff),
            started: now,
            user: None,
            capabilities: Vec::new(),
            account: None,
            contact: None,
            email: None,
            meeting: None,
            some_accounts: Vec::new(),
            some_contacts: Vec::new(),
        }
    }

    /// Calls every function. `advance` is told of each.
    pub(super) async fn take(mut self, advance: impl Fn()) -> Vec<Step> {
        let mut steps = Vec::new();
        for function in ORDER {
            let started = Instant::now();
            let (outcome, what) = if let Some(why) = lacks(&self.capabilities, function, "") {
                (Outcome::Lacking, format!("{why} to this user, says get-me"))
            } else {
                self.outcome(function).await
            };
            steps.push(Step {
                function,
                outcome,
                what: text::message(&what),
                took: micros(started.elapsed()),
            });
            advance();
        }
        steps
    }

    async fn outcome(&mut self, function: Function) -> (Outcome, String) {
        match self.step(function).await {
            Ok(what) => (Outcome::Right, what),
            Err(Failure::Call(error)) if error.is_unsupported() => {
                (Outcome::Unsupported, "unsupported".to_owned())
            }
            Err(failure) => (Outcome::Wrong, failure.to_string()),
        }
    }

    fn account_name(&self) -> String {
        format!("Demonstration {} Limited", self.stamp)
    }

    fn contact_name(&self) -> String {
        format!("Ada Demo{}", self.stamp)
    }

    fn domain(&self) -> String {
        format!("demo-{}.example", self.stamp)
    }

    fn address(&self, local: &str) -> String {
        format!("{local}@{}", self.domain())
    }

    fn email_key(&self) -> EmailKey {
        EmailKey {
            key: format!("demo-email-{}", self.stamp),
            message_id: Some(format!("{}@demo.example", self.stamp)),
            sent_at: self.started - 3_600_000,
            subject: format!("Offer {}", self.stamp),
            sender: self.address("ada"),
            about: self.about(),
        }
    }

    fn meeting_key(&self) -> MeetingKey {
        // Whole minutes, since some CRMs keep no seconds.
        let start = (self.started / 60_000 + 24 * 60) * 60_000;
        MeetingKey {
            key: format!("demo-meeting-{}", self.stamp),
            ical_uid: format!("{}@calendar.demo.example", self.stamp),
            occurrence: None,
            start: Moment::At(start),
            subject: format!("Talk {}", self.stamp),
            about: self.about(),
        }
    }

    /// Whether the records of the connected user can be asked for.
    fn knows_me(&self, function: Function) -> bool {
        let reads = if function == Function::GetMyAccounts {
            self.manifest.reads_of_accounts()
        } else {
            self.manifest.reads_of_contacts()
        };
        reads.is_some_and(|it| it.owners.contains(&OwnerKind::Me))
    }
}

/// Shows the tours of all customers side by side.
pub(super) fn show(tours: &[(&str, Vec<Step>)], terminal: &Terminal) {
    let mut head = vec![("function", Left)];
    head.extend(tours.iter().map(|(tenant, _)| (*tenant, Right)));
    head.push(("what came of it", Left));
    let mut table = Columns::new(&head);
    for (place, function) in ORDER.iter().enumerate() {
        let steps: Vec<&Step> = tours.iter().filter_map(|(_, it)| it.get(place)).collect();
        let mut row = vec![function.to_string()];
        row.extend(steps.iter().map(|step| match step.outcome {
            Outcome::Right => text::took(Duration::from_micros(step.took)),
            Outcome::Unsupported | Outcome::Lacking => "–".to_owned(),
            Outcome::Wrong => "WRONG".to_owned(),
        }));
        // What is wrong for one customer is what has to be read.
        let worst = steps.iter().find(|it| it.outcome == Outcome::Wrong);
        let told = worst.or(steps.first()).map(|it| it.what.clone());
        row.push(told.unwrap_or_default());
        table.row(row);
    }
    table.show(2, terminal);
    let all = tours.iter().flat_map(|(_, steps)| steps);
    let count = |outcome| all.clone().filter(|it| it.outcome == outcome).count();
    let wrong = count(Outcome::Wrong);
    let mut result = format!("{} right, {wrong} wrong", count(Outcome::Right));
    for (outcome, why) in [
        (Outcome::Unsupported, "that the connector does not have"),
        (
            Outcome::Lacking,
            "that the customer's user may not do, as get-me says",
        ),
    ] {
        match count(outcome) {
            0 => {}
            many => result.push_str(&format!(", {many} {why}")),
        }
    }
    let tone = if wrong == 0 { Tone::Good } else { Tone::Bad };
    terminal.line(format!("  {}", terminal.paint(tone, result)));
}

/// Why a connection lacks a function, or a scope of it, if `get-me` said so.
pub(super) fn lacks<'a>(
    capabilities: &'a [(String, String)],
    function: Function,
    scope: &str,
) -> Option<&'a str> {
    let dot = if scope.is_empty() { "" } else { "." };
    let name = format!("{}.{function}{dot}{scope}", function.interface());
    let known = |why: &&'a (String, String)| matches!(&*why.1, "unsupported" | "forbidden");
    let told = capabilities.iter().filter(known).find(|it| it.0 == name);
    told.map(|(_, why)| why.as_str())
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "{error}"),
            Self::Answer(problem) => f.write_str(problem),
            Self::Needs(what) => write!(f, "not tried: {what} is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_has_every_function_once() {
        let mut order = ORDER.to_vec();
        order.sort();
        let mut all = Function::ALL.to_vec();
        all.sort();
        assert_eq!(order, all);
    }

    #[test]
    fn what_get_me_takes_back_is_not_tried() {
        let told = |name: &str, why: &str| (name.to_owned(), why.to_owned());
        let capabilities = [
            told("emails.delete-email", "forbidden"),
            told("contacts.get-my-contacts.departed", "unsupported"),
            told("emails.find-email", "a word of a later version"),
        ];
        let check = |function, scope| lacks(&capabilities, function, scope);
        assert_eq!(check(Function::DeleteEmail, ""), Some("forbidden"));
        assert_eq!(check(Function::FindEmail, ""), None);
        assert_eq!(check(Function::GetMyContacts, ""), None);
        let departed = check(Function::GetMyContacts, "departed");
        assert_eq!(departed, Some("unsupported"));
    }
}
