//! A running Tryton with a database of its own.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::command::{isolated, tail};
use super::environment::{DATABASE, DATABASE_FILE, Environment};
use super::login::Login;

const SERVE: &str = include_str!("../../tryton/serve.py");
const SEED: &str = include_str!("../../tryton/seed.py");
const COMPLAINTS: &str = "stderr.log";
/// How long an empty Tryton may take to start; it takes about a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer each made-up record may take; it takes about 4 ms.
const PATIENCE_PER_RECORD: Duration = Duration::from_millis(40);

/// How much a server begins with, beside the company and its users.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many companies to make up, the first half of them with an opportunity.
    pub accounts: u32,
    /// How many people to make up, each at one of the companies.
    pub contacts: u32,
}

/// A running server; when this is dropped, it is killed and its database is gone.
///
/// It also ends when this process does, whatever the cause.
#[derive(Debug)]
pub struct Server {
    // Invariant: the standard input of the child is this process's to close, and stays open.
    child: Child,
    // What it writes to its standard output, a line each; one order at a time is under way.
    lines: Mutex<Receiver<String>>,
    folder: TempDir,
    address: SocketAddr,
    url: String,
    logins: Vec<Login>,
    company: i64,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database cannot be copied.
    #[error("cannot copy Tryton's database to a temporary folder")]
    Copy(#[source] io::Error),
    /// The server's process cannot be started.
    #[error("cannot start Tryton's Python")]
    Start(#[source] io::Error),
    /// It ended before it served.
    #[error("Tryton ended before it answered:\n{complaint}")]
    Ended {
        /// The end of what it wrote to standard error.
        complaint: String,
    },
    /// It takes too long.
    #[error("Tryton does not answer after {} seconds:\n{complaint}", .patience.as_secs())]
    Late {
        /// How long it was waited for.
        patience: Duration,
        /// The end of what it wrote to standard error.
        complaint: String,
    },
    /// It listens, and its API does not work.
    #[error("Tryton's API answers {answer:?} to the first request:\n{complaint}")]
    Answer {
        /// The first line of the answer.
        answer: String,
        /// The end of what it wrote to standard error.
        complaint: String,
    },
    /// It listens, and cannot be talked to.
    #[error("Tryton does not answer its first request")]
    Silent(#[source] io::Error),
}

/// Tryton does not do what it was told, or has ended.
#[derive(Debug, thiserror::Error)]
#[error("Tryton does not carry an order out: {0}")]
pub struct OrderError(String);

impl Options {
    /// Returns the options of a demonstration; Tryton takes about a dozen seconds to write it.
    pub fn demonstration() -> Self {
        Self {
            accounts: 300,
            contacts: 3000,
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE + PATIENCE_PER_RECORD * self.accounts.saturating_add(self.contacts)
    }
}

impl Server {
    /// Starts a server on a copy of the environment's database, and returns when it answers.
    ///
    /// # Errors
    ///
    /// If it does not come up; what it wrote to standard error is a part of the message.
    pub fn start(environment: &Environment, options: &Options) -> Result<Self, StartError> {
        let folder = TempDir::new().map_err(StartError::Copy)?;
        let path = |name: &str| folder.path().join(name);
        fs::copy(environment.database(), path(DATABASE_FILE)).map_err(StartError::Copy)?;
        fs::write(path("serve.py"), SERVE).map_err(StartError::Copy)?;
        fs::write(path("seed.py"), SEED).map_err(StartError::Copy)?;
        let complaints = File::create(path(COMPLAINTS)).map_err(StartError::Copy)?;

        let mut command = isolated(environment.python());
        command.arg("-s").arg(path("serve.py")).arg(folder.path());
        if options.accounts > 0 || options.contacts > 0 {
            command.args([options.accounts.to_string(), options.contacts.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .map_err(StartError::Start)?;
        // From here on an early return drops the server, and with it the process.
        let lines = Mutex::new(lines(&mut child));
        let mut server = Self {
            child,
            lines,
            folder,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            url: String::new(),
            logins: environment.logins().to_vec(),
            company: environment.company(),
        };
        let patience = options.patience();
        let port = server.port(patience)?;
        server.address.set_port(port);
        server.url = format!("http://{}/{DATABASE}", server.address);
        server.greet()?;
        Ok(server)
    }

    /// Returns the address of the database, without a slash at the end; its API is below `/rest`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns who may log in.
    pub fn logins(&self) -> &[Login] {
        &self.logins
    }

    /// Returns the user with this login.
    pub fn login(&self, login: &str) -> Option<&Login> {
        self.logins.iter().find(|it| it.login == login)
    }

    /// Returns the key of the user with this login.
    pub fn key(&self, login: &str) -> Option<&str> {
        self.login(login).map(|it| it.key.as_str())
    }

    /// Returns the id of the company, which requests about opportunities must name.
    pub fn company(&self) -> i64 {
        self.company
    }

    /// Returns the end of what the server complained about: the traceback behind a status of 500.
    pub fn complaints(&self) -> String {
        File::open(self.folder.path().join(COMPLAINTS))
            .map(|mut it| tail(&mut it))
            .unwrap_or_default()
    }

    /// Has the office do something, as an administrator and in one transaction, and answers what it says: see `carry_out` in `serve.py`.
    ///
    /// # Errors
    ///
    /// If Tryton does not do it, or has ended.
    pub fn order(&self, order: &Value) -> Result<Value, OrderError> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = |_| OrderError(self.complaints());
        let mut stdin = self.child.stdin.as_ref().ok_or_else(|| ended(()))?;
        writeln!(stdin, "{order}").map_err(|_| ended(()))?;
        let answer = lines.recv().map_err(|_| ended(()))?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|_| OrderError(answer))?;
        match answer.get_mut("answer") {
            Some(answer) => Ok(answer.take()),
            None => Err(OrderError(answer.to_string())),
        }
    }

    /// Waits for the port, which the server writes when it listens.
    fn port(&mut self, patience: Duration) -> Result<u16, StartError> {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        let line = match lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => {
                return Err(StartError::Late {
                    patience,
                    complaint: self.complaints(),
                });
            }
        };
        line.trim().parse().map_err(|_| StartError::Ended {
            complaint: self.complaints(),
        })
    }

    /// Makes the first request, so that whoever gets the server knows that its API works.
    fn greet(&self) -> Result<(), StartError> {
        let key = self.key("admin").unwrap_or_default();
        let answer =
            get(self.address, "rest/model/ir.lang?s=1", key).map_err(StartError::Silent)?;
        let first = answer.lines().next().unwrap_or_default();
        if first.starts_with("HTTP/1.1 200 ") {
            Ok(())
        } else {
            Err(StartError::Answer {
                answer: first.to_owned(),
                complaint: self.complaints(),
            })
        }
    }
}

/// Passes on what a process writes to its standard output; ends with the process.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; the folder goes after the process, with the field.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Makes one request below the database's address, and returns the whole answer.
fn get(address: SocketAddr, path: &str, key: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /{DATABASE}/{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Every test crate of the workspace uses the same folder, so that there is one environment.
    fn environment() -> Environment {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")),
            PathBuf::from,
        );
        Environment::prepare(&target, &mut |_| {}).unwrap()
    }

    #[track_caller]
    fn check(server: &Server, login: &str, path: &str, expected: &str) {
        let answer = get(server.address(), path, server.key(login).unwrap()).unwrap();
        assert_eq!(answer.lines().next(), Some("HTTP/1.1 200 OK"), "{answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body, expected);
    }

    #[test]
    fn every_user_gets_in_with_a_key() {
        let environment = environment();
        let server = Server::start(&environment, &Options::default()).unwrap();
        assert_eq!(server.logins().len(), 5);
        for it in server.logins() {
            let path = format!("rest/model/res.user/{}?f=login", it.user);
            let expected = format!(
                r#"{{"id": {}, "login": "{}", "__name__": "res.user"}}"#,
                it.user, it.login
            );
            let answer = get(server.address(), &path, &it.key).unwrap();
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(parsed(body), parsed(&expected));
        }
        let refused = get(server.address(), "rest/model/res.user", "no-key").unwrap();
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    }

    #[test]
    fn servers_run_side_by_side_and_share_nothing() {
        let environment = environment();
        let options = Options {
            accounts: 2,
            contacts: 5,
        };
        let (full, empty) = thread::scope(|scope| {
            let full = scope.spawn(|| Server::start(&environment, &options).unwrap());
            let empty = Server::start(&environment, &Options::default()).unwrap();
            (full.join().unwrap(), empty)
        });
        assert_ne!(full.address(), empty.address());
        // The domain is [["name","like","% 1"]], which only a made-up company answers to.
        let path = "rest/model/party.party?f=name&d=W1sibmFtZSIsImxpa2UiLCIlIDEiXV0=";
        check(&empty, "anna", path, "[]");
        let answer = get(full.address(), path, full.key("anna").unwrap()).unwrap();
        assert!(answer.contains("party.party"), "{answer}");
    }

    #[test]
    fn a_dropped_server_is_gone() {
        let environment = environment();
        let server = Server::start(&environment, &Options::default()).unwrap();
        let address = server.address();
        let folder = server.folder.path().to_owned();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
        assert!(!folder.exists());
    }

    #[test]
    fn a_server_ends_with_the_process_that_started_it() {
        let environment = environment();
        let mut server = Server::start(&environment, &Options::default()).unwrap();
        // What the system does to the pipe when this process dies.
        drop(server.child.stdin.take());
        assert!(server.child.wait().unwrap().success());
    }

    #[cfg(unix)]
    #[test]
    fn a_failed_start_says_why() {
        let folder = TempDir::new().unwrap();
        let broken = environment().with_database(folder.path(), "no database");
        let error = Server::start(&broken, &Options::default()).unwrap_err();
        let StartError::Ended { complaint } = error else {
            panic!("{error}");
        };
        assert!(complaint.contains("Traceback"), "{complaint}");
    }

    #[test]
    fn no_key_is_shown() {
        let environment = environment();
        let shown = format!("{environment:?}");
        for it in environment.logins() {
            assert!(!shown.contains(&it.key), "{}", it.login);
        }
    }
}
