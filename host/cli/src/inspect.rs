//! `brightsync inspect`: everything that can be known of a component without running it, refused ones included.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use brightsync_core::component::{Caps, Inspection};
use brightsync_core::contract;
use brightsync_core::function::{Function, Interface};
use brightsync_core::manifest::{Difference, Manifest, Reads, Recipe, Source, capability};
use brightsync_core::setting::{Kind, Setting as Declared};
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::Setting;
use crate::exit::Exit;
use crate::table::{Columns, Side::Left};
use crate::terminal::{Terminal, Tone};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  brightsync inspect acme.wasm            what it is, what it asks for, what it can do
  brightsync inspect acme.wasm --json     the same for scripts
  brightsync inspect *.wasm               what several connectors can do, side by side
  brightsync inspect acme-2.wasm --against acme-1.wasm
                                          what the one asks for that the other does not: what its users have to approve

No line of the component is run. One that a host would not load is shown as well, with what is wrong, and the exit
code is 6.";

/// Show what a connector is, what it asks for and what it can do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// The connector's file, or several to compare what they can do
    #[arg(value_name = "FILE.wasm", required = true)]
    files: Vec<PathBuf>,
    /// Another version of the one connector, to compare what the two ask for
    #[arg(long, value_name = "OLD.wasm")]
    against: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Inspect {
    pub(crate) fn run(self, setting: &Setting) -> Result<Exit> {
        let inspections = self.files.iter().map(|it| inspection(it));
        let inspections = inspections.collect::<Result<Vec<_>>>()?;
        match (inspections.as_slice(), &self.against) {
            ([one], _) => self.show_one(one, setting),
            (_, Some(_)) => {
                bail!("--against compares one connector with an older version of it; name one file")
            }
            (several, None) => Ok(self.show_several(several, setting)),
        }
    }

    fn show_one(&self, inspection: &Inspection, setting: &Setting) -> Result<Exit> {
        let difference = match (&self.against, inspection.manifest()) {
            (Some(old), Some(new)) => {
                let old = self::inspection(old)?;
                let old = old.manifest().with_context(|| {
                    format!("{:?} has no manifest to compare with", self.against)
                })?;
                Some(Difference::between(old, new))
            }
            (Some(_), None) | (None, _) => None,
        };
        if self.json {
            setting
                .terminal
                .line(document(inspection, difference.as_ref()));
        } else {
            show(inspection, &setting.terminal);
            if let Some(difference) = &difference {
                show_difference(difference, &setting.terminal);
            }
        }
        Ok(exit([inspection]))
    }

    fn show_several(&self, inspections: &[Inspection], setting: &Setting) -> Exit {
        if self.json {
            let documents = inspections.iter().map(|it| document(it, None));
            setting
                .terminal
                .line(Value::from(documents.collect::<Vec<_>>()));
        } else {
            compare(inspections, &setting.terminal);
        }
        let refused = self.files.iter().zip(inspections);
        for (file, _) in refused.filter(|(_, it)| !it.faults().is_empty()) {
            let how = format!("brightsync inspect {}", file.display());
            setting
                .terminal
                .note(format!("A host refuses {file:?}; `{how}` says why"));
        }
        exit(inspections)
    }
}

fn exit<'a>(inspections: impl IntoIterator<Item = &'a Inspection>) -> Exit {
    let mut inspections = inspections.into_iter();
    match inspections.all(|it| it.faults().is_empty()) {
        true => Exit::Success,
        false => Exit::Refused,
    }
}

/// Shows what several connectors can do, one line each, and which functions each of them has not.
fn compare(inspections: &[Inspection], terminal: &Terminal) {
    let manifests = || inspections.iter().filter_map(Inspection::manifest);
    let mut table = Columns::new(&capability::COLUMNS.map(|it| (it, Left)));
    for manifest in manifests() {
        table.row(capability::row(manifest));
    }
    table.show(0, terminal);
    let lacking = manifests().map(|it| (it.name(), capability::missing(it)));
    for (name, missing) in lacking.filter(|(_, missing)| !missing.is_empty()) {
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        terminal.line(format!("{name} has no {}", missing.join(", ")));
    }
}

fn inspection(file: &Path) -> Result<Inspection> {
    let bytes = fs::read(file)
        .with_context(|| format!("{file:?} cannot be read; `brightsync build` writes it"))?;
    Inspection::of(&bytes, &Caps::default())
        .with_context(|| format!("{file:?} is no connector that may be loaded"))
}

/// The imports of a component that are not the contract's: what its language's library wants.
pub(crate) fn beyond_the_contract(inspection: &Inspection) -> Vec<&str> {
    let imports = inspection.imports().iter().map(String::as_str);
    imports
        .filter(|it| !it.starts_with(&format!("{}/", contract::PACKAGE)))
        .collect()
}

