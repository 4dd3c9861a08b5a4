//! Logins in two steps, and that each way in is used alone.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::json;

use crate::client::{Client, START, expect, header, standing};
use crate::flow::{at, same, short};

#[tokio::test]
async fn a_password_buys_a_session_that_ends() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let login = &client.server.credentials().users[0];
    let buy = |body| client.bare(Method::POST, "/session/token").json(&body);
    let body = json!({"username": login.email, "password": login.password});
    let session = expect(buy(body), 200).await;
    assert_eq!(session["expires_in"], 3600);
    let ask = |method, scheme: &str| {
        let value = format!("{scheme} {}", session["token"].as_str().unwrap());
        client
            .bare(method, "/contacts")
            .header("Authorization", value)
            .json(&json!({"full_name": "A"}))
    };
    let mut got = vec![
        short(buy(json!({"username": login.email, "password": "x"}))).await,
        short(buy(json!({"username": login.email}))).await,
        short(buy(
            json!({"username": login.email, "password": "x", "more": 1}),
        ))
        .await,
        short(buy(json!([]))).await,
        short(ask(Method::POST, "Session")).await,
        short(ask(Method::GET, "Bearer")).await,
        short(
            client
                .bare(Method::GET, "/contacts")
                .header("Authorization", "Session x"),
        )
        .await,
        short(client.bare(Method::GET, "/contacts").header(
            "Cookie",
            format!("sid={}", session["token"].as_str().unwrap()),
        ))
        .await,
    ];
    time.fetch_add(3_599_999, Ordering::Relaxed);
    got.push(short(ask(Method::GET, "Session")).await);
    time.fetch_add(1, Ordering::Relaxed);
    got.push(short(ask(Method::GET, "Session")).await);
    same(
        &got,
        "401 unauthorized
        422 invalid_fields
        422 invalid_fields
        400 invalid_json
        201
        401 invalid_token
        401 unauthorized
        401 unauthorized
        200
        401 session_expired",
    );
}

#[tokio::test]
async fn a_cookie_reads_alone_and_changes_with_its_second_secret() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let login = &client.server.credentials().users[0];
    let enter = |form: &[(&str, &str)]| client.bare(Method::POST, "/session/login").form(form);
    let right = [
        ("usr", login.email.as_str()),
        ("pwd", login.password.as_str()),
    ];
    let response = enter(&right).send().await.unwrap();
    let cookie = header(&response, "set-cookie").to_owned();
    let (pair, rest) = cookie.split_once(';').unwrap();
    assert_eq!(rest, " Path=/; Max-Age=3600; HttpOnly; SameSite=Lax");
    let csrf = response.json::<serde_json::Value>().await.unwrap();
    let csrf = csrf["csrf_token"].as_str().unwrap();
    let ask = |method, path: &str| {
        client
            .bare(method, path)
            .header("Cookie", format!("a=b; {pair}; c"))
    };
    let post = |path: &str| ask(Method::POST, path).json(&json!({"full_name": "A"}));
    let search = || ask(Method::POST, "/contacts/search").json(&json!({}));
    let (_, id) = pair.split_once('=').unwrap();
    let got = [
        short(enter(&[("usr", &login.email), ("pwd", "x")])).await,
        short(enter(&[("usr", &login.email)])).await,
        short(enter(&[("usr", "a"), ("usr", "b"), ("pwd", "x")])).await,
        short(
            client
                .bare(Method::POST, "/session/login")
                .json(&json!({"usr": "a", "pwd": "b"})),
        )
        .await,
        short(ask(Method::GET, "/contacts")).await,
        short(post("/contacts")).await,
        short(post("/contacts").header("X-CSRF-Token", "x")).await,
        short(search()).await,
        short(post("/contacts").header("X-CSRF-Token", csrf)).await,
        short(search().header("X-CSRF-Token", csrf)).await,
        short(
            client
                .bare(Method::GET, "/contacts")
                .header("Cookie", "sid=x"),
        )
        .await,
        short(
            client
                .bare(Method::GET, "/contacts")
                .header("Authorization", format!("Session {id}")),
        )
        .await,
        short(ask(Method::GET, "/contacts").header("Cookie", "sid=x")).await,
    ];
    same(
        &got,
        "401 unauthorized
        400 invalid_form
        400 invalid_form
        400 invalid_form
        200
        403 csrf
        403 csrf
        403 csrf
        201
        200
        401 unauthorized
        401 unauthorized
        400 several_credentials",
    );
    time.fetch_add(3_600_000, Ordering::Relaxed);
    let told = short(ask(Method::GET, "/contacts")).await;
    assert_eq!(told, "401 session_expired");
}

#[tokio::test]
async fn a_key_comes_in_many_dresses() {
    let client = Client::empty().await;
    let credentials = client.server.credentials();
    let login = &credentials.users[1];
    let get = |path: &str| client.bare(Method::GET, path);
    let me = || get("/users/me");
    let pair =
        |key: &str, secret: &str| me().header("Authorization", format!("token {key}:{secret}"));
    let mut got = Vec::new();
    for request in [
        me().basic_auth(&login.key, Some("")),
        me().basic_auth("token", Some(&login.key)),
        me().basic_auth(&credentials.organisation_key, Some("")),
        pair(&login.key, &login.secret),
        get(&format!("/users/me?api_token={}", login.key)),
        get(&format!("/contacts?limit=1&api%5Ftoken={}", login.key)),
        me().basic_auth(&login.key, Some("x")),
        me().basic_auth("", Some(&login.key)),
        me().basic_auth("key-org-0", Some("")),
        me().basic_auth("token", Some(&login.token)),
        me().basic_auth(&credentials.admin_key, Some("")),
        pair(&login.key, &credentials.users[0].secret),
        pair(&login.key, ""),
        me().header("Authorization", format!("token {}", login.key)),
        get("/users/me?api_token="),
        get(&format!("/users/me?api_token={}", login.token)),
        get("/users/me?API_TOKEN=x"),
    ] {
        got.push(short(request).await);
    }
    same(
        &got,
        "200
        200
        200
        200
        200
        200
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized",
    );
    let key = expect(me().basic_auth(&login.key, Some("")), 200).await;
    assert_eq!(key["user"]["id"], login.id.as_str());
    let read = get("/contacts").basic_auth(&credentials.read_only_key, Some(""));
    expect(read, 200).await;
    let write = client
        .bare(Method::POST, "/contacts")
        .json(&json!({"full_name": "A"}));
    let write = write.basic_auth(&credentials.read_only_key, Some(""));
    assert_eq!(short(write).await, "403 missing_scope");
}

#[tokio::test]
async fn two_credentials_are_one_too_many() {
    let client = Client::empty().await;
    let login = &client.server.credentials().users[0];
    let me = || client.bare(Method::GET, "/users/me");
    let key = || me().header("X-Api-Key", &login.key);
    let token = format!("/users/me?api_token={}", login.key);
    for request in [
        key().header("X-Api-Key", &login.key),
        key().bearer_auth(&login.token),
        key().header("X-Hmac-Authorization", "x"),
        key().header("X-Signature", "x"),
        key().header("X-Key", "x"),
        key().header("Cookie", "sid=x"),
        me().bearer_auth(&login.token).bearer_auth(&login.token),
        me().header("Cookie", "sid=x; sid=y"),
        client.bare(Method::GET, &token).bearer_auth(&login.token),
        client.bare(Method::GET, &format!("{token}&api_token=x")),
        client.request(Method::GET, &token),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(
            header(&response, "www-authenticate"),
            r#"Bearer realm="sandbox", error="invalid_request""#
        );
        assert_eq!(response.status(), 400);
    }
}
