//! The limits that a CRM sets to its callers, and how its answers tell where they stand.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Serialize;

use super::reads::words;
use crate::name::BucketName;

/// The CRM's own limits, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// What every request counts against.
    pub general: Bucket,
    /// Further limits, which a request counts against if it names them.
    pub buckets: BTreeMap<BucketName, Bucket>,
    /// How answers tell where the limits stand.
    pub told: Vec<Told>,
    /// The most points that one request may cost; 1 if the CRM does not count in points.
    pub largest_cost: Option<NonZeroU32>,
    /// How long to wait where an answer asks to, and does not say for how long.
    pub back_off_seconds: Option<NonZeroU32>,
    /// Records on the largest page.
    pub page_size: Option<NonZeroU32>,
}

/// One set of limits that hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bucket {
    /// How many in which time; no two of the same length that count the same.
    pub windows: Vec<Window>,
    /// Requests at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// Whether what counts here does not count against the general limits.
    pub apart: bool,
}

/// So many in so much time, wherever that time begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Window {
    /// How many.
    pub most: NonZeroU32,
    /// In how much time.
    pub seconds: NonZeroU32,
    /// Of what.
    pub counts: Counts,
}

words! {
    /// What a limit counts.
    Counts {
        /// Each request is one.
        Requests "requests",
        /// A request is as many as it costs.
        Points "points",
    }
}

/// Headers of an answer that tell where one limit stands; at least one of limit, remaining and usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// Which of the named limits it is; the general ones otherwise.
    pub bucket: Option<BucketName>,
    /// Which of the bucket's windows it is, by its length, if it is one of them.
    pub window_seconds: Option<NonZeroU32>,
    /// What it counts.
    pub counts: Counts,
    /// How many there are.
    pub limit: Option<HeaderPlace>,
    /// How many are left.
    pub remaining: Option<HeaderPlace>,
    /// How many are used and how many there are, as `18/5000`.
    pub usage: Option<HeaderPlace>,
    /// When there are as many again.
    pub reset: Option<Reset>,
}

/// Where and how an answer tells when a limit is fresh again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reset {
    /// Where it stands.
    pub place: HeaderPlace,
    /// How to read it.
    pub form: ResetForm,
}

/// A header, or one member of a header that holds several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeaderPlace {
    /// The header, in lower case.
    pub header: String,
    /// The key of the member, as in `api-usage=18/5000` or `limit=100, remaining=50`.
    pub key: Option<String>,
}

words! {
    /// How a time is told.
    ResetForm {
        /// Seconds from now.
        Seconds "seconds",
        /// Milliseconds from now.
        Milliseconds "milliseconds",
        /// Seconds since 1970.
        EpochSeconds "epoch-seconds",
        /// Milliseconds since 1970.
        EpochMilliseconds "epoch-milliseconds",
        /// A date as in other headers (RFC 9110, section 5.6.7).
        Date "date",
    }
}

impl Limits {
    /// Returns what one request costs at the most.
    pub fn largest_cost(&self) -> u32 {
        self.largest_cost.map_or(1, NonZeroU32::get)
    }

    /// Returns a bucket by its name, or the general one.
    pub fn bucket(&self, name: Option<&BucketName>) -> Option<&Bucket> {
        match name {
            None => Some(&self.general),
            Some(name) => self.buckets.get(name),
        }
    }
}
