//! Who gets in, by which way, and what each may do.

use reqwest::Method;
use serde_json::json;

use crate::client::{Client, expect, header, refusal};

#[tokio::test]
async fn all_three_ways_lead_to_the_same_user() {
    let client = Client::empty().await;
    let login = &client.server.credentials().users[1];
    let me = || client.bare(Method::GET, "/users/me");
    for request in [
        me().header("X-Api-Key", &login.key),
        me().bearer_auth(&login.token),
        me().basic_auth(&login.email, Some(&login.password)),
        me().basic_auth(login.email.to_uppercase(), Some(&login.password)),
    ] {
        let answer = expect(request, 200).await;
        assert_eq!(answer["user"]["id"], login.id.as_str());
        assert_eq!(answer["scopes"], json!(["read", "write"]));
    }
}

#[tokio::test]
async fn a_key_of_the_organisation_stands_for_no_user() {
    let client = Client::empty().await;
    let answer = client.get("/users/me").await;
    assert_eq!(answer["user"], json!(null));
    assert_eq!(
        answer["organisation"],
        json!({"id": client.server.organisation_id(), "name": "Example Trading"})
    );
    let request = client.request(Method::GET, "/contacts?owner=me");
    assert_eq!(refusal(request, 400).await, "no_user");
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let client = Client::empty().await;
    let login = &client.server.credentials().users[0];
    let get = || client.bare(Method::GET, "/contacts");
    for request in [
        get(),
        get().header("X-Api-Key", "key-org-0"),
        get().header("X-Api-Key", &client.server.credentials().admin_key),
        get().header("X-Api-Key", &login.token),
        get().bearer_auth(&login.key),
        get().bearer_auth(""),
        get().basic_auth(&login.email, Some("wrong")),
        get().basic_auth(&login.email, Some(&login.token)),
        get().header("Authorization", "Basic %%%"),
        get().header("Authorization", "Digest x"),
        client.bare(Method::GET, "/nowhere"),
        client.bare(Method::GET, "/_faults"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(header(&response, "www-authenticate").starts_with("Basic realm="));
    }
}

#[tokio::test]
async fn a_user_who_has_left_cannot_log_in() {
    let client = Client::empty().await;
    let users = client.get("/users").await;
    let users = users["data"].as_array().unwrap();
    let gone: Vec<_> = users
        .iter()
        .filter(|it| it["active"] == false)
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!((users.len(), gone.len()), (5, 1));
    assert!(
        client
            .server
            .credentials()
            .users
            .iter()
            .all(|it| it.id != gone[0])
    );
}

#[tokio::test]
async fn a_read_only_key_searches_and_changes_nothing() {
    let client = Client::empty().await;
    let key = client.server.credentials().read_only_key.clone();
    let read = |method, path| client.bare(method, path).header("X-Api-Key", &key);
    expect(read(Method::GET, "/contacts"), 200).await;
    expect(
        read(Method::POST, "/contacts/search").json(&json!({"email": "a@example.com"})),
        200,
    )
    .await;
    let body = json!({"full_name": "A"});
    for request in [
        read(Method::POST, "/contacts").json(&body),
        read(Method::PATCH, "/contacts/con_1").json(&body),
        read(Method::DELETE, "/contacts/con_1"),
        read(Method::POST, "/contacts/con_1/merge").json(&body),
    ] {
        assert_eq!(refusal(request, 403).await, "missing_scope");
    }
}

#[tokio::test]
async fn the_admin_routes_take_the_admin_key_alone() {
    let client = Client::empty().await;
    for path in ["/_faults", "/_requests", "/_counts"] {
        assert_eq!(
            refusal(client.request(Method::GET, path), 403).await,
            "admin_only"
        );
        expect(client.admin(Method::GET, path), 200).await;
    }
    let request = client.request(Method::POST, "/_changes").json(&json!({}));
    assert_eq!(refusal(request, 403).await, "admin_only");
}

#[tokio::test]
async fn secrets_stay_out_of_debug_output() {
    let client = Client::empty().await;
    let credentials = client.server.credentials();
    let shown = format!(
        "{credentials:?} {:?} {:?}",
        client.server, credentials.users[0]
    );
    for secret in [
        &credentials.organisation_key,
        &credentials.admin_key,
        &credentials.users[0].password,
        &credentials.users[0].token,
        &credentials.users[0].secret,
        &credentials.users[0].hmac_secret,
    ] {
        assert!(!shown.contains(secret.as_str()), "{shown}");
        assert!(client.server.summary().contains(secret.as_str()));
    }
}

#[tokio::test]
async fn the_page_of_a_record_needs_a_login_and_shows_text_as_text() {
    let client = Client::empty().await;
    let body = json!({"full_name": "<script>alert(1)</script> & Co"});
    let made = client.post("/contacts", &body).await;
    let url = made["url"].as_str().unwrap();
    let path = url.strip_prefix(client.server.url()).unwrap();
    assert_eq!(
        client
            .bare(Method::GET, path)
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let page = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    let text = page.text().await.unwrap();
    assert!(
        text.contains("<h1>&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co</h1>"),
        "{text}"
    );
    assert!(!text.contains("<script>"));
}
