//! The page on which a person allows a program to act, and what comes back from it.

use brightsync_sandbox::{Client as Program, PersonError};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, START, expect, header, standing};
use crate::flow::{
    BACK, CHALLENGE, at, nonce_of, program, redemption, request, same, short, value_of, with,
};

#[tokio::test]
async fn a_person_allows_and_the_program_acts_for_them() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let page = client.authorize(&request(&program)).send().await.unwrap();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http://127.0.0.1:7000",
        ),
    ] {
        assert_eq!(header(&page, name), value);
    }
    let nonce = nonce_of(&page.text().await.unwrap());
    let login = &client.server.credentials().users[0];
    let back = client.decide(&nonce, "allow", &login.password);
    let back = back.send().await.unwrap();
    assert_eq!(back.status(), 303);
    let location = header(&back, "location").to_owned();
    assert!(location.starts_with(&format!("{BACK}&code=code-")));
    assert_eq!(value_of(&location, "state").unwrap(), "a b&c=%");
    assert_eq!(value_of(&location, "iss").unwrap(), client.server.url());
    assert_eq!(value_of(&location, "accounts-server"), None);

    let code = value_of(&location, "code").unwrap();
    let answer = client.redeem(&program, &code).send().await.unwrap();
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "pragma"), "no-cache");
    let mut answer: serde_json::Value = answer.json().await.unwrap();
    let me = expect(client.me(&answer), 200).await;
    assert_eq!(me["user"]["id"], login.id.as_str());
    assert_eq!(me["scopes"], json!(["read", "write"]));
    let members = answer.as_object_mut().unwrap();
    assert!(members.remove("access_token").is_some() && members.remove("refresh_token").is_some());
    let url = client.server.url();
    assert_eq!(
        answer,
        json!({
            "token_type": "Bearer", "expires_in": 3600, "scope": "read write",
            "instance_url": url, "id": format!("{url}/users/{}", login.id),
        })
    );
}

#[tokio::test]
async fn before_the_address_is_trusted_the_person_is_told() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let mut got = Vec::new();
    for (name, value) in [
        ("client_id", None),
        ("client_id", Some("client-0")),
        ("redirect_uri", None),
        ("redirect_uri", Some("")),
        ("redirect_uri", Some("https://evil.example/")),
        ("redirect_uri", Some("http://127.0.0.1:7000/back")),
        ("redirect_uri", Some("http://127.0.0.1:7000/back?kept=yes&")),
        ("redirect_uri", Some("http://127.0.0.1:7001/back?kept=yes")),
        ("redirect_uri", Some("http://localhost:7000/back?kept=yes")),
    ] {
        let told = short(client.authorize(&with(request(&program), name, value))).await;
        got.push(format!("{name}={} {told}", value.unwrap_or("-")));
    }
    let raw = |query: &str| client.bare(Method::GET, &format!("/oauth/authorize?{query}"));
    for query in [
        "client_id=a&client_id=a",
        "redirect_uri=a&redirect_uri=a",
        "client_id=%zz",
        "client_id=%ff",
    ] {
        got.push(format!("{query} {}", short(raw(query)).await));
    }
    same(
        &got,
        "client_id=- 400 page
        client_id=client-0 400 page
        redirect_uri=- 400 page
        redirect_uri= 400 page
        redirect_uri=https://evil.example/ 400 page
        redirect_uri=http://127.0.0.1:7000/back 400 page
        redirect_uri=http://127.0.0.1:7000/back?kept=yes& 400 page
        redirect_uri=http://127.0.0.1:7001/back?kept=yes 200 page
        redirect_uri=http://localhost:7000/back?kept=yes 400 page
        client_id=a&client_id=a 400 page
        redirect_uri=a&redirect_uri=a 400 page
        client_id=%zz 400 page
        client_id=%ff 400 page",
    );
    let long = "x".repeat(8 * 1024);
    let long = with(request(&program), "unknown", Some(&long));
    assert_eq!(short(client.authorize(&long)).await, "400 page");
}

