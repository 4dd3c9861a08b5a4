//! Pipedrive, by its OpenAPI descriptions of August 2026 (version 1 and 2) and its changelog up to version 33 of its Node client.
//!
//! What is not said there can be switched: whether lists have deleted records ([`Pipedrive::lists_deleted`]), what a deletion looks like among recent changes ([`Pipedrive::bare_deletions`]), and whether the company has contact sync ([`Pipedrive::contact_sync`]).

#![expect(
    clippy::indexing_slicing,
    reason = "a member of a JSON value that is not there is null, and no panic"
)]

mod list;
mod old;
mod search;
#[cfg(test)]
mod tests;
mod write;

use serde_json::{Map, Value, json};

use crate::{
    Access, Answer, Colleague, Company, Crm, Deal, Kind, Logged, OAuth, Office, Outcome, Person,
    Refusal, Request, Row, Table,
};

/// The token of a user.
pub const TOKEN: &str = "pipedrive-token-0123456789abcdef0123456789";
/// The company in addresses.
pub const COMPANY: &str = "acme";
/// The key of a custom field of people, which is a text.
pub const PERSON_FIELD: &str = "d4de1c1518b4531717c676029a45911c340390a6";
/// The key of a custom field of organisations, likewise.
pub const ORGANIZATION_FIELD: &str = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e";

/// One company's Pipedrive.
#[derive(Debug)]
pub struct Pipedrive {
    office: Office,
    oauth: OAuth,
    users: Vec<Value>,
    persons: Table,
    organizations: Table,
    deals: Table,
    activities: Table,
    next_id: u64,
    /// Tokens that were spent since the test began.
    pub spent: u64,
    /// The tokens of a day; once they are spent, everything is refused.
    pub budget: u64,
    /// Whether lists have deleted records, with a mark.
    pub lists_deleted: bool,
    /// Whether nothing is left of a deleted record among recent changes.
    pub bare_deletions: bool,
    /// Whether people have job titles.
    pub contact_sync: bool,
    /// Whether the front shuts everybody out.
    pub shut: bool,
    /// Whether a connection comes in as an app, and not by a user's token.
    pub by_app: bool,
}

/// What a handler answers: a refusal is an answer too.
type Handled = Result<Answer, Answer>;
type Handler = fn(&mut Pipedrive, &Request, &str) -> Handled;

impl Default for Pipedrive {
    fn default() -> Self {
        let mut office = Office::default();
        office.tokens.push(TOKEN.to_owned());
        let scopes = [
            "base",
            "users:read",
            "contacts:full",
            "activities:full",
            "deals:read",
            "recents:read",
        ];
        let mut oauth = OAuth::new(&["authorization_code", "refresh_token"], &scopes);
        oauth.client.basic = true;
        let mut pipedrive = Self {
            office,
            oauth,
            users: Vec::new(),
            persons: Table::default(),
            organizations: Table::default(),
            deals: Table::default(),
            activities: Table::default(),
            next_id: 1,
            spent: 0,
            budget: 1_000_000,
            lists_deleted: false,
            bare_deletions: false,
            contact_sync: false,
            shut: false,
            by_app: false,
        };
        pipedrive.add_user(&Colleague {
            name: "Ada Admin".to_owned(),
            email: "ada@acme.example".to_owned(),
        });
        pipedrive
    }
}

impl Pipedrive {
    /// A company with one user, whose connection it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a deal into the archive.
    pub fn archive(&mut self, deal: &str) {
        let (now, lag) = (self.office.now, self.office.lag);
        self.deals.change(&key_of(deal), now, lag, |row| {
            row.fields.insert("is_archived".to_owned(), true.into());
        });
    }

    /// Writes fields of a record of any kind, as a colleague would.
    pub fn edit(&mut self, id: &str, fields: Value) {
        let (now, lag) = (self.office.now, self.office.lag);
        let tables = [
            &mut self.persons,
            &mut self.organizations,
            &mut self.deals,
            &mut self.activities,
        ];
        for table in tables {
            table.change(&key_of(id), now, lag, |row| {
                row.fields
                    .extend(fields.as_object().cloned().unwrap_or_default());
            });
        }
    }

