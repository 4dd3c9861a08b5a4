//! One site: who may come in, which routes there are, and what each request does to the records.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::filter::{Filter, order, seen};
use super::query::{Search, pairs};
use super::schema::{Entity, attribute};
use super::store::{Record, Store};
use super::write::{self, Actor};
use super::{Fault, Options};

/// A longer request line never reaches PHP: Apache's and nginx's default is 8 KiB.
const MAX_LINE: usize = 8190;

/// A request that was served, in the order of arrival.
///
/// Header values are not kept, so that no credential can reach a test's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path below `api/v1/`, decoded.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The status of the answer; none if the connection was closed without one.
    pub status: Option<u16>,
}

/// A request as it comes from the socket.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Everything behind the socket.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) options: Options,
    pub(super) store: Store,
    pub(super) requests: Vec<Seen>,
    pub(super) violations: Vec<String>,
    pub(super) faults: Vec<(String, Fault)>,
    pub(super) locked: bool,
    pub(super) denied: Vec<(Entity, &'static str)>,
    pub(super) api_key: String,
    /// The key and the secret of the user who signs requests.
    pub(super) signing: (String, String),
    pub(super) signing_user: String,
    pub(super) password: String,
    pub(super) api_user: String,
    pub(super) password_user: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={value}")?;
        }
        match self.status {
            Some(status) => write!(f, " -> {status}"),
            None => write!(f, " -> closed"),
        }
    }
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|it| it.0 == name);
        found.map(|it| it.1.as_str())
    }

    fn is_true(&self, name: &str) -> bool {
        self.header(name) == Some("true")
    }
}

impl Site {
    /// Serves one request; none if its connection is to be closed instead of an answer.
    pub(super) fn serve(&mut self, request: &Request) -> Option<Answer> {
        let prefix = format!("{}/api/v1/", self.options.prefix);
        let path = request.path.strip_prefix(&prefix).map(str::to_owned);
        let fault = self.take_fault(&request.method);
        let before = match fault {
            Some(Fault::Status(status)) => Some(Answer::empty(status)),
            _ => None,
        };
        let answer = before.unwrap_or_else(|| {
            let routed = path.as_deref().ok_or_else(|| {
                Refusal::new(404, &format!("no route {}", request.path)).violating()
            });
            routed
                .and_then(|path| self.route(request, path))
                .unwrap_or_else(|refusal| {
                    self.violations.extend(refusal.violation);
                    refusal.answer
                })
        });
        let answer = match fault {
            Some(Fault::StatusAfterCommit(status)) => Some(Answer::empty(status)),
            Some(Fault::CloseAfterCommit) => None,
            Some(Fault::Status(_)) | None => Some(answer),
        };
        self.requests.push(Seen {
            method: request.method.clone(),
            path: path.unwrap_or_else(|| request.path.clone()),
            query: pairs(&request.query),
            status: answer.as_ref().map(|it| it.status),
        });
        answer
    }

    fn take_fault(&mut self, method: &str) -> Option<Fault> {
        let place = self.faults.iter().position(|it| it.0 == method)?;
        Some(self.faults.remove(place).1)
    }

