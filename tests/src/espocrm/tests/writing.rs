//! What the stand-in lets a client write, and what becomes of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::Entity;
use super::{http, seed_people, start, with_key, with_password};

#[tokio::test]
async fn a_duplicate_is_refused_with_what_is_there() {
    let site = start().await;
    let (_, ann) = seed_people(&site);
    let mut client = with_key(&site);
    let new = json!({"lastName": "Other", "emailAddress": "ANN@home.example"});
    let (status, reason, body) = client.post("Contact", new.clone()).await;
    assert_eq!((status, reason.as_deref()), (409, Some("duplicate")));
    assert_eq!(body[0]["id"], ann.as_str());
    client.headers.push(("X-Skip-Duplicate-Check", "true"));
    assert_eq!(client.post("Contact", new).await.0, 200);
    assert_eq!(site.records(Entity::Contact).len(), 3);
}

#[tokio::test]
async fn a_deleted_record_is_gone_but_for_administrators() {
    let site = start().await;
    let (_, ann) = seed_people(&site);
    let client = with_key(&site);
    let path = format!("Contact/{ann}");
    assert_eq!(client.delete(&path).await.2, json!(true));
    assert_eq!(client.get(&path).await.0, 404);
    assert_eq!(client.put(&path, json!({"title": "x"})).await.0, 404);
    assert_eq!(client.delete(&path).await.0, 404);
    assert_eq!(client.list("Contact", &[], "lastName").await, ["Baker"]);
    let (status, _, body) = with_password(&site).get(&path).await;
    assert_eq!((status, &body["deleted"]), (200, &json!(true)));
}

#[tokio::test]
async fn validation_names_the_field() {
    let site = start().await;
    let client = with_key(&site);
    let cases = [
        ("Contact", json!({"firstName": "A"}), "lastName", "required"),
        (
            "Contact",
            json!({"lastName": "A", "emailAddress": "a"}),
            "emailAddress",
            "valid",
        ),
        ("Account", json!({"name": "A<B"}), "name", "pattern"),
        (
            "Account",
            json!({"name": "A".repeat(250)}),
            "name",
            "maxLength",
        ),
        (
            "Meeting",
            json!({"name": "M"}),
            "assignedUserId",
            "required",
        ),
    ];
    for (entity, body, field, kind) in cases {
        let (status, _, answer) = client.post(entity, body).await;
        let data = &answer["messageTranslation"]["data"];
        assert_eq!(
            (status, data),
            (400, &json!({"field": field, "type": kind}))
        );
    }
}

#[tokio::test]
async fn malformed_json_is_a_500() {
    let site = start().await;
    let url = format!("{}/api/v1/Contact", site.url());
    let request = http()
        .post(url)
        .header("Accept", "application/json")
        .header("Content-Type", "application/json")
        .header("X-Api-Key", site.api_key())
        .body("{");
    assert_eq!(request.send().await.unwrap().status(), 500);
    assert_eq!(site.violations(), ["JSON parse error."]);
}

#[tokio::test]
async fn an_api_user_logs_only_what_it_sent_and_keeps_no_message_id() {
    let site = start().await;
    let own = json!({"emailAddress": "sync@site.example"});
    site.edit(Entity::User, &site.api_user(), &own);
    let mail = |from: &str| {
        json!({
            "name": "Hello", "from": from, "to": "ann@acme.example", "body": "Hi", "isHtml": false,
            "status": "Archived", "dateSent": "2026-01-14 09:00:00", "messageId": "<1@x.example>",
        })
    };
    let client = with_key(&site);
    let (status, reason, _) = client.post("Email", mail("eve@x.example")).await;
    assert_eq!(
        (status, reason.as_deref()),
        (403, Some("Not allowed 'from' address."))
    );
    let (status, _, body) = client.post("Email", mail("sync@site.example")).await;
    assert_eq!(status, 200);
    assert!(body["messageId"].as_str().unwrap().starts_with("dummy:"));
    let (_, _, body) = with_password(&site)
        .post("Email", mail("eve@x.example"))
        .await;
    assert_eq!(body["messageId"], "<1@x.example>");
    let sender = [
        ("where[0][type]", "equals"),
        ("where[0][attribute]", "from"),
        ("where[0][value]", "Sync@site.example"),
    ];
    assert_eq!(client.list("Email", &sender, "name").await, ["Hello"]);
    assert_eq!(site.violations(), [""; 0]);
}

