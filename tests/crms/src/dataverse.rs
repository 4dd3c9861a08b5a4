//! Microsoft Dynamics 365: the Web API of Dataverse, version 9.2.
//!
//! Written from Microsoft's documentation (the developer guide and the table reference of Dataverse, and its list of web service error codes).
//! What that leaves open is chosen here, and said where it is: the status of a refused duplicate, which the guide shows as 412 and as 500, and the code for a write to a completed activity.

mod filter;
mod list;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    Access, Answer, Client, Colleague, Company, Crm, Deal, Kind, Logged, OAuth, Office, Outcome,
    Person, Refusal, Request,
};
pub use filter::{Condition, Literal};
use schema::{SCHEMAS, Schema};
use store::{Record, Store};

/// The path of the API.
const ROOT: &str = "/api/data/v9.2/";

/// An organisation.
#[derive(Debug)]
pub struct Dataverse {
    office: Office,
    oauth: OAuth,
    /// The first part of its address.
    name: String,
    organisation: String,
    me: String,
    stores: BTreeMap<&'static str, Store>,
    currencies: BTreeMap<String, &'static str>,
    /// The columns that somebody added, by set.
    columns: BTreeMap<&'static str, Vec<String>>,
    /// The links that were given out, which nobody makes up.
    links: BTreeSet<String>,
    version: u64,
    ids: u64,
    /// The recipe by which a connection comes in: `application` or `sign-in`.
    pub recipe: &'static str,
    /// Whether the user may read everybody's rows, and so the changes of a whole table.
    pub tracking: bool,
    /// Whether the user may write nothing.
    pub read_only: bool,
    /// Whether the rule against contacts of one name is published as well.
    pub names_differ: bool,
    /// The status of a refused duplicate.
    pub duplicate_status: u16,
    /// The condition of the last list that had one.
    pub last_filter: Option<Condition>,
}

/// Why something is not answered.
#[derive(Debug)]
enum Refused {
    /// The service refuses it.
    With(Answer),
    /// Nobody should ask for it.
    Unknown(String),
}

fn refused(status: u16, code: &str, message: &str) -> Refused {
    Refused::With(error(status, code, message))
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "error": { "code": code, "message": message } });
    Answer::json(status, &body)
}

impl Default for Dataverse {
    fn default() -> Self {
        Self::new()
    }
}

impl Dataverse {
    /// An organisation with one user and nothing else.
    pub fn new() -> Self {
        let scopes = [
            "https://contoso.crm4.dynamics.com/user_impersonation",
            "offline_access",
            "https://contoso.crm4.dynamics.com/.default",
        ];
        let grants = ["authorization_code", "refresh_token", "client_credentials"];
        let mut crm = Self {
            office: Office::default(),
            oauth: OAuth::new(&grants, &scopes),
            name: "contoso".to_owned(),
            organisation: String::new(),
            me: String::new(),
            stores: BTreeMap::new(),
            currencies: BTreeMap::new(),
            columns: BTreeMap::new(),
            links: BTreeSet::new(),
            version: 1_000,
            ids: 0,
            recipe: "application",
            tracking: true,
            read_only: false,
            names_differ: false,
            duplicate_status: 412,
            last_filter: None,
        };
        crm.me = crm.add_user(&Colleague {
            name: "Mia Sales".to_owned(),
            email: "mia@contoso.example".to_owned(),
        });
        let mut settings = Record::new(crm.me.clone());
        settings
            .fields
            .insert("timezonecode".to_owned(), 110.into());
        settings
            .fields
            .insert("systemuserid".to_owned(), crm.me.clone().into());
        crm.put_in("usersettingscollection", settings);
        let mut zone = crm.record("timezonedefinitions");
        zone.fields.insert("timezonecode".to_owned(), 110.into());
        zone.fields
            .insert("standardname".to_owned(), "W. Europe Standard Time".into());
        crm.put_in("timezonedefinitions", zone);
        let mut organisation = crm.record("organizations");
        organisation
            .fields
            .insert("name".to_owned(), "Contoso".into());
        crm.organisation.clone_from(&organisation.id);
        crm.put_in("organizations", organisation);
        let euro = crm.fresh_id();
        crm.currencies.insert(euro, "EUR");
        crm
    }

    /// Adds a text column, as somebody with the right to customise would.
    pub fn add_column(&mut self, set: &'static str, name: &str) {
        self.columns.entry(set).or_default().push(name.to_owned());
    }

    /// Merges a person into another one, who survives.
    pub fn merge(&mut self, person: &str, survivor: &str) {
        self.edit("contacts", person, |row| {
            row.bind("masterid", Some(("contact", survivor)));
            row.fields.insert("merged".to_owned(), true.into());
            row.fields.insert("statecode".to_owned(), 1.into());
            row.fields.insert("statuscode".to_owned(), 2.into());
        });
    }

