//! The command line: global options, the commands, and where log lines go.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use brightsync_runtime::{Builder, Host, Worker};
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry};

use crate::build::Build;
use crate::call::Call;
use crate::connect::Connect;
use crate::connections::Connections;
use crate::demo::Demo;
use crate::exit::Exit;
use crate::folder;
use crate::inspect::Inspect;
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;
use crate::vault::VaultCommand;

const ABOUT: &str = "Build, look at and run connectors between BrightSync and CRMs";

const EXAMPLES: &str = "\
Examples:
  brightsync demo                                see all of it at work
  brightsync build plugins/sandbox               make one .wasm file of a connector
  brightsync inspect plugins/sandbox/sandbox.wasm
  brightsync sandbox --port 4000                 run a CRM to try it on
  brightsync connect sandbox --tenant acme       connect an account, as a customer would

Exit codes:
  0 done · 1 a failure on this side · 2 not asked correctly · 3 the CRM's or the connector's own error
  4 the connector failed · 5 a limit ended the call · 6 refused";

#[derive(Debug, Parser)]
#[command(
    name = "brightsync",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    max_term_width = 110,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// Where connections, credentials, compiled connectors, keys and the unpacked SDK are kept [default: $BRIGHTSYNC_HOME, else
    /// the folder for data of the system]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        help_heading = "Global options"
    )]
    data_dir: Option<PathBuf>,
    /// Which log lines to write to standard error, as in `warn` or `brightsync_runtime=debug` [default:
    /// $BRIGHTSYNC_LOG, else none]
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        help_heading = "Global options"
    )]
    log: Option<String>,
    /// Where to send a trace of every call, with OpenTelemetry's protocol over HTTP, as in `http://localhost:4318`
    /// [default: $OTEL_EXPORTER_OTLP_ENDPOINT, else nowhere]
    #[cfg(feature = "otel")]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Global options"
    )]
    traces: Option<String>,
    /// Write results and errors only
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(Build),
    Inspect(Inspect),
    Connect(Connect),
    Connections(Connections),
    Call(Call),
    Vault(VaultCommand),
    Sandbox(Sandbox),
    Demo(Demo),
}

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) terminal: Terminal,
    data: Option<PathBuf>,
    #[cfg(feature = "otel")]
    traces: Option<crate::traces::Traces>,
}

/// What listens to all that the process logs.
pub(crate) type Listener = Box<dyn Layer<Registry> + Send + Sync>;

impl Setting {
    /// Ends what goes on beside the command. It changes nothing of how the command has ended.
    pub(crate) async fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces
            && let Err(error) = traces.end().await
        {
            self.terminal.complain(format!("warning: {error:#}"));
        }
    }

    /// The data folder of the installation.
    pub(crate) fn data(&self) -> Result<PathBuf> {
        folder::data(self.data.as_deref(), &self.terminal)
    }

    /// A host for the few calls of one command.
    pub(crate) fn host(&self) -> Result<Builder> {
        Ok(Host::builder()
            .data_dir(self.data()?)
            .compile_in(Worker::this_program())
            .slots(2))
    }
}

impl Command {
    /// Whether the result is asked for as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Build(it) => it.json,
            Self::Inspect(it) => it.json,
            Self::Connect(it) => it.json,
            Self::Connections(it) => it.is_json(),
            Self::Call(it) => it.json,
            Self::Vault(it) => it.is_json(),
            Self::Sandbox(it) => it.json,
            Self::Demo(it) => it.json,
        }
    }

    /// Does it.
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        match self {
            Self::Build(it) => it.run(setting).await,
            Self::Inspect(it) => it.run(setting),
            Self::Connect(it) => it.run(setting).await,
            Self::Connections(it) => it.run(setting).await,
            Self::Call(it) => it.run(setting).await,
            Self::Vault(it) => it.run(setting).await,
            Self::Sandbox(it) => it.run(setting).await,
            Self::Demo(it) => it.run(setting).await,
        }
    }
}

/// Reads the command line. What cannot be read, and what only asks for help, is answered here.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    terminal: &Terminal,
) -> Result<(Command, Setting), Exit> {
    let parsed = Arguments::try_parse_from(arguments).map_err(|error| {
        let text = error.render().to_string();
        if error.use_stderr() {
            terminal.complain(text.trim_end());
            Exit::Usage
        } else {
            terminal.line(text.trim_end());
            Exit::Success
        }
    })?;
    let Global {
        data_dir,
        log,
        #[cfg(feature = "otel")]
        traces,
        quiet,
    } = parsed.global;
    let mut listeners: Vec<Listener> = Vec::new();
    if let Some(filter) = log.or_else(|| terminal.variable("BRIGHTSYNC_LOG")) {
        let filter = EnvFilter::try_new(&filter).map_err(|error| {
            terminal.complain(format!(
                "error: {filter:?} is no filter for log lines: {error}; write it as in `warn` or `brightsync_runtime=debug`"
            ));
            Exit::Usage
        })?;
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(terminal.is_coloured())
            .with_writer(terminal.log());
        listeners.push(lines.with_filter(filter).boxed());
    }
    #[cfg(feature = "otel")]
    let traces = {
        let collector = traces.or_else(|| terminal.variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let begun = collector.map(|it| crate::traces::Traces::begin(&it));
        let begun = begun.transpose().map_err(|error| {
            terminal.complain(format!("error: {error:#}"));
            Exit::Usage
        })?;
        begun.map(|(traces, listener)| {
            listeners.push(listener);
            traces
        })
    };
    if !listeners.is_empty() {
        let subscriber = tracing_subscriber::registry().with(listeners);
        // The first command of a process decides where its log lines go.
        let _already_set = tracing::subscriber::set_global_default(subscriber);
    }
    let setting = Setting {
        terminal: terminal.clone().silenced(quiet),
        data: data_dir,
        #[cfg(feature = "otel")]
        traces,
    };
    Ok((parsed.command, setting))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<&str, Exit>) {
        let (terminal, _) = Terminal::captured::<String, String>([]);
        let parsed = parse(line.split(' '), &terminal);
        let name = parsed.map(|(command, _)| match command {
            Command::Build(_) => "build",
            Command::Inspect(_) => "inspect",
            Command::Connect(_) => "connect",
            Command::Connections(_) => "connections",
            Command::Call(_) => "call",
            Command::Vault(_) => "vault",
            Command::Sandbox(_) => "sandbox",
            Command::Demo(_) => "demo",
        });
        assert_eq!(name, expected, "{line}");
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_is_a_success_and_nonsense_is_not() {
        check("brightsync --help", Err(Exit::Success));
        check("brightsync --version", Err(Exit::Success));
        check("brightsync", Err(Exit::Usage));
        check("brightsync bild", Err(Exit::Usage));
        check("brightsync --log [ build", Err(Exit::Usage));
    }

    #[cfg(not(feature = "otel"))]
    #[test]
    fn nothing_is_exported_by_a_program_that_was_built_without_it() {
        check(
            "brightsync build --traces http://127.0.0.1:1",
            Err(Exit::Usage),
        );
    }

    #[test]
    fn global_options_stand_before_or_behind_the_command() {
        check("brightsync -q build", Ok("build"));
        check(
            "brightsync build plugins/x -q --data-dir /tmp/x",
            Ok("build"),
        );
        check(
            "brightsync call x.wasm get-me --set site=https://a.example",
            Ok("call"),
        );
        check("brightsync sandbox --port 4000", Ok("sandbox"));
        check("brightsync vault status --json -q", Ok("vault"));
    }
}
