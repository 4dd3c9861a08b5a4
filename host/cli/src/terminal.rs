//! Where a command writes, asks and looks up variables: the process's own terminal, or buffers that a test reads.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::pending;
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use console::Term;
use tokio::sync::{Notify, mpsc};

/// Where a command writes, asks and looks up variables. Cheap to clone; all clones are one terminal.
#[derive(Clone)]
pub struct Terminal {
    out: Sink,
    err: Sink,
    world: World,
    look: Look,
    quiet: bool,
}

/// What a command wrote, and a hand on its Ctrl-C.
#[derive(Clone)]
pub struct Captured {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    interrupt: Arc<Notify>,
}

/// How much a stream of output can show.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    /// Escape sequences are understood on standard output, and wanted.
    colour: bool,
    /// The same on standard error.
    colour_of_notes: bool,
    /// Somebody watches standard error, so progress may move.
    live: bool,
    /// Somebody can be asked.
    asks: bool,
    /// Columns of standard output, if it is a terminal.
    width: Option<u16>,
}

#[derive(Clone)]
enum World {
    Process,
    Fixed(Arc<BTreeMap<String, String>>, Arc<Notify>),
}

type Sink = Arc<Mutex<dyn Write + Send>>;

/// What somebody types while the program goes on, line by line.
pub(crate) struct Lines(Option<mpsc::UnboundedReceiver<String>>);

/// What a piece of text says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Heading,
    Good,
    Bad,
    Aside,
}

impl Terminal {
    /// The terminal, or whatever stands in its place, of this process.
    pub fn of_this_process() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty())
            || std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        let out = io::stdout().is_terminal();
        let err = io::stderr().is_terminal();
        Self {
            out: Arc::new(Mutex::new(io::stdout())),
            err: Arc::new(Mutex::new(io::stderr())),
            world: World::Process,
            look: Look {
                colour: out && !plain,
                colour_of_notes: err && !plain,
                live: err && !plain,
                asks: err && io::stdin().is_terminal(),
                width: Term::stdout().size_checked().map(|(_, columns)| columns),
            },
            quiet: false,
        }
    }

    /// A terminal that keeps everything, and sees these variables and no others.
    pub fn captured<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> (Self, Captured) {
        let captured = Captured {
            out: Arc::default(),
            err: Arc::default(),
            interrupt: Arc::default(),
        };
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let terminal = Self {
            out: captured.out.clone(),
            err: captured.err.clone(),
            world: World::Fixed(Arc::new(variables), captured.interrupt.clone()),
            look: Look::default(),
            quiet: false,
        };
        (terminal, captured)
    }

    /// The same terminal, without notes.
    pub(crate) fn silenced(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Writes a line of the result.
    pub(crate) fn line(&self, text: impl Display) {
        write(&self.out, &format!("{text}\n"));
    }

    /// Writes a line about the work, which is not part of the result.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            write(&self.err, &format!("{text}\n"));
        }
    }

    /// Writes a line that nobody may miss, `--quiet` or not.
    pub(crate) fn complain(&self, text: impl Display) {
        write(&self.err, &format!("{text}\n"));
    }

    /// Warns of something that changes nothing of how a command ends.
    pub fn warn(&self, text: impl Display) {
        self.complain(format!("warning: {text}"));
    }

    /// Where log lines go.
    pub(crate) fn log(&self) -> impl Fn() -> Line + Send + Sync + 'static {
        let sink = self.err.clone();
        move || Line(sink.clone())
    }

    /// Text of the result in the colour of its meaning.
    pub(crate) fn paint(&self, tone: Tone, text: impl Display) -> String {
        paint(self.look.colour, tone, text)
    }

    /// Text of a note in the colour of its meaning.
    pub(crate) fn paint_note(&self, tone: Tone, text: impl Display) -> String {
        paint(self.look.colour_of_notes, tone, text)
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.look.colour
    }

    /// Whether somebody watches the progress of the work.
    pub(crate) fn is_live(&self) -> bool {
        self.look.live && !self.quiet
    }

    /// The columns of the terminal; none if the result goes to a file or another program.
    pub(crate) fn width(&self) -> Option<u16> {
        self.look.width
    }

    /// The value of an environment variable; an empty one counts as none.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.world {
            World::Process => std::env::var(name).ok(),
            World::Fixed(variables, _) => variables.get(name).cloned(),
        };
        value.filter(|it| !it.is_empty())
    }

    /// Whether somebody sits at it.
    pub(crate) fn is_attended(&self) -> bool {
        self.look.asks
    }

    /// Asks for a text; none if there is nobody to ask.
    pub(crate) fn ask(&self, prompt: &str) -> Option<io::Result<String>> {
        if !self.look.asks {
            return None;
        }
        let term = Term::stderr();
        Some(term.write_str(prompt).and_then(|()| term.read_line()))
    }

    /// Takes over standard input, which may be a pipe as well.
    pub(crate) fn lines(&self) -> Lines {
        if let World::Fixed(..) = self.world {
            return Lines(None);
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        // A thread of its own, not one of the runtime's: that would wait at its end for a line that never comes.
        let _read_until_the_end = std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Lines(Some(receiver))
    }

    /// Asks for a text without showing it; none if there is nobody to ask.
    pub(crate) fn ask_secret(&self, prompt: &str) -> Option<io::Result<String>> {
        if !self.look.asks {
            return None;
        }
        let term = Term::stderr();
        let asked = term
            .write_str(prompt)
            .and_then(|()| term.read_secure_line());
        Some(asked)
    }

    /// Waits until somebody wants the program to end: Ctrl-C, or the signal to terminate.
    pub(crate) async fn interrupted(&self) -> io::Result<()> {
        match &self.world {
            World::Process => {
                let mut end =
                    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
                tokio::select! {
                    pressed = tokio::signal::ctrl_c() => pressed,
                    _ = end.recv() => Ok(()),
                }
            }
            World::Fixed(_, interrupt) => {
                interrupt.notified().await;
                Ok(())
            }
        }
    }
}

impl Captured {
    /// What went to standard output.
    pub fn out(&self) -> String {
        text(&self.out)
    }

    /// What went to standard error.
    pub fn err(&self) -> String {
        text(&self.err)
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.interrupt.notify_one();
    }
}

impl Lines {
    /// The next line; if there is none any more, it does not come.
    pub(crate) async fn next(&mut self) -> String {
        let line = match &mut self.0 {
            Some(lines) => lines.recv().await,
            None => None,
        };
        match line {
            Some(line) => line,
            None => {
                self.0 = None;
                pending().await
            }
        }
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("look", &self.look)
            .finish_non_exhaustive()
    }
}

/// A log line on its way to standard error.
pub(crate) struct Line(Sink);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
    }
}

fn write(sink: &Sink, text: &str) {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever closes the other end of a pipe has seen enough, which is no failure of the command.
    let _closed = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn paint(coloured: bool, tone: Tone, text: impl Display) -> String {
    let code = match tone {
        _ if !coloured => return text.to_string(),
        Tone::Heading => "1",
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Aside => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