    /// Changes a column of a row, as a colleague in the office would.
    pub fn set(&mut self, set: &'static str, id: &str, property: &str, value: Value) {
        self.edit(set, id, |row| {
            row.fields.insert(property.to_owned(), value);
        });
    }

    /// Makes the customer of an opportunity, which is set, a contact.
    pub fn customer_is_a_contact(&mut self, deal: &str) {
        self.edit("opportunities", deal, |row| {
            row.kinds.insert("_customerid_value".to_owned(), "contact");
        });
    }

    /// A column of a row; null if there is none.
    pub fn value(&self, set: &str, id: &str, property: &str) -> Value {
        let schema = Schema::of(set).and_then(|it| self.store(it).get(id));
        schema.map(|it| it.value(property)).unwrap_or_default()
    }

    /// The files of an activity: their names, types and contents in base64.
    pub fn files(&self, activity: &str) -> Vec<[String; 3]> {
        let rows = Schema::of("activitymimeattachments").map(|it| self.store(it).rows());
        let rows = rows.into_iter().flatten();
        let of = rows.filter(|it| it.text("_objectid_value") == activity);
        of.map(|it| ["filename", "mimetype", "body"].map(|name| it.text(name).to_owned()))
            .collect()
    }

    /// Those who take part in an activity: the part, and the address or the id.
    pub fn parties(&self, set: &str, id: &str) -> Vec<(i64, String)> {
        let row = Schema::of(set).and_then(|it| self.store(it).get(id));
        let parties = row.map(|it| it.parties.clone()).unwrap_or_default();
        let who = |it: store::Party| {
            let id = it.row.map(|it| it.1);
            (it.part, id.or(it.address).unwrap_or_default())
        };
        parties.into_iter().map(who).collect()
    }

    fn record(&mut self, set: &str) -> Record {
        let mut row = Record::new(self.fresh_id());
        if let Some(schema) = Schema::of(set) {
            row.fields
                .insert(schema.id.to_owned(), row.id.clone().into());
            if !schema.states.is_empty() {
                row.fields.insert("statecode".to_owned(), 0.into());
                row.fields.insert("statuscode".to_owned(), 1.into());
            }
            if schema.named("merged").is_some() {
                row.fields.insert("merged".to_owned(), false.into());
            }
        }
        row
    }

