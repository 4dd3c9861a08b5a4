//! HubSpot: the CRM API v3, associations v4, owners, pipelines, account information and OAuth v3.
//!
//! Written from the vendor's public API descriptions and guides (developers.hubspot.com, read 2026-11).

#![expect(
    clippy::indexing_slicing,
    reason = "every kind of record has its table, there is always an owner, and bodies are objects that were made a line before"
)]

mod association;
mod crm;
mod object;
mod refusal;
mod schema;
pub mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use schema::Object;

use crate::{Answer, OAuth, Office, Request, Row, Table};
use association::Types;
use refusal::Refused;

/// The account's number.
const PORTAL: u64 = 62_515;

/// The longest address, as servers before it have it.
const LONGEST_ADDRESS: usize = 8_192;

/// What a request is answered with, or why it is refused.
type Served = Result<Answer, Refused>;

/// A HubSpot account.
#[derive(Debug)]
pub struct HubSpot {
    /// What all CRMs have.
    pub office: Office,
    /// The authorization server.
    pub oauth: OAuth,
    /// Whether a look-up by address also knows the further addresses of a contact; the vendor's pages do not say.
    pub knows_further_addresses: bool,
    /// Properties that refuse to be written, whatever the schema says.
    pub read_only: Vec<&'static str>,
    /// What a batch says of these ids instead of answering them.
    pub broken: Vec<String>,
    owners: Vec<Owner>,
    tables: BTreeMap<Object, Table>,
    links: BTreeMap<(Object, String, Object), BTreeMap<String, Types>>,
    made: u64,
}

/// Somebody who can own records.
#[derive(Clone, Debug)]
struct Owner {
    id: String,
    user: u64,
    name: String,
    email: String,
    archived: bool,
}

impl HubSpot {
    /// An account with one user, who connects by an app of OAuth, and the default pipeline.
    pub fn new() -> Self {
        let mut oauth = OAuth::new(
            &["authorization_code", "refresh_token"],
            &[
                "oauth",
                "crm.objects.contacts.read",
                "crm.objects.contacts.write",
                "crm.objects.companies.read",
                "crm.objects.companies.write",
                "crm.objects.deals.read",
                "crm.objects.owners.read",
                "sales-email-read",
            ],
        );
        oauth.lifetime = 1800;
        let mut crm = Self {
            office: Office::default(),
            oauth,
            knows_further_addresses: false,
            read_only: Vec::new(),
            broken: Vec::new(),
            owners: Vec::new(),
            tables: Object::ALL.map(|it| (it, Table::default())).into(),
            links: BTreeMap::new(),
            made: 0,
        };
        crm.hire("Ada Owner", "ada@our.example");
        crm
    }

    /// The token of a private app, good at once.
    pub fn private_app(&mut self) -> String {
        let token = self.office.fresh("pat-na1");
        self.office.tokens.push(token.clone());
        token
    }

    /// The number of the connected user, which is not the id of the owner that it is.
    pub fn user(&self) -> u64 {
        self.owners[0].user
    }

    /// Lets a user log in no more.
    pub fn dismiss(&mut self, owner: &str) {
        for it in &mut self.owners {
            it.archived |= it.id == owner;
        }
    }

    /// A record, archived or not.
    pub fn row(&self, object: Object, id: &str) -> Option<&Row> {
        self.tables[&object].get(id)
    }

    fn table(&mut self, object: Object) -> &mut Table {
        self.tables.entry(object).or_default()
    }

    fn hire(&mut self, name: &str, email: &str) -> String {
        let number = self.owners.len() as u64;
        let id = (7_000_001 + number).to_string();
        self.owners.push(Owner {
            id: id.clone(),
            user: 9_000_001 + number,
            name: name.to_owned(),
            email: email.to_owned(),
            archived: false,
        });
        id
    }

    /// Puts a record there without the checks of the API.
    pub fn put(&mut self, object: Object, fields: &[(&str, &str)]) -> String {
        let fields = fields.iter().filter(|it| !it.1.is_empty());
        let fields = fields.map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        self.insert(object, fields.collect())
    }

    fn insert(&mut self, object: Object, fields: Map<String, Value>) -> String {
        self.made += 1;
        let id = (100_000_000_000 + self.made).to_string();
        let (now, lag) = (self.office.now, self.office.lag);
        self.table(object)
            .insert(Row::new(id.clone(), fields, now, lag));
        id
    }

    fn serve(&mut self, request: &Request) -> Served {
        if LONGEST_ADDRESS < request.path.len() + request.raw_query.len() {
            return Err(Refused::unknown("the address is longer than servers take"));
        }
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = request.method.as_str();
        match (method, path.as_slice()) {
            ("GET", ["oauth", "authorize"]) => {
                return Ok(self.oauth.authorize(&mut self.office, request));
            }
            ("POST", ["oauth", "v3", "token"]) => return Ok(self.token(request)),
            ("POST", ["oauth", "v3", "token", "introspect"]) => return self.introspect(request),
            ("POST", ["oauth", "v3", "token", "revoke"]) => return self.revoke(request),
            _ => {}
        }
        self.admit(request)?;
        match (method, path.as_slice()) {
            ("GET", ["account-info", "v3", "details"]) => {
                refusal::only(request, &[])?;
                Ok(Answer::json(200, &details()))
            }
            ("GET", ["crm", "v3", "owners"]) => self.list_owners(request),
            ("GET", ["crm", "v3", "owners", id]) => self.one_owner(request, id),
            ("GET", ["crm", "v3", "pipelines", "deals"]) => {
                refusal::only(request, &[])?;
                Ok(Answer::json(200, &schema::pipelines()))
            }
            (_, ["crm", "v3", "objects", object, rest @ ..]) => {
                let object = Object::named(object).ok_or(Refused::NoPath)?;
                self.objects(request, object, rest)
            }
            ("POST", ["crm", "v4", "associations", from, to, "batch", verb]) => {
                let from = Object::named(from).ok_or(Refused::NoPath)?;
                let to = Object::named(to).ok_or(Refused::NoPath)?;
                self.associations(request, from, to, verb)
            }
            _ => Err(Refused::NoPath),
        }
    }

