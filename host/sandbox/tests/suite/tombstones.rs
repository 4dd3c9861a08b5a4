//! What is gone leaves a trace: deleted, merged and given away.

use brightsync_sandbox::{Clock, Options, Script};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, START, expect, id_of, ids_of, refusal};

const SINCE: &str = "since=2026-01-31T00:00:00Z";

/// The departures of contacts as `id how`, in their order.
async fn departures(client: &Client, query: &str) -> Vec<String> {
    let page = client
        .get(&format!("/contacts/departures?{SINCE}{query}"))
        .await;
    let data = page["data"].as_array().unwrap();
    data.iter()
        .map(|it| {
            format!(
                "{} {}",
                it["id"].as_str().unwrap(),
                it["how"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn a_deleted_record_is_gone_noted_and_can_come_back() {
    let client = Client::empty().await;
    let id = client.contact("Ada", "ada@example.com").await;
    let path = format!("/contacts/{id}");
    client.delete(&path).await;
    assert_eq!(
        refusal(client.request(Method::GET, &path), 404).await,
        "deleted"
    );
    assert_eq!(
        refusal(client.request(Method::DELETE, &path), 404).await,
        "deleted"
    );
    assert_eq!(client.ids("/contacts?email=ada@example.com").await, [""; 0]);
    assert_eq!(departures(&client, "").await, [format!("{id} deleted")]);
    let restored = expect(
        client.request(Method::POST, &format!("{path}/restore")),
        200,
    )
    .await;
    assert_eq!(restored["version"], "3");
    assert_eq!(client.ids("/contacts?email=ada@example.com").await, [id]);
    assert_eq!(
        refusal(
            client.request(Method::POST, &format!("{path}/restore")),
            404
        )
        .await,
        "not_found"
    );
}

#[tokio::test]
async fn the_survivor_of_a_merge_has_what_both_had() {
    let client = Client::empty().await;
    let account = id_of(&client.post("/accounts", &json!({"name": "A"})).await);
    let one = client.contact("Ada", "ada@example.com").await;
    let two = json!({"full_name": "Ada L.", "title": "Countess", "emails": [{"address": "countess@example.com"}],
        "accounts": [{"account": account}], "custom": {"tier": "gold"}});
    let two = id_of(&client.post("/contacts", &two).await);
    let participants = json!([{"contact": two, "role": "Buyer"}]);
    let deal = client
        .post(
            "/opportunities",
            &json!({"name": "D", "status": "open", "participants": participants}),
        )
        .await;
    let survivor = expect(
        client
            .request(Method::POST, &format!("/contacts/{one}/merge"))
            .json(&json!({"from": [two]})),
        200,
    )
    .await;
    assert_eq!(
        (&survivor["full_name"], &survivor["title"]),
        (&json!("Ada"), &json!("Countess"))
    );
    assert_eq!(survivor["emails"].as_array().unwrap().len(), 2);
    assert_eq!(survivor["accounts"][0]["account"], account.as_str());
    assert_eq!(
        client.ids("/contacts?email=countess@example.com").await,
        [one.as_str()]
    );
    assert_eq!(
        client.ids(&format!("/opportunities?contact={one}")).await,
        [id_of(&deal)]
    );
    let changed = client
        .get(&format!("/opportunities/{}", id_of(&deal)))
        .await;
    assert_eq!(
        changed["participants"],
        json!([{"contact": one, "role": "Buyer"}])
    );
    assert_eq!(changed["version"], "2");
    let answer = expect(
        client.request(Method::GET, &format!("/contacts/{two}")),
        404,
    )
    .await;
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["existing"]),
        (&json!("merged"), &json!([one]))
    );
    let page = client.get(&format!("/contacts/departures?{SINCE}")).await;
    assert_eq!(
        (&page["data"][0]["id"], &page["data"][0]["into"]),
        (&json!(two), &json!(one))
    );
    for body in [
        json!({"from": [one]}),
        json!({}),
        json!({"from": [one], "x": 1}),
    ] {
        expect(
            client
                .request(Method::POST, &format!("/contacts/{one}/merge"))
                .json(&body),
            422,
        )
        .await;
    }
}

#[tokio::test]
async fn a_merge_that_fails_half_way_has_not_happened() {
    let client = Client::empty().await;
    let one = client.contact("One", "one@example.com").await;
    let two = client.contact("Two", "two@example.com").await;
    let body = json!({"from": [two, "con_0"]});
    expect(
        client
            .request(Method::POST, &format!("/contacts/{one}/merge"))
            .json(&body),
        404,
    )
    .await;
    assert_eq!(client.ids("/contacts").await, [one, two]);
    assert_eq!(departures(&client, "").await, [""; 0]);
}

#[tokio::test]
async fn a_merged_contact_has_one_primary_address() {
    let client = Client::empty().await;
    let contact = |address: &str| json!({"full_name": "Ada", "emails": [{"address": address, "primary": true}]});
    let one = id_of(&client.post("/contacts", &contact("one@example.com")).await);
    let two = id_of(&client.post("/contacts", &contact("two@example.com")).await);
    let request = client.request(Method::POST, &format!("/contacts/{one}/merge"));
    let survivor = expect(request.json(&json!({"from": [two]})), 200).await;
    let expected = json!([
        {"address": "one@example.com", "primary": true},
        {"address": "two@example.com", "primary": false}
    ]);
    assert_eq!(survivor["emails"], expected);
}

#[tokio::test]
async fn a_daughter_that_takes_over_its_parent_is_not_its_own_parent() {
    let client = Client::empty().await;
    let parent = id_of(&client.post("/accounts", &json!({"name": "Parent"})).await);
    let daughter = id_of(
        &client
            .post("/accounts", &json!({"name": "Daughter", "parent": parent}))
            .await,
    );
    let path = format!("/accounts/{daughter}/merge");
    let survivor = expect(
        client
            .request(Method::POST, &path)
            .json(&json!({"from": [parent]})),
        200,
    )
    .await;
    assert_eq!(survivor["parent"], Value::Null);
}

#[tokio::test]
async fn who_loses_a_record_to_another_user_is_told() {
    let client = Client::empty().await;
    let users = &client.server.credentials().users;
    let (old, new) = (users[0].id.clone(), users[1].id.clone());
    let made = client
        .post("/contacts", &json!({"full_name": "Ada", "owner": old}))
        .await;
    let id = id_of(&made);
    let path = format!("/contacts/{id}");
    client.patch(&path, &json!({"set": {"owner": new}})).await;
    let page = client
        .get(&format!("/contacts/departures?{SINCE}&owner={old}"))
        .await;
    let departure = &page["data"][0];
    assert_eq!(
        (&departure["from_owner"], &departure["to_owner"]),
        (&json!(old), &json!(new))
    );
    client.delete(&path).await;
    assert_eq!(
        departures(&client, &format!("&owner={old}")).await,
        [format!("{id} reassigned")]
    );
    assert_eq!(
        departures(&client, &format!("&owner={new}")).await,
        [format!("{id} deleted")]
    );
    assert_eq!(
        departures(&client, "&how=deleted&how=merged").await,
        [format!("{id} deleted")]
    );
    assert_eq!(
        departures(&client, "&how=reassigned").await,
        [format!("{id} reassigned")]
    );
}

#[tokio::test]
async fn departures_come_in_pages_and_windows_too() {
    let options = Options {
        contacts: 40,
        clock: Clock::ticking(START),
        ..Options::empty(3, 2)
    };
    let client = Client::start(options).await;
    let before = client.get("/contacts?limit=1").await["as_of"]
        .as_str()
        .unwrap()
        .to_owned();
    let script = Script {
        create: 3,
        update: 4,
        delete: 12,
        merge: 5,
    };
    let changed = client.server.change(&script).await.unwrap();
    assert_eq!(
        (
            changed.created.len(),
            changed.updated.len(),
            changed.deleted.len(),
            changed.merged.len()
        ),
        (3, 4, 12, 5)
    );
    let mut expected: Vec<_> = changed
        .deleted
        .iter()
        .chain(changed.merged.iter().map(|it| &it.0))
        .cloned()
        .collect();
    expected.sort();
    let mut found = client
        .ids(&format!("/contacts/departures?limit=5&since={before}"))
        .await;
    found.sort();
    assert_eq!(found, expected);
    let mut expected: Vec<_> = changed
        .created
        .iter()
        .chain(&changed.updated)
        .chain(changed.merged.iter().map(|it| &it.1))
        .cloned()
        .collect();
    expected.sort();
    let mut found = client
        .ids(&format!("/contacts?limit=5&updated_since={before}"))
        .await;
    found.sort();
    assert_eq!(
        found, expected,
        "what has changed is exactly what a window shows"
    );
    let page = client
        .get(&format!("/contacts/departures?{SINCE}&until={before}"))
        .await;
    assert_eq!(ids_of(&page), [""; 0]);
    assert_eq!(client.ids("/contacts").await.len(), 40 + 3 - 12 - 5);
}

#[tokio::test]
async fn departures_older_than_is_kept_are_no_empty_list() {
    let client = Client::empty().await;
    let path = "/contacts/departures?since=2025-11-01T00:00:00Z";
    assert_eq!(
        refusal(client.request(Method::GET, path), 400).await,
        "window_expired"
    );
}
