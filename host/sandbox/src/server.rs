//! A running sandbox: one organisation behind one address.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::auth::{Credentials, Login, Sessions};
use crate::change::{self, Changed, Script};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::fault::{self, Faults};
use crate::journal::{self, Journal};
use crate::oauth::person::{self, PersonError};
use crate::oauth::{Client, Counts, Oauth, Registered, RegistrationError};
use crate::office::{self, OfficeError};
use crate::options::{Database, Options};
use crate::resource;
use crate::secret::Secrets;
use crate::seed::{self, random::mix};
use crate::socket::{Cut, Socket};
use crate::store::{Organisation, Selection, Store};
use crate::user::USER;
use crate::{admin, auth, me, oauth, page, record};

/// How long a stopping server waits for the requests that are under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    app: App,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: is something else using it?")]
    Listen {
        /// The address of the options.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database cannot be opened or filled.
    #[error(
        "cannot use the database {database}: give the path of a new file, or of one that a sandbox made"
    )]
    Database {
        /// The database of the options.
        database: Database,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// The system gives no random numbers, so no token could be issued.
    #[error("the system gives no random numbers: is its generator available to this process?")]
    Randomness,
}

/// What every route can use.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) credentials: Credentials,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) oauth: Oauth,
    pub(crate) sessions: Sessions,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Clock,
    /// `http://host:port`
    pub(crate) address: String,
}

impl Server {
    /// Starts a server, with its records in place.
    ///
    /// # Errors
    ///
    /// If the address is taken, or the database cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let database = |source| StartError::Database {
            database: options.database.clone(),
            source,
        };
        let listen = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (store, users) = open(&options).await.map_err(database)?;
        let app = App(Arc::new(Parts {
            credentials: Credentials::derive(store.organisation.seed, users),
            store,
            faults: Faults::default(),
            journal: Journal::default(),
            oauth: Oauth::new(&options),
            sessions: Sessions::new(options.session_lifetime),
            secrets: Secrets::draw().map_err(|_| StartError::Randomness)?,
            clock: options.clock.clone(),
            address: format!("http://{address}"),
        }));
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router(app.clone()).into_make_service_with_connect_info::<Cut>();
        let serving = axum::serve(Socket(listener), service).with_graceful_shutdown(async {
            // A dropped sender stops the server as well.
            drop(stopped.await);
        });
        let task = tokio::spawn(async {
            drop(serving.await);
        });
        Ok(Self {
            app,
            address,
            stop: Some(stop),
            task,
        })
    }

    /// Returns the base of the API: `http://host:port`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.app.address
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the id of the organisation.
    pub fn organisation_id(&self) -> &str {
        &self.app.store.organisation.id
    }

    /// Returns everything that lets somebody in.
    pub fn credentials(&self) -> &Credentials {
        &self.app.credentials
    }

    /// Returns the faults that are yet to strike.
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// Returns the requests that have arrived.
    pub fn requests(&self) -> &Journal {
        &self.app.journal
    }

    /// Registers a client of the authorization server.
    ///
    /// # Errors
    ///
    /// If the registration endpoint would refuse it.
    pub fn register(&self, client: Client) -> Result<Registered, RegistrationError> {
        self.app.register(client)
    }

    /// Returns how many tokens were issued, reused and revoked so far.
    pub fn counts(&self) -> Counts {
        self.app.oauth.counts()
    }

    /// Lets a user allow what an authorization request asks for, and returns where the browser goes then.
    ///
    /// It opens the page and sends its form through the socket, as a browser does; `address` is the one
    /// that the client opens, with all its parameters.
    ///
    /// # Errors
    ///
    /// If there is no such page, or the login is wrong.
    pub async fn allow(&self, address: &str, login: &Login) -> Result<String, PersonError> {
        let fields = [
            ("email", login.email.as_str()),
            ("password", login.password.as_str()),
            ("decision", "allow"),
        ];
        person::answer(self.address, self.url(), address, &fields).await
    }

    /// Denies what an authorization request asks for, and returns where the browser goes then.
    ///
    /// # Errors
    ///
    /// If there is no such page.
    pub async fn deny(&self, address: &str) -> Result<String, PersonError> {
        let fields = [("decision", "deny")];
        person::answer(self.address, self.url(), address, &fields).await
    }

    /// Changes records as a busy day would, so that a reader has something to find.
    ///
    /// It happens inside the server, at one moment and in one transaction, by the same code that the
    /// API's own routes call. The choice follows from the seed and from what there is.
    ///
    /// # Errors
    ///
    /// If the database fails; then nothing has changed.
    pub async fn change(&self, script: &Script) -> Result<Changed, sqlx::Error> {
        change::run(&self.app.store, script).await
    }

    /// Puts records of a kind, such as `contact`, there as they are, all at one moment, and answers their ids.
    ///
    /// # Errors
    ///
    /// If there is no such kind, or the database fails; then nothing has changed.
    pub async fn put(
        &self,
        kind: &str,
        records: Vec<Map<String, Value>>,
    ) -> Result<Vec<String>, OfficeError> {
        office::put(&self.app.store, kind, records).await
    }

    /// Gives records other values in some fields, as a colleague would, all at one moment.
    ///
    /// # Errors
    ///
    /// If one of them is not there, or the database fails; then nothing has changed.
    pub async fn edit(
        &self,
        kind: &str,
        ids: &[String],
        fields: &Map<String, Value>,
    ) -> Result<(), OfficeError> {
        office::edit(&self.app.store, kind, ids, fields).await
    }

    /// Deletes records, as a colleague would, all at one moment.
    ///
    /// # Errors
    ///
    /// As of [`edit`](Self::edit).
    pub async fn remove(&self, kind: &str, ids: &[String]) -> Result<(), OfficeError> {
        office::remove(&self.app.store, kind, ids).await
    }

    /// Answers all records of a kind, each with its `id`.
    ///
    /// # Errors
    ///
    /// If there is no such kind, or the database fails.
    pub async fn records(&self, kind: &str) -> Result<Vec<Value>, OfficeError> {
        office::all(&self.app.store, kind).await
    }

    /// Returns a short text for a person: where the server is, and how to get in.
    pub fn summary(&self) -> String {
        let credentials = self.credentials();
        let mut text = format!(
            "{} ({})\n",
            self.app.store.organisation.name,
            self.organisation_id()
        );
        let mut line = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _written = writeln!(text, "  {name:<18} {value}");
        };
        line("address", self.url());
        line("organisation key", &credentials.organisation_key);
        line("read-only key", &credentials.read_only_key);
        line("admin key", &credentials.admin_key);
        if let Some(login) = credentials.users.first() {
            line("user", &format!("{} ({})", login.email, login.id));
            line("  password", &login.password);
            line("  key", &login.key);
            line("  secret of the key", &login.secret);
            line("  bearer token", &login.token);
            line("  signing key", &login.hmac_key);
            line("  signing secret", &login.hmac_secret);
        }
        text
    }

    /// Stops the server, and waits for the requests that are under way, but not for ever.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
        self.app.store.close().await;
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn router(app: App) -> Router {
    let records = resource::ALL
        .iter()
        .fold(Router::new(), |router, it| router.merge(record::routes(it)));
    let api = records
        .merge(me::routes())
        .merge(page::routes())
        .fallback(nowhere)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), auth::admit));
    let doors = oauth::routes()
        .merge(auth::routes())
        .method_not_allowed_fallback(no_such_method);
    let noted = api
        .merge(doors)
        .layer(from_fn_with_state(app.clone(), fault::strike))
        .layer(from_fn_with_state(app.clone(), journal::note));
    let admin = admin::routes()
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), auth::admit_admin));
    Router::new()
        .merge(admin)
        .merge(noted)
        .layer(from_fn(quiet))
        .with_state(app)
}