    /// An activity as it is kept.
    pub fn activity(&self, id: &str) -> Value {
        let row = self.activities.get(&key_of(id));
        row.map(record).unwrap_or_default()
    }

    fn put(&mut self, table: fn(&mut Self) -> &mut Table, fields: Value) -> String {
        let id = self.next_id;
        self.next_id += 1;
        let (now, lag) = (self.office.now, self.office.lag);
        let fields = fields.as_object().cloned().unwrap_or_default();
        table(self).insert(Row::new(key(id), fields, now, lag));
        id.to_string()
    }

    fn table(&mut self, path: &str) -> Option<&mut Table> {
        Some(match path {
            "persons" => &mut self.persons,
            "organizations" => &mut self.organizations,
            "deals" => &mut self.deals,
            "activities" => &mut self.activities,
            _ => return None,
        })
    }

    /// Notes something that no connector should do, and refuses it.
    fn violated(&mut self, what: &str) -> Answer {
        self.office.violation(what);
        bad(what)
    }

    fn route(&mut self, request: &Request) -> Handled {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = request.method.as_str();
        let (cost, answer): (u64, Handler) = match (method, segments.as_slice()) {
            ("GET", ["api", "v1", "users", "me"]) => (2, Self::me_answer),
            ("GET", ["api", "v1", "users"]) => (20, Self::users_answer),
            ("GET", ["api", "v1", "recents"]) => (20, Self::recents),
            ("GET", ["api", "v2", "stages" | "pipelines"]) => (5, Self::fixed),
            ("GET", ["api", "v2", "deals", "archived"]) => (20, Self::list),
            ("GET", ["api", "v2", "persons" | "organizations", "search"]) => (20, Self::search),
            (
                "GET",
                [
                    "api",
                    "v2",
                    "persons" | "organizations" | "deals" | "activities",
                ],
            ) => (10, Self::list),
            ("GET", ["api", "v2", "persons" | "organizations" | "activities", _]) => (1, Self::one),
            ("POST", ["api", "v2", "persons" | "organizations" | "activities"]) => {
                (5, Self::create)
            }
            ("PATCH", ["api", "v2", "persons" | "organizations" | "activities", _]) => {
                (5, Self::change)
            }
            ("DELETE", ["api", "v2", "persons" | "organizations" | "activities", _]) => {
                (3, Self::delete)
            }
            _ => {
                let what = format!("there is no {method} {}", request.path);
                self.office.violation(what);
                return Err(failure(404, "unknown method", "ERR_NOT_FOUND"));
            }
        };
        let path = segments.get(2).copied().unwrap_or_default();
        if self.office.lacking && matches!(path, "persons" | "organizations") {
            return Err(self.refuse(Refusal::Lacking));
        }
        self.spent += cost;
        if self.spent > self.budget {
            return Err(self.refuse(Refusal::Limit));
        }
        answer(self, request, path)
    }

    fn is_in(&self, request: &Request) -> bool {
        let bearer = request.credential("Bearer");
        let token = request.header("x-api-token").or(bearer);
        let is_good = token.is_some_and(|it| self.office.tokens.iter().any(|token| token == it));
        is_good && !self.office.revoked
    }

    fn token(&mut self, request: &Request) -> Handled {
        let issued = self.oauth.token(&mut self.office, request)?;
        let mut members = issued.members;
        let domain = format!("https://{COMPANY}.pipedrive.com");
        members.insert("api_domain".to_owned(), domain.into());
        members.insert("scope".to_owned(), self.oauth.scopes.join(",").into());
        Ok(Answer::json(200, &members.into()))
    }
}

