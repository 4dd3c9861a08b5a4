//! Turns a manifest as it is typed into a checked one; the first thing that is wrong ends it.

mod answer;
mod function;
mod host;
mod http;
mod limits;
mod place;
mod recipe;
mod redact;
mod setting;
mod text;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;

use super::{Error, MAX_LENGTH, Manifest, Publisher, Times, raw};
use crate::contract::ContractVersion;
use crate::function::Function;

/// A day in milliseconds: no CRM's clock is coarser or later than that.
const MAX_MILLISECONDS: u32 = 86_400_000;

pub(super) fn read(text: &str) -> Result<Manifest, Error> {
    let reader = Reader { text };
    if text.len() > MAX_LENGTH {
        let problem = format!(
            "the manifest has {} bytes, at most {MAX_LENGTH} are read; shorten it",
            text.len()
        );
        return Err(reader.error(0..0, "", problem));
    }
    let raw: raw::Manifest = toml::from_str(text).map_err(|error| {
        reader.error(
            error.span().unwrap_or(0..0),
            "",
            text::one_line(error.message()),
        )
    })?;

    let connector = &raw.connector;
    let contract = reader.contract(&connector.contract)?;
    let name = reader.parsed(&connector.name, "connector.name")?;
    let title = reader.prose(&connector.title, "connector.title", text::TITLE)?;
    let version = reader.version(&connector.version)?;
    let publisher =
        Publisher(reader.prose(&connector.publisher, "connector.publisher", text::TITLE)?);
    let description =
        reader.optional_prose(connector.description.as_ref(), "connector.description")?;
    let homepage = connector
        .homepage
        .as_ref()
        .map(|it| reader.homepage(it))
        .transpose()?;
    let settings = reader.named(&raw.settings, "settings", |name, it| {
        reader.setting(name, it)
    })?;
    let hosts = reader.hosts(&raw.hosts, &settings)?;
    let base = reader.base(&raw.http.base, &settings, &hosts)?;
    let recipes = reader.named(&raw.auth, "auth", |name, it| {
        reader.recipe(name, it, &settings, &hosts)
    })?;
    let idempotency_header = raw
        .http
        .idempotency_header
        .as_ref()
        .map(|it| reader.idempotency_header(it, &recipes))
        .transpose()?;
    let functions = reader.functions(&raw.functions)?;
    let reads = |function, reads: &Option<Spanned<raw::Reads>>, key| match (
        functions.contains(&function),
        reads,
    ) {
        (true, Some(reads)) => reader.reads(key, reads.get_ref()).map(Some),
        (false, None) => Ok(None),
        (true, None) => {
            let problem = format!(
                "`{function}` is listed but there is no [{key}]; add it with owners and scopes"
            );
            Err(reader.error(raw.functions.span(), "functions", problem))
        }
        (false, Some(reads)) => {
            let problem =
                format!("`{function}` is not listed under [functions]; list it or remove [{key}]");
            Err(reader.error(reads.span(), key, problem))
        }
    };
    let reads_of_contacts = reads(
        Function::GetMyContacts,
        &raw.reads.contacts,
        "reads.contacts",
    )?;
    let reads_of_accounts = reads(
        Function::GetMyAccounts,
        &raw.reads.accounts,
        "reads.accounts",
    )?;
    let times = reader.times(&raw.times)?;
    let limits = reader.limits(&raw.limits)?;
    let answers = reader.answers(&raw.answers)?;
    let redact = reader.redact(&raw.redact)?;
    Ok(Manifest {
        name,
        title,
        version,
        publisher,
        contract,
        description,
        homepage,
        settings,
        base,
        idempotency_header,
        hosts,
        recipes,
        functions,
        reads_of_contacts,
        reads_of_accounts,
        times,
        limits,
        answers,
        redact,
    })
}

/// Holds the text, to tell the line of what is wrong.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn error(
        &self,
        span: Range<usize>,
        key: impl Into<String>,
        problem: impl Into<String>,
    ) -> Error {
        let before = self.text.as_bytes().iter().take(span.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Error {
            line,
            key: key.into(),
            problem: problem.into(),
        }
    }

    fn wrong<T>(&self, at: &Spanned<T>, key: impl Into<String>, problem: impl Display) -> Error {
        self.error(at.span(), key, problem.to_string())
    }

    fn parsed<T: FromStr<Err: Display>>(&self, text: &raw::Text, key: &str) -> Result<T, Error> {
        text.get_ref()
            .parse()
            .map_err(|error: T::Err| self.wrong(text, key, error))
    }

    /// Reads a table whose keys are names.
    fn named<N: FromStr<Err: Display> + Ord, R, T>(
        &self,
        raw: &BTreeMap<raw::Text, R>,
        table: &str,
        read: impl Fn(&N, &R) -> Result<T, Error>,
    ) -> Result<BTreeMap<N, T>, Error> {
        raw.iter()
            .map(|(name, it)| {
                let name: N = self.parsed(name, table)?;
                let it = read(&name, it)?;
                Ok((name, it))
            })
            .collect()
    }

    fn contract(&self, text: &raw::Text) -> Result<ContractVersion, Error> {
        let key = "connector.contract";
        let version: ContractVersion = self.parsed(text, key)?;
        let spoken = ContractVersion::of_this_host();
        if version == spoken {
            return Ok(version);
        }
        let mend = if version > spoken {
            "update BrightSync"
        } else {
            "build against the current SDK"
        };
        Err(self.wrong(
            text,
            key,
            format!("this BrightSync speaks contract {spoken}, not {version}; {mend}"),
        ))
    }

    fn times(&self, raw: &Option<raw::Times>) -> Result<Times, Error> {
        let Some(raw) = raw else {
            return Ok(Times::default());
        };
        let bounded = |value: u32, span: Range<usize>, key: &str| match value {
            0..=MAX_MILLISECONDS => Ok(value),
            _ => Err(self.error(
                span,
                key,
                format!("{value} is more than a day; write at most {MAX_MILLISECONDS}"),
            )),
        };
        let mut times = Times::default();
        if let Some(granularity) = &raw.granularity_ms {
            bounded(
                granularity.get_ref().get(),
                granularity.span(),
                "times.granularity-ms",
            )?;
            times.granularity_ms = *granularity.get_ref();
        }
        if let Some(lag) = &raw.visibility_lag_ms {
            times.visibility_lag_ms =
                bounded(*lag.get_ref(), lag.span(), "times.visibility-lag-ms")?;
        }
        Ok(times)
    }
}
