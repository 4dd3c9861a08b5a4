//! Reads of many: full and incremental, while everything changes.

use std::collections::BTreeSet;

use brightsync_core::manifest::{OwnerKind, ScopeKind};
use brightsync_crms::{Colleague, Kind, Person};
use serde_json::{Value, json};

use super::reads::{Mirror, Reading, can, ids, overlap};
use super::{Story, asking, crowd, person};
use crate::scene::Scene;

/// How many people the largest read is of.
const MANY: usize = 25_000;
/// A minute.
const MINUTE: i64 = 60_000;

/// A contact is deleted over the connection: it is gone, and its departure is told or noticed.
pub async fn delete_and_tombstone(scene: &dyn Scene) {
    let people = vec![
        person("Ann", "Stays", "ann@stays.example"),
        person("Bob", "Goes", "bob@goes.example"),
    ];
    let added = scene.add_people(people).await;
    let mut mirror = Mirror::default();
    let began = scene.now();
    let mut all = Reading::of(scene, &json!("all"));
    for entry in all.rest().await {
        mirror.take(&entry);
    }
    mirror.ended(&all, began);
    scene.pass(MINUTE);

    let bob = added.last().cloned().unwrap_or_default();
    let mut story = Story::of(scene);
    story
        .tell("delete-contact", asking("id", bob.as_str()))
        .await;
    story.tell("get-contact", asking("id", bob.as_str())).await;
    story
        .tell("delete-contact", asking("id", bob.as_str()))
        .await;
    let both = asking("ids", added.clone());
    story.tell("get-contacts", both).await;
    scene.pass(MINUTE);
    mirror.follow(scene, scene.now()).await;
    story.line(format!("known: {:?}", mirror.people.values()));
    story.is("
        delete-contact: done
        get-contact: refused, NotFound
        delete-contact: refused, NotFound
        get-contacts: [Ann Stays]
        known: [\"Ann Stays\"]
    ");
}

/// A full read of a crowd, while people come, go and change, and an incremental read after it: together they miss nothing.
pub async fn changes_during_paging(scene: &dyn Scene) {
    let mut added = Vec::new();
    // A few at one moment, as people and imports write them.
    for some in crowd(MANY).chunks(250) {
        added.extend(scene.add_people(some.to_vec()).await);
        scene.pass(1_000);
    }
    scene.pass(overlap(scene) + MINUTE);
    let mut mirror = Mirror::default();
    let began = scene.now();
    let mut reading = Reading::of(scene, &json!("all"));
    let mut pages = 0;
    while let Some(page) = reading.next().await {
        for entry in page.expect("nothing goes wrong here") {
            mirror.take(&entry);
        }
        pages += 1;
        if pages % 20 == 3 {
            scene.pass(1_000);
            disturb(scene, &added, pages).await;
        }
    }
    mirror.ended(&reading, began);
    assert!(pages > 3, "{MANY} people came on {pages} pages");

    scene.pass(overlap(scene) + MINUTE);
    disturb(scene, &added, 10_000).await;
    scene.pass(overlap(scene) + MINUTE);
    mirror.follow(scene, scene.now()).await;
    compare(scene, &mirror).await;
    let renamed = mirror.people.values().filter(|it| it.contains("Renamed"));
    assert_eq!(renamed.count(), RENAMED * ((pages + 17) / 20 + 1));
    // And what is read a second time is the same.
    mirror.follow(scene, scene.now()).await;
    compare(scene, &mirror).await;
}

/// How many people get another name with each disturbance.
const RENAMED: usize = 8;

/// Some people, from everywhere in the crowd, get another name or go, and others come.
async fn disturb(scene: &dyn Scene, added: &[String], round: usize) {
    let step = added.len() / 10;
    let pick = |from: usize, count: usize| -> Vec<String> {
        let each = (0..count).filter_map(|n| added.get(n * step + from));
        each.cloned().collect()
    };
    // Each round takes others.
    let round = if round >= 10_000 { 2_000 } else { round * 4 };
    scene.rename(&pick(round, RENAMED), "Renamed").await;
    scene.remove(Kind::Person, &pick(round + 1, 5)).await;
    let newcomers = (0..5).map(|n| {
        let address = format!("{round}-{n}@newcomer.example");
        person("New", "Comer", &address)
    });
    scene.add_people(newcomers.collect()).await;
}

/// What is known is what is there.
async fn compare(scene: &dyn Scene, mirror: &Mirror) {
    let there: BTreeSet<String> = scene.people().await.into_iter().collect();
    let known = mirror.ids();
    let missed: Vec<_> = there.difference(&known).take(5).collect();
    let stale: Vec<_> = known.difference(&there).take(5).collect();
    assert!(
        missed.is_empty() && stale.is_empty(),
        "of {}, missed: {missed:?}, still known: {stale:?}",
        there.len()
    );
}

/// Many people are changed at one instant: a read by time finds each of them, in small pages.
pub async fn identical_timestamps(scene: &dyn Scene) {
    let added = scene.add_people(crowd(1_100)).await;
    scene.pass(overlap(scene) + MINUTE);
    let since = scene.now();
    scene.rename(&added, "Same").await;
    scene.pass(overlap(scene) + MINUTE);
    let window = json!({"updated": {"since": since}});
    let read = Reading::of(scene, &window).sized(100).rest().await;
    let read: BTreeSet<String> = read.iter().map(id).collect();
    assert_eq!(read, added.iter().cloned().collect());
    // A window that ends before them has none of them.
    let before = json!({"updated": {"since": since - MINUTE, "until": since}});
    let read = Reading::of(scene, &before).rest().await;
    assert_eq!(read, Vec::<Value>::new());
}

/// Where an index lags behind, a read that need not be complete may miss what is new, and the next one finds it by the overlap that the manifest states; one that has to be complete finds it at once.
pub async fn late_visibility(scene: &dyn Scene) {
    scene.add_people(crowd(3)).await;
    let lag = i64::from(scene.manifest().times().visibility_lag_ms());
    scene.pass(lag + MINUTE);
    scene.fall_behind(lag);
    let since = scene.now();
    let late = scene
        .add_people(vec![person("Late", "Comer", "late@comer.example")])
        .await;
    scene.pass(1_000.min(lag / 2));
    let window = json!({"updated": {"since": since}});
    let mut complete = Reading::of(scene, &window).with("complete", true);
    let found: Vec<String> = complete.rest().await.iter().map(id).collect();
    assert_eq!(found, late, "complete");

    let mut first = Reading::of(scene, &window);
    first.rest().await;
    let until = first.until(scene.now());
    scene.pass(lag);
    let window = json!({"updated": {"since": until - overlap(scene)}});
    let found = Reading::of(scene, &window).rest().await;
    let found: BTreeSet<String> = found.iter().map(id).collect();
    assert!(found.contains(&late.concat()), "{found:?}");
}

/// Records belong to people: a read of one owner's has those and no others, and a record that is given away is found with its new owner.
pub async fn ownership(scene: &dyn Scene) {
    let reads = scene.manifest().reads_of_contacts();
    let owners = reads.map(|it| it.owners.clone()).unwrap_or_default();
    let (name, email) = ("Olga Other".to_owned(), "olga@office.example".to_owned());
    let olga = scene.add_user(Colleague { name, email }).await;
    let mut people = vec![
        person("My", "First", "first@mine.example"),
        person("My", "Second", "second@mine.example"),
    ];
    people.push(Person {
        owner: Some(olga.clone()),
        ..person("Her", "Own", "own@hers.example")
    });
    let added = scene.add_people(people).await;
    scene.pass(overlap(scene) + MINUTE);
    let of = |owner: Value| Reading::of(scene, &json!("all")).with("owner", owner);
    if owners.contains(&OwnerKind::Me) {
        let mine = of(json!("me")).rest().await;
        let mine: BTreeSet<String> = mine.iter().map(id).collect();
        assert_eq!(mine, added.iter().take(2).cloned().collect());
    }
    if owners.contains(&OwnerKind::User) {
        scene.give(&added[..1], &olga).await;
        scene.pass(overlap(scene) + MINUTE);
        let hers = of(json!({ "user": olga })).rest().await;
        let hers: BTreeSet<String> = hers.iter().map(id).collect();
        let expected = [added[0].clone(), added[2].clone()];
        assert_eq!(hers, expected.into_iter().collect());
    }
    assert_eq!(ids(scene).await, added.iter().cloned().collect());
    assert!(can(scene, ScopeKind::All));
    let found = scene
        .customer()
        .ask(
            "get-users-by-email",
            json!({"emails": ["OLGA@office.example"]}),
        )
        .await;
    let found: Vec<&Value> = found["items"].as_array().into_iter().flatten().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], json!(olga));
}

fn id(entry: &Value) -> String {
    let id = entry.pointer("/present/ref/id").and_then(Value::as_str);
    id.expect("whole records were asked for").to_owned()
}
