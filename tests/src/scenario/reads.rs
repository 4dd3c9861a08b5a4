//! Reading whole collections as the host's sync does: page by page, and then only what has changed.

use std::collections::{BTreeMap, BTreeSet};

use brightsync_core::manifest::ScopeKind;
use serde_json::{Value, json};

use super::{label, refused};
use crate::scene::Scene;

/// What is known of the people of a CRM, and from where it goes on.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// Names by id.
    pub(crate) people: BTreeMap<String, String>,
    /// Everything before this time is known.
    pub(crate) until: i64,
    /// From where a read by token goes on, where the CRM has such a thing.
    resume: Option<String>,
}

/// A read that is under way.
pub(crate) struct Reading<'a> {
    scene: &'a dyn Scene,
    request: Value,
    token: Option<Value>,
    ended: bool,
    /// How its last page ended.
    last: Value,
}

impl<'a> Reading<'a> {
    /// Begins to read all contacts in a scope, in the largest pages that the CRM has.
    pub(crate) fn of(scene: &'a dyn Scene, scope: &Value) -> Self {
        let size = scene.manifest().limits().page_size;
        Self {
            scene,
            request: json!({"owner": "anyone", "scope": scope, "page": {"size": size.map_or(200, |it| it.get())}}),
            token: None,
            ended: false,
            last: Value::Null,
        }
    }

    /// With another member of the request.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        set(&mut self.request, member, value.into());
        self
    }

    /// In pages of this size.
    pub(crate) fn sized(self, size: u32) -> Self {
        self.with("page", json!({ "size": size }))
    }

    /// Reads the next page; none after the last one. A page that is refused can be asked for again.
    pub(crate) async fn next(&mut self) -> Option<Result<Vec<Value>, String>> {
        if self.ended {
            return None;
        }
        let mut request = self.request.clone();
        if let (Some(page), Some(token)) = (request.get_mut("page"), &self.token) {
            set(page, "token", token.clone());
        }
        let customer = self.scene.customer();
        let answer = customer.call("get-my-contacts", json!({ "request": request }));
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(error) => return Some(Err(refused(&error))),
        };
        let end = answer.get("end").cloned().unwrap_or_default();
        let skipped = end.get("skipped").and_then(Value::as_array);
        assert!(skipped.is_none_or(Vec::is_empty), "{skipped:?}");
        self.token = end.get("next").filter(|it| !it.is_null()).cloned();
        self.ended = self.token.is_none();
        self.last = end;
        let items = answer.get("items").and_then(Value::as_array);
        Some(Ok(items.expect("a page has items").clone()))
    }

    /// Reads what is left.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await {
            let page = page
                .unwrap_or_else(|error| panic!("{error}\n{}", self.scene.customer().world.story()));
            all.extend(page);
        }
        all
    }

    /// The token from which a later read goes on.
    pub(crate) fn resume(&self) -> Option<String> {
        let token = self.last.get("resume").and_then(Value::as_str);
        token.map(str::to_owned)
    }

    /// Before which time a read by time is complete; this time, if the connector says nothing.
    pub(crate) fn until(&self, otherwise: i64) -> i64 {
        let until = self.last.get("complete-until").and_then(Value::as_i64);
        until.unwrap_or(otherwise)
    }
}

fn set(object: &mut Value, member: &str, value: Value) {
    let members = object.as_object_mut().expect("an object");
    members.insert(member.to_owned(), value);
}

/// Whether contacts can be read in a scope.
pub(crate) fn can(scene: &dyn Scene, scope: ScopeKind) -> bool {
    let reads = scene.manifest().reads_of_contacts();
    reads.is_some_and(|it| it.scopes.contains(&scope))
}

/// How far back a read by time has to begin, so that nothing is missed that is seen late or stands between two ticks.
pub(crate) fn overlap(scene: &dyn Scene) -> i64 {
    let times = scene.manifest().times();
    i64::from(times.visibility_lag_ms()) + i64::from(times.granularity_ms())
}

impl Mirror {
    /// Takes an entry of a read.
    pub(crate) fn take(&mut self, entry: &Value) {
        if let Some(departed) = entry.get("departed") {
            let id = departed.get("id").and_then(Value::as_str);
            self.people.remove(id.expect("a departure has an id"));
            return;
        }
        let record = entry.get("present").expect("whole records were asked for");
        let id = record.pointer("/ref/id").and_then(Value::as_str);
        let id = id.expect("a contact has an id").to_owned();
        self.people.insert(id, label(record));
    }

    /// Ends a full read that began at this time.
    pub(crate) fn ended(&mut self, reading: &Reading<'_>, began: i64) {
        self.until = began;
        self.resume = reading.resume();
    }

    /// Reads what has changed since, by the CRM's own way, and compares ids where it has none for departures.
    pub(crate) async fn follow(&mut self, scene: &dyn Scene, now: i64) {
        if can(scene, ScopeKind::ChangedSince) {
            let token = self.resume.clone().expect("a token to go on from");
            let mut reading = Reading::of(scene, &json!({ "changed-since": token }));
            for entry in reading.rest().await {
                self.take(&entry);
            }
            self.resume = reading.resume();
        } else {
            let since = self.until - overlap(scene);
            let window = json!({ "since": since });
            let mut reading = Reading::of(scene, &json!({ "updated": window }));
            for entry in reading.rest().await {
                self.take(&entry);
            }
            let until = reading.until(now);
            if can(scene, ScopeKind::Departed) {
                let mut departed = Reading::of(scene, &json!({ "departed": window }));
                for entry in departed.rest().await {
                    self.take(&entry);
                }
            } else {
                let there = ids(scene).await;
                self.people.retain(|id, _| there.contains(id));
            }
            self.until = until;
        }
    }

    /// The ids of everybody.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.people.keys().cloned().collect()
    }
}

/// The ids of all contacts, by a read of ids alone.
pub(crate) async fn ids(scene: &dyn Scene) -> BTreeSet<String> {
    let entries = Reading::of(scene, &json!("all"))
        .with("detail", "ids")
        .rest()
        .await;
    let id = |entry: &Value| {
        let id = entry.get("id-only").and_then(Value::as_str);
        id.expect("only ids were asked for").to_owned()
    };
    entries.iter().map(id).collect()
}