impl Crm for Pipedrive {
    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn access(&self) -> Access {
        if !self.by_app {
            let fields = vec![("key", TOKEN.to_owned())];
            return Access {
                recipe: "token",
                fields,
            };
        }
        self.oauth.access("app")
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        match self.by_app {
            // The answer with the token tells it.
            true => Vec::new(),
            false => vec![("company", COMPANY.to_owned())],
        }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/oauth/authorize" => return self.oauth.authorize(&mut self.office, request),
            "/oauth/token" => return self.token(request).unwrap_or_else(|it| it),
            "/oauth/revoke" => return Answer::json(200, &json!({"success": true})),
            _ => {}
        }
        if self.shut {
            return Answer::html(403, "Attention Required");
        }
        let answer = match self.is_in(request) {
            true => self.route(request).unwrap_or_else(|it| it),
            false => self.refuse(Refusal::Unauthorized),
        };
        let date = Office::format(self.office.now, "%a, %d %b %Y %H:%M:%S GMT");
        answer.with_header("date", date)
    }

    fn refuse(&mut self, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::Unauthorized => Answer::json(
                401,
                &json!({"success": false, "error": "unauthorized access", "errorCode": 401,
                    "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API."}),
            ),
            Refusal::Lacking => Answer::json(
                403,
                &json!({"success": false, "error": "Scope and URL mismatch", "errorCode": 403}),
            ),
            Refusal::Limit => failure(429, "request over limit", "ERR_RATE_LIMIT")
                .with_header("x-ratelimit-limit", 20)
                .with_header("x-ratelimit-remaining", 0)
                .with_header("x-ratelimit-reset", 2),
            Refusal::Outage => failure(503, "Service Unavailable", "ERR_UNKNOWN"),
        }
    }

    fn lacks(&self) -> &'static str {
        "contacts:full"
    }

    fn me(&self) -> String {
        "1".to_owned()
    }

    fn add_user(&mut self, user: &Colleague) -> String {
        let id = self.next_id;
        self.next_id += 1;
        self.users.push(json!({
            "id": id, "name": user.name, "email": user.email, "active_flag": true, "is_deleted": false,
            "timezone_name": "Europe/Tallinn", "timezone_offset": "+02:00", "locale": "en_GB", "lang": 1,
        }));
        id.to_string()
    }

    fn add_company(&mut self, company: &Company) -> String {
        let fields = json!({
            "name": company.name, "owner_id": owner(company.owner.as_deref()), "visible_to": 3,
            "label_ids": [], "address": null, "custom_fields": {ORGANIZATION_FIELD: null},
            "website": company.domain,
        });
        self.put(|it| &mut it.organizations, fields)
    }

    fn add_person(&mut self, person: &Person) -> String {
        let emails: Vec<Value> = (person.email.iter())
            .map(|it| json!({"value": it, "primary": true, "label": "work"}))
            .collect();
        let mut fields = json!({
            "owner_id": owner(person.owner.as_deref()), "org_id": number(person.company.as_deref()),
            "emails": emails, "phones": [], "visible_to": 3, "label_ids": [], "picture_id": null,
            "custom_fields": {PERSON_FIELD: null},
        });
        let name = format!("{} {}", person.given, person.family);
        write::name(&mut fields, name.trim());
        self.put(|it| &mut it.persons, fields)
    }

    fn add_deal(&mut self, deal: &Deal) -> String {
        let closed = Office::format(self.office.now, "%Y-%m-%dT%H:%M:%SZ");
        let (status, stage) = match deal.outcome {
            Outcome::Open => ("open", 2),
            Outcome::Won => ("won", 3),
            Outcome::Lost => ("lost", 1),
        };
        let value: Value = serde_json::from_str(&deal.amount).unwrap_or_default();
        let fields = json!({
            "title": deal.name, "owner_id": 1, "person_id": number(deal.person.as_deref()),
            "org_id": number(deal.company.as_deref()), "pipeline_id": 1, "stage_id": stage,
            "value": value, "currency": "EUR", "status": status, "is_archived": false,
            "expected_close_date": "2026-03-31", "custom_fields": {},
            "close_time": (status != "open").then_some(closed),
        });
        self.put(|it| &mut it.deals, fields)
    }

    fn rename(&mut self, person: &str, family: &str) {
        let (now, lag) = (self.office.now, self.office.lag);
        self.persons.change(&key_of(person), now, lag, |row| {
            let name = format!("{} {family}", row.text("first_name"));
            let mut fields = Value::Object(std::mem::take(&mut row.fields));
            write::name(&mut fields, &name);
            row.fields = fields.as_object().cloned().unwrap_or_default();
        });
    }

    fn give(&mut self, person: &str, owner: &str) {
        self.edit(person, json!({"owner_id": number(Some(owner))}));
    }

    fn remove(&mut self, kind: Kind, id: &str) {
        let (now, lag) = (self.office.now, self.office.lag);
        let table = match kind {
            Kind::Person => &mut self.persons,
            Kind::Company => &mut self.organizations,
            Kind::Email | Kind::Meeting => &mut self.activities,
        };
        table.change(&key_of(id), now, lag, |row| row.deleted = Some(now));
    }

    fn ids(&self, kind: Kind) -> Vec<String> {
        let table = match kind {
            Kind::Person => &self.persons,
            Kind::Company => &self.organizations,
            Kind::Email | Kind::Meeting => &self.activities,
        };
        let is_it = |row: &&Row| match kind {
            Kind::Email => row.text("type") == "email",
            Kind::Meeting => row.text("type") == "meeting",
            Kind::Person | Kind::Company => true,
        };
        let live = table.after(None).filter(|it| it.deleted.is_none());
        live.filter(is_it).map(|it| plain(&it.id)).collect()
    }

    fn logged(&self, kind: Kind) -> Vec<Logged> {
        let ids = self.ids(kind);
        let logged = |id: String| {
            let it = self.activity(&id);
            let people = it["participants"].as_array().cloned().unwrap_or_default();
            let people = people.iter().map(|it| &it["person_id"]);
            let about = people.chain([&it["org_id"], &it["deal_id"]]);
            Logged {
                subject: it["subject"].as_str().unwrap_or_default().to_owned(),
                body: it["note"].as_str().unwrap_or_default().to_owned(),
                about: about
                    .filter_map(Value::as_u64)
                    .map(|it| it.to_string())
                    .collect(),
                id,
            }
        };
        ids.into_iter().map(logged).collect()
    }
}

