//! Refusals: one form for all of them, and the right one for each mistake.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, expect, refusal};

/// The faulty fields of a refused body, as `field: code`.
async fn faulty(client: &Client, method: Method, path: &str, body: Value) -> Vec<String> {
    let answer = expect(client.request(method, path).json(&body), 422).await;
    assert_eq!(answer["error"]["code"], "invalid_fields");
    let fields = answer["error"]["fields"].as_array().unwrap().iter();
    let mut fields: Vec<_> = fields
        .map(|it| {
            format!(
                "{}: {}",
                it["field"].as_str().unwrap(),
                it["code"].as_str().unwrap()
            )
        })
        .collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn bodies_are_checked_field_by_field() {
    let client = Client::empty().await;
    for (body, expected) in [
        (json!({}), vec!["full_name: required"]),
        (json!({"full_name": null}), vec!["full_name: required"]),
        (
            json!({"full_name": 5, "colour": "red"}),
            vec!["colour: unknown_field", "full_name: invalid"],
        ),
        (
            json!({"full_name": "A".repeat(201)}),
            vec!["full_name: invalid"],
        ),
        (
            json!({"full_name": "A", "id": "con_1"}),
            vec!["id: unknown_field"],
        ),
        (
            json!({"full_name": "A", "owner": "usr_0"}),
            vec!["owner: unknown_reference"],
        ),
        (
            json!({"full_name": "A", "emails": [{"address": "a"}, {"adress": "a@b.example"}]}),
            vec![
                "emails[0].address: invalid",
                "emails[1].address: required",
                "emails[1].adress: unknown_field",
            ],
        ),
        (
            json!({"full_name": "A", "emails": [{"address": "a@b.example"}, {"address": "A@b.example"}]}),
            vec!["emails[1]: repeated"],
        ),
        (
            json!({"full_name": "A", "accounts": [{"account": "acc_0"}]}),
            vec!["accounts[0].account: unknown_reference"],
        ),
        (
            json!({"full_name": "A", "last_activity_at": "2026-01-31"}),
            vec!["last_activity_at: invalid"],
        ),
        (
            json!({"full_name": "A", "custom": {"Tier": 1, "list": []}}),
            vec!["custom.Tier: invalid", "custom.list: invalid"],
        ),
    ] {
        assert_eq!(
            faulty(&client, Method::POST, "/contacts", body.clone()).await,
            expected,
            "{body}"
        );
    }
    let deal = json!({"name": "D", "status": "maybe", "value": {"amount": "1e3", "currency": "eur"}, "closes": "2026-02-30", "stage_order": -1});
    let expected = [
        "closes: invalid",
        "stage_order: invalid",
        "status: invalid",
        "value.amount: invalid",
        "value.currency: invalid",
    ];
    assert_eq!(
        faulty(&client, Method::POST, "/opportunities", deal).await,
        expected
    );
    assert_eq!(
        client.ids("/contacts").await,
        [""; 0],
        "nothing was written"
    );
}

#[tokio::test]
async fn only_json_objects_of_a_fair_size_are_read() {
    let client = Client::empty().await;
    let send = |kind: &str, body: String| {
        client
            .request(Method::POST, "/contacts")
            .header("Content-Type", kind)
            .body(body)
    };
    let sound = || r#"{"full_name": "A"}"#.to_owned();
    assert_eq!(
        refusal(send("text/plain", sound()), 415).await,
        "unsupported_media_type"
    );
    assert_eq!(
        refusal(client.request(Method::POST, "/contacts").body(sound()), 415).await,
        "unsupported_media_type"
    );
    expect(send("Application/JSON; charset=utf-8", sound()), 201).await;
    assert_eq!(
        refusal(send("application/json", "[]".to_owned()), 400).await,
        "invalid_json"
    );
    assert_eq!(
        refusal(send("application/json", "{".to_owned()), 400).await,
        "invalid_json"
    );
    assert_eq!(
        refusal(send("application/json", "[".repeat(100_000)), 400).await,
        "invalid_json"
    );
    assert_eq!(
        refusal(
            send("application/json", " ".repeat(16 * 1024 * 1024 + 1)),
            413
        )
        .await,
        "too_large"
    );
    let html = "ü".repeat(5_000_000);
    let email = json!({"direction": "incoming", "sent_at": "2026-01-31T10:00:00Z", "subject": "big", "from": {"address": "a@example.com"}, "html": html});
    let made = client.post("/emails", &email).await;
    assert_eq!(made["html"].as_str().unwrap().len(), 10_000_000);
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let client = Client::empty().await;
    let user = client.server.credentials().users[0].id.clone();
    assert_eq!(
        refusal(client.request(Method::GET, "/nowhere"), 404).await,
        "no_such_route"
    );
    assert_eq!(
        refusal(client.request(Method::GET, "/contacts/con_0"), 404).await,
        "not_found"
    );
    assert_eq!(
        refusal(
            client.request(Method::GET, &format!("/contacts/{user}")),
            404
        )
        .await,
        "not_found"
    );
    assert_eq!(
        refusal(client.request(Method::PUT, "/contacts"), 405).await,
        "method_not_allowed"
    );
    assert_eq!(
        refusal(
            client.request(Method::DELETE, &format!("/users/{user}")),
            405
        )
        .await,
        "method_not_allowed"
    );
    assert_eq!(
        refusal(client.request(Method::POST, "/emails/eml_0/merge"), 404).await,
        "no_such_route"
    );
}
