//! A strict stand-in for Zoho CRM's REST API v8.
//!
//! Written from Zoho's own pages (v7 and v8), its specification v8.0 (github zoho/crm-oas at a6687fc) and its community's answers on COQL (Kaizen 171).
//! Where they contradict each other, a test chooses: the name of the list that e-mails stand in, and whether a backslash escapes in a query.
//! Records, users and notes are as in a new organisation that has one field of its own, `Tier`; `BrightSync_Key` is added to its meetings.

#![expect(
    clippy::indexing_slicing,
    reason = "a member that a JSON value has not is null, and a panic here is a test's report"
)]

mod coql;
mod crm;
mod email;
mod field;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Answer, Colleague, Crm as _, OAuth, Office, Request, Row, Table};
pub use coql::{Condition, parse};
use email::Email;

/// The scopes of the app.
const SCOPES: [&str; 10] = [
    "ZohoCRM.modules.contacts.ALL",
    "ZohoCRM.modules.accounts.ALL",
    "ZohoCRM.modules.deals.READ",
    "ZohoCRM.modules.events.ALL",
    "ZohoCRM.modules.emails.ALL",
    "ZohoCRM.modules.notes.ALL",
    "ZohoCRM.users.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.coql.READ",
    "ZohoCRM.settings.fields.READ",
];

/// What is not the same in every organisation, or contradicts itself in Zoho's documentation.
#[derive(Clone, Debug)]
pub struct Ways {
    /// The name of the list in which e-mails are associated.
    pub email_list: &'static str,
    /// Whether a backslash escapes in a query.
    pub backslash_escapes: bool,
    /// Whether the connected user is an administrator.
    pub administrator: bool,
    /// Whether the address of a contact is unique.
    pub unique_address: bool,
    /// Whether a refused duplicate is named.
    pub names_duplicates: bool,
    /// Whether deals have currencies.
    pub currencies: bool,
}

/// A Zoho CRM.
#[derive(Debug)]
pub struct Zoho {
    office: Office,
    oauth: OAuth,
    /// What a test has chosen.
    pub ways: Ways,
    /// What the next queries cost, and all before.
    pub credits: u64,
    tables: BTreeMap<&'static str, Table>,
    users: Vec<Value>,
    emails: Vec<Email>,
    /// The people who have a role in a deal, and which.
    roles: Vec<(String, String, String)>,
    made: u64,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            email_list: "Emails",
            backslash_escapes: true,
            administrator: true,
            unique_address: false,
            names_duplicates: true,
            currencies: false,
        }
    }
}

impl Default for Zoho {
    fn default() -> Self {
        let mut oauth = OAuth::new(
            &["authorization_code", "refresh_token", "client_credentials"],
            &SCOPES,
        );
        oauth.separator = ',';
        oauth.callback = vec![
            ("location", "eu".to_owned()),
            ("accounts-server", "https://accounts.zoho.eu".to_owned()),
        ];
        let mut zoho = Self {
            office: Office::default(),
            oauth,
            ways: Ways::default(),
            credits: 0,
            tables: BTreeMap::new(),
            users: Vec::new(),
            emails: Vec::new(),
            roles: Vec::new(),
            made: 0,
        };
        zoho.add_user(&Colleague {
            name: "Mia Mine".to_owned(),
            email: "me@office.example".to_owned(),
        });
        zoho
    }
}

impl Zoho {
    /// The organisation's number.
    pub const NUMBER: &'static str = "20061234567";

    /// A new one, in which a token is good.
    pub fn with_token(token: &str) -> Self {
        let mut zoho = Self::default();
        zoho.office.tokens.push(token.to_owned());
        zoho
    }

    /// An id that nobody has had before.
    fn fresh_id(&mut self) -> String {
        self.made += 1;
        format!("57257670000{:08}", self.made)
    }

    /// Times are whole seconds.
    fn now(&self) -> i64 {
        self.office.now.div_euclid(1_000) * 1_000
    }

    fn table(&mut self, module: &'static str) -> &mut Table {
        self.tables.entry(module).or_default()
    }

    /// Puts a record there as it is.
    pub fn put(&mut self, module: &'static str, fields: Value) -> String {
        let id = self.fresh_id();
        let now = self.now();
        let Value::Object(mut fields) = fields else {
            return id;
        };
        let me = self.me();
        fields.entry("Owner").or_insert_with(|| json!({ "id": me }));
        self.table(module)
            .insert(Row::new(id.clone(), fields, now, 0));
        id
    }