    fn route(&mut self, request: &Request, path: &str) -> Result<Answer, Refusal> {
        if request.path.len() + request.query.len() > MAX_LINE {
            return Err(Refusal::new(414, "the request line is too long").violating());
        }
        self.check_form(request);
        let actor = self.enter(request)?;
        let body = self.read_body(request)?;
        let steps = path.split('/').collect::<Vec<_>>();
        let unknown = || {
            let reason = format!("no route {} {path}", request.method);
            Refusal::new(404, &reason).violating()
        };
        if steps == ["App", "user"] && request.method == "GET" {
            return self.app_user(&actor);
        }
        let entity = steps.first().and_then(|it| Entity::parse(it));
        let entity = entity.ok_or_else(unknown)?;
        let skip = request.is_true("x-skip-duplicate-check");
        let version = request.header("x-version-number");
        let version = version.and_then(|it| it.parse::<i64>().ok());
        let (store, noted) = (&mut self.store, &mut self.violations);
        if request.method != "GET" && !request.query.is_empty() {
            noted.push(format!("{} {path} with a query", request.method));
        }
        let denied = |action: &str| {
            if self
                .denied
                .iter()
                .any(|it| it.0 == entity && it.1 == action)
            {
                return Err(Refusal::forbidden(&format!("No {action} access.")));
            }
            Ok(())
        };
        let answer = match (request.method.as_str(), steps.as_slice()) {
            ("GET", [_]) => {
                denied("read")?;
                return self.list(&actor, request, entity, None);
            }
            ("GET", [_, id]) => {
                denied("read")?;
                // An administrator is shown deleted records too.
                let found = store
                    .any(entity, id)
                    .filter(|it| !it.deleted || actor.admin);
                let found = found.ok_or_else(|| Refusal::missing(id))?;
                store.detail(found)
            }
            ("GET", [_, id, link]) => {
                denied("read")?;
                let link = entity.link(link).ok_or_else(unknown)?;
                let found = store.live(entity, id);
                let ids = store.linked(found.ok_or_else(|| Refusal::missing(id))?, link);
                let (super::schema::Link::Own(_, target) | super::schema::Link::Other(_, target)) =
                    link;
                return self.list(&actor, request, target, Some(ids));
            }
            ("POST", [_]) => {
                denied("create")?;
                write::create(store, &actor, entity, &body, skip, noted)?
            }
            ("PUT", [_, id]) => {
                denied("edit")?;
                write::update(store, &actor, (entity, id), &body, version, noted)?
            }
            ("DELETE", [_, id]) => {
                denied("delete")?;
                write::delete(store, (entity, id))?
            }
            ("POST" | "DELETE", [_, id, link]) => {
                denied("edit")?;
                let add = request.method == "POST";
                write::link(store, (entity, id), link, &body, add)?
            }
            _ => return Err(unknown()),
        };
        Ok(Answer::ok(answer))
    }

    /// Notes what a careful client does not do, although the server would bear it.
    fn check_form(&mut self, request: &Request) {
        let accept = request.header("accept").unwrap_or_default();
        if !accept.contains("application/json") {
            self.violations.push(format!(
                "{} without Accept: application/json",
                request.method
            ));
        }
        let known = [
            "x-api-key",
            "x-hmac-authorization",
            "x-no-total",
            "x-skip-duplicate-check",
            "x-version-number",
        ];
        for (name, _) in &request.headers {
            let own = name.starts_with("x-") && !known.contains(&name.as_str());
            if own || name == "espo-authorization" || name == "cookie" {
                self.violations.push(format!("unexpected header {name}"));
            }
        }
    }

