//! A Salesforce org: REST API v60.0 to v68.0 with SOQL, as developer.salesforce.com and help.salesforce.com have it (2026-11).
//!
//! It has the standard objects that connectors use, the custom fields `Tier__c` and `Score__c` of contacts, and `BrightSync_Key__c` of activities and e-mail messages.

mod evaluate;
mod pattern;
mod rest;
mod schema;
pub mod soql;
mod store;
#[cfg(test)]
mod tests;
mod wrong;

use serde_json::{Map, Value, json};

use crate::crm::{Access, Colleague, Company, Crm, Deal, Kind, Logged, Outcome, Person, Refusal};
use crate::{Answer, OAuth, Office, Request};
use schema::Object;
use store::Store;
use wrong::wrong;

/// The name of the org's My Domain.
pub const INSTANCE: &str = "acme";

/// The stages of the org, in their order.
const STAGES: [&str; 4] = ["Prospecting", "Negotiation", "Closed Won", "Closed Lost"];

/// An org.
#[derive(Debug)]
pub struct Salesforce {
    office: Office,
    oauth: OAuth,
    store: Store,
    used: u64,
    /// The objects that the user may not write.
    pub read_only: Vec<&'static str>,
    /// The most records that an answer has, as for records with many large fields.
    pub at_once: usize,
}

impl Default for Salesforce {
    fn default() -> Self {
        Self::new()
    }
}

impl Salesforce {
    /// An org with one user, who is connected.
    pub fn new() -> Self {
        let grants = ["authorization_code", "refresh_token", "client_credentials"];
        let mut org = Self {
            office: Office::default(),
            oauth: OAuth::new(&grants, &["api", "refresh_token", "openid"]),
            store: Store::new(),
            used: 0,
            read_only: Vec::new(),
            at_once: 2_000,
        };
        let now = org.office.now;
        org.store
            .put("Organization", map(json!({"Name": "Acme Sales"})), now);
        for (order, stage) in (1..).zip(STAGES) {
            let stage = json!({"MasterLabel": stage, "ApiName": stage, "SortOrder": order, "IsActive": true});
            org.store.put("OpportunityStage", map(stage), now);
        }
        org.store.me = org.add_user(&Colleague {
            name: "Ada Admin".to_owned(),
            email: "ada@brightsync.example".to_owned(),
        });
        org
    }

    /// Lets every opportunity have its own currency.
    pub fn use_currencies(&mut self) {
        self.store.currencies = true;
    }

    /// Lets several contacts be related to an activity.
    pub fn share_activities(&mut self) {
        self.store.shared = true;
    }

    /// Lets so many child records come at once.
    pub fn children_at_once(&mut self, most: usize) {
        self.store.children_at_once = most;
    }

    /// Switches the duplicate rule for contacts off.
    pub fn allow_duplicates(&mut self) {
        self.store.unique = false;
    }

    /// Puts any record there.
    pub fn put(&mut self, object: &'static str, fields: Value) -> String {
        let now = self.now();
        self.store.put(object, map(fields), now)
    }

    /// Merges a contact into another one, as a colleague would.
    pub fn merge(&mut self, loser: &str, survivor: &str) {
        let now = self.now();
        let survivor = survivor.to_owned();
        self.store
            .table_mut("Contact")
            .change(loser, now, 0, |row| {
                row.deleted = Some(now);
                row.fields
                    .insert("MasterRecordId".to_owned(), survivor.into());
            });
    }

    /// The fields of a record.
    pub fn fields(&self, id: &str) -> Map<String, Value> {
        let object = schema::OBJECTS.iter().find(|it| id.starts_with(it.prefix));
        let row = object.and_then(|it| self.store.table(it.name).get(id));
        row.map(|it| it.fields.clone()).unwrap_or_default()
    }

    /// Salesforce keeps whole seconds.
    fn now(&self) -> i64 {
        self.office.now / 1_000 * 1_000
    }

    fn org(&self) -> String {
        let mut orgs = self.store.table("Organization").after(None);
        orgs.next().map(|it| it.id.clone()).unwrap_or_default()
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Crm for Salesforce {
    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn access(&self) -> Access {
        self.oauth.access("sign-in")
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4);
        let size = request.path.len() + request.raw_query.len() + headers.sum::<usize>();
        if 16_384 < size {
            let path = &request.path;
            self.office
                .violation(format!("{path}: {size} bytes of address and headers"));
            return Answer::html(414, "URI Too Long");
        }
        if let ["services", "oauth2", resource] = segments.as_slice() {
            return self.sign_in(request, resource);
        }
        let ["services", "data", version, resource @ ..] = segments.as_slice() else {
            return self.unknown(request);
        };
        let number = version
            .strip_prefix('v')
            .and_then(|it| it.strip_suffix(".0"));
        let number = number.and_then(|it| it.parse::<u32>().ok());
        if !number.is_some_and(|it| (60..=68).contains(&it)) {
            return self.unknown(request);
        }
        if !self.is_known(request) {
            return self.refuse(Refusal::Unauthorized);
        }
        self.store.hidden = match self.office.lacking {
            true => vec!["Contact"],
            false => Vec::new(),
        };
        self.used += 1;
        let answer = self
            .data(request, resource)
            .unwrap_or_else(|it| it.answer());
        // RFC 9110, 5.6.7.
        let date = Office::format(self.office.now, "%a, %d %b %Y %H:%M:%S GMT");
        answer
            .with_header(
                "sforce-limit-info",
                format!("api-usage={}/15000", self.used),
            )
            .with_header("date", date)
    }

    fn refuse(&mut self, refusal: Refusal) -> Answer {
        let refusal = match refusal {
            Refusal::Unauthorized => wrong(401, "INVALID_SESSION_ID", "Session expired or invalid"),
            Refusal::Lacking => wrong(
                400,
                "INVALID_TYPE",
                "sObject type 'Contact' is not supported.",
            ),
            Refusal::Limit => wrong(
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
            ),
            Refusal::Outage => wrong(503, "SERVER_UNAVAILABLE", "We're down for maintenance"),
        };
        refusal.answer()
    }

    fn lacks(&self) -> &'static str {
        "Contact"
    }