    /// Gives somebody a role in a deal.
    pub fn give_role(&mut self, deal: &str, contact: &str, role: &str) {
        let given = [deal, contact, role].map(str::to_owned);
        self.roles.push(given.into());
    }

    /// Deletes a record, at this time.
    pub fn bin(&mut self, module: &'static str, id: &str) -> bool {
        let now = self.now();
        let there = self.table(module).live(id).is_some();
        there && self.table(module).touch(id, |row| row.deleted = Some(now))
    }

    fn violation(&mut self, what: impl Into<String>) -> Answer {
        let what = what.into();
        self.office.violation(what.clone());
        refusal(400, "INVALID_REQUEST", &what, &json!({}))
    }

    fn route(&mut self, request: &Request, path: &[&str]) -> Answer {
        if let Some(answer) = self.wrong_parameter(request, path) {
            return answer;
        }
        match (request.method.as_str(), path) {
            ("GET", ["users"]) => self.list_users(request),
            ("GET", ["org"]) => self.org(),
            ("GET", ["settings", "fields"]) => self.stages(request),
            ("POST", ["coql"]) => self.query(request),
            ("GET", [module, "deleted"]) => self.deleted(module, request),
            ("POST", [module, record, "actions", "associate_email"]) => {
                self.associate(module, record, request)
            }
            ("GET", [module, record, "Emails"]) => self.list_emails(module, record, request),
            ("GET", [module, record, "Emails", message]) => self.email(module, record, message),
            ("GET", [module, record, "Notes"]) => self.list_notes(module, record, request),
            ("GET", ["Deals", deal, "Contact_Roles"]) => self.list_roles(deal),
            ("POST", ["Events", event, "actions", "cancel"]) => self.cancel(event, request),
            (_, [module] | [module, _]) => match field::module(module) {
                Some(module) => self.record(module, path.get(1).copied(), request),
                None => {
                    self.office
                        .violation(format!("there is no module {module}"));
                    let details = json!({"resource_path_index": 0});
                    refusal(
                        400,
                        "INVALID_MODULE",
                        "the module name given seems to be invalid",
                        &details,
                    )
                }
            },
            _ => {
                self.office
                    .violation(format!("{} {}", request.method, request.path));
                let message = "Please check if the URL trying to access is a correct one";
                refusal(404, "INVALID_URL_PATTERN", message, &json!({}))
            }
        }
    }

    /// Refuses a parameter of the query that this address does not have, and one without which it does not answer.
    fn wrong_parameter(&mut self, request: &Request, path: &[&str]) -> Option<Answer> {
        let (known, needed): (&[&str], &[&str]) = match (request.method.as_str(), path) {
            ("GET", ["users"]) => (&["type", "page", "per_page"], &["type"]),
            ("GET", ["settings", "fields"]) => (&["module"], &["module"]),
            ("GET", [_, "deleted"]) => (&["type", "page", "per_page"], &[]),
            ("GET", [_, _, "Emails"]) => (&["index"], &[]),
            ("GET", [_, _, "Notes" | "Contact_Roles"]) => {
                (&["fields", "per_page", "page"], &["fields"])
            }
            _ => (&[], &[]),
        };
        let missing = needed.iter().find(|it| request.param(it).is_none());
        let unknown = request.unknown_param(known);
        let large = request
            .param("per_page")
            .and_then(|it| it.parse::<u32>().ok());
        let (code, name) = match (missing, unknown) {
            (Some(name), _) => ("REQUIRED_PARAM_MISSING", (*name).to_owned()),
            (None, Some(name)) => ("INVALID_DATA", name.to_owned()),
            (None, None) if large.is_some_and(|it| !(1..=200).contains(&it)) => {
                ("INVALID_DATA", "per_page".to_owned())
            }
            (None, None) => return None,
        };
        self.office
            .violation(format!("{code}: {name} of {}", request.path));
        let details = json!({ "param_name": name });
        Some(refusal(
            400,
            code,
            "One of the expected parameter is missing or wrong",
            &details,
        ))
    }

    fn list_users(&mut self, request: &Request) -> Answer {
        let me = self.me();
        let users: Vec<&Value> = match request.param("type") {
            Some("CurrentUser") => self.users.iter().filter(|it| it["id"] == me).collect(),
            Some("AllUsers") => self.users.iter().collect(),
            _ => return self.violation("this stand-in does not know this type of users"),
        };
        paged("users", users.into_iter().cloned(), request)
    }

