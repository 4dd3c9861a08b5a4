//! A redirect is followed by the host, as a new request to a new place: with nothing that was meant for the old one, and nowhere that a request may not go.

use brightsync_runtime::Limits;
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, Names, World, ask, manifest};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn get(url: &str) -> Value {
    json!({ "url": url })
}

fn to(status: u16, place: &str) -> Answer {
    Answer::text(status, "").with("location", place)
}

/// An account at one server that is also granted another, where its credential must not go.
fn with_elsewhere(crm: &Server, elsewhere: &Server) -> Account {
    Account::at(crm)
        .set("elsewhere", &elsewhere.origin())
        .grant(&elsewhere.origin())
        .reach(elsewhere)
}

/// What a guest is told of one request, and the story of the call.
async fn told(world: &World, account: Account, order: Value) -> String {
    let acme = world.open(guest::ASKER, account).await;
    let answers = ask(&acme, &[order]).await;
    let answer = match (&answers[0]["status"], &answers[0]["code"]) {
        (Value::Null, code) => code.clone(),
        (status, _) => json!([status, answers[0]["body"]]),
    };
    format!("{answer}\n{}", world.story())
}

/// What becomes of a `GET` that is redirected to a place like this.
async fn check_place(
    world: World,
    account: impl Fn(Account) -> Account,
    place: &str,
    expected: Expect,
) {
    let crm = Server::start();
    crm.once("GET /me", to(302, place));
    let account = account(Account::at(&crm).bearer("a-token-of-acme"));
    expected.assert_eq(&told(&world, account, get("me")).await);
}