    fn me(&self) -> String {
        self.store.me.clone()
    }

    fn add_user(&mut self, user: &Colleague) -> String {
        self.put(
            "User",
            json!({
                "Name": user.name, "Email": user.email, "Username": user.email,
                "TimeZoneSidKey": "Europe/Berlin", "UserType": "Standard", "IsActive": true,
            }),
        )
    }

    fn add_company(&mut self, company: &Company) -> String {
        let owner = company.owner.clone().unwrap_or_else(|| self.me());
        let website = company
            .domain
            .as_ref()
            .map(|it| format!("https://www.{it}"));
        self.put(
            "Account",
            json!({"Name": company.name, "Website": website, "OwnerId": owner}),
        )
    }

    fn add_person(&mut self, person: &Person) -> String {
        let owner = person.owner.clone().unwrap_or_else(|| self.me());
        self.put(
            "Contact",
            json!({
                "FirstName": person.given, "LastName": person.family, "Email": person.email,
                "AccountId": person.company, "OwnerId": owner,
            }),
        )
    }

    fn add_deal(&mut self, deal: &Deal) -> String {
        let stage = match deal.outcome {
            Outcome::Open => "Negotiation",
            Outcome::Won => "Closed Won",
            Outcome::Lost => "Closed Lost",
        };
        let amount: Value = serde_json::from_str(&deal.amount).unwrap_or_default();
        let owner = self.me();
        let id = self.put(
            "Opportunity",
            json!({
                "Name": deal.name, "StageName": stage, "Amount": amount, "CloseDate": "2026-03-31",
                "AccountId": deal.company, "OwnerId": owner, "Type": "New Business",
            }),
        );
        if let Some(person) = &deal.person {
            let role = json!({"OpportunityId": id, "ContactId": person, "Role": "Decision Maker", "IsPrimary": true});
            self.put("OpportunityContactRole", role);
        }
        id
    }

    fn rename(&mut self, person: &str, family: &str) {
        let now = self.now();
        let changes = map(json!({"LastName": family}));
        if let Some(contact) = Object::named("Contact") {
            drop(self.store.update(contact, person, &changes, now));
        }
    }

    fn give(&mut self, person: &str, owner: &str) {
        let now = self.now();
        let changes = map(json!({"OwnerId": owner}));
        if let Some(contact) = Object::named("Contact") {
            drop(self.store.update(contact, person, &changes, now));
        }
    }

    fn remove(&mut self, kind: Kind, id: &str) {
        let now = self.now();
        for name in objects(kind) {
            self.store
                .table_mut(name)
                .change(id, now, 0, |row| row.deleted = Some(now));
        }
    }

    fn ids(&self, kind: Kind) -> Vec<String> {
        let tables = objects(kind).iter().map(|it| self.store.table(it));
        let rows = tables.flat_map(|it| it.after(None).filter(|it| it.deleted.is_none()));
        rows.map(|it| it.id.clone()).collect()
    }

    fn logged(&self, kind: Kind) -> Vec<Logged> {
        let mut logged = Vec::new();
        for id in self.ids(kind) {
            let fields = self.fields(&id);
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
            let about = ["WhoId", "WhatId", "RelatedToId"].map(text).into_iter();
            let mut about: Vec<String> = about
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect();
            for (relation, field) in [
                ("TaskRelation", "TaskId"),
                ("EventRelation", "EventId"),
                ("EmailMessageRelation", "EmailMessageId"),
            ] {
                let rows = self.store.table(relation).after(None);
                let rows = rows.filter(|it| it.text(field) == id);
                about.extend(rows.map(|it| it.text("RelationId").to_owned()));
            }
            about.dedup();
            let body = format!("{}{}", text("Description"), text("TextBody"));
            logged.push(Logged {
                subject: text("Subject").to_owned(),
                body,
                about,
                id,
            });
        }
        logged
    }
}

fn objects(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Company => &["Account"],
        Kind::Person => &["Contact"],
        Kind::Email => &["Task", "EmailMessage"],
        Kind::Meeting => &["Event"],
    }
}