    fn org(&self) -> Answer {
        let org = json!({
            "id": "5725767000000000000", "zgid": Self::NUMBER, "company_name": "Office Limited",
            "domain_name": "office", "time_zone": "America/Los_Angeles", "primary_zuid": "20061000001",
            "country_code": "US", "currency": "Euro - EUR", "currency_locale": "de_DE", "iso_code": "EUR",
        });
        Answer::json(200, &json!({"org": [org]}))
    }

    /// Answers the fields of deals; what matters are the stages.
    fn stages(&mut self, request: &Request) -> Answer {
        if request.param("module") != Some("Deals") {
            return self.violation("this stand-in has the fields of deals only");
        }
        let stage = |(name, shown, kind): (&str, &str, &str)| json!({"actual_value": name, "display_value": shown, "forecast_type": kind, "type": "used"});
        let stages = [
            ("-None-", "-None-", "Open"),
            ("Qualification", "Qualification", "Open"),
            ("Id. Decision Makers", "Identify Decision Makers", "Open"),
            ("Signed", "Signed", "Closed Won"),
            ("Closed Won", "Closed Won", "Closed Won"),
            ("Closed Lost", "Closed Lost", "Closed Lost"),
            ("Gone Cold", "Gone Cold", "Closed Lost"),
        ];
        let field =
            |name: &str| json!({"api_name": name, "data_type": "text", "pick_list_values": []});
        let mut all = vec![
            json!({"api_name": "Stage", "data_type": "picklist", "pick_list_values": stages.map(stage)}),
            field("Deal_Name"),
            field("Pipeline"),
        ];
        if self.ways.currencies {
            all.push(field("Currency"));
        }
        Answer::json(200, &json!({ "fields": all }))
    }

    fn query(&mut self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(text) = body["select_query"].as_str() else {
            return self.violation("a query without select_query");
        };
        let query = match coql::parse(text, self.ways.backslash_escapes) {
            Ok(query) => query,
            Err(answer) => {
                self.office.violation(format!("{}: {text}", answer.value()));
                return answer;
            }
        };
        if query.columns.contains(&"Currency") && !self.ways.currencies {
            return self.violation("this organisation has one currency, and no field for it");
        }
        self.credits += match query.limit {
            ..=200 => 1,
            201..=1_000 => 2,
            _ => 3,
        };
        let wanted = query.offset + query.limit + 1;
        let table = self.table(query.module);
        let meets = |row: &&Row| row.deleted.is_none() && query.condition.is_met(row);
        let mut rows: Vec<&Row> = match query.by_time {
            true => {
                let since = query.condition.since().unwrap_or(i64::MIN);
                table.since(since).filter(meets).take(wanted).collect()
            }
            false => table
                .after(query.condition.behind())
                .filter(meets)
                .take(wanted)
                .collect(),
        };
        let more = rows.len() == wanted;
        rows.truncate(wanted - 1);
        let rows: Vec<Value> = rows
            .into_iter()
            .skip(query.offset)
            .map(|it| query.shown(it))
            .collect();
        if rows.is_empty() {
            return Answer::empty(204);
        }
        let info = json!({"count": rows.len(), "more_records": more});
        Answer::json(200, &json!({"data": rows, "info": info}))
    }
}

/// A refusal at the top of an answer.
fn refusal(status: u16, code: &str, message: &str, details: &Value) -> Answer {
    let body = json!({"code": code, "message": message, "details": details, "status": "error"});
    Answer::json(status, &body)
}

/// A page of a list with numbered pages; nothing at all if it is empty.
fn paged(list: &str, all: impl Iterator<Item = Value>, request: &Request) -> Answer {
    let number = |name: &str, otherwise: usize| {
        let text = request.param(name);
        text.and_then(|it| it.parse().ok()).unwrap_or(otherwise)
    };
    let (page, size) = (number("page", 1), number("per_page", 200));
    let mut rows: Vec<Value> = all.skip((page - 1) * size).take(size + 1).collect();
    let more = rows.len() > size;
    rows.truncate(size);
    if rows.is_empty() {
        return Answer::empty(204);
    }
    let info = json!({"page": page, "per_page": size, "count": rows.len(), "more_records": more});
    Answer::json(200, &json!({list: rows, "info": info}))
}
