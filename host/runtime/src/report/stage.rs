//! The stages of a request, and how long it was in each.

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

/// What a request goes through, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Asking whether it may be made.
    Policy,
    /// Waiting for its turn within the CRM's limits.
    Quota,
    /// Putting the credential into it.
    Inject,
    /// From the server's name to addresses; left out where a network connection was open already.
    Resolve,
    /// Making the network connection, TLS included; left out where one was open already.
    Connect,
    /// From the request on its way to the head of the answer.
    FirstByte,
    /// Reading and unpacking the body of the answer.
    Body,
    /// Taking secrets out of it.
    Redact,
}

/// How long a request was in each stage. A stage that it did not come to, or had no need of, is left out.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages([Option<Duration>; Stage::ALL.len()]);

impl Stage {
    /// All stages, in their order.
    pub const ALL: &[Self] = &[
        Self::Policy,
        Self::Quota,
        Self::Inject,
        Self::Resolve,
        Self::Connect,
        Self::FirstByte,
        Self::Body,
        Self::Redact,
    ];

    /// Returns the stage as one stable word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Quota => "quota",
            Self::Inject => "inject",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::FirstByte => "first-byte",
            Self::Body => "body",
            Self::Redact => "redact",
        }
    }
}

impl Stages {
    /// Returns how long the request was in a stage, if it was.
    pub fn get(&self, stage: Stage) -> Option<Duration> {
        self.0.get(stage as usize).copied().flatten()
    }

    /// Goes over the stages that the request was in.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        let all = Stage::ALL.iter();
        all.filter_map(|stage| Some((*stage, self.get(*stage)?)))
    }

    pub(crate) fn add(&mut self, stage: Stage, time: Duration) {
        if let Some(place) = self.0.get_mut(stage as usize) {
            *place = Some(place.unwrap_or_default().saturating_add(time));
        }
    }

    /// Adds the time from a moment until now.
    pub(crate) fn since(&mut self, stage: Stage, began: Instant) {
        self.add(stage, began.elapsed());
    }
}

impl std::fmt::Debug for Stages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.iter().map(|(stage, time)| (stage.name(), time));
        f.debug_map().entries(named).finish()
    }
}

impl Serialize for Stages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.iter()
                .map(|(stage, time)| (stage.name(), super::as_micros(time))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_a_place_of_its_own() {
        let mut stages = Stages::default();
        for (place, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, place);
            stages.add(*stage, Duration::from_micros(10));
        }
        stages.add(Stage::Body, Duration::from_micros(5));
        assert_eq!(stages.iter().count(), Stage::ALL.len());
        assert_eq!(stages.get(Stage::Body), Some(Duration::from_micros(15)));
        assert_eq!(stages.get(Stage::Redact), Some(Duration::from_micros(10)));
    }

    #[test]
    fn a_stage_that_was_not_needed_is_left_out() {
        let mut stages = Stages::default();
        stages.add(Stage::FirstByte, Duration::from_millis(2));
        let json = serde_json::to_value(stages).unwrap();
        assert_eq!(json, serde_json::json!({"first-byte": 2000}));
        assert_eq!(stages.get(Stage::Connect), None);
    }
}
