//! What is logged with a contact: e-mails and meetings; and the opportunities that go through it.

use brightsync_crms::{Company, Deal, Kind, Outcome};
use serde_json::{Value, json};

use super::reads::overlap;
use super::{Story, asking, has, person};
use crate::scene::Scene;

/// An e-mail is logged, found by its message id, changed, found again and deleted.
pub async fn emails(scene: &dyn Scene) {
    let people = vec![person("Zoë", "Buyer", "zoe@buyer.example")];
    let zoe = scene.add_people(people).await.concat();
    let mut story = Story::of(scene);
    let me = scene.customer().ask("get-me", json!({})).await;
    let mine = me.pointer("/user/emails/0").cloned();
    let mine = mine.unwrap_or_else(|| json!("me@office.example"));
    let sent_at = scene.now() / 1_000 * 1_000 - 3_600_000;
    let key = json!({
        "key": "k-1", "message-id": "1.2026@office.example", "sent-at": sent_at,
        "subject": "Offer \"1\" & more", "sender": mine, "about": [{"kind": "contact", "id": zoe}],
    });
    let other = json!({
        "key": "k-2", "message-id": "2.2026@office.example", "sent-at": sent_at + 60_000,
        "subject": "Another one", "sender": mine, "about": [{"kind": "contact", "id": zoe}],
    });
    let email = json!({
        "key": key, "direction": "outgoing", "sender": {"address": mine},
        "to": [{"address": "zoe@buyer.example", "link": {"kind": "contact", "id": zoe}}],
        "text": "Here it is: <b>1</b>.\nYours", "html": "<p>Here it is: <b>1</b>.</p>", "owner": scene.me().await,
    });
    story.tell("find-email", asking("key", key.clone())).await;
    let id = story.tell("create-email", asking("email", email)).await["id"].clone();
    scene.pass(overlap(scene));
    let found = story.tell("find-email", asking("key", key.clone())).await;
    story.line(format!("it is the one: {}", found[0] == id));
    story.tell("find-email", asking("key", other)).await;
    let kept = scene.logged(Kind::Email).await;
    let kept: Vec<_> = kept
        .iter()
        .map(|it| {
            (
                it.subject.as_str(),
                it.body.contains("Here it is"),
                it.about.contains(&zoe),
            )
        })
        .collect();
    story.line(format!("the CRM has {kept:?}"));
    let patch =
        json!({"edits": [["subject", {"set": "Offer 2"}], ["text", {"set": "Here it is again."}]]});
    if has(scene, "update-email") {
        scene.pass(1_000);
        story
            .tell("update-email", json!({"id": id, "patch": patch}))
            .await;
        scene.pass(overlap(scene));
        let changed = json!({
            "key": "k-1", "message-id": "1.2026@office.example", "sent-at": sent_at,
            "subject": "Offer 2", "sender": mine, "about": [{"kind": "contact", "id": zoe}],
        });
        story.tell("find-email", asking("key", changed)).await;
        let kept = scene.logged(Kind::Email).await;
        let again = kept
            .iter()
            .filter(|it| it.body.contains("Here it is again."));
        story.line(format!("changed: {}", again.count()));
    }
    if has(scene, "delete-email") {
        story.tell("delete-email", asking("id", id)).await;
        scene.pass(overlap(scene));
        story.tell("find-email", asking("key", key)).await;
    }
    let mut expected = "
        find-email: 0 found
        create-email: written
        find-email: 1 found
        it is the one: true
        find-email: 0 found
        the CRM has [(\"Offer \\\"1\\\" & more\", true, true)]
    "
    .to_owned();
    if has(scene, "update-email") {
        expected.push_str("update-email: written\nfind-email: 1 found\nchanged: 1\n");
    }
    if has(scene, "delete-email") {
        expected.push_str("delete-email: done\nfind-email: 0 found\n");
    }
    story.is(&expected);
}

/// A meeting is logged, found by its calendar's id, moved and deleted.
pub async fn meetings(scene: &dyn Scene) {
    let people = vec![person("Zoë", "Buyer", "zoe@buyer.example")];
    let zoe = scene.add_people(people).await.concat();
    let mut story = Story::of(scene);
    let start = scene.now() / 3_600_000 * 3_600_000 + 24 * 3_600_000;
    let key = json!({
        "key": "m-1", "ical-uid": "review-1@office.example", "start": {"at": start},
        "subject": "Review", "about": [{"kind": "contact", "id": zoe}],
    });
    let meeting = json!({
        "key": key, "end": {"at": start + 3_600_000}, "status": "confirmed", "text": "About the offer.",
        "location": "Room 1", "owner": scene.me().await, "organiser": {"address": "me@office.example"},
        "attendees": [{"party": {"address": "zoe@buyer.example", "link": {"kind": "contact", "id": zoe}}}],
    });
    story.tell("find-meeting", asking("key", key.clone())).await;
    let id = story
        .tell("create-meeting", asking("meeting", meeting))
        .await["id"]
        .clone();
    scene.pass(overlap(scene));
    story.tell("find-meeting", asking("key", key.clone())).await;
    let kept = scene.logged(Kind::Meeting).await;
    let kept: Vec<_> = kept
        .iter()
        .map(|it| (it.subject.as_str(), it.about.contains(&zoe)))
        .collect();
    story.line(format!("the CRM has {kept:?}"));
    let patch = json!({"edits": [["subject", {"set": "Second review"}]]});
    story
        .tell("update-meeting", json!({"id": id, "patch": patch}))
        .await;
    let kept = scene.logged(Kind::Meeting).await;
    let kept: Vec<_> = kept.iter().map(|it| it.subject.as_str()).collect();
    story.line(format!("the CRM has {kept:?}"));
    story.tell("delete-meeting", asking("id", id.clone())).await;
    scene.pass(overlap(scene));
    story.tell("find-meeting", asking("key", key)).await;
    if !has(scene, "create-meeting") {
        return;
    }
    story.is(r#"
        find-meeting: 0 found
        create-meeting: written
        find-meeting: 1 found
        the CRM has [("Review", true)]
        update-meeting: written
        the CRM has ["Second review"]
        delete-meeting: done
        find-meeting: 0 found
    "#);
}

/// Opportunities are found through the people and through the companies that they are with.
pub async fn opportunities(scene: &dyn Scene) {
    let companies = ["Buyer Limited", "Nobody Limited"].map(|name| Company {
        name: name.to_owned(),
        ..Company::default()
    });
    let companies = scene.add_companies(companies.to_vec()).await;
    let (buyer, nobody) = (companies[0].clone(), companies[1].clone());
    let mut people = vec![
        person("Zoë", "Buyer", "zoe@buyer.example"),
        person("Nora", "Nobody", "nora@buyer.example"),
    ];
    people[0].company = Some(buyer.clone());
    let people = scene.add_people(people).await;
    let deal = |name: &str, amount: &str, outcome| Deal {
        name: name.to_owned(),
        company: Some(buyer.clone()),
        person: Some(people[0].clone()),
        amount: amount.to_owned(),
        outcome,
    };
    scene
        .add_deals(vec![
            deal("Big deal", "1234567.50", Outcome::Open),
            deal("Done deal", "10.00", Outcome::Won),
            deal("Lost deal", "0.10", Outcome::Lost),
        ])
        .await;
    scene.pass(overlap(scene));
    let mut story = Story::of(scene);
    for contacts in [&people[..], &people[1..]] {
        let contacts = asking("contacts", contacts.to_vec());
        story.tell("get-opportunities-for-contacts", contacts).await;
    }
    for accounts in [vec![&nobody, &buyer], vec![&nobody]] {
        let accounts: Vec<Value> = accounts.into_iter().map(|it| json!(it)).collect();
        story
            .tell(
                "get-opportunities-for-accounts",
                asking("accounts", accounts),
            )
            .await;
    }
    story.is("
        get-opportunities-for-contacts: [Big deal open 1234567.50, Done deal won 10.00, Lost deal lost 0.10]
        get-opportunities-for-contacts: []
        get-opportunities-for-accounts: [Big deal open 1234567.50, Done deal won 10.00, Lost deal lost 0.10]
        get-opportunities-for-accounts: []
    ");
}
