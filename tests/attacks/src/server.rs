//! A CRM's server by script, on a real socket: it answers what a test has announced, and nothing else.
//!
//! A request that was not announced fails the test, and so does an announced one that never came.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A server on a free port of the loopback interface. It is gone, with all its threads, when this is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    events: tokio::sync::Mutex<UnboundedReceiver<Event>>,
    listening: Option<JoinHandle<()>>,
}

/// What a server says to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A whole answer, after which the connection stays open.
    Whole {
        /// The status.
        status: u16,
        /// Headers besides the length.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The body of the request, sent back.
    Echo,
    /// These bytes, and then the connection is closed.
    Raw(Vec<u8>),
    /// A head, and then chunks of a body for as long as somebody reads them.
    Endless,
    /// These bytes, and then nothing, for as long as the other side waits.
    Stuck(Vec<u8>),
    /// These bytes, and then one more now and then, for as long as the other side waits.
    Dripping(Vec<u8>),
    /// These bytes in place of an answer, after which the connection stays open.
    Loose(Vec<u8>),
    /// Nothing at all, for as long as the other side waits.
    Never,
    /// The answer, but not before the gate is open.
    Behind(Gate, Box<Self>),
}

/// Holds answers back until the test lets them go.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and target, as in `GET /me?x=1`.
    pub line: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Which of the connections to the server it came over.
    pub connection: usize,
}

struct Shared {
    script: Mutex<Script>,
    streams: Mutex<Vec<TcpStream>>,
    stopping: AtomicBool,
    events: UnboundedSender<Event>,
}

/// Answers what was not announced.
type Otherwise = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

#[derive(Default)]
struct Script {
    otherwise: Option<Otherwise>,
    once: VecDeque<(String, Answer)>,
    always: Vec<(String, Answer)>,
    asked: Vec<Asked>,
    unannounced: Vec<String>,
    connections: usize,
    in_hand: usize,
    most_in_hand: usize,
}

/// What a test may wait for.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// A request was read.
    Asked,
    /// The other side went away before its answer was complete.
    HungUp,
}

impl Gate {
    /// Lets all answers behind it go.
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.0.lock().unwrap();
        let patience = Duration::from_secs(20);
        drop(self.0.1.wait_timeout_while(closed, patience, |open| !*open));
    }
}

impl Answer {
    /// The answer, held back by a gate.
    pub fn behind(self, gate: &Gate) -> Self {
        Self::Behind(gate.clone(), Box::new(self))
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, &body.to_string()).with("content-type", "application/json")
    }

    /// An answer with a body of text.
    pub fn text(status: u16, body: &str) -> Self {
        Self::Whole {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The answer with one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match &mut self {
            Self::Whole { headers, .. } => headers.push((name.to_owned(), value.to_owned())),
            Self::Echo
            | Self::Raw(_)
            | Self::Stuck(_)
            | Self::Dripping(_)
            | Self::Loose(_)
            | Self::Endless
            | Self::Never
            | Self::Behind(..) => {
                panic!("only a whole answer takes headers")
            }
        }
        self
    }

    /// Waits until the answer may go.
    fn wait(&self) {
        if let Self::Behind(gate, answer) = self {
            gate.pass();
            answer.wait();
        }
    }

    /// Writes the answer; false if the connection is over after it.
    fn write(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        match self {
            Self::Whole {
                status,
                headers,
                body,
            } => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str("\r\n");
                stream.write_all(head.as_bytes())?;
                stream.write_all(body)?;
                Ok(true)
            }
            Self::Echo => Self::text(500, "there is nothing to send back").write(stream),
            Self::Raw(bytes) => {
                stream.write_all(bytes)?;
                Ok(false)
            }
            Self::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
                loop {
                    stream.write_all(&chunk)?;
                }
            }
            Self::Behind(_, answer) => answer.write(stream),
            Self::Stuck(bytes) => {
                stream.write_all(bytes)?;
                Self::Never.write(stream)
            }
            Self::Dripping(bytes) => {
                stream.write_all(bytes)?;
                // Listening for the other side to go away is what it does between two bytes.
                stream.set_read_timeout(Some(Duration::from_millis(5)))?;
                while matches!(stream.read(&mut [0; 1]), Err(error) if is_quiet(&error)) {
                    stream.write_all(b"x")?;
                }
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            Self::Loose(bytes) => {
                stream.write_all(bytes)?;
                Ok(true)
            }
            Self::Never => {
                // Whatever comes now, an end or a reset, is the other side giving up.
                let _read = stream.read(&mut [0; 1]);
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
        }
    }
}

impl Asked {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Asked {
    /// The request as text, without what is the same for all of them or differs from run to run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.line)?;
        let mut headers = self.headers.clone();
        headers.sort();
        for (name, value) in headers {
            if !matches!(
                &*name,
                "host" | "user-agent" | "accept-encoding" | "content-length"
            ) {
                writeln!(f, "{name}: {value}")?;
            }
        }
        if !self.body.is_empty() {
            writeln!(f, "\n{}", String::from_utf8_lossy(&self.body))?;
        }
        Ok(())
    }
}

