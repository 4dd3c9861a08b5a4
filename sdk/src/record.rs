//! Constructors of the contract's records: what must be known as arguments, the rest empty.
//!
//! The rest is filled in by struct update: `Contact { title, ..Contact::new(Ref::contact(id)) }`.

use crate::{
    Account, Affiliation, Contact, ContactPoint, Detail, Error, Extra, Id, NewAccount, NewContact,
    Opportunity, OpportunityStatus, Owner, PageEnd, PageRequest, Party, Patch, ReadRequest, Ref,
    Result, Scope, User, Whoami, Window, Written,
};

impl User {
    /// A user of whom only id and name are known.
    pub fn new(id: impl Into<Id>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            emails: Vec::new(),
            timezone: None,
            active: None,
            extra: Extra::new(),
        }
    }
}

impl Whoami {
    /// A connection of which only the organisation is known.
    pub fn new(org_id: impl Into<Id>) -> Self {
        Self {
            org_id: org_id.into(),
            org_name: None,
            user: None,
            capabilities: Vec::new(),
            extra: Extra::new(),
        }
    }
}

impl Account {
    /// An account of which only id and name are known.
    pub fn new(id: impl Into<Id>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            domains: Vec::new(),
            kind: None,
            parent: None,
            owner: None,
            active: None,
            created_at: None,
            modified_at: None,
            last_activity_at: None,
            version: None,
            url: None,
            extra: Extra::new(),
        }
    }
}

impl NewAccount {
    /// An account to be created with a name and nothing else.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            domains: Vec::new(),
            owner: None,
            extra: Extra::new(),
        }
    }
}

impl Contact {
    /// A contact of which only the reference is known.
    pub fn new(reference: Ref) -> Self {
        Self {
            ref_: reference,
            converted_to: None,
            full_name: None,
            given_name: None,
            family_name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            accounts: Vec::new(),
            title: None,
            owner: None,
            active: None,
            created_at: None,
            modified_at: None,
            last_activity_at: None,
            version: None,
            url: None,
            extra: Extra::new(),
        }
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the type is generated, where no derive can be added to it alone"
)]
impl Default for NewContact {
    fn default() -> Self {
        Self {
            full_name: None,
            given_name: None,
            family_name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            accounts: Vec::new(),
            title: None,
            owner: None,
            extra: Extra::new(),
        }
    }
}

impl NewContact {
    /// The given and the family name: the parts if there are any, else the whole name split at its last space, as the contract asks.
    pub fn name_parts(&self) -> (Option<&str>, Option<&str>) {
        if self.given_name.is_some() || self.family_name.is_some() {
            return (self.given_name.as_deref(), self.family_name.as_deref());
        }
        let Some(name) = self.full_name.as_deref().map(str::trim) else {
            return (None, None);
        };
        match name.rsplit_once(' ') {
            Some((given, family)) => (Some(given.trim_end()), Some(family)),
            None => (None, Some(name)),
        }
    }

    /// The whole name: as it is, else the parts with a space between them.
    pub fn whole_name(&self) -> Option<String> {
        match (&self.full_name, &self.given_name, &self.family_name) {
            (Some(name), _, _) | (None, Some(name), None) | (None, None, Some(name)) => {
                Some(name.clone())
            }
            (None, Some(given), Some(family)) => Some(format!("{given} {family}")),
            (None, None, None) => None,
        }
    }
}

impl ContactPoint {
    /// Moves the main one to the front, where the contract wants it; of several that claim it, the last one counts, since it was added last.
    #[must_use]
    pub fn main_first(mut points: Vec<Self>) -> Vec<Self> {
        if let Some(main) = points.iter().rposition(|it| it.primary) {
            let main = points.remove(main);
            points.insert(0, main);
        }
        points
    }

    /// The main address or number.
    pub fn primary(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            primary: true,
            label: None,
        }
    }

    /// A further address or number.
    pub fn further(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            primary: false,
            label: None,
        }
    }
}

impl Owner {
    /// The id of the owner, for whom `me` stands if it is the connected user; none for everybody's records.
    pub fn into_id(self, me: impl Into<Id>) -> Option<Id> {
        match self {
            Self::Me => Some(me.into()),
            Self::User(id) => Some(id),
            Self::Anyone => None,
        }
    }
}

impl Scope {
    /// The window of a read by time; none for everything that exists, and `unsupported` for the change tokens that most CRMs do not have.
    pub fn window(&self) -> Result<Option<Window>> {
        match self {
            Self::All => Ok(None),
            Self::Updated(window) | Self::Departed(window) => Ok(Some(*window)),
            Self::ChangedSince(_) | Self::DepartedSince(_) => {
                Err(Error::unsupported("this CRM has no change tokens"))
            }
        }
    }
}

impl Affiliation {
    /// Moves the main account to the front; of several that claim it, the last one counts, since it was added last.
    #[must_use]
    pub fn main_first(mut accounts: Vec<Self>) -> Vec<Self> {
        if let Some(main) = accounts.iter().rposition(|it| it.primary) {
            let main = accounts.remove(main);
            accounts.insert(0, main);
        }
        accounts
    }

