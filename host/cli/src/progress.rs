//! Progress: bars where somebody watches, and a plain line at the end of each step where nobody does.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::{Terminal, Tone};
use crate::text;

/// One step of the work, while it is under way.
pub(crate) struct Step {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    name: String,
    started: Instant,
}

impl Step {
    /// Begins a step of unknown length.
    pub(crate) fn begin(terminal: &Terminal, name: impl Into<String>) -> Self {
        Self::with(terminal, name.into(), None)
    }

    /// Begins a step that goes through so many things.
    pub(crate) fn count(terminal: &Terminal, name: impl Into<String>, length: u64) -> Self {
        Self::with(terminal, name.into(), Some(length))
    }

    fn with(terminal: &Terminal, name: String, length: Option<u64>) -> Self {
        let bar = terminal.is_live().then(|| {
            let (bar, template) = match length {
                Some(length) => (
                    ProgressBar::new(length),
                    "  {prefix:28} {bar:30} {human_pos} of {human_len}",
                ),
                None => (
                    ProgressBar::new_spinner(),
                    "  {prefix:28} {spinner} {wide_msg}",
                ),
            };
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            terminal: terminal.clone(),
            bar,
            name,
            started: Instant::now(),
        }
    }

    /// Says what is being done just now.
    pub(crate) fn say(&self, text: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    /// Has gone through so many more.
    pub(crate) fn advance(&self, more: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(more);
        }
    }

    /// Ends the step with a line of what came of it.
    pub(crate) fn done(self, what: impl std::fmt::Display) -> Duration {
        let took = self.started.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let time = self.terminal.paint_note(Tone::Aside, text::took(took));
        self.terminal
            .note(format!("  {:<28} {what}  {time}", self.name));
        took
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
