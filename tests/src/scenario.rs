//! The scenarios that every connector has to play, each told once for all CRMs.
//!
//! A scenario tells what happens as text, a line a call, and ends with the story as it has to be.
//! Where a CRM cannot serve a function at all, its manifest leaves the function out: the call is made all the same, has to answer `unsupported`, and its line is left out of the story.
//!
//! [`scenarios!`](crate::scenarios) makes a test of each, for a function that opens a [`Scene`] with so many people in it.

mod cost;
mod finding;
mod logging;
mod reading;
mod reads;
mod trouble;

use brightsync_core::crm::error::Reason;
use brightsync_core::function::Function;
use brightsync_crms::Person;
use brightsync_runtime::JsonCallError;
use serde_json::{Value, json};

use crate::scene::Scene;

pub use cost::{Cost, cost};
pub use finding::{create_and_find, injection, look_ups, update_and_clear};
pub use logging::{emails, meetings, opportunities};
pub use reading::{
    changes_during_paging, delete_and_tombstone, identical_timestamps, late_visibility, ownership,
};
pub use trouble::{limit_in_the_middle, missing_scope, outage_in_the_middle, revoked_credential};

/// Makes a test of every scenario; `$open` opens a scene.
#[macro_export]
macro_rules! scenarios {
    ($open:path) => {
        $crate::scenarios! {
            $open:
            create_and_find,
            update_and_clear,
            look_ups,
            injection,
            delete_and_tombstone,
            changes_during_paging,
            identical_timestamps,
            late_visibility,
            ownership,
            emails,
            meetings,
            opportunities,
            revoked_credential,
            missing_scope,
            limit_in_the_middle,
            outage_in_the_middle,
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn requests_are_as_many_as_the_manifest_says() {
            let scene = $open().await;
            let cost = $crate::scenario::cost(&scene).await;
            assert_eq!(Some(cost), $crate::scenario::Cost::stated(&scene));
        }
    };
    ($open:path: $($scenario:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let scene = $open().await;
                $crate::scenario::$scenario(&scene).await;
                let violations = $crate::scene::Scene::violations(&scene);
                assert!(violations.is_empty(), "{violations:#?}");
            }
        )*
    };
}

/// A story while it is told.
pub(crate) struct Story<'a> {
    scene: &'a dyn Scene,
    told: String,
}

impl<'a> Story<'a> {
    /// Begins.
    pub(crate) fn of(scene: &'a dyn Scene) -> Self {
        Self {
            scene,
            told: String::new(),
        }
    }

    /// Calls a function and tells its end in a line; answers nothing if the CRM has no such function.
    pub(crate) async fn tell(&mut self, function: &str, arguments: Value) -> Value {
        let answer = self.scene.customer().call(function, arguments).await;
        if !is_served(self.scene, function) {
            let Err(error) = answer else {
                panic!("{function} is not in the manifest, and answers {answer:?}");
            };
            assert_eq!(reason(&error), Some(Reason::Unsupported), "{function}");
            return Value::Null;
        }
        let (line, answer) = match answer {
            Ok(answer) => (shown(&answer), answer),
            Err(error) => (refused(&error), Value::Null),
        };
        self.told.push_str(&format!("{function}: {line}\n"));
        answer
    }

    /// Tells something else.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        self.told.push_str(&format!("{line}\n"));
    }

    /// Ends: this has to be the whole story, but for the lines of functions that the CRM has not.
    #[track_caller]
    pub(crate) fn is(self, expected: &str) {
        let lines = expected.lines().map(str::trim).filter(|it| !it.is_empty());
        let lines = lines.filter(|line| match line.split_once(':') {
            Some((function, _)) => {
                function.parse::<Function>().is_err() || is_served(self.scene, function)
            }
            None => true,
        });
        let expected: Vec<&str> = lines.collect();
        let told: Vec<&str> = self.told.lines().map(str::trim).collect();
        assert!(
            told == expected,
            "the story is\n{}\nand should be\n{}\nof these calls:\n{}",
            told.join("\n"),
            expected.join("\n"),
            self.scene.customer().world.story(),
        );
    }
}