    /// The main account of a person.
    pub fn primary(account: impl Into<Id>) -> Self {
        Self {
            account: account.into(),
            primary: true,
            role: None,
        }
    }
}

impl Opportunity {
    /// An opportunity of which only id, name and status are known.
    pub fn new(id: impl Into<Id>, name: impl Into<String>, status: OpportunityStatus) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            status,
            stage: None,
            stage_order: None,
            kind: None,
            amount: None,
            created_at: None,
            closes: None,
            closed: None,
            last_activity_at: None,
            owner: None,
            members: Vec::new(),
            account: None,
            participants: Vec::new(),
            url: None,
            extra: Extra::new(),
        }
    }
}

impl Ref {
    /// A reference to a record of any kind: `contact`, `lead`, `account`, `user`, …
    pub fn new(kind: impl Into<String>, id: impl Into<Id>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }

    /// A reference to a contact.
    pub fn contact(id: impl Into<Id>) -> Self {
        Self::new("contact", id)
    }
}

impl Written {
    /// A write of which only the record's id is known.
    pub fn new(id: impl Into<Id>) -> Self {
        Self {
            id: id.into(),
            version: None,
            modified_at: None,
            url: None,
            also_created: Vec::new(),
            incomplete: Vec::new(),
            extra: Extra::new(),
        }
    }
}

impl Default for PageEnd {
    /// The end of a list.
    fn default() -> Self {
        Self {
            next: None,
            resume: None,
            complete_until: None,
            skipped: Vec::new(),
            extra: Extra::new(),
        }
    }
}

impl PageRequest {
    /// A request for the first page of a list.
    pub fn first(size: u32) -> Self {
        Self {
            token: None,
            size,
            extra: Extra::new(),
        }
    }

    /// The wished size, but at least 1 and at most the CRM's largest page.
    pub fn size_within(&self, largest: u32) -> u32 {
        self.size.min(largest).max(1)
    }
}

impl ReadRequest {
    /// A request for the first page of whole records, complete as of the start of the read.
    pub fn first(owner: Owner, scope: Scope, size: u32) -> Self {
        Self {
            owner,
            scope,
            detail: Detail::Full,
            complete: true,
            page: PageRequest::first(size),
        }
    }
}

impl Window {
    /// The stretch of time from an instant up to now.
    pub fn since(since: crate::Timestamp) -> Self {
        Self { since, until: None }
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the type is generated, where no derive can be added to it alone"
)]
impl Default for Party {
    fn default() -> Self {
        Self {
            address: None,
            name: None,
            link: None,
            extra: Extra::new(),
        }
    }
}

impl Party {
    /// Somebody of whom only the address is known.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: Some(address.into()),
            ..Self::default()
        }
    }
}

impl Patch {
    /// Edits for any version of the record.
    pub fn new(edits: Vec<(String, crate::Edit)>) -> Self {
        Self {
            edits,
            if_version: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Affiliation, ContactPoint, NewContact, Owner, Scope, Window};
    use crate::Reason;

    #[track_caller]
    fn check(full: &str, expected: (Option<&str>, Option<&str>)) {
        let contact = NewContact {
            full_name: Some(full.to_owned()),
            ..NewContact::default()
        };
        assert_eq!(contact.name_parts(), expected);
    }

    #[test]
    fn a_whole_name_is_split_at_its_last_space() {
        check("Ann Mary Lee", (Some("Ann Mary"), Some("Lee")));
        check(" Cher ", (None, Some("Cher")));
    }

    #[test]
    fn the_last_that_claims_to_be_the_main_one_comes_first() {
        let points = ["a", "b"].map(ContactPoint::further).to_vec();
        assert_eq!(ContactPoint::main_first(points.clone()), points);
        let claims = ["c", "d"].map(ContactPoint::primary).to_vec();
        let sorted = ContactPoint::main_first([points, claims].concat());
        let values: Vec<&str> = sorted.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["d", "a", "b", "c"]);
        let accounts = ["1", "2"].map(Affiliation::primary).to_vec();
        assert_eq!(Affiliation::main_first(accounts)[0].account, "2");
    }

    #[test]
    fn everybody_is_no_owner() {
        assert_eq!(Owner::Me.into_id("me").as_deref(), Some("me"));
        let other = Owner::User("7".to_owned());
        assert_eq!(other.into_id("me").as_deref(), Some("7"));
        assert_eq!(Owner::Anyone.into_id("me"), None);
    }

    #[test]
    fn a_read_by_token_has_no_window() {
        let window = Window::since(5);
        assert_eq!(Scope::All.window().unwrap(), None);
        assert_eq!(Scope::Departed(window).window().unwrap(), Some(window));
        let error = Scope::ChangedSince("t".to_owned()).window().unwrap_err();
        assert_eq!(error.reason, Reason::Unsupported);
    }

    #[test]
    fn parts_make_a_whole_name() {
        let contact = NewContact {
            family_name: Some("Lee".to_owned()),
            ..NewContact::default()
        };
        assert_eq!(contact.whole_name().as_deref(), Some("Lee"));
        assert_eq!(NewContact::default().whole_name(), None);
    }
}
