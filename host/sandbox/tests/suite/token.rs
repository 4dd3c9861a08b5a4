//! What programs exchange for tokens, and what every malformed request is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use brightsync_sandbox::{Client as Program, ClientAuthentication, Counts, Grant};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, START, expect, header, standing};
use crate::flow::{BACK, VERIFIER, at, program, redemption, request, same, short, with};

#[tokio::test]
async fn a_malformed_request_is_refused_with_the_code_of_the_rfc() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let mut got = Vec::new();
    for body in [
        "",
        "grant_type=",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&x=1&x=2",
        "grant_type=client_credentials&x=%zz",
        "grant_type=implicit",
        "grant_type=client_credentials&scope=admin",
        "grant_type=client_credentials&scope=read++write",
        "grant_type=client_credentials&scope=",
        "grant_type=client_credentials&unknown=ignored",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
        "grant_type=authorization_code",
        "grant_type=authorization_code&code=x",
        "grant_type=authorization_code&code=x&redirect_uri=y",
        "grant_type=authorization_code&code=x&redirect_uri=y&code_verifier=short",
        "grant_type=refresh_token",
        "grant_type=refresh_token&refresh_token=x",
        "grant_type=password&username=x",
        "grant_type=password&password=x",
        "grant_type=password&username=user0@crm.example&password=x",
    ] {
        let request = client.ask("/oauth/token", &program);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        got.push(format!("{body}: {}", short(request.body(body)).await));
    }
    same(
        &got,
        ": 400 invalid_request
        grant_type=: 400 invalid_request
        grant_type=client_credentials&grant_type=client_credentials: 400 invalid_request
        grant_type=client_credentials&x=1&x=2: 400 invalid_request
        grant_type=client_credentials&x=%zz: 400 invalid_request
        grant_type=implicit: 400 unsupported_grant_type
        grant_type=client_credentials&scope=admin: 400 invalid_scope
        grant_type=client_credentials&scope=read++write: 400 invalid_scope
        grant_type=client_credentials&scope=: 200
        grant_type=client_credentials&unknown=ignored: 200
        grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer: 400 invalid_request
        grant_type=authorization_code: 400 invalid_request
        grant_type=authorization_code&code=x: 400 invalid_request
        grant_type=authorization_code&code=x&redirect_uri=y: 400 invalid_request
        grant_type=authorization_code&code=x&redirect_uri=y&code_verifier=short: 400 invalid_request
        grant_type=refresh_token: 400 invalid_request
        grant_type=refresh_token&refresh_token=x: 400 invalid_grant
        grant_type=password&username=x: 400 invalid_request
        grant_type=password&password=x: 400 invalid_request
        grant_type=password&username=user0@crm.example&password=x: 400 invalid_grant",
    );
}