/// Whether a function can be called: the host finds the accounts of a domain through contacts where a connector cannot.
fn is_served(scene: &dyn Scene, function: &str) -> bool {
    let through_contacts = function == "get-accounts-by-domain";
    has(scene, function) || through_contacts && has(scene, "get-contacts-by-email-domain")
}

/// Whether the manifest has a function.
pub(crate) fn has(scene: &dyn Scene, function: &str) -> bool {
    let function = function.parse().expect("a function of the contract");
    scene.manifest().functions().contains(&function)
}

/// What the connector answered in place of what was asked; none if the call came to another end.
pub(crate) fn reason(error: &JsonCallError) -> Option<Reason> {
    match error {
        JsonCallError::Call(error) => error.connector_error().map(|it| it.reason.clone()),
        JsonCallError::Argument { .. } => None,
    }
}

/// How a call ended that did not answer.
pub(crate) fn refused(error: &JsonCallError) -> String {
    match reason(error) {
        Some(Reason::Duplicate(ids)) => format!("refused, duplicate of {}", ids.len()),
        Some(Reason::Invalid(_)) => "refused, invalid".to_owned(),
        Some(reason) => format!("refused, {reason:?}"),
        None => format!("{error:?}"),
    }
}

/// An answer as text: names of records, how opportunities stand, how many ids.
pub(crate) fn shown(answer: &Value) -> String {
    let items = match answer {
        Value::Null => return "done".to_owned(),
        Value::Array(ids) => return format!("{} found", ids.len()),
        answer => answer.get("items").and_then(Value::as_array),
    };
    match items {
        Some(_) => format!("[{}]", labels(answer).join(", ")),
        None if answer.get("also-created").is_some() => "written".to_owned(),
        None => label(answer),
    }
}

/// What a person calls each record of a page, in the order of the alphabet.
pub(crate) fn labels(page: &Value) -> Vec<String> {
    let items = page.get("items").and_then(Value::as_array);
    let mut labels: Vec<String> = items.into_iter().flatten().map(label).collect();
    labels.sort();
    labels
}

/// What a person calls a record.
pub(crate) fn label(record: &Value) -> String {
    let record = record.get("present").unwrap_or(record);
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    if let Some(departed) = record.get("departed") {
        return format!("departed {}", departed.get("id").unwrap_or(&Value::Null));
    }
    if let Some(status) = record.get("status").and_then(Value::as_str) {
        let amount = record.pointer("/amount/amount").and_then(Value::as_str);
        let amount = two_places(amount.unwrap_or_default());
        return format!("{} {status} {amount}", text("name").unwrap_or_default());
    }
    if let Some(name) = text("full-name").or_else(|| text("name")) {
        return name.to_owned();
    }
    let parts = [text("given-name"), text("family-name")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A decimal with two places, whatever the CRM makes of `1234.50`.
fn two_places(amount: &str) -> String {
    let (whole, places) = amount.split_once('.').unwrap_or((amount, ""));
    let places = format!("{places:0<2}");
    let (cents, rest) = places.split_at(2);
    assert!(rest.chars().all(|it| it == '0'), "{amount}");
    format!("{whole}.{cents}")
}

/// Somebody with a name and an address.
pub(crate) fn person(given: &str, family: &str, email: &str) -> Person {
    Person {
        given: given.to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()),
        ..Person::default()
    }
}

/// A crowd: so many people, the number `n` with the address `n@crowd.example`.
pub(crate) fn crowd(count: usize) -> Vec<Person> {
    let numbers = 0..count;
    numbers
        .map(|n| {
            person(
                "Anybody",
                &format!("Of {n:05}"),
                &format!("{n}@crowd.example"),
            )
        })
        .collect()
}

/// The arguments of a call that has one list of values and a page.
pub(crate) fn asking(name: &str, value: impl Into<Value>) -> Value {
    json!({ name: value.into() })
}
