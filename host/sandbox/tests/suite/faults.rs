//! Bad days: what a connector meets when the CRM or the network fails.

use brightsync_sandbox::{Entry, Fault, Rule};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, expect, header};
use crate::flow::{program, request, short};

fn rule(method: Option<&str>, path: Option<&str>, times: u32, fault: Fault) -> Rule {
    Rule {
        method: method.map(ToOwned::to_owned),
        path: path.map(ToOwned::to_owned),
        times,
        fault,
    }
}

#[tokio::test]
async fn a_fault_strikes_as_often_as_it_was_told() {
    let client = Client::empty().await;
    let fault = Fault::TooManyRequests {
        retry_after: Some("Wed, 21 Oct 2026 07:28:00 GMT".to_owned()),
    };
    client
        .server
        .faults()
        .add(rule(Some("get"), Some("/contacts"), 2, fault));
    let get = async |path: &str| client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(get("/accounts").await.status(), 200);
    let limited = get("/contacts").await;
    assert_eq!(
        (limited.status().as_u16(), header(&limited, "retry-after")),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT")
    );
    client.contact("Ada", "ada@example.com").await;
    assert_eq!(get("/contacts?limit=1").await.status(), 429);
    assert_eq!(get("/contacts").await.status(), 200);
    assert_eq!(client.server.faults().rules(), []);
}

#[tokio::test]
async fn an_answer_can_be_anything() {
    let client = Client::empty().await;
    let faults = client.server.faults();
    faults.next(Fault::Unavailable { retry_after: None });
    faults.next(Fault::Unauthorized);
    faults.next(Fault::Html);
    faults.next(Fault::Redirect {
        to: "http://169.254.169.254/".to_owned(),
    });
    let get = async || {
        client
            .request(Method::GET, "/contacts")
            .send()
            .await
            .unwrap()
    };
    let down = get().await;
    assert_eq!(
        (down.status().as_u16(), down.headers().get("retry-after")),
        (503, None)
    );
    assert_eq!(
        down.json::<serde_json::Value>().await.unwrap()["error"]["code"],
        "unavailable"
    );
    assert_eq!(get().await.status(), 401);
    let html = get().await;
    assert_eq!(
        (html.status().as_u16(), header(&html, "content-type")),
        (200, "text/html; charset=utf-8")
    );
    let away = get().await;
    assert_eq!(
        (away.status().as_u16(), header(&away, "location")),
        (307, "http://169.254.169.254/")
    );
    assert_eq!(get().await.status(), 200);
}

#[tokio::test]
async fn a_cut_connection_leaves_no_answer_and_the_change_only_if_it_was_made_before() {
    let client = Client::empty().await;
    for (fault, count) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        client.server.faults().next(fault);
        let request = client
            .request(Method::POST, "/contacts")
            .json(&json!({"full_name": "Ada"}));
        let error = request.send().await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
        assert_eq!(client.ids("/contacts").await.len(), count);
    }
    let entry = |method: &str, path: &str, status| Entry {
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        token: None,
    };
    let (post, get) = (
        entry("POST", "/contacts", None),
        entry("GET", "/contacts", Some(200)),
    );
    assert_eq!(
        client.server.requests().take(),
        [post.clone(), get.clone(), post, get]
    );
    assert_eq!(client.server.requests().entries(), []);
}