    fn read_body(&mut self, request: &Request) -> Result<Value, Refusal> {
        if request.body.is_empty() {
            return Ok(Value::Null);
        }
        if request.method == "GET" {
            self.violations.push("GET with a body".to_owned());
        }
        let kind = request.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(Refusal::bad("Content-Type is not application/json.").violating());
        }
        serde_json::from_slice(&request.body)
            .map_err(|_| Refusal::new(500, "JSON parse error.").violating())
    }

    /// Answers who is asking; a 401 says nothing at all.
    fn enter(&mut self, request: &Request) -> Result<Actor, Refusal> {
        let key = request.header("x-api-key");
        let basic = request.header("authorization");
        let signature = request.header("x-hmac-authorization");
        if 1 < [key, basic, signature].into_iter().flatten().count() {
            self.violations.push("two credentials at once".to_owned());
        }
        let pair = format!("{}:{}", self.options.user_name, self.password);
        let pair = format!("Basic {}", STANDARD.encode(pair));
        let id = match (key, basic, signature) {
            _ if self.locked => None,
            (Some(key), _, _) if key == self.api_key => Some(&self.api_user),
            (None, Some(given), _) if given == pair => Some(&self.password_user),
            (None, None, Some(given)) if self.is_signed(request, given) => Some(&self.signing_user),
            _ => None,
        };
        let Some(id) = id else {
            return Err(Refusal {
                answer: Answer::empty(401),
                violation: None,
            });
        };
        let user = self.store.live(Entity::User, id);
        Ok(Actor {
            id: id.clone(),
            admin: user.is_some_and(|it| it.text("type") == Some("admin")),
            import: self.options.import_access,
        })
    }

    /// Says whether a request bears the signature of the user who signs: base64 of the key, a colon, and the HMAC of method and path below the API's root, without the query (seen in EspoCRM 9.2).
    fn is_signed(&self, request: &Request, given: &str) -> bool {
        let root = format!("{}/api/v1", self.options.prefix);
        let path = request.path.strip_prefix(&root).unwrap_or_default();
        let message = format!("{} {path}", request.method);
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.signing.1.as_bytes());
        let tag = hmac::sign(&key, message.as_bytes());
        let hex: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
        given == STANDARD.encode(format!("{}:{hex}", self.signing.0))
    }

    fn app_user(&self, actor: &Actor) -> Result<Answer, Refusal> {
        let user = self.store.live(Entity::User, &actor.id);
        let user = user.ok_or_else(|| Refusal::missing(&actor.id))?;
        let rights = Entity::ALL.map(|entity| {
            let right = |action: &'static str, full: &str| {
                let denied = !actor.admin && self.denied.contains(&(entity, action));
                if denied { "no" } else { full }.to_owned()
            };
            let rights = json!({
                "create": right("create", "yes"),
                "read": right("read", "all"),
                "edit": right("edit", "all"),
                "delete": right("delete", "all"),
            });
            (entity.as_str().to_owned(), rights)
        });
        Ok(Answer::ok(json!({
            "user": self.store.detail(user),
            "token": self.options.token,
            "preferences": {"timeZone": self.options.user_zone},
            "acl": {"table": rights.into_iter().collect::<serde_json::Map<_, _>>()},
            "settings": {
                "applicationName": "EspoCRM",
                "timeZone": self.options.time_zone,
                "defaultCurrency": "USD",
            },
            "appParams": {"maxUploadSize": 20},
            "language": "en_US",
        })))
    }

    /// Answers a list; without a total it says only whether more is to come.
    fn list(
        &mut self,
        actor: &Actor,
        request: &Request,
        entity: Entity,
        among: Option<Vec<String>>,
    ) -> Result<Answer, Refusal> {
        let store = &self.store;
        let query = pairs(&request.query);
        let search = Search::read(entity, &store.custom, &query, &mut self.violations)?;
        let filter = Filter::read(entity, store, &search.items)?;
        let by = search
            .order_by
            .as_deref()
            .unwrap_or(entity.default_order().0);
        let kind = attribute(entity, &store.custom, by).map(|it| it.kind);
        let kind = kind.unwrap_or(super::schema::Kind::Text);
        let keeps = |it: &&Record| {
            among.as_ref().is_none_or(|ids| ids.contains(&it.id))
                && (!search.only_mine || it.text("assignedUserId") == Some(&actor.id))
                && filter.keeps(store, it)
        };
        let mut found = store.all(entity).filter(keeps).collect::<Vec<_>>();
        found.sort_by(|one, other| {
            let key = |it: &Record| seen(&store.value(it, by)).into_iter().next();
            let by_value = match (key(one), key(other)) {
                (Some(one), Some(other)) => order(kind, &one, &other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            };
            let ascending = by_value.then_with(|| one.id.cmp(&other.id));
            if search.descending {
                ascending.reverse()
            } else {
                ascending
            }
        });
        let rows = found.iter().skip(search.offset).take(search.max_size);
        let rows = rows.map(|it| store.row(it, search.select.as_deref(), by));
        let rows = rows.collect::<Vec<_>>();
        let more = found.len() > search.offset + rows.len();
        let total = match (
            request.is_true("x-no-total") || entity == Entity::Email,
            more,
        ) {
            (false, _) => json!(found.len()),
            (true, true) => json!(-1),
            (true, false) => json!(-2),
        };
        Ok(Answer::ok(json!({"list": rows, "total": total})))
    }
}