#[tokio::test]
async fn a_body_comes_as_it_was_registered_and_nothing_in_the_address() {
    let client = Client::empty().await;
    let form = client.server.register(program()).unwrap();
    let json = client
        .server
        .register(Program {
            json_bodies: true,
            ..program()
        })
        .unwrap();
    let body = [("grant_type", "client_credentials")];
    let object = json!({"grant_type": "client_credentials"});
    let raw = |text: &str| {
        client
            .ask("/oauth/token", &json)
            .header("Content-Type", "application/json")
            .body(text.to_owned())
    };
    let got = [
        short(client.token(&form, &body)).await,
        short(client.ask("/oauth/token", &form).json(&object)).await,
        short(client.ask("/oauth/token", &json).json(&object)).await,
        short(client.token(&json, &body)).await,
        short(client.ask("/oauth/token?a=b", &form).form(&body)).await,
        short(
            client
                .ask("/oauth/token", &form)
                .body("grant_type=client_credentials"),
        )
        .await,
        short(raw(
            r#"{"grant_type": "client_credentials", "grant_type": "password"}"#,
        ))
        .await,
        short(raw(r#"{"grant_type": 1}"#)).await,
        short(raw(r#"["grant_type"]"#)).await,
        short(
            client
                .ask("/oauth/revoke", &json)
                .json(&json!({"token": "x"})),
        )
        .await,
        short(client.ask("/oauth/revoke", &json).form(&[("token", "x")])).await,
    ];
    same(
        &got,
        "200
        400 invalid_request
        200
        400 invalid_request
        400 invalid_request
        400 invalid_request
        400 invalid_request
        400 invalid_request
        400 invalid_request
        200
        400 invalid_request",
    );
}

#[tokio::test]
async fn a_client_authenticates_exactly_as_it_was_registered() {
    let client = Client::empty().await;
    let register = |authentication| {
        let program = Program {
            authentication,
            grants: vec![Grant::Password],
            ..program()
        };
        client.server.register(program).unwrap()
    };
    let basic = register(ClientAuthentication::ClientSecretBasic);
    let post = register(ClientAuthentication::ClientSecretPost);
    let public = register(ClientAuthentication::None);
    let login = &client.server.credentials().users[0];
    let (id, secret) = (&basic.id, basic.secret.as_deref().unwrap());
    let post_secret = post.secret.as_deref().unwrap();
    let form = |extra: &[(&'static str, &str)]| {
        let mut form = vec![
            ("grant_type", "password".to_owned()),
            ("username", login.email.clone()),
            ("password", login.password.clone()),
        ];
        form.extend(extra.iter().map(|it| (it.0, it.1.to_owned())));
        form
    };
    let bare = |extra: &[(&'static str, &str)]| {
        client.bare(Method::POST, "/oauth/token").form(&form(extra))
    };
    let header =
        |extra: &[(&'static str, &str)]| client.ask("/oauth/token", &basic).form(&form(extra));
    let mut got = Vec::new();
    for (what, request) in [
        ("basic", header(&[])),
        ("basic, same id", header(&[("client_id", id)])),
        ("basic, other id", header(&[("client_id", &post.id)])),
        (
            "both",
            header(&[("client_id", id), ("client_secret", secret)]),
        ),
        (
            "half encoded",
            bare(&[]).basic_auth(id, Some(secret.replace('+', "%2B"))),
        ),
        ("not encoded", bare(&[]).basic_auth(id, Some(secret))),
        ("wrong", bare(&[]).basic_auth(id, Some("wrong"))),
        ("empty", bare(&[]).basic_auth(id, Some(""))),
        ("unknown", bare(&[]).basic_auth("client-0", Some("wrong"))),
        ("bearer", bare(&[]).bearer_auth(secret)),
        (
            "basic in the body",
            bare(&[("client_id", id), ("client_secret", secret)]),
        ),
        (
            "post",
            bare(&[("client_id", &post.id), ("client_secret", post_secret)]),
        ),
        (
            "post, wrong",
            bare(&[("client_id", &post.id), ("client_secret", secret)]),
        ),
        ("post, none", bare(&[("client_id", &post.id)])),
        ("post, no id", bare(&[("client_secret", post_secret)])),
        ("public", bare(&[("client_id", &public.id)])),
        (
            "public, secret",
            bare(&[("client_id", &public.id), ("client_secret", "x")]),
        ),
        ("nobody", bare(&[])),
    ] {
        got.push(format!("{what}: {}", short(request).await));
    }
    same(
        &got,
        "basic: 200
        basic, same id: 200
        basic, other id: 400 invalid_request
        both: 400 invalid_request
        half encoded: 401 invalid_client
        not encoded: 401 invalid_client
        wrong: 401 invalid_client
        empty: 401 invalid_client
        unknown: 401 invalid_client
        bearer: 401 invalid_client
        basic in the body: 401 invalid_client
        post: 200
        post, wrong: 401 invalid_client
        post, none: 401 invalid_client
        post, no id: 400 invalid_request
        public: 200
        public, secret: 401 invalid_client
        nobody: 401 invalid_client",
    );
    let refused = bare(&[]).send().await.unwrap();
    for (name, value) in [
        ("www-authenticate", r#"Basic realm="sandbox""#),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
    ] {
        assert_eq!(self::header(&refused, name), value);
    }
}

#[tokio::test]
async fn a_code_is_for_one_use_of_one_client_within_a_minute() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let program = client.server.register(self::program()).unwrap();
    let other = client.server.register(self::program()).unwrap();
    let mut got = Vec::new();
    let mut note = |what: &str, told: String| got.push(format!("{what}: {told}"));
    let form = |code: &str, address: &str, verifier: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", address),
            ("code_verifier", verifier),
        ];
        client.token(&program, &form)
    };
    let fields = request(&program);

    let code = client.code(&fields).await;
    note("other client", short(client.redeem(&other, &code)).await);
    note("own client", short(client.redeem(&program, &code)).await);
    let code = client.code(&fields).await;
    let wrong = VERIFIER.replace('d', "e");
    note("wrong verifier", short(form(&code, BACK, &wrong)).await);
    note("and right", short(client.redeem(&program, &code)).await);
    let code = client.code(&fields).await;
    let elsewhere = "http://127.0.0.1:1/back?kept=yes";
    note("elsewhere", short(form(&code, elsewhere, VERIFIER)).await);
    let code = client.code(&fields).await;
    time.fetch_add(59_999, Ordering::Relaxed);
    note("in time", short(client.redeem(&program, &code)).await);
    let code = client.code(&fields).await;
    time.fetch_add(60_000, Ordering::Relaxed);
    note("too late", short(client.redeem(&program, &code)).await);

    let code = client.code(&fields).await;
    let answer = expect(client.redeem(&program, &code), 200).await;
    note("token", short(client.me(&answer)).await);
    note("second use", short(client.redeem(&program, &code)).await);
    note("token", short(client.me(&answer)).await);
    note("refresh", short(client.refresh(&program, &answer)).await);
    same(
        &got,
        "other client: 400 invalid_grant
        own client: 200
        wrong verifier: 400 invalid_grant
        and right: 400 invalid_grant
        elsewhere: 400 invalid_grant
        in time: 200
        too late: 400 invalid_grant
        token: 200
        second use: 400 invalid_grant
        token: 401 invalid_token
        refresh: 400 invalid_grant",
    );
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_its_reuse_ends_the_family() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let code = client.code(&request(&program)).await;
    let first = expect(client.redeem(&program, &code), 200).await;
    let second = expect(client.refresh(&program, &first), 200).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    expect(client.me(&first), 200).await;
    let third = expect(client.refresh(&program, &second), 200).await;
    let unrelated = client.code(&request(&program)).await;
    let unrelated = expect(client.redeem(&program, &unrelated), 200).await;
    let expected = |reused, revoked| Counts {
        issued: 4,
        refreshed: 2,
        reused,
        revoked,
    };
    assert_eq!(client.server.counts(), expected(0, 0));
    let told = short(client.refresh(&program, &first)).await;
    assert_eq!(told, "400 invalid_grant");
    for answer in [&first, &second, &third] {
        assert_eq!(short(client.me(answer)).await, "401 invalid_token");
        let told = short(client.refresh(&program, answer)).await;
        assert_eq!(told, "400 invalid_grant");
    }
    assert_eq!(client.server.counts(), expected(3, 1));
    let told = expect(client.admin(Method::GET, "/_counts"), 200).await;
    assert_eq!(
        told,
        json!({"issued": 4, "refreshed": 2, "reused": 3, "revoked": 1})
    );
    expect(client.me(&unrelated), 200).await;
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_is_a_reuse() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let code = client.code(&request(&program)).await;
    let answer = expect(client.redeem(&program, &code), 200).await;
    let refresh = || short(client.refresh(&program, &answer));
    let told = futures::join!(refresh(), refresh());
    let mut told = [told.0, told.1];
    told.sort();
    assert_eq!(told, ["200", "400 invalid_grant"]);
    let counts = client.server.counts();
    assert_eq!((counts.refreshed, counts.reused, counts.revoked), (1, 1, 1));
}

#[tokio::test]
async fn without_rotation_a_refresh_token_lasts_and_only_for_its_client() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let register = |rotation, refresh_lifetime| {
        let program = Program {
            rotation,
            refresh_lifetime,
            ..program()
        };
        client.server.register(program).unwrap()
    };
    let program = register(false, None);
    let other = register(false, None);
    let code = client.code(&request(&program)).await;
    let answer = expect(client.redeem(&program, &code), 200).await;
    for _ in 0..3 {
        let again = expect(client.refresh(&program, &answer), 200).await;
        assert_eq!(again.get("refresh_token"), None);
        expect(client.me(&again), 200).await;
    }
    let told = short(client.refresh(&other, &answer)).await;
    assert_eq!(told, "400 invalid_grant");
    time.fetch_add(86_399_999, Ordering::Relaxed);
    expect(client.refresh(&program, &answer), 200).await;
    time.fetch_add(1, Ordering::Relaxed);
    let told = short(client.refresh(&program, &answer)).await;
    assert_eq!(told, "400 invalid_grant");
    assert_eq!(client.server.counts().reused, 0);

    let brief = register(false, Some(Duration::from_secs(1)));
    let code = client.code(&request(&brief)).await;
    let answer = expect(client.redeem(&brief, &code), 200).await;
    time.fetch_add(1000, Ordering::Relaxed);
    let told = short(client.refresh(&brief, &answer)).await;
    assert_eq!(told, "400 invalid_grant");
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_never_for_more() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let again = async |answer: &Value, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", answer["refresh_token"].as_str().unwrap()),
            ("scope", scope),
        ];
        let answer = client.token(&program, &form).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let code = client.code(&request(&program)).await;
    let all = expect(client.redeem(&program, &code), 200).await;
    let less = again(&all, "read").await;
    assert_eq!(less["scope"], "read");
    let all = again(&less, "read write").await;
    assert_eq!(
        all["scope"], "read write",
        "the refresh token kept its scope"
    );

    let fields = with(request(&program), "scope", Some("read"));
    let code = client.code(&fields).await;
    let read = expect(client.redeem(&program, &code), 200).await;
    assert_eq!(read["scope"], "read");
    assert_eq!(again(&read, "write").await["error"], "invalid_scope");
    assert_eq!(again(&read, "read").await["scope"], "read");
}

#[tokio::test]
async fn other_grants_stand_for_the_program_or_for_a_user() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let own = [("grant_type", "client_credentials"), ("scope", "read")];
    let own = expect(client.token(&program, &own), 200).await;
    assert_eq!(
        (&own["scope"], own.get("refresh_token")),
        (&json!("read"), None)
    );
    assert_eq!(own["id"], format!("{}/users/me", client.server.url()));
    assert_eq!(expect(client.me(&own), 200).await["user"], json!(null));

    let login = &client.server.credentials().users[1];
    let form = [
        ("grant_type", "password"),
        ("username", login.email.as_str()),
        ("password", login.password.as_str()),
    ];
    let user = expect(client.token(&program, &form), 200).await;
    let me = expect(client.me(&user), 200).await;
    assert_eq!(me["user"]["id"], login.id.as_str());
    expect(client.refresh(&program, &user), 200).await;

    let narrow = Program {
        grants: vec![Grant::Password],
        ..self::program()
    };
    let narrow = client.server.register(narrow).unwrap();
    let user = expect(client.token(&narrow, &form), 200).await;
    assert_eq!(user.get("refresh_token"), None, "it could not use one");
    let own = client.token(&narrow, &[("grant_type", "client_credentials")]);
    assert_eq!(short(own).await, "400 unauthorized_client");
    let code = client.token(&narrow, &redemption("x"));
    assert_eq!(short(code).await, "400 unauthorized_client");
}

#[tokio::test]
async fn the_journal_tells_token_requests_apart_and_keeps_no_secret() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let code = client.code(&request(&program)).await;
    let answer = expect(client.redeem(&program, &code), 200).await;
    expect(client.refresh(&program, &answer), 200).await;
    client.refresh(&program, &answer).send().await.unwrap();
    let secret = program.secret.as_deref().unwrap();
    let misplaced = format!("/oauth/token?client%5Fsecret={secret}&a=b&%zz={secret}");
    client.ask(&misplaced, &program).send().await.unwrap();
    let key = &client.server.credentials().organisation_key;
    let path = format!("/users/me?api_token={key}");
    expect(client.bare(Method::GET, &path), 200).await;
    let requests = client.server.requests().take();
    let lines: Vec<_> = requests
        .iter()
        .map(|it| {
            let token = it.token.as_ref().map_or_else(String::new, |it| {
                let grant = it.grant.map_or("-", Grant::as_str);
                let known = it.client.as_ref() == Some(&program.id);
                format!(" {grant} {known} {}", it.result)
            });
            let path = it.path.replace(&program.id, "ID");
            format!("{} {path}{token}", it.method)
        })
        .skip(1)
        .collect();
    same(
        &lines,
        "POST /oauth/authorize
        POST /oauth/token authorization_code true ok
        POST /oauth/token refresh_token true ok
        POST /oauth/token refresh_token true invalid_grant
        POST /oauth/token?client%5Fsecret=…&a=b&%zz=… - false invalid_request
        GET /users/me?api_token=…",
    );
    let asked = &requests[0].path;
    assert!(asked.contains("scope=read+write") && asked.contains("redirect_uri="));
    let kept = expect(client.admin(Method::GET, "/_requests"), 200).await;
    assert_eq!(kept["data"], json!([]));
    let kept = format!("{requests:?}{}", serde_json::to_string(&requests).unwrap());
    let tokens = ["access_token", "refresh_token"].map(|it| answer[it].as_str().unwrap());
    for secret in [tokens[0], tokens[1], secret, code.as_str(), key, VERIFIER] {
        assert!(!kept.contains(secret), "{secret}");
    }
}