#[tokio::test]
async fn a_fetched_email_keeps_its_text_and_takes_a_parent() {
    let site = start().await;
    let (acme, _) = seed_people(&site);
    let mail = json!({
        "name": "Old", "from": "a@x.example", "to": "b@x.example", "status": "Archived",
        "dateSent": "2026-01-14 09:00:00", "createdById": "system",
    });
    let id = site.seed(Entity::Email, &mail);
    let change = json!({"name": "New", "parentType": "Account", "parentId": acme});
    let (status, _, body) = with_key(&site).put(&format!("Email/{id}"), change).await;
    assert_eq!((status, &body["name"]), (200, &json!("Old")));
    assert_eq!(
        (&body["parentName"], &body["accountId"]),
        (&json!("Acme"), &json!(acme))
    );
}

#[tokio::test]
async fn a_meeting_has_its_user_and_takes_and_gives_contacts() {
    let site = start().await;
    let (_, ann) = seed_people(&site);
    let client = with_key(&site);
    let meeting = json!({
        "name": "Kick-off", "status": "Held", "assignedUserId": site.password_user(),
        "dateStart": "2026-01-20 09:00:00", "dateEnd": "2026-01-20 10:00:00",
    });
    let (status, _, body) = client.post("Meeting", meeting).await;
    assert_eq!(
        (status, &body["usersIds"]),
        (200, &json!([site.password_user()]))
    );
    let path = format!("Meeting/{}/contacts", body["id"].as_str().unwrap());
    assert_eq!(client.post(&path, json!({"id": ann})).await.2, json!(true));
    assert_eq!(client.list(&path, &[], "lastName").await, ["Archer"]);
    let gone = client
        .send(Method::DELETE, &path, Some(&json!({"id": ann})))
        .await;
    assert_eq!(gone.unwrap().2, json!(true));
    assert_eq!(client.list(&path, &[], "lastName").await, [""; 0]);
    assert_eq!(site.violations(), [""; 0]);
}

#[tokio::test]
async fn a_title_is_the_role_at_the_primary_account() {
    let site = start().await;
    let (acme, ann) = seed_people(&site);
    let client = with_key(&site);
    let path = format!("Contact/{ann}");
    let (_, _, body) = client.put(&path, json!({"title": "Chief"})).await;
    assert_eq!(body["accountsColumns"][&acme]["role"], "Chief");
    let (_, _, body) = client.put(&path, json!({"accountId": null})).await;
    assert_eq!(
        (&body["title"], &body["accountsIds"]),
        (&Value::Null, &json!([]))
    );
    let (_, _, body) = client.put(&path, json!({"title": "Lost"})).await;
    assert_eq!(body["title"], Value::Null);
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_where_the_server_counts_versions() {
    let site = start().await;
    let (acme, _) = seed_people(&site);
    site.edit(Entity::Account, &acme, &json!({"name": "Acme Ltd"}));
    let mut client = with_key(&site);
    client.headers.push(("X-Version-Number", "1"));
    let (status, reason, body) = client
        .put(&format!("Account/{acme}"), json!({"name": "Me"}))
        .await;
    assert_eq!((status, reason.as_deref()), (409, Some("modified")));
    assert_eq!(
        body,
        json!({"values": {"name": "Acme Ltd"}, "versionNumber": 2})
    );
}

#[tokio::test]
async fn links_lead_only_to_what_is_there() {
    let site = start().await;
    let client = with_key(&site);
    let (status, _, body) = client
        .post("Contact", json!({"lastName": "A", "accountId": "no"}))
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        body["messageTranslation"]["label"],
        "cannotRelateNonExisting"
    );
    let (status, reason, _) = client
        .post("Account", json!({"name": "A", "assignedUserId": "no"}))
        .await;
    assert_eq!(status, 403);
    assert!(reason.unwrap().starts_with("Assignment failure"));
}