#[tokio::test]
async fn a_read_is_followed_and_carries_nothing_of_the_guests_along() {
    let crm = Server::start();
    crm.once("GET /old", to(301, "/new?page=2#top"));
    crm.once("GET /new?page=2", Answer::text(200, "here"));
    let world = World::new();
    let account = Account::at(&crm).bearer("a-token-of-acme");
    let order = json!({"url": "old", "headers": [["X-Of-The-Guest", "1"]]});
    expect![[r#"
        [200,"here"]
        get-users for acme: answer
          GET http://127.0.0.1:PORT/old -> 301
          GET http://127.0.0.1:PORT/new -> 200
    "#]]
    .assert_eq(&told(&world, account, order).await);
    expect![[r#"
        GET /old
        accept: */*
        authorization: Bearer a-token-of-acme
        x-of-the-guest: 1

        GET /new?page=2
        accept: */*
        authorization: Bearer a-token-of-acme
    "#]]
    .assert_eq(&crm.transcript());
}

#[tokio::test]
async fn each_status_does_to_each_method_what_the_rfc_says_and_no_write_is_sent_twice() {
    let crm = Server::start();
    let mut orders = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        for (method, repeatable) in [
            ("GET", false),
            ("POST", true),
            ("POST", false),
            ("PUT", false),
            ("PATCH", false),
            ("DELETE", false),
        ] {
            let mut order =
                json!({"method": method, "url": status.to_string(), "repeatable": repeatable});
            if matches!(method, "POST" | "PUT" | "PATCH") {
                order["body"] = json!("the body");
            }
            orders.push(order);
            crm.always(&format!("{method} /{status}"), to(status, "/there"));
            crm.always(&format!("{method} /there"), Answer::text(200, ""));
        }
    }
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &orders).await;
    let asked = crm.asked().into_iter().map(|it| {
        let body = String::from_utf8(it.body.clone()).unwrap();
        let kind = it.header("content-type").unwrap_or_default();
        format!("{} {kind} {body}", it.line).trim_end().to_owned()
    });
    // What was asked at the new place because of which request before it.
    let mut steps: Vec<String> = Vec::new();
    for line in asked {
        match steps.last_mut() {
            Some(last) if line.contains("/there") => last.push_str(&format!(" -> {line}")),
            _ => steps.push(line),
        }
    }
    expect![[r#"
        GET /301 -> GET /there
        POST /301 text/plain the body -> POST /there text/plain the body
        POST /301 text/plain the body
        PUT /301 text/plain the body -> PUT /there text/plain the body
        PATCH /301 text/plain the body
        DELETE /301 -> DELETE /there
        GET /302 -> GET /there
        POST /302 text/plain the body -> POST /there text/plain the body
        POST /302 text/plain the body
        PUT /302 text/plain the body -> PUT /there text/plain the body
        PATCH /302 text/plain the body
        DELETE /302 -> DELETE /there
        GET /303 -> GET /there
        POST /303 text/plain the body -> GET /there
        POST /303 text/plain the body -> GET /there
        PUT /303 text/plain the body -> GET /there
        PATCH /303 text/plain the body -> GET /there
        DELETE /303 -> GET /there
        GET /307 -> GET /there
        POST /307 text/plain the body -> POST /there text/plain the body
        POST /307 text/plain the body
        PUT /307 text/plain the body -> PUT /there text/plain the body
        PATCH /307 text/plain the body
        DELETE /307 -> DELETE /there
        GET /308 -> GET /there
        POST /308 text/plain the body -> POST /there text/plain the body
        POST /308 text/plain the body
        PUT /308 text/plain the body -> PUT /there text/plain the body
        PATCH /308 text/plain the body
        DELETE /308 -> DELETE /there"#]]
    .assert_eq(&steps.join("\n"));
}

#[tokio::test]
async fn a_redirect_to_a_place_that_is_not_listed_is_denied() {
    check_place(
        World::new(),
        |it| it,
        "https://evil.example.com/x",
        expect![[r#"
            "not-in-manifest"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/me -> 302
              GET https://evil.example.com/x -> not-in-manifest
        "#]],
    )
    .await;
    check_place(
        World::new(),
        |it| it,
        "//evil.example.com/x",
        expect![[r#"
        "not-in-manifest"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> 302
          GET http://evil.example.com/x -> not-in-manifest
    "#]],
    )
    .await;
    check_place(
        World::new(),
        |it| it,
        "http://169.254.169.254/latest/meta-data/",
        expect![[r#"
            "not-in-manifest"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/me -> 302
              GET http://169.254.169.254/latest/meta-data/ -> not-in-manifest
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_redirect_to_a_place_that_is_listed_and_not_granted_is_denied() {
    check_place(
        World::new(),
        |it| it,
        "https://crm.example.com/x",
        expect![[r#"
            "not-granted"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/me -> 302
              GET https://crm.example.com/x -> not-granted
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_denied_even_if_it_is_granted() {
    let literal = |it: Account| {
        it.set("elsewhere", "https://10.0.0.1")
            .grant("https://10.0.0.1")
    };
    check_place(
        World::new(),
        literal,
        "https://10.0.0.1/x",
        expect![[r#"
        "not-allowed"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> 302
          GET https://10.0.0.1/x -> not-allowed
    "#]],
    )
    .await;
    let world = World::with(|it| it.resolver(Names(vec!["10.0.0.1".parse().unwrap()])));
    let name = |it: Account| it.grant("https://crm.example.com");
    check_place(
        world,
        name,
        "https://crm.example.com/x",
        expect![[r#"
        "address"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> 302
          GET https://crm.example.com/x -> address
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_redirect_to_http_is_denied_without_the_operators_leave() {
    let elsewhere = Server::start();
    let origin = elsewhere.origin();
    let account = |it: Account| it.set("elsewhere", &origin).grant(&origin);
    check_place(
        World::new(),
        account,
        &format!("{origin}/x"),
        expect![[r#"
        "not-https"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> 302
          GET http://127.0.0.1:PORT/x -> not-https
    "#]],
    )
    .await;
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_something_else_than_a_plain_address_is_denied() {
    for (place, expected) in [
        ("ftp://crm.example.com/", expect!["redirect-scheme"]),
        ("file:///etc/passwd", expect!["redirect-scheme"]),
        (
            "https://user:password@crm.example.com/",
            expect!["redirect-user-info"],
        ),
        ("\\\\evil.example.com\\x", expect!["redirect-location"]),
        ("/a b", expect!["redirect-location"]),
        ("/x?access_token=mine", expect!["parameter"]),
        ("/a%2f..%2f..%2fadmin", expect!["path"]),
    ] {
        let crm = Server::start();
        crm.once("GET /me", to(302, place));
        let world = World::new();
        let acme = world.open(guest::ASKER, Account::at(&crm)).await;
        let answers = ask(&acme, &[get("me")]).await;
        expected.assert_eq(answers[0]["code"].as_str().unwrap());
        assert_eq!(crm.asked().len(), 1);
    }
}

#[tokio::test]
async fn without_one_place_to_go_to_the_redirect_is_the_answer() {
    let crm = Server::start();
    crm.once("GET /none", Answer::text(302, "nowhere"));
    crm.once("GET /two", to(302, "/a").with("location", "/b"));
    crm.once("GET /choices", to(300, "/a"));
    crm.once("GET /unchanged", to(304, "/a"));
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let orders = ["none", "two", "choices", "unchanged"].map(get);
    let answers = ask(&acme, &orders).await;
    let statuses: Vec<_> = (0..4).map(|it| answers[it]["status"].clone()).collect();
    assert_eq!(statuses, [302, 302, 300, 304]);
}

/// A CRM that redirects to a host outside the audience: what arrives there.
async fn check_audience(recipe: &str, field: &str, query: &str, expected: Expect) {
    let (crm, elsewhere) = (Server::start(), Server::start());
    // It repeats the whole address, as many a server does, and a credential in it.
    let away = format!("{}/x{query}", elsewhere.origin());
    crm.once(&format!("GET /me{query}"), to(302, &away));
    elsewhere.once("GET /x", Answer::text(200, "elsewhere"));
    let world = World::new();
    let account =
        with_elsewhere(&crm, &elsewhere).credential(recipe, &[(field, "a-secret-of-acme")]);
    let told = told(&world, account, get("me")).await;
    assert!(told.starts_with("[200,\"elsewhere\"]"), "{told}");
    assert!(crm.transcript().contains("a-secret-of-acme"));
    expected.assert_eq(&elsewhere.transcript());
}

#[tokio::test]
async fn no_credential_goes_along_to_a_host_outside_its_audience() {
    check_audience(
        "bearer",
        "token",
        "",
        expect![[r#"
        GET /x
        accept: */*
    "#]],
    )
    .await;
    // Named by the manifest, so that no list of well-known headers would stop it.
    check_audience(
        "key",
        "key",
        "",
        expect![[r#"
        GET /x
        accept: */*
    "#]],
    )
    .await;
    check_audience(
        "parameter",
        "key",
        "?api_token=a-secret-of-acme",
        expect![[r#"
        GET /x
        accept: */*
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_credential_goes_along_where_manifest_and_grant_want_it() {
    for (is_granted, expected) in [(true, Some("Bearer a-token-of-acme")), (false, None)] {
        let (crm, elsewhere) = (Server::start(), Server::start());
        crm.once("GET /me", to(307, &format!("{}/x", elsewhere.origin())));
        elsewhere.once("GET /x", Answer::text(200, ""));
        let world = World::new();
        let wider = manifest("asker").replace(
            r#"audience = ["{site}"]"#,
            r#"audience = ["{site}", "{elsewhere}"]"#,
        );
        world.load_with(guest::ASKER, &wider).await.unwrap();
        let mut account = with_elsewhere(&crm, &elsewhere).bearer("a-token-of-acme");
        if is_granted {
            account = account.trust(&elsewhere.origin());
        }
        ask(&world.connect("acme", guest::ASKER, account), &[get("me")]).await;
        assert_eq!(elsewhere.asked()[0].header("authorization"), expected);
    }
}

/// A CRM that redirects from each number to the next.
fn chain(crm: &Server, length: u32) {
    for number in 0..length {
        crm.once(
            &format!("GET /{number}"),
            to(302, &format!("/{}", number + 1)),
        );
    }
}

#[tokio::test]
async fn a_chain_of_three_is_followed_and_one_of_four_is_not() {
    let crm = Server::start();
    chain(&crm, 3);
    crm.once("GET /3", Answer::text(200, "the end"));
    expect![[r#"
        [200,"the end"]
        get-users for acme: answer
          GET http://127.0.0.1:PORT/0 -> 302
          GET http://127.0.0.1:PORT/1 -> 302
          GET http://127.0.0.1:PORT/2 -> 302
          GET http://127.0.0.1:PORT/3 -> 200
    "#]]
    .assert_eq(&told(&World::new(), Account::at(&crm), get("0")).await);
    let crm = Server::start();
    chain(&crm, 4);
    expect![[r#"
        "too-many-redirects"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/0 -> 302
          GET http://127.0.0.1:PORT/1 -> 302
          GET http://127.0.0.1:PORT/2 -> 302
          GET http://127.0.0.1:PORT/3 -> 302
    "#]]
    .assert_eq(&told(&World::new(), Account::at(&crm), get("0")).await);
}

#[tokio::test]
async fn redirects_beyond_their_number_are_denied() {
    let limits = Limits {
        redirects: 1,
        ..Limits::default()
    };
    let crm = Server::start();
    chain(&crm, 2);
    let world = World::with(|it| it.limits(limits));
    expect![[r#"
        "too-many-redirects"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/0 -> 302
          GET http://127.0.0.1:PORT/1 -> 302
    "#]]
    .assert_eq(&told(&world, Account::at(&crm), get("0")).await);
}

#[tokio::test]
async fn each_hop_is_one_of_the_calls_requests() {
    let limits = Limits {
        requests: 2,
        ..Limits::default()
    };
    let crm = Server::start();
    chain(&crm, 2);
    let world = World::with(|it| it.limits(limits));
    expect![[r#"
        "too-many-requests"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/0 -> 302
          GET http://127.0.0.1:PORT/1 -> 302
    "#]]
    .assert_eq(&told(&world, Account::at(&crm), get("0")).await);
}

#[tokio::test]
async fn a_circle_ends_where_it_closes() {
    let crm = Server::start();
    crm.once("GET /a", to(302, "/b"));
    crm.once("GET /b", to(302, "/a"));
    expect![[r#"
        "redirect-loop"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/a -> 302
          GET http://127.0.0.1:PORT/b -> 302
    "#]]
    .assert_eq(&told(&World::new(), Account::at(&crm), get("a")).await);
}

#[tokio::test]
async fn the_result_of_a_write_is_read_and_if_it_cannot_be_the_write_was_answered_all_the_same() {
    let post = json!({"method": "POST", "url": "accounts", "body": "x"});
    let crm = Server::start();
    crm.once("POST /accounts", to(303, "/accounts/7"));
    crm.once("GET /accounts/7", Answer::text(200, "the account"));
    expect![[r#"
        [200,"the account"]
        get-users for acme: answer
          POST http://127.0.0.1:PORT/accounts -> 303
          GET http://127.0.0.1:PORT/accounts/7 -> 200
    "#]]
    .assert_eq(&told(&World::new(), Account::at(&crm), post.clone()).await);
    let crm = Server::start();
    crm.once("POST /accounts", to(303, "https://evil.example.com/x"));
    expect![[r#"
        [303,""]
        get-users for acme: answer
          POST http://127.0.0.1:PORT/accounts -> 303
          GET https://evil.example.com/x -> not-in-manifest
    "#]]
    .assert_eq(&told(&World::new(), Account::at(&crm), post).await);
}