impl Server {
    /// Starts a server that knows no request yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = unbounded_channel();
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            streams: Mutex::default(),
            stopping: AtomicBool::new(false),
            events: sender,
        });
        let listening = std::thread::spawn({
            let shared = shared.clone();
            move || listen(&listener, &shared)
        });
        Self {
            address,
            shared,
            events: tokio::sync::Mutex::new(events),
            listening: Some(listening),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a connection's setting has it, `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Announces one request, such as `GET /me`, and its answer.
    pub fn once(&self, line: &str, answer: Answer) {
        self.script().once.push_back((line.to_owned(), answer));
    }

    /// Announces a request that may come any number of times.
    pub fn always(&self, line: &str, answer: Answer) {
        self.script().always.push((line.to_owned(), answer));
    }

    /// Answers whatever was not announced, so that nothing has to be.
    pub fn otherwise(&self, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.script().otherwise = Some(Arc::new(answer));
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.script().asked.clone()
    }

    /// What it was asked so far, as text.
    pub fn transcript(&self) -> String {
        let asked: Vec<_> = self.asked().iter().map(ToString::to_string).collect();
        asked.join("\n")
    }

    /// How many connections were opened to it.
    pub fn connections(&self) -> usize {
        self.script().connections
    }

    /// How many requests it had to answer at once, at the most.
    pub fn most_in_hand(&self) -> usize {
        self.script().most_in_hand
    }

    /// Waits until a request has been read.
    pub async fn was_asked(&self) {
        self.wait_for(&Event::Asked).await;
    }

    /// Waits until the other side has gone away without a whole answer.
    pub async fn was_hung_up_on(&self) {
        self.wait_for(&Event::HungUp).await;
    }

    async fn wait_for(&self, wanted: &Event) {
        let wait = async {
            let mut events = self.events.lock().await;
            while let Some(event) = events.recv().await {
                if event == *wanted {
                    return;
                }
            }
        };
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, wait)
            .await
            .unwrap_or_else(|_| panic!("the server waited in vain for {wanted:?}"));
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.shared.script()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for stream in self.shared.streams().drain(..) {
            let _closed_already = stream.shutdown(Shutdown::Both);
        }
        // The listener looks at the flag when somebody comes.
        let _gone = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _panicked = listening.join();
        }
        if std::thread::panicking() {
            return;
        }
        let script = self.shared.script();
        assert!(
            script.unannounced.is_empty(),
            "the server was asked what no test announced: {:?}",
            script.unannounced
        );
        let missing: Vec<_> = script.once.iter().map(|(line, _)| line).collect();
        assert!(missing.is_empty(), "these requests never came: {missing:?}");
    }
}

impl Shared {
    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        let _nobody_waits = self.events.send(event);
    }

    /// Finds the answer to a request, and writes the request down.
    fn answer(&self, asked: Asked) -> Answer {
        let mut script = self.script();
        let line = asked.line.clone();
        script.asked.push(asked);
        script.in_hand += 1;
        script.most_in_hand = script.most_in_hand.max(script.in_hand);
        if let Some(place) = script.once.iter().position(|(it, _)| *it == line)
            && let Some((_, answer)) = script.once.remove(place)
        {
            return answer;
        }
        if let Some((_, answer)) = script.always.iter().find(|(it, _)| *it == line) {
            return match answer {
                Answer::Echo => Answer::Whole {
                    status: 200,
                    headers: Vec::new(),
                    body: script
                        .asked
                        .last()
                        .map_or_else(Vec::new, |it| it.body.clone()),
                },
                other => other.clone(),
            };
        }
        if let Some(otherwise) = script.otherwise.clone()
            && let Some(asked) = script.asked.last().cloned()
        {
            // It may take its time, and others are to be answered meanwhile.
            drop(script);
            return otherwise(&asked);
        }
        script.unannounced.push(line);
        Answer::text(599, "nobody announced this")
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let connection = {
            let mut script = shared.script();
            script.connections += 1;
            script.connections
        };
        shared.streams().push(stream.try_clone().unwrap());
        let shared = shared.clone();
        serving.push(std::thread::spawn(move || {
            // A connection that ends in the middle of something was ended by the other side.
            if serve(stream, &shared, connection).is_err() {
                shared.tell(Event::HungUp);
            }
        }));
    }
    // Connections that were accepted after the others had been closed.
    for stream in shared.streams().drain(..) {
        let _closed_already = stream.shutdown(Shutdown::Both);
    }
    for thread in serving {
        let _panicked = thread.join();
    }
}

fn serve(mut stream: TcpStream, shared: &Shared, connection: usize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(asked) = read(&mut reader, connection)? {
        let answer = shared.answer(asked);
        shared.tell(Event::Asked);
        answer.wait();
        // Before the answer goes: what is asked because of it comes after.
        shared.script().in_hand -= 1;
        if !answer.write(&mut stream)? {
            stream.shutdown(Shutdown::Both)?;
            return Ok(());
        }
    }
    Ok(())
}

fn is_quiet(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock)
}

/// Reads one request; none if the connection ended between two of them.
fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Asked {
        line,
        headers,
        body,
        connection,
    }))
}
