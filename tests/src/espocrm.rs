//! A strict stand-in for a site with EspoCRM 9.2, at the far side of a socket.
//!
//! It keeps its records in memory and behaves as the REST API does, as far as a connector needs it: public documentation and observations of a running server are its source.
//! What it does not know it refuses or notes, see [`EspoCrm::violations`], so that no test passes by luck.
//! Its clock stands still until a test moves it.

mod answer;
mod field;
mod filter;
mod query;
mod schema;
mod site;
mod store;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use answer::Answer;
use site::{Request, Site};
use store::{Record, Store};

pub use schema::Entity;
pub use site::Seen;

/// How a site is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What stands between the origin and `/api/v1/`, without a slash at its end.
    pub prefix: String,
    /// What `App/user` answers as `token`, a credential that must go no further.
    pub token: String,
    /// The site's time zone.
    pub time_zone: String,
    /// The time zone in the users' preferences, empty for the site's.
    pub user_zone: String,
    /// The name that goes with the password.
    pub user_name: String,
    /// Whether the user with a password is an administrator.
    pub admin: bool,
    /// Whether the API user's role includes Import, which lifts the rule on senders.
    pub import_access: bool,
    /// Custom fields, all of them texts.
    pub custom: Vec<(Entity, &'static str)>,
    /// What the clock shows at first, in seconds since the Unix epoch.
    pub now: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "/crm".to_owned(),
            token: "canary-app-user-token".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            user_zone: String::new(),
            user_name: "ada".to_owned(),
            admin: true,
            import_access: false,
            custom: Vec::new(),
            now: 1_768_471_200, // 2026-01-15 10:00:00
        }
    }
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, and nothing is done.
    Status(u16),
    /// All is done, but the answer is this status.
    StatusAfterCommit(u16),
    /// All is done, and the connection is closed without an answer.
    CloseAfterCommit,
}