fn document(inspection: &Inspection, difference: Option<&Difference>) -> Value {
    let mut document = json!(inspection);
    if let Some(members) = document.as_object_mut() {
        let authority = inspection.manifest().map(Manifest::authority_digest);
        members.insert(
            "authority-digest".to_owned(),
            json!(authority.map(|it| it.to_string())),
        );
        if let Some(difference) = difference {
            members.insert("difference".to_owned(), json!(difference));
        }
        members.insert("loadable".to_owned(), json!(inspection.faults().is_empty()));
    }
    document
}

fn show(inspection: &Inspection, terminal: &Terminal) {
    if !inspection.faults().is_empty() {
        let text = "A host refuses this component:";
        terminal.line(terminal.paint(Tone::Bad, text));
        for fault in inspection.faults() {
            for line in fault.to_string().lines() {
                terminal.line(format!("  {}", text::message(line)));
            }
        }
        terminal.line("");
    }
    if let Some(manifest) = inspection.manifest() {
        identity(manifest, terminal);
        access(manifest, terminal);
        functions(manifest, terminal);
        reads(manifest, terminal);
        crm(manifest, terminal);
    }
    component(inspection, terminal);
}

fn show_difference(difference: &Difference, terminal: &Terminal) {
    heading("Compared with the other version", terminal);
    if difference.is_none() {
        terminal.line("  it asks for the same, so that what was approved stays approved");
    }
    for line in difference.to_string().lines() {
        terminal.line(format!("  {line}"));
    }
}

fn heading(text: &str, terminal: &Terminal) {
    terminal.line("");
    terminal.line(terminal.paint(Tone::Heading, text));
}

fn identity(manifest: &Manifest, terminal: &Terminal) {
    let title = format!("{} {}", manifest.name(), manifest.version());
    terminal.line(format!(
        "{}  {}",
        terminal.paint(Tone::Heading, title),
        text::outside(manifest.title())
    ));
    if let Some(description) = manifest.description() {
        terminal.line(text::outside_long(description));
    }
    let mut table = Columns::plain();
    table.row(["publisher", &text::outside(manifest.publisher().as_str())]);
    table.row(["contract", &manifest.contract().to_string()]);
    if let Some(homepage) = manifest.homepage() {
        table.row(["homepage", &text::outside(homepage)]);
    }
    table.show(0, terminal);
}

fn access(manifest: &Manifest, terminal: &Terminal) {
    heading("Asks to talk to", terminal);
    let mut table = Columns::new(&[("host", Left), ("makes", Left), ("what for", Left)]);
    for host in manifest.hosts() {
        table.row([
            host.origin().to_string(),
            text::outside(&host.requests()).into_owned(),
            text::outside(host.why()).into_owned(),
        ]);
    }
    table.show(2, terminal);
    terminal.line(format!(
        "  relative addresses are appended to {}",
        manifest.base()
    ));

    heading("Credentials, of which it never sees one", terminal);
    let mut table = Columns::new(&[
        ("recipe", Left),
        ("title", Left),
        ("how it is sent", Left),
        ("goes to", Left),
        ("fields", Left),
    ]);
    for (name, recipe) in manifest.recipes() {
        let audience: Vec<_> = recipe.audience().iter().map(ToString::to_string).collect();
        table.row([
            name.to_string(),
            text::outside(recipe.title()).into_owned(),
            sent(recipe),
            audience.join(", "),
            fields(recipe),
        ]);
    }
    or_none(table, terminal);

    heading("Settings", terminal);
    let mut table = Columns::new(&[("name", Left), ("takes", Left), ("title", Left)]);
    for (name, setting) in manifest.settings() {
        let title = text::outside(setting.title()).into_owned();
        table.row([name.to_string(), takes(setting), title]);
    }
    or_none(table, terminal);
}

fn or_none(table: Columns, terminal: &Terminal) {
    if table.is_empty() {
        terminal.line("  none");
    } else {
        table.show(2, terminal);
    }
}

fn sent(recipe: &Recipe) -> String {
    let mut lines: Vec<String> = recipe.carriers().iter().map(ToString::to_string).collect();
    match recipe.source() {
        Source::Given => {}
        Source::OAuth2(oauth2) => {
            lines.push(format!("by {} at {}", oauth2.grant(), oauth2.token()));
        }
        Source::Login(login) => lines.push(format!("by a login at {}", login.request().endpoint())),
    }
    lines.extend(recipe.signing().map(|it| format!("signs {it}")));
    text::outside(&lines.join("; ")).into_owned()
}

fn fields(recipe: &Recipe) -> String {
    let fields: Vec<&str> = recipe.fields().iter().map(|it| it.as_str()).collect();
    fields.join(", ")
}