/// A record as version 2 answers it.
fn record(row: &Row) -> Value {
    let mut fields = row.fields.clone();
    let time = |at| Value::from(Office::format(at, "%Y-%m-%dT%H:%M:%SZ"));
    fields.insert("id".to_owned(), id(&row.id).into());
    fields.insert("add_time".to_owned(), time(row.created));
    fields.insert("update_time".to_owned(), time(row.modified));
    fields.insert("is_deleted".to_owned(), row.deleted.is_some().into());
    if let Some(due) = fields
        .get("due_time")
        .and_then(Value::as_str)
        .filter(|it| it.len() == 5)
    {
        let due = format!("{due}:00");
        fields.insert("due_time".to_owned(), due.into());
    }
    Value::Object(fields)
}

fn success(data: Value) -> Answer {
    Answer::json(200, &json!({"success": true, "data": data}))
}

fn failure(status: u16, error: &str, code: &str) -> Answer {
    Answer::json(
        status,
        &json!({"success": false, "error": error, "code": code}),
    )
}

fn bad(error: &str) -> Answer {
    failure(400, error, "ERR_SCHEMA_VALIDATION_FAILED")
}

/// The key of a table: ids of one length.
fn key(id: u64) -> String {
    format!("{id:010}")
}

fn key_of(id: &str) -> String {
    key(id.parse().unwrap_or_default())
}

fn id(key: &str) -> u64 {
    key.parse().unwrap_or_default()
}

fn plain(key: &str) -> String {
    id(key).to_string()
}

fn number(id: Option<&str>) -> Option<u64> {
    id?.parse().ok()
}

fn owner(id: Option<&str>) -> u64 {
    number(id).unwrap_or(1)
}

type Fields = Map<String, Value>;
