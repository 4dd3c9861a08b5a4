//! Writes: what is accepted, what is refused and how, and what a version is good for.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, expect, header, id_of, ids_of, refusal};

#[tokio::test]
async fn every_field_comes_back_as_it_was_written() {
    let client = Client::empty().await;
    let owner = client.server.credentials().users[0].id.clone();
    let account = id_of(
        &client
            .post(
                "/accounts",
                &json!({"name": "Acme", "domains": ["acme.example"]}),
            )
            .await,
    );
    let body = json!({
        "full_name": "Zoë O'Brien", "given_name": "Zoë", "family_name": "O'Brien",
        "emails": [{"address": "Zoe@Acme.example", "primary": true, "label": "work"}, {"address": "z@example.net"}],
        "phones": [{"number": "+1 555 0100"}],
        "accounts": [{"account": account, "primary": true, "role": "Buyer"}],
        "title": "Buyer", "owner": owner, "active": true,
        "last_activity_at": "2026-01-31T12:00:00.500Z",
        "custom": {"tier": "gold", "seats": 5, "vip": false}
    });
    let made = client.post("/contacts", &body).await;
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let id = id_of(&made);
    assert_eq!(client.get(&format!("/contacts/{id}")).await, made);
    let changed = client
        .patch(
            &format!("/contacts/{id}"),
            &json!({"clear": ["title"], "set": {"custom.tier": "iron"}}),
        )
        .await;
    assert_eq!(changed["title"], Value::Null);
    assert_eq!(
        changed["custom"],
        json!({"tier": "iron", "seats": 5, "vip": false})
    );
    assert_eq!(
        (&changed["emails"], &changed["version"]),
        (&body["emails"], &json!("2"))
    );
}

#[tokio::test]
async fn a_version_that_is_not_the_current_one_is_refused() {
    let client = Client::empty().await;
    let response = client
        .request(Method::POST, "/contacts")
        .json(&json!({"full_name": "A"}))
        .send()
        .await
        .unwrap();
    let (tag, path) = (
        header(&response, "etag").to_owned(),
        header(&response, "location").to_owned(),
    );
    assert_eq!(tag, "\"1\"");
    let change = |tag: &str, title: &str| {
        client
            .request(Method::PATCH, &path)
            .header("If-Match", tag)
            .json(&json!({"set": {"title": title}}))
    };
    expect(change(&tag, "B"), 200).await;
    assert_eq!(refusal(change(&tag, "C"), 412).await, "stale");
    let delete = || client.request(Method::DELETE, &path);
    assert_eq!(
        refusal(delete().header("If-Match", &tag), 412).await,
        "stale"
    );
    assert_eq!(
        refusal(delete().header("If-Match", "W/\"2\""), 412).await,
        "stale"
    );
    assert_eq!(client.get(&path).await["title"], "B");
    expect(change("*", "D"), 200).await;
    expect(change("\"2\", \"3\"", "E"), 200).await;
    expect(delete().header("If-Match", "\"4\""), 204).await;
}

#[tokio::test]
async fn a_patch_that_changes_nothing_wakes_nobody() {
    let client = Client::empty().await;
    let made = client
        .post("/contacts", &json!({"full_name": "A", "title": "T"}))
        .await;
    let path = format!("/contacts/{}", id_of(&made));
    assert_eq!(
        client
            .patch(
                &path,
                &json!({"set": {"title": "T"}, "clear": ["given_name"]})
            )
            .await,
        made
    );
}

#[tokio::test]
async fn two_mailboxes_add_their_participants_side_by_side() {
    let client = Client::empty().await;
    let email = json!({
        "message_id": "<m1@example.com>", "direction": "outgoing", "sent_at": "2026-01-31T10:00:00+01:00",
        "subject": "Offer", "from": {"address": "us@crm.example"}, "to": [{"address": "ada@example.com"}]
    });
    let made = client.post("/emails", &email).await;
    assert_eq!(made["sent_at"], "2026-01-31T09:00:00.000Z");
    let path = format!("/emails/{}", id_of(&made));
    for address in ["bob@example.com", "cyd@example.com", "BOB@example.com"] {
        client
            .patch(&path, &json!({"add": {"cc": [{"address": address}]}}))
            .await;
    }
    let changed = client
        .patch(
            &path,
            &json!({"remove": {"to": [{"address": "ADA@example.com"}]}}),
        )
        .await;
    assert_eq!(changed["to"], json!([]));
    assert_eq!(
        changed["cc"],
        json!([{"address": "BOB@example.com"}, {"address": "cyd@example.com"}])
    );
}