fn takes(setting: &Declared) -> String {
    let values = match setting.kind() {
        Kind::Origin => "the address of a server".to_owned(),
        Kind::Text {
            pattern: Some(pattern),
            ..
        } => format!("text like {}", text::outside(pattern.as_str())),
        Kind::Text { pattern: None, .. } => "text".to_owned(),
        Kind::Choice { values, .. } => text::outside(&values.join(" | ")).into_owned(),
    };
    match (setting.default_value(), setting.is_optional()) {
        (Some(default), _) => format!("{values}, {} by default", text::outside(default)),
        (None, true) => format!("{values}, optional"),
        (None, false) => values,
    }
}

fn functions(manifest: &Manifest, terminal: &Terminal) {
    let all = Function::ALL.len();
    let title = format!(
        "Functions: {} of the contract's {all}",
        manifest.functions().len()
    );
    heading(&title, terminal);
    let mut table = Columns::new(&[("interface", Left), ("has", Left), ("lacks", Left)]);
    for interface in Interface::ALL {
        let of_it = Function::ALL
            .iter()
            .filter(|it| it.interface() == *interface);
        let (has, lacks): (Vec<&Function>, Vec<_>) =
            of_it.partition(|it| manifest.functions().contains(it));
        let names = |functions: Vec<&Function>| {
            let names: Vec<_> = functions.into_iter().map(|it| it.name()).collect();
            names.join("\n")
        };
        table.row([interface.to_string(), names(has), names(lacks)]);
    }
    table.show(2, terminal);
}

fn reads(manifest: &Manifest, terminal: &Terminal) {
    heading("Reads", terminal);
    let mut table = Columns::new(&[
        ("of", Left),
        ("whose", Left),
        ("\"me\" is", Left),
        ("scopes", Left),
        ("departures", Left),
        ("for", Left),
    ]);
    let kinds = [
        ("accounts", manifest.reads_of_accounts()),
        ("contacts", manifest.reads_of_contacts()),
    ];
    for (name, reads) in kinds {
        if let Some(reads) = reads {
            table.row(read(name, reads));
        }
    }
    or_none(table, terminal);
}

fn read(name: &str, reads: &Reads) -> [String; 6] {
    fn list<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
        let words: Vec<_> = words.into_iter().map(|it| it.to_string()).collect();
        if words.is_empty() {
            "–".to_owned()
        } else {
            words.join(", ")
        }
    }
    let days = reads.departure_window_days.map(|it| format!("{it} days"));
    [
        name.to_owned(),
        list(&reads.owners),
        list(reads.me),
        list(&reads.scopes),
        list(&reads.departures),
        days.unwrap_or_else(|| "–".to_owned()),
    ]
}

fn crm(manifest: &Manifest, terminal: &Terminal) {
    heading("The CRM", terminal);
    let mut table = Columns::plain();
    let times = manifest.times();
    table.row([
        "times are exact to",
        &format!("{} ms", times.granularity_ms()),
    ]);
    table.row([
        "changes show after",
        &format!("{} ms", times.visibility_lag_ms()),
    ]);
    let limits = manifest.limits();
    let named = limits.buckets.iter();
    let named = named.map(|(name, bucket)| (format!("{name}: "), bucket));
    for (name, bucket) in std::iter::once((String::new(), &limits.general)).chain(named) {
        for window in &bucket.windows {
            let what = format!(
                "{name}{} in {}",
                window.counts,
                period(window.seconds.get())
            );
            table.row([&what, &at_most(window.most.get())]);
        }
        if let Some(most) = bucket.concurrent {
            table.row([&format!("{name}requests at once"), &at_most(most.get())]);
        }
    }
    if let Some(most) = limits.page_size {
        table.row(["records on a page", &at_most(most.get())]);
    }
    table.show(2, terminal);
}

fn at_most(count: u32) -> String {
    format!("at most {}", text::number(count.into()))
}

fn period(seconds: u32) -> String {
    match seconds {
        1 => "a second".to_owned(),
        10 => "ten seconds".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        _ => format!("{} seconds", text::number(seconds.into())),
    }
}

fn component(inspection: &Inspection, terminal: &Terminal) {
    heading("The component", terminal);
    let bytes = u64::try_from(inspection.size()).unwrap_or(u64::MAX);
    let mut table = Columns::plain();
    table.row([
        "size",
        &format!("{} ({} bytes)", text::size(bytes), text::number(bytes)),
    ]);
    table.row(["sha256", inspection.digest()]);
    if let Some(manifest) = inspection.manifest() {
        table.row(["authority", &manifest.authority_digest().to_string()]);
    }
    let contract = inspection
        .contract()
        .map_or_else(|| "none".to_owned(), ToString::to_string);
    table.row(["built against contract", &contract]);
    let pure = if inspection.is_pure() {
        "yes: it imports nothing but the contract"
    } else {
        "no"
    };
    table.row(["pure", pure]);
    let beyond: Vec<_> = beyond_the_contract(inspection)
        .into_iter()
        .map(|it| text::outside(it).into_owned())
        .collect();
    if !beyond.is_empty() {
        table.row(["imports beyond the contract", &beyond.join("\n")]);
    }
    table.show(2, terminal);
}
