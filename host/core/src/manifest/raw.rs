//! The manifest as it is typed: only shapes, with the place of each value for error messages.

mod recipe;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use toml::Spanned;

pub(super) use recipe::{Assertion, Learned, Login, OAuth2, Recipe, Request, Sign, Trouble};

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) connector: Connector,
    #[serde(default)]
    pub(super) settings: BTreeMap<Text, Setting>,
    pub(super) http: Http,
    pub(super) hosts: Spanned<Vec<Host>>,
    #[serde(default)]
    pub(super) auth: BTreeMap<Text, Recipe>,
    pub(super) functions: Spanned<Functions>,
    #[serde(default)]
    pub(super) reads: AllReads,
    pub(super) times: Option<Times>,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) answers: Vec<Spanned<Answer>>,
    #[serde(default)]
    pub(super) redact: Vec<Redact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connector {
    pub(super) name: Text,
    pub(super) title: Text,
    pub(super) version: Text,
    pub(super) publisher: Text,
    pub(super) contract: Text,
    pub(super) description: Option<Text>,
    pub(super) homepage: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Setting {
    pub(super) kind: Text,
    pub(super) title: Text,
    pub(super) help: Option<Text>,
    #[serde(default)]
    pub(super) optional: bool,
    pub(super) set_by: Option<Text>,
    pub(super) pattern: Option<Text>,
    pub(super) default: Option<Text>,
    pub(super) values: Option<Spanned<Vec<Text>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Http {
    pub(super) base: Text,
    pub(super) idempotency_header: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) origin: Text,
    pub(super) methods: Option<Spanned<Vec<Text>>>,
    pub(super) paths: Option<Spanned<Vec<Text>>>,
    pub(super) why: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redact {
    pub(super) path: Text,
    pub(super) pointers: Spanned<Vec<Text>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Functions {
    #[serde(default)]
    pub(super) users: Vec<Text>,
    #[serde(default)]
    pub(super) accounts: Vec<Text>,
    #[serde(default)]
    pub(super) contacts: Vec<Text>,
    #[serde(default)]
    pub(super) emails: Vec<Text>,
    #[serde(default)]
    pub(super) meetings: Vec<Text>,
    #[serde(default)]
    pub(super) opportunities: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllReads {
    pub(super) contacts: Option<Spanned<Reads>>,
    pub(super) accounts: Option<Spanned<Reads>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Reads {
    pub(super) me: Option<Text>,
    pub(super) owners: Spanned<Vec<Text>>,
    pub(super) scopes: Spanned<Vec<Text>>,
    pub(super) departures: Option<Spanned<Vec<Text>>>,
    pub(super) departure_window_days: Option<Spanned<NonZeroU32>>,
    pub(super) requests_per_1000: Option<Requests>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Requests {
    pub(super) initial: NonZeroU32,
    pub(super) incremental: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Times {
    pub(super) granularity_ms: Option<Spanned<NonZeroU32>>,
    pub(super) visibility_lag_ms: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub(super) per_second: Option<Spanned<NonZeroU32>>,
    pub(super) per_ten_seconds: Option<Spanned<NonZeroU32>>,
    pub(super) per_day: Option<Spanned<NonZeroU32>>,
    #[serde(default)]
    pub(super) windows: Vec<Spanned<Window>>,
    pub(super) concurrent: Option<NonZeroU32>,
    pub(super) page_size: Option<NonZeroU32>,
    pub(super) largest_cost: Option<Spanned<NonZeroU32>>,
    pub(super) back_off_seconds: Option<Spanned<NonZeroU32>>,
    #[serde(default)]
    pub(super) buckets: BTreeMap<Text, Spanned<Bucket>>,
    #[serde(default)]
    pub(super) told: Vec<Spanned<Told>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Window {
    pub(super) most: NonZeroU32,
    pub(super) seconds: Spanned<NonZeroU32>,
    pub(super) counts: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bucket {
    #[serde(default)]
    pub(super) windows: Vec<Spanned<Window>>,
    pub(super) concurrent: Option<NonZeroU32>,
    #[serde(default)]
    pub(super) apart: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Told {
    pub(super) bucket: Option<Text>,
    pub(super) window_seconds: Option<Spanned<NonZeroU32>>,
    pub(super) counts: Option<Text>,
    pub(super) limit: Option<Spanned<Place>>,
    pub(super) remaining: Option<Spanned<Place>>,
    pub(super) usage: Option<Spanned<Place>>,
    pub(super) reset: Option<Spanned<Place>>,
    pub(super) reset_in: Option<Text>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Place {
    Header(String),
    Member(Member),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) header: String,
    pub(super) key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) status: Spanned<u16>,
    pub(super) means: Text,
    pub(super) header: Option<Text>,
    pub(super) at: Option<Text>,
    pub(super) is: Option<Text>,
    pub(super) begins: Option<Text>,
}