    fn objects(&mut self, request: &Request, object: Object, rest: &[&str]) -> Served {
        // HubSpot asks for one scope for each kind of record, and for that of contacts besides for what is logged.
        if self.office.lacking && object != Object::Company && object != Object::Deal {
            return Err(Refused::MissingScope);
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list(request, object),
            ("POST", []) => self.create(request, object),
            ("POST", ["search"]) => self.search(request, object),
            ("POST", ["batch", "read"]) => self.batch_read(request, object),
            ("GET", [id]) => self.read(request, object, id),
            ("PATCH", [id]) => self.update(request, object, id),
            ("DELETE", [id]) => {
                refusal::only(request, &[])?;
                self.archive(object, id);
                // Also for what is not there.
                Ok(Answer::empty(204))
            }
            _ => Err(Refused::NoPath),
        }
    }

    fn admit(&self, request: &Request) -> Result<(), Refused> {
        let token = request.credential("Bearer").ok_or(Refused::NoCredential)?;
        let good = self.office.tokens.iter().any(|it| it == token);
        match good && !self.office.revoked {
            true => Ok(()),
            false => Err(Refused::Expired),
        }
    }

    fn token(&mut self, request: &Request) -> Answer {
        match self.oauth.token(&mut self.office, request) {
            Ok(issued) => {
                let mut members = issued.members;
                members.insert("hub_id".to_owned(), PORTAL.into());
                members.insert("user_id".to_owned(), self.user().into());
                members.insert("scopes".to_owned(), json!(self.oauth.scopes));
                members.insert("token_use".to_owned(), "access_token".into());
                Answer::json(200, &members.into())
            }
            Err(answer) => answer,
        }
    }

    fn introspect(&mut self, request: &Request) -> Served {
        let form = self.client_form(request)?;
        let active = self.office.tokens.contains(&form) && !self.office.revoked;
        let mut answer = json!({ "active": active });
        if active {
            answer = json!({
                "active": true, "token": form, "token_type": "bearer", "hub_id": PORTAL, "user_id": self.user(),
                "user": self.owners[0].email, "hub_domain": "our.example", "app_id": 4711,
                "scopes": self.oauth.scopes, "expires_in": self.oauth.lifetime,
            });
        }
        Ok(Answer::json(200, &answer))
    }

    fn revoke(&mut self, request: &Request) -> Served {
        self.client_form(request)?;
        self.office.revoked = true;
        Ok(Answer::empty(204))
    }

    /// The token that a registered app asks about.
    fn client_form(&self, request: &Request) -> Result<String, Refused> {
        let form = request.form().ok_or(Refused::MediaType)?;
        let field = |name: &str| form.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        let client = &self.oauth.client;
        if field("client_id") != Some(&client.id) || field("client_secret") != Some(&client.secret)
        {
            return Err(Refused::NoCredential);
        }
        Ok(field("token").unwrap_or_default().to_owned())
    }

    fn list_owners(&self, request: &Request) -> Served {
        refusal::only(request, &["limit", "after", "archived", "email"])?;
        let limit = object::limit(request, 100)?;
        let archived = object::flag(request, "archived")?;
        let after = request.param("after").unwrap_or_default();
        let email = request.param("email");
        let mut owners = self.owners.iter().filter(|it| {
            it.archived == archived
                && it.id.as_str() > after
                && email.is_none_or(|email| it.email == email)
        });
        let page: Vec<Value> = owners.by_ref().take(limit).map(Owner::answer).collect();
        let mut answer = json!({ "results": page });
        if let (Some(_), Some(last)) = (owners.next(), page.last()) {
            answer["paging"] = json!({ "next": { "after": last["id"], "link": "" } });
        }
        Ok(Answer::json(200, &answer))
    }

    fn one_owner(&self, request: &Request, id: &str) -> Served {
        refusal::only(request, &["idProperty", "archived"])?;
        let by_user = match request.param("idProperty") {
            None | Some("id") => false,
            Some("userId") => true,
            Some(_) => return Err(Refused::invalid("idProperty is id or userId")),
        };
        let is_it = |it: &&Owner| match by_user {
            true => it.user.to_string() == id,
            false => it.id == id,
        };
        let owner = self.owners.iter().filter(|it| !it.archived).find(is_it);
        Ok(Answer::json(200, &owner.ok_or(Refused::NotFound)?.answer()))
    }
}

impl Default for HubSpot {
    fn default() -> Self {
        Self::new()
    }
}

impl Owner {
    fn answer(&self) -> Value {
        let (first, last) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        json!({
            "id": self.id, "email": self.email, "firstName": first, "lastName": last, "type": "PERSON",
            "userId": self.user, "archived": self.archived,
            "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z",
        })
    }
}

fn details() -> Value {
    json!({
        "portalId": PORTAL, "accountType": "STANDARD", "timeZone": "Europe/Berlin", "companyCurrency": "EUR",
        "additionalCurrencies": [], "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000,
        "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
    })
}