/// A running site; dropping it stops it.
#[derive(Debug)]
pub struct EspoCrm {
    site: Arc<Mutex<Site>>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// The connection is closed instead of an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl EspoCrm {
    /// Starts a site on a free port of the loopback interface, with an API user and a user with a password.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let kind = if options.admin { "admin" } else { "regular" };
        let mut site = Site {
            store: Store::new(options.now, options.custom.clone()),
            requests: Vec::new(),
            violations: Vec::new(),
            faults: Vec::new(),
            locked: false,
            denied: Vec::new(),
            api_key: format!("espo-key-{:08x}-{:04x}", 0x5eed_c0de_u32, address.port()),
            signing: (
                format!("espo-signing-key-{:04x}", address.port()),
                format!("espo-signing-secret-{:04x}", address.port()),
            ),
            signing_user: String::new(),
            password: format!("espo-password-{:04x}", address.port()),
            api_user: String::new(),
            password_user: String::new(),
            options,
        };
        site.api_user = site.seed(
            Entity::User,
            &json!({"userName": "brightsync", "lastName": "BrightSync", "type": "api"}),
        );
        site.signing_user = site.seed(
            Entity::User,
            &json!({"userName": "signing", "lastName": "Signing", "type": "api"}),
        );
        let name = site.options.user_name.clone();
        let address_of = format!("{name}@site.example");
        site.password_user = site.seed(
            Entity::User,
            &json!({"userName": name, "lastName": name, "type": kind, "emailAddress": address_of}),
        );
        let site = Arc::new(Mutex::new(site));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&site)));
        Ok(Self {
            site,
            address,
            accepting,
        })
    }

    /// The address of the site, as a person would open it.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.lock().options.prefix)
    }

    /// The API user's key, for `X-Api-Key`.
    pub fn api_key(&self) -> String {
        self.lock().api_key.clone()
    }

    /// The name and the password for Basic authentication.
    pub fn basic(&self) -> (String, String) {
        let site = self.lock();
        (site.options.user_name.clone(), site.password.clone())
    }

    /// The key and the secret of the API user who signs requests.
    pub fn signing(&self) -> (String, String) {
        self.lock().signing.clone()
    }

    /// The id of the API user.
    pub fn api_user(&self) -> String {
        self.lock().api_user.clone()
    }

    /// The id of the user with a password.
    pub fn password_user(&self) -> String {
        self.lock().password_user.clone()
    }

    /// Puts a record there and returns its id; `fields` are attributes of the API, and may include `id` and times.
    pub fn seed(&self, entity: Entity, fields: &Value) -> String {
        self.lock().seed(entity, fields)
    }

    /// Changes a record as a colleague in the office would, at the site's time.
    pub fn edit(&self, entity: Entity, id: &str, fields: &Value) {
        self.lock().edit(entity, id, fields);
    }

    /// Deletes a record as a colleague in the office would.
    pub fn remove(&self, entity: Entity, id: &str) {
        let mut site = self.lock();
        let removed = write::delete(&mut site.store, (entity, id));
        if removed.is_err() {
            site.violations
                .push(format!("a test removes {id}, which is not there"));
        }
    }

    /// A record as its detail view shows it; none if it is not there or deleted.
    pub fn record(&self, entity: Entity, id: &str) -> Option<Value> {
        let site = self.lock();
        site.store.live(entity, id).map(|it| site.store.detail(it))
    }

    /// All records of an entity that are not deleted, in the order of their creation.
    pub fn records(&self, entity: Entity) -> Vec<Value> {
        let store = &self.lock().store;
        store.all(entity).map(|it| store.detail(it)).collect()
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.lock().requests.clone()
    }

    /// Forgets what was asked so far.
    pub fn forget_requests(&self) {
        self.lock().requests.clear();
    }

    /// What no connector should have done: a test asserts that this is empty.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// Moves the clock.
    pub fn pass(&self, seconds: i64) {
        self.lock().store.now += seconds;
    }

    /// Answers 401 to everybody from now on, or no longer.
    pub fn lock_out(&self, locked: bool) {
        self.lock().locked = locked;
    }

    /// Its clock, in milliseconds, for a host that is to live by the same time.
    pub fn clock(&self) -> impl Fn() -> i64 + Send + Sync + 'static + use<> {
        let site = Arc::clone(&self.site);
        move || {
            let site = site.lock().unwrap_or_else(PoisonError::into_inner);
            site.store.now * 1_000
        }
    }

    /// Ends all that was to go wrong.
    pub fn calm(&self) {
        self.lock().faults.clear();
    }

    /// The ids of all records of an entity that are not deleted, in the order of their creation.
    pub fn ids(&self, entity: Entity) -> Vec<String> {
        let site = self.lock();
        site.store.all(entity).map(|it| it.id.clone()).collect()
    }

    /// Takes a right (`create`, `read`, `edit`, `delete`) from the role.
    pub fn deny(&self, entity: Entity, action: &'static str) {
        self.lock().denied.push((entity, action));
    }

    /// Lets the next request with this method go wrong.
    pub fn fail(&self, method: &str, fault: Fault) {
        self.lock().faults.push((method.to_owned(), fault));
    }

    fn lock(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EspoCrm {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Site {
    fn seed(&mut self, entity: Entity, fields: &Value) -> String {
        let id = fields.get("id").and_then(Value::as_str);
        let id = id.map_or_else(|| self.store.next_id(), str::to_owned);
        let stamp = self.store.stamp();
        self.store.push(Record {
            entity,
            id: id.clone(),
            deleted: false,
            fields: Map::from_iter([
                ("createdAt".to_owned(), stamp.clone().into()),
                ("modifiedAt".to_owned(), stamp.into()),
                ("versionNumber".to_owned(), 1.into()),
                ("isActive".to_owned(), true.into()),
            ]),
        });
        self.set(entity, &id, fields);
        id
    }

    fn edit(&mut self, entity: Entity, id: &str, fields: &Value) {
        let stamp = self.store.stamp();
        if let Some(record) = self.store.live_mut(entity, id) {
            let version = record.stored("versionNumber").as_i64().unwrap_or(0) + 1;
            record.fields.insert("modifiedAt".to_owned(), stamp.into());
            record
                .fields
                .insert("versionNumber".to_owned(), version.into());
        }
        self.set(entity, id, fields);
    }

    fn set(&mut self, entity: Entity, id: &str, fields: &Value) {
        let Some(record) = self.store.live_mut(entity, id) else {
            self.violations
                .push(format!("a test changes {id}, which is not there"));
            return;
        };
        let members = fields.as_object().into_iter().flatten();
        let (late, early): (Vec<_>, Vec<_>) = members.partition(|it| it.0 == "title");
        for (name, value) in early.into_iter().chain(late) {
            if name != "id" && field::set(record, name, value, &mut self.violations).is_err() {
                self.violations
                    .push(format!("a test sets {name} to {value}"));
            }
        }
    }
}

async fn accept(listener: TcpListener, site: Arc<Mutex<Site>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let site = Arc::clone(&site);
        connections.spawn(async move {
            let service = service_fn(move |request| respond(request, Arc::clone(&site)));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is the client gone, or a connection closed on purpose.
            drop(served.await);
        });
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    site: Arc<Mutex<Site>>,
) -> Result<hyper::Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    let answer = site
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .serve(&request)
        .ok_or(Closed)?;
    Ok(encode(answer))
}

fn encode(answer: Answer) -> hyper::Response<Full<Bytes>> {
    let text = answer.body.map_or_else(String::new, |it| it.to_string());
    let mut response = hyper::Response::new(Full::new(Bytes::from(text)));
    if let Ok(status) = hyper::StatusCode::from_u16(answer.status) {
        *response.status_mut() = status;
    }
    let kind = hyper::header::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, kind);
    let reason = answer.reason.and_then(|it| it.parse().ok());
    if let Some(reason) = reason {
        response.headers_mut().insert("x-status-reason", reason);
    }
    response
}