    fn fresh_id(&mut self) -> String {
        self.ids += 1;
        // Guids of a real server are made in a row as well, and have no order.
        let mixed = self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:08x}-{:04x}-11ee-a81c-{:012x}",
            mixed >> 32,
            (mixed >> 16) & 0xffff,
            self.ids
        )
    }

    fn edit(&mut self, set: &'static str, id: &str, edit: impl FnOnce(&mut Record)) {
        let Some(schema) = Schema::of(set) else {
            return;
        };
        let row = self.store(schema).get(id).cloned();
        if let Some(mut row) = row {
            edit(&mut row);
            self.put(schema, row);
        }
    }

    fn put_in(&mut self, set: &'static str, row: Record) {
        if let Some(schema) = Schema::of(set) {
            self.put(schema, row);
        }
    }

    fn put(&mut self, schema: &'static Schema, mut row: Record) {
        row.fields
            .insert(schema.id.to_owned(), row.id.clone().into());
        self.version += 1;
        let (version, now) = (self.version, self.office.now);
        self.store_mut(schema).put(row, version, now);
    }

    fn store(&self, schema: &Schema) -> &Store {
        static EMPTY: std::sync::LazyLock<Store> = std::sync::LazyLock::new(Store::default);
        self.stores.get(schema.set).unwrap_or(&EMPTY)
    }

    fn store_mut(&mut self, schema: &'static Schema) -> &mut Store {
        self.stores.entry(schema.set).or_default()
    }

    fn row(&self, schema: &Schema, id: &str) -> Result<&Record, Refused> {
        self.store(schema).get(id).ok_or_else(|| {
            let name = schema.name;
            let said = format!("Entity '{name}' With Id = {id} Does Not Exist");
            refused(404, "0x80040217", &said)
        })
    }

    fn custom(&self, schema: &Schema) -> Vec<String> {
        self.columns.get(schema.set).cloned().unwrap_or_default()
    }

    /// What the API does with a request of somebody who may come in.
    fn serve(&mut self, request: &Request) -> Result<Answer, Refused> {
        let unknown = |what: &str| {
            let asked = format!("{} {}", request.method, request.path);
            Err(Refused::Unknown(format!("{asked}: {what}")))
        };
        let Some(path) = request.path.strip_prefix(ROOT) else {
            return unknown("this is not below the API");
        };
        for (name, due) in [
            ("odata-version", "4.0"),
            ("odata-maxversion", "4.0"),
            ("accept", "application/json"),
            ("if-none-match", "null"),
        ] {
            if request.header(name) != Some(due) {
                return unknown(&format!("the header {name}: {due} is due"));
            }
        }
        if path == "WhoAmI" && request.method == "GET" {
            let body = json!({
                "BusinessUnitId": self.organisation,
                "UserId": self.me,
                "OrganizationId": self.organisation,
            });
            return Ok(Answer::json(200, &body));
        }
        let (set, rest) = match path.split_once('(') {
            Some((set, rest)) => (set, Some(rest)),
            None => (path, None),
        };
        let Some(schema) = SCHEMAS.iter().find(|it| it.set == set) else {
            let said = format!("Resource not found for the segment '{set}'.");
            self.office.violation(said.clone());
            return Err(refused(404, "0x8006088a", &said));
        };
        if self.office.lacking && schema.set == "contacts" {
            let said = format!(
                "Principal user (Id={}, type=8, roleCount=1, privilegeCount=20, accessMode=0), is missing {} privilege on OTC=2 for entity 'contact'.",
                self.me,
                self.lacks()
            );
            return Err(refused(403, "0x80040220", &said));
        }
        let Some(rest) = rest else {
            return match request.method.as_str() {
                "GET" => self.list(schema, request),
                "POST" => self.create(schema, request),
                _ => unknown("a set takes GET and POST"),
            };
        };
        let Some((id, below)) = rest.split_once(')') else {
            return unknown("the key of a row is not closed");
        };
        if !filter::is_guid(id) {
            return unknown("the key of a row is no guid");
        }
        let parties = schema.parties.map(|it| it.0);
        match (request.method.as_str(), below.strip_prefix('/')) {
            ("GET", None) => {
                let preferences = list::Preferences::read(request)?;
                let options = self.options(schema, request, &["$select", "$expand"])?;
                let row = self.row(schema, id)?;
                let body = self.answered(schema, row, &options, &preferences);
                Ok(Answer::json(200, &body))
            }
            ("PATCH", None) => self.update(schema, id, request),
            ("DELETE", None) => self.remove_row(schema, id),
            ("PUT", list) if list.is_some() && list == parties => {
                self.replace_parties(schema, id, request)
            }
            _ => unknown("a row does not take that"),
        }
    }

    fn enter(&mut self, request: &Request) -> Option<Answer> {
        let rest = request.path.strip_prefix("/organizations/oauth2/v2.0/")?;
        match rest {
            "authorize" => Some(self.oauth.authorize(&mut self.office, request)),
            "token" => Some(match self.oauth.token(&mut self.office, request) {
                Ok(issued) => Answer::json(200, &Value::Object(issued.members)),
                Err(refusal) => refusal,
            }),
            _ => None,
        }
    }

    /// The app that is registered with Entra.
    pub fn client(&self) -> &Client {
        &self.oauth.client
    }
}

