//! What a read costs the CRM: the requests that it takes for a thousand contacts.

use brightsync_crms::Kind;
use serde_json::json;

use super::crowd;
use super::reads::{Mirror, Reading, overlap};
use crate::scene::Scene;

/// Requests for a thousand contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// To read all of them for the first time.
    pub initial: u32,
    /// To learn that ten of them have changed and five are gone.
    pub incremental: u32,
}

impl Cost {
    /// What the manifest states.
    pub fn stated(scene: &dyn Scene) -> Option<Self> {
        let reads = scene.manifest().reads_of_contacts()?;
        let stated = reads.requests_per_1000?;
        Some(Self {
            initial: stated.initial.get(),
            incremental: stated.incremental.get(),
        })
    }
}

/// Measures it.
pub async fn cost(scene: &dyn Scene) -> Cost {
    let added = scene.add_people(crowd(1_000)).await;
    scene.pass(overlap(scene) + 60_000);
    // Whatever a connector learns once and keeps, it has learned by now.
    scene.customer().ask("get-me", json!({})).await;
    Reading::of(scene, &json!("all")).sized(1).next().await;

    let mut mirror = Mirror::default();
    let before = requests(scene);
    let began = scene.now();
    let mut reading = Reading::of(scene, &json!("all"));
    for entry in reading.rest().await {
        mirror.take(&entry);
    }
    mirror.ended(&reading, began);
    let initial = requests(scene) - before;

    scene.pass(60_000);
    scene.rename(&added[100..110], "Renamed").await;
    scene.remove(Kind::Person, &added[500..505]).await;
    scene.pass(overlap(scene) + 60_000);
    let before = requests(scene);
    mirror.follow(scene, scene.now()).await;
    let incremental = requests(scene) - before;
    assert_eq!(mirror.people.len(), scene.people().await.len());
    Cost {
        initial,
        incremental,
    }
}

/// How many requests the host has made.
fn requests(scene: &dyn Scene) -> u32 {
    let reports = scene.customer().world.reports();
    let requests: usize = reports.iter().map(|it| it.requests.len()).sum();
    u32::try_from(requests).unwrap_or(u32::MAX)
}
