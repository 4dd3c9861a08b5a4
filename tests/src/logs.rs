//! Everything that the process logs at any level, the HTTP client and the engine included.

use std::fmt::{self, Write as _};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

static SEEN: LazyLock<Mutex<Seen>> = LazyLock::new(|| {
    let everything = tracing_subscriber::registry().with(Recorder);
    tracing::subscriber::set_global_default(everything)
        .expect("nobody else listens to the logs of the suite");
    Mutex::default()
});

#[derive(Default)]
struct Seen {
    /// The lines of our own crates.
    ours: Vec<String>,
    /// What is looked for in all lines of all crates, and the lines in which it was found.
    needles: Vec<(Vec<String>, Vec<String>)>,
}

/// A search in everything that is logged from its beginning on.
pub struct Search(usize);

impl Search {
    /// Begins to look for any of these texts.
    pub fn begin(needles: &[String]) -> Self {
        let mut seen = seen();
        seen.needles.push((needles.to_vec(), Vec::new()));
        Self(seen.needles.len() - 1)
    }

    /// The lines in which one of them was found.
    pub fn found(&self) -> Vec<String> {
        let seen = seen();
        seen.needles
            .get(self.0)
            .map(|it| it.1.clone())
            .unwrap_or_default()
    }
}

/// Begins to listen, if nobody does yet.
pub fn listen() {
    drop(seen());
}

/// The lines of this project's crates, and its spans when they have ended, that hold a text, such as a call's id.
pub fn with(text: &str) -> Vec<String> {
    let seen = seen();
    let lines = seen.ours.iter().filter(|it| it.contains(text));
    lines.cloned().collect()
}

fn seen() -> MutexGuard<'static, Seen> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes down events and spans as `LEVEL target message name=value …`.
struct Recorder;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _never_fails = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Recorder {
    fn keep(line: Line, target: &str) {
        let mut seen = seen();
        for (needles, found) in &mut seen.needles {
            if needles.iter().any(|needle| line.0.contains(needle)) {
                found.push(line.0.clone());
            }
        }
        if target.starts_with("brightsync") {
            seen.ours.push(line.0);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let of = event.metadata();
        let mut line = Line(format!("{} {}", of.level(), of.target()));
        event.record(&mut line);
        Self::keep(line, of.target());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let of = attributes.metadata();
        let mut line = Line(format!("SPAN {} {} {}", of.level(), of.target(), of.name()));
        attributes.record(&mut line);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(line);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(line) = span.extensions_mut().get_mut::<Line>()
        {
            values.record(line);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        if let Some(line) = span.extensions_mut().remove::<Line>() {
            Self::keep(line, span.metadata().target());
        }
    }
}