#[tokio::test]
async fn a_body_can_be_slow_or_end_too_early() {
    let client = Client::empty().await;
    client.server.faults().next(Fault::Slow { pause: 0 });
    assert_eq!(client.get("/contacts").await["data"], json!([]));
    client.server.faults().next(Fault::Truncated);
    let response = client
        .request(Method::GET, "/contacts")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_server_in_another_process_is_scripted_by_its_admin() {
    let client = Client::empty().await;
    let add = |rule: serde_json::Value| client.admin(Method::POST, "/_faults").json(&rule);
    expect(add(json!({"method": "POST", "path": "/contacts", "times": 2, "fault": {"kind": "cut_after"}})), 204).await;
    expect(
        add(json!({"fault": {"kind": "too_many_requests", "retry_after": "3"}})),
        204,
    )
    .await;
    expect(add(json!({"fault": {"kind": "earthquake"}})), 422).await;
    expect(add(json!({"fault": {"kind": "html"}, "often": true})), 422).await;
    let rules = expect(client.admin(Method::GET, "/_faults"), 200).await;
    assert_eq!(rules["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        client
            .request(Method::GET, "/users")
            .send()
            .await
            .unwrap()
            .status(),
        429
    );
    expect(client.admin(Method::DELETE, "/_faults"), 204).await;
    client.get("/users?limit=1").await;
    let requests = expect(client.admin(Method::GET, "/_requests"), 200).await;
    let seen = json!([
        {"method": "GET", "path": "/users", "status": 429},
        {"method": "GET", "path": "/users?limit=1", "status": 200}
    ]);
    assert_eq!(
        requests["data"], seen,
        "the admin's own requests are not noted"
    );
    expect(client.admin(Method::DELETE, "/_requests"), 204).await;
    let changed = expect(
        client
            .admin(Method::POST, "/_changes")
            .json(&json!({"create": 2})),
        200,
    )
    .await;
    assert_eq!(changed["created"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_is_given_as_it_is_written() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let token = async || {
        let form = [("grant_type", "client_credentials")];
        let answer = client.token(&program, &form).send().await.unwrap();
        let status = answer.status().as_u16();
        let media_type = header(&answer, "content-type").to_owned();
        (status, media_type, answer.text().await.unwrap())
    };
    let given = async |status, media_type: &str, body: &str, done| {
        let fault = Fault::Answer {
            status,
            media_type: media_type.to_owned(),
            body: body.to_owned(),
            done,
        };
        client
            .server
            .faults()
            .add(rule(None, Some("/oauth/token"), 1, fault));
        client.get("/contacts").await;
        let (got, got_type, got_body) = token().await;
        assert_eq!((got_type.as_str(), got_body.as_str()), (media_type, body));
        got
    };
    let zoho = r#"{"error":"invalid_code"}"#;
    assert_eq!(given(200, "application/json", zoho, false).await, 200);
    assert_eq!(given(503, "text/html", "<h1>Down</h1>", false).await, 503);
    for status in [0, 100, 199, 600, 1000] {
        assert_eq!(given(status, "text/plain", "", false).await, 500);
    }
    assert_eq!(client.server.counts().issued, 0);
    assert_eq!(given(502, "text/plain", "lost", true).await, 502);
    assert_eq!(client.server.counts().issued, 1);
    assert_eq!(token().await.0, 200);
    let rule = json!({"path": "/oauth/token", "fault": {"kind": "answer", "status": 400,
        "media_type": "application/json", "body": zoho}});
    let add = client.admin(Method::POST, "/_faults").json(&rule);
    expect(add, 204).await;
    assert_eq!(
        token().await,
        (400, "application/json".to_owned(), zoho.to_owned())
    );
}

#[tokio::test]
async fn a_lost_answer_of_the_token_endpoint_is_noted_as_given() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let code = client.code(&request(&program)).await;
    let first = expect(client.redeem(&program, &code), 200).await;
    client.server.requests().take();
    client.server.faults().next(Fault::CutAfter);
    assert!(client.refresh(&program, &first).send().await.is_err());
    let told = short(client.refresh(&program, &first)).await;
    assert_eq!(told, "400 invalid_grant", "the first try used it up");
    let noted = client.server.requests().take();
    let seen = noted
        .iter()
        .map(|it| (it.status, it.token.as_ref().unwrap()));
    let seen: Vec<_> = seen.map(|it| (it.0, it.1.result)).collect();
    assert_eq!(seen, [(None, "ok"), (Some(400), "invalid_grant")]);
}