#[tokio::test]
async fn once_the_address_is_trusted_the_program_is_told() {
    let client = Client::empty().await;
    let program = client
        .server
        .register(Program {
            scopes: "read".parse().unwrap(),
            ..program()
        })
        .unwrap();
    let plain = with(request(&program), "scope", None);
    let mut got = Vec::new();
    for (name, value) in [
        ("scope", Some("read")),
        ("prompt", Some("consent")),
        ("unknown", Some("is ignored")),
        ("response_type", None),
        ("response_type", Some("token")),
        ("response_type", Some("code token")),
        ("response_mode", Some("fragment")),
        ("request", Some("e30")),
        ("request_uri", Some("https://a.example/")),
        ("code_challenge", None),
        ("code_challenge", Some("short")),
        ("code_challenge", Some(&format!("{CHALLENGE}="))),
        ("code_challenge_method", None),
        ("code_challenge_method", Some("plain")),
        ("scope", Some("write")),
        ("scope", Some("read admin")),
        ("scope", Some("read  read")),
        ("state", Some("line\nbreak")),
        ("state", Some("é")),
    ] {
        let told = short(client.authorize(&with(plain.clone(), name, value))).await;
        got.push(format!("{name}={:?} {told}", value.unwrap_or("-")));
    }
    same(
        &got,
        r#"scope="read" 200 page
        prompt="consent" 200 page
        unknown="is ignored" 200 page
        response_type="-" 303 invalid_request
        response_type="token" 303 unsupported_response_type
        response_type="code token" 303 unsupported_response_type
        response_mode="fragment" 303 invalid_request
        request="e30" 303 request_not_supported
        request_uri="https://a.example/" 303 request_uri_not_supported
        code_challenge="-" 303 invalid_request
        code_challenge="short" 303 invalid_request
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=" 303 invalid_request
        code_challenge_method="-" 303 invalid_request
        code_challenge_method="plain" 303 invalid_request
        scope="write" 303 invalid_scope
        scope="read admin" 303 invalid_scope
        scope="read  read" 303 invalid_scope
        state="line\nbreak" 303 invalid_request
        state="é" 303 invalid_request"#,
    );
    let noted = client.server.requests().take();
    assert!(noted[1].path.contains("prompt=consent"), "{noted:?}");
    assert!(noted[1].path.contains("state=…"), "{noted:?}");
}

#[tokio::test]
async fn a_refusal_brings_the_state_back_unless_it_is_in_doubt() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let refused = with(request(&program), "scope", Some("admin"));
    let location = async |fields| {
        let response = client.authorize(fields).send().await.unwrap();
        header(&response, "location").to_owned()
    };
    let told = location(&refused).await;
    assert_eq!(value_of(&told, "state").unwrap(), "a b&c=%");
    assert_eq!(value_of(&told, "iss").unwrap(), client.server.url());
    assert!(value_of(&told, "error_description").is_some());
    let mut twice = request(&program);
    twice.push(("state", "other".to_owned()));
    let told = location(&twice).await;
    assert_eq!(value_of(&told, "error").unwrap(), "invalid_request");
    assert_eq!(value_of(&told, "state"), None);
    let mut twice = request(&program);
    twice.push(("scope", "read".to_owned()));
    let told = location(&twice).await;
    assert_eq!(value_of(&told, "error").unwrap(), "invalid_request");
    assert_eq!(value_of(&told, "state").unwrap(), "a b&c=%");
}

#[tokio::test]
async fn a_program_without_the_grant_gets_no_page() {
    let client = Client::empty().await;
    let program = client
        .server
        .register(Program {
            grants: vec![brightsync_sandbox::Grant::Password],
            ..program()
        })
        .unwrap();
    let told = short(client.authorize(&request(&program))).await;
    assert_eq!(told, "303 unauthorized_client");
}

#[tokio::test]
async fn only_the_person_at_the_page_decides_and_once() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let program = client.server.register(program()).unwrap();
    let fields = request(&program);
    let password = client.server.credentials().users[0].password.clone();
    let other = &client.server.credentials().users[1].password;
    let mut got = Vec::new();
    let mut note = |what: &str, told: String| got.push(format!("{what}: {told}"));

    let nonce = client.nonce(&fields).await;
    note("deny", short(client.decide(&nonce, "deny", "")).await);
    note(
        "again",
        short(client.decide(&nonce, "allow", &password)).await,
    );
    note(
        "no nonce",
        short(client.decide("", "allow", &password)).await,
    );
    let nonce = client.nonce(&fields).await;
    note(
        "neither",
        short(client.decide(&nonce, "maybe", &password)).await,
    );
    let nonce = client.nonce(&fields).await;
    let foreign = client.decide(&nonce, "allow", &password);
    note(
        "foreign",
        short(foreign.header("Origin", "http://evil.example")).await,
    );
    let hidden = client.decide(&nonce, "allow", &password);
    note(
        "hidden origin",
        short(hidden.header("Origin", "null")).await,
    );
    let own = client.decide(&nonce, "allow", &password);
    note(
        "own",
        short(own.header("Origin", client.server.url())).await,
    );
    let nonce = client.nonce(&fields).await;
    time.fetch_add(600_000, std::sync::atomic::Ordering::Relaxed);
    note(
        "too late",
        short(client.decide(&nonce, "allow", &password)).await,
    );
    let json = client
        .bare(Method::POST, "/oauth/authorize")
        .json(&json!({}));
    note("no form", short(json).await);
    let nonce = client.nonce(&fields).await;
    let wrong = client.decide(&nonce, "allow", other).send().await.unwrap();
    note("wrong password", wrong.status().as_u16().to_string());
    let next = nonce_of(&wrong.text().await.unwrap());
    note(
        "right password",
        short(client.decide(&next, "allow", &password)).await,
    );
    same(
        &got,
        "deny: 303 access_denied
        again: 400 page
        no nonce: 400 page
        neither: 400 page
        foreign: 403 page
        hidden origin: 403 page
        own: 303
        too late: 400 page
        no form: 400 page
        wrong password: 403
        right password: 303",
    );
}