#[tokio::test]
async fn a_message_is_logged_once_and_found_by_its_id() {
    let client = Client::empty().await;
    let email = |id: &str| {
        json!({
            "message_id": id, "direction": "incoming", "sent_at": "2026-01-31T10:00:00Z", "subject": "Re: Offer",
            "from": {"address": "ada@example.com"}
        })
    };
    let first = id_of(&client.post("/emails", &email("<M%1@example.com>")).await);
    let answer = expect(
        client
            .request(Method::POST, "/emails")
            .json(&email("M%1@example.com")),
        409,
    )
    .await;
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["existing"]),
        (&json!("duplicate"), &json!([first]))
    );
    client.post("/emails", &email("m%1@example.com")).await;
    assert_eq!(
        client.ids("/emails?message_id=M%251@example.com").await,
        [first.as_str()]
    );
    assert_eq!(
        client
            .ids("/emails?message_id=%3CM%251@example.com%3E")
            .await,
        [first.as_str()]
    );
    let other =
        "/emails?from=ADA@example.com&subject=re:%20offer&sent_at=2026-01-31T11:00:00%2B01:00";
    assert_eq!(client.ids(other).await.len(), 2);
    let request = client
        .request(Method::POST, "/emails?duplicates=allow")
        .json(&email("x"));
    assert_eq!(refusal(request, 400).await, "unknown_parameter");
    let patch = json!({"set": {"message_id": "n"}});
    let answer = expect(
        client
            .request(Method::PATCH, &format!("/emails/{first}"))
            .json(&patch),
        422,
    )
    .await;
    assert_eq!(answer["error"]["fields"][0]["code"], "read_only");
}

#[tokio::test]
async fn an_occurrence_of_a_series_is_a_meeting_of_its_own() {
    let client = Client::empty().await;
    let meeting = |occurrence: Option<&str>| {
        json!({
            "ical_uid": "u1", "occurrence": occurrence, "subject": "Weekly", "status": "confirmed",
            "start": "2026-01-31T10:00:00Z", "end": "2026-01-31T11:00:00Z"
        })
    };
    let series = id_of(&client.post("/meetings", &meeting(None)).await);
    let first = id_of(
        &client
            .post("/meetings", &meeting(Some("2026-01-31T10:00:00Z")))
            .await,
    );
    let day = id_of(&client.post("/meetings", &meeting(Some("2026-02-07"))).await);
    for (occurrence, id) in [
        (None, &series),
        (Some("2026-01-31T11:00:00+01:00"), &first),
        (Some("2026-02-07"), &day),
    ] {
        let answer = expect(
            client
                .request(Method::POST, "/meetings")
                .json(&meeting(occurrence)),
            409,
        )
        .await;
        assert_eq!(answer["error"]["existing"], json!([id]));
        let sought = occurrence.unwrap_or("none").replace('+', "%2B");
        assert_eq!(
            client
                .ids(&format!("/meetings?ical_uid=u1&occurrence={sought}"))
                .await,
            [id.as_str()]
        );
    }
    assert_eq!(
        client.ids("/meetings?ical_uid=u1").await,
        [series, first, day]
    );
}

#[tokio::test]
async fn a_second_contact_with_an_address_needs_leave() {
    let client = Client::empty().await;
    let first = client.contact("Ada", "ada@example.com").await;
    let body = json!({"full_name": "Ada L.", "emails": [{"address": "x@example.com"}, {"address": "ADA@example.com"}]});
    let answer = expect(client.request(Method::POST, "/contacts").json(&body), 409).await;
    assert_eq!(answer["error"]["existing"], json!([first]));
    client.post("/contacts?duplicates=allow", &body).await;
    client.delete(&format!("/contacts/{first}")).await;
    let account = json!({"name": "Acme", "domains": ["acme.example"]});
    let acme = id_of(&client.post("/accounts", &account).await);
    for same in [
        json!({"name": "ACMÉ"}),
        json!({"name": "Other", "domains": ["Acme.example"]}),
    ] {
        let answer = expect(client.request(Method::POST, "/accounts").json(&same), 409).await;
        assert_eq!(answer["error"]["existing"], json!([acme]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_creations_at_once_one_is_made() {
    let client = Client::empty().await;
    let email = json!({
        "message_id": "m1@example.com", "direction": "incoming", "sent_at": "2026-01-31T10:00:00Z",
        "subject": "Offer", "from": {"address": "ada@example.com"}
    });
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        sending.spawn(client.request(Method::POST, "/emails").json(&email).send());
    }
    let answers = sending.join_all().await.into_iter();
    let mut statuses: Vec<_> = answers.map(|it| it.unwrap().status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 19][..]));
    assert_eq!(ids_of(&client.get("/emails").await).len(), 1);
}