/// Answers are never kept by anybody on the way: they change, and they differ by caller.
async fn quiet(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await;
    let value = axum::http::HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(axum::http::header::CACHE_CONTROL, value);
    response
}

async fn nowhere() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        "there is nothing at this path",
    )
}

async fn no_such_method() -> Failure {
    let message = "the path exists, and takes other methods";
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

/// Opens the database, fills it if it is new, and returns the active users' ids and addresses.
async fn open(options: &Options) -> Result<(Store, Vec<(String, String)>), sqlx::Error> {
    let file = match &options.database {
        Database::Memory => None,
        Database::File(path) => Some(path.as_path()),
    };
    let organisation = Organisation {
        id: format!("org_{:016x}", mix(options.seed)),
        name: options.organisation.clone(),
        seed: options.seed,
    };
    let store = Store::open(file, options.clock.clone(), organisation).await?;
    if store.begin().await?.count(&USER).await? == 0 {
        let mut session = store.begin().await?;
        seed::fill(&mut session, options).await?;
        session.commit().await?;
    }
    let mut session = store.begin().await?;
    let users = session.select(&USER, &Selection::default()).await?;
    let active = users
        .into_iter()
        .filter(|it| it.body.get("active").is_none_or(|it| it == true));
    let login = |row: crate::store::Row| {
        let address = resource::list(&row.body, "emails")
            .first()?
            .as_str()?
            .to_owned();
        Some((row.id, address))
    };
    Ok((store, active.filter_map(login).collect()))
}