#[tokio::test]
async fn the_page_shows_names_as_text() {
    let client = Client::empty().await;
    let program = client
        .server
        .register(Program {
            name: "<script>alert(1)</script>".to_owned(),
            ..program()
        })
        .unwrap();
    let fields = with(request(&program), "login_hint", Some("\"><b>"));
    let page = client.authorize(&fields).send().await.unwrap();
    let text = page.text().await.unwrap();
    assert!(
        text.contains("Allow &lt;script&gt;alert(1)&lt;/script&gt;?"),
        "{text}"
    );
    assert!(text.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{text}");
    assert!(
        !text.contains("<script>") && !text.contains("<b>"),
        "{text}"
    );
}

#[tokio::test]
async fn the_callback_tells_more_if_the_program_is_registered_for_it() {
    let client = Client::empty().await;
    let program = client
        .server
        .register(Program {
            callback_extras: true,
            ..program()
        })
        .unwrap();
    let nonce = client.nonce(&request(&program)).await;
    let password = &client.server.credentials().users[0].password;
    let back = client
        .decide(&nonce, "allow", password)
        .send()
        .await
        .unwrap();
    let location = header(&back, "location");
    assert_eq!(value_of(location, "location").unwrap(), "eu");
    assert_eq!(
        value_of(location, "accounts-server").unwrap(),
        client.server.url()
    );
}

#[tokio::test]
async fn a_port_of_this_machine_is_bound_to_its_code() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let address = "http://127.0.0.1:1234/back?kept=yes";
    let fields = with(request(&program), "redirect_uri", Some(address));
    let code = client.code(&fields).await;
    assert_eq!(
        short(client.redeem(&program, &code)).await,
        "400 invalid_grant"
    );
    let code = client.code(&fields).await;
    let mut form = redemption(&code);
    form[2].1 = address;
    expect(client.token(&program, &form), 200).await;
}

#[tokio::test]
async fn a_test_has_a_person_of_its_own() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let address = |fields| {
        let request = client.authorize(fields).build().unwrap();
        request.url().to_string()
    };
    let fields = request(&program);
    let server = &client.server;
    let login = &server.credentials().users[2];
    let back = server.allow(&address(&fields), login).await.unwrap();
    assert_eq!(value_of(&back, "state").unwrap(), "a b&c=%");
    let code = value_of(&back, "code").unwrap();
    let answer = expect(client.redeem(&program, &code), 200).await;
    let me = expect(client.me(&answer), 200).await;
    assert_eq!(me["user"]["id"], login.id.as_str());

    let back = server.deny(&address(&fields)).await.unwrap();
    assert_eq!(value_of(&back, "error").unwrap(), "access_denied");
    let refused = with(fields.clone(), "scope", Some("admin"));
    let back = server.allow(&address(&refused), login).await.unwrap();
    assert_eq!(value_of(&back, "error").unwrap(), "invalid_scope");
    let told = async |address: &str, login| match server.allow(address, login).await {
        Err(PersonError::Unexpected { status, .. }) => status.to_string(),
        other => format!("{other:?}"),
    };
    let unknown = with(fields.clone(), "client_id", Some("x"));
    assert_eq!(told(&address(&unknown), login).await, "400");
    let mut stranger = login.clone();
    stranger.password = "wrong".to_owned();
    assert_eq!(told(&address(&fields), &stranger).await, "403");
    let elsewhere = "http://127.0.0.1:1/oauth/authorize";
    let told = server.allow(elsewhere, login).await.unwrap_err();
    assert!(matches!(told, PersonError::Elsewhere { .. }), "{told}");
}