impl Crm for Dataverse {
    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn access(&self) -> Access {
        self.oauth.access(self.recipe)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("organisation", self.name.clone()),
            ("region", "crm4".to_owned()),
        ]
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if let Some(answer) = self.enter(request) {
            return answer;
        }
        let token = request.credential("Bearer").unwrap_or_default();
        if self.office.revoked || !self.office.tokens.iter().any(|it| it == token) {
            return self.refuse(Refusal::Unauthorized);
        }
        let answer = match self.serve(request) {
            Ok(answer) | Err(Refused::With(answer)) => answer,
            Err(Refused::Unknown(what)) => {
                self.office.violation(what.clone());
                error(400, "0x80060888", &what)
            }
        };
        answer
            .with_header("odata-version", "4.0")
            .with_header("x-ms-ratelimit-burst-remaining-xrm-requests", 5_999)
            .with_header("x-ms-ratelimit-time-remaining-xrm-requests", "1,199.00")
    }

    fn refuse(&mut self, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::Unauthorized => Answer::empty(401).with_header(
                "www-authenticate",
                "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize",
            ),
            Refusal::Lacking => error(403, "0x80040220", "is missing prvReadContact privilege"),
            Refusal::Limit => {
                let said = "Number of requests exceeded the limit of 6000 over time window of 300 seconds.";
                error(429, "0x80072322", said).with_header("retry-after", 1)
            }
            Refusal::Outage => Answer::html(503, "The service is unavailable."),
        }
    }

    fn lacks(&self) -> &'static str {
        "prvReadContact"
    }

    fn me(&self) -> String {
        self.me.clone()
    }

    fn add_user(&mut self, user: &Colleague) -> String {
        let mut row = self.record("systemusers");
        row.fields
            .insert("fullname".to_owned(), user.name.clone().into());
        row.fields
            .insert("internalemailaddress".to_owned(), user.email.clone().into());
        row.fields.insert("isdisabled".to_owned(), false.into());
        let id = row.id.clone();
        self.put_in("systemusers", row);
        id
    }

    fn add_company(&mut self, company: &Company) -> String {
        let mut row = self.record("accounts");
        row.fields
            .insert("name".to_owned(), company.name.clone().into());
        let site = company
            .domain
            .as_ref()
            .map(|it| format!("https://www.{it}"));
        row.fields.insert("websiteurl".to_owned(), site.into());
        write::own(&mut row, company.owner.as_ref().unwrap_or(&self.me));
        let id = row.id.clone();
        self.put_in("accounts", row);
        id
    }

    fn add_person(&mut self, person: &Person) -> String {
        let mut row = self.record("contacts");
        let name = format!("{} {}", person.given, person.family);
        for (property, value) in [
            ("firstname", Some(person.given.clone())),
            ("lastname", Some(person.family.clone())),
            ("fullname", Some(name.trim().to_owned())),
            ("emailaddress1", person.email.clone()),
        ] {
            row.fields.insert(property.to_owned(), value.into());
        }
        let company = person.company.as_deref();
        row.bind("parentcustomerid", company.map(|it| ("account", it)));
        write::own(&mut row, person.owner.as_ref().unwrap_or(&self.me));
        let id = row.id.clone();
        self.put_in("contacts", row);
        id
    }

    fn add_deal(&mut self, deal: &Deal) -> String {
        let mut row = self.record("opportunities");
        let (state, status) = match deal.outcome {
            Outcome::Open => (0, 1),
            Outcome::Won => (1, 3),
            Outcome::Lost => (2, 4),
        };
        // A number with as many places as the organisation keeps.
        let amount = serde_json::from_str(&deal.amount).unwrap_or_default();
        for (property, value) in [
            ("name", deal.name.clone().into()),
            ("statecode", state.into()),
            ("statuscode", status.into()),
            ("stepname", "2-Develop".into()),
            ("estimatedvalue", amount),
        ] {
            row.fields.insert(property.to_owned(), value);
        }
        row.bind(
            "parentaccountid",
            deal.company.as_deref().map(|it| ("account", it)),
        );
        row.bind(
            "parentcontactid",
            deal.person.as_deref().map(|it| ("contact", it)),
        );
        let currency = self.currencies.keys().next().cloned();
        row.bind(
            "transactioncurrencyid",
            currency.as_deref().map(|it| ("transactioncurrency", it)),
        );
        let me = self.me.clone();
        write::own(&mut row, &me);
        let id = row.id.clone();
        self.put_in("opportunities", row);
        id
    }

    fn rename(&mut self, person: &str, family: &str) {
        self.edit("contacts", person, |row| {
            let name = format!("{} {family}", row.text("firstname"));
            row.fields.insert("lastname".to_owned(), family.into());
            row.fields.insert("fullname".to_owned(), name.trim().into());
        });
    }

    fn give(&mut self, person: &str, owner: &str) {
        self.edit("contacts", person, |row| write::own(row, owner));
    }

    fn remove(&mut self, kind: Kind, id: &str) {
        if let Some(schema) = Schema::of(set_of(kind)) {
            self.version += 1;
            let version = self.version;
            self.store_mut(schema).delete(id, version);
        }
    }

    fn ids(&self, kind: Kind) -> Vec<String> {
        let rows = Schema::of(set_of(kind)).map(|it| self.store(it).rows());
        rows.into_iter().flatten().map(|it| it.id.clone()).collect()
    }

    fn logged(&self, kind: Kind) -> Vec<Logged> {
        let rows = Schema::of(set_of(kind)).map(|it| self.store(it).rows());
        let logged = |row: &Record| {
            let regarding = row.value("_regardingobjectid_value");
            let regarding = regarding.as_str().map(str::to_owned);
            let parties = row.parties.iter().filter_map(|it| it.row.as_ref());
            let parties = parties.map(|it| it.1.clone());
            Logged {
                id: row.id.clone(),
                subject: row.text("subject").to_owned(),
                body: row.text("description").to_owned(),
                about: regarding.into_iter().chain(parties).collect(),
            }
        };
        rows.into_iter().flatten().map(logged).collect()
    }
}

fn set_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Company => "accounts",
        Kind::Person => "contacts",
        Kind::Email => "emails",
        Kind::Meeting => "appointments",
    }
}
