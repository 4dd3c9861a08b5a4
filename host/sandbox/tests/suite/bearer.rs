//! What an access token opens, how it ends, and what is told of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use brightsync_sandbox::{Client as Program, ClientAuthentication, Options};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::client::{Client, START, expect, header, standing};
use crate::flow::{at, program, request, same, short};

async fn challenge(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    format!("{status} {}", header(&response, "www-authenticate"))
}

async fn with_scope(client: &Client, scope: &str) -> Value {
    let program = client.server.register(program()).unwrap();
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    expect(client.token(&program, &form), 200).await
}

#[tokio::test]
async fn a_token_opens_what_its_scope_says() {
    let client = Client::empty().await;
    let body = json!({"full_name": "A"});
    let ask = |token: &Value, method| {
        let request = client.bare(method, "/contacts");
        let request = request.bearer_auth(token["access_token"].as_str().unwrap());
        request.json(&body)
    };
    let read = with_scope(&client, "read").await;
    expect(ask(&read, Method::GET), 200).await;
    assert_eq!(
        challenge(ask(&read, Method::POST)).await,
        r#"403 Bearer realm="sandbox", error="insufficient_scope", scope="write""#
    );
    let write = with_scope(&client, "write").await;
    expect(ask(&write, Method::POST), 201).await;
    assert_eq!(
        challenge(ask(&write, Method::GET)).await,
        r#"403 Bearer realm="sandbox", error="insufficient_scope", scope="read""#
    );
}

#[tokio::test]
async fn a_token_ends_by_the_clock_of_the_sandbox() {
    let (clock, time) = standing(START);
    let client = Client::start(Options {
        clock,
        access_lifetime: Duration::from_secs(1),
        ..Options::empty(7, 5)
    })
    .await;
    let token = with_scope(&client, "read").await;
    assert_eq!(token["expires_in"], 1);
    time.fetch_add(999, Ordering::Relaxed);
    expect(client.me(&token), 200).await;
    time.fetch_add(1, Ordering::Relaxed);
    assert_eq!(
        challenge(client.me(&token)).await,
        r#"401 Basic realm="sandbox", charset="UTF-8", Bearer realm="sandbox", error="invalid_token", error_description="the token has expired""#
    );
    let unknown = json!({"access_token": "access-0"});
    assert_eq!(short(client.me(&unknown)).await, "401 invalid_token");
    let nobody = client.bare(Method::GET, "/users/me");
    assert_eq!(
        challenge(nobody).await,
        r#"401 Basic realm="sandbox", charset="UTF-8", Bearer realm="sandbox""#
    );
}

#[tokio::test]
async fn a_token_of_another_type_has_a_scheme_of_its_own() {
    let client = Client::empty().await;
    let program = Program {
        token_type: "Zoho-oauthtoken".to_owned(),
        access_lifetime: Some(Duration::from_secs(7)),
        omit_expires_in: true,
        ..program()
    };
    let program = client.server.register(program).unwrap();
    let form = [("grant_type", "client_credentials"), ("scope", "read")];
    let token = expect(client.token(&program, &form), 200).await;
    assert_eq!(token["token_type"], "Zoho-oauthtoken");
    assert_eq!(token.get("expires_in"), None);
    let ask = |method, scheme: &str| {
        let value = format!("{scheme} {}", token["access_token"].as_str().unwrap());
        client
            .bare(method, "/contacts")
            .header("Authorization", value)
    };
    expect(ask(Method::GET, "Zoho-oauthtoken"), 200).await;
    expect(ask(Method::GET, "zoho-OAuthtoken"), 200).await;
    assert_eq!(short(ask(Method::GET, "Bearer")).await, "401 invalid_token");
    assert_eq!(short(ask(Method::GET, "Other")).await, "401 invalid_token");
    assert_eq!(
        challenge(ask(Method::POST, "Zoho-oauthtoken")).await,
        r#"403 Zoho-oauthtoken realm="sandbox", error="insufficient_scope", scope="write""#
    );
    let bearer = with_scope(&client, "read").await;
    let value = format!(
        "Zoho-oauthtoken {}",
        bearer["access_token"].as_str().unwrap()
    );
    let request = client
        .bare(Method::GET, "/contacts")
        .header("Authorization", value);
    assert_eq!(short(request).await, "401 invalid_token");
}

#[tokio::test]
async fn a_program_revokes_what_is_its_own() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let other = client.server.register(self::program()).unwrap();
    let code = client.code(&request(&program)).await;
    let first = expect(client.redeem(&program, &code), 200).await;
    let second = expect(client.refresh(&program, &first), 200).await;
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let revoke =
        |program, form: Vec<(&str, String)>| client.ask("/oauth/revoke", program).form(&form);
    let (access, refresh) = (text(&first, "access_token"), text(&second, "refresh_token"));
    let mut got = Vec::new();
    let mut note = |what: &str, told: String| got.push(format!("{what}: {told}"));
    note("nothing", short(revoke(&program, vec![])).await);
    let twice = vec![("token", access.clone()), ("token", access.clone())];
    note("twice", short(revoke(&program, twice)).await);
    note(
        "unknown",
        short(revoke(&program, vec![("token", "x".to_owned())])).await,
    );
    note(
        "other's",
        short(revoke(&other, vec![("token", access.clone())])).await,
    );
    let nobody = client.bare(Method::POST, "/oauth/revoke");
    note("nobody", short(nobody.form(&[("token", &access)])).await);
    note("alive", short(client.me(&first)).await);
    let hinted = vec![
        ("token", access),
        ("token_type_hint", "refresh_token".to_owned()),
    ];
    note("access token", short(revoke(&program, hinted)).await);
    note("dead", short(client.me(&first)).await);
    note("sibling", short(client.me(&second)).await);
    note(
        "refresh token",
        short(revoke(&program, vec![("token", refresh)])).await,
    );
    note("sibling", short(client.me(&second)).await);
    note("refresh", short(client.refresh(&program, &second)).await);
    same(
        &got,
        "nothing: 400 invalid_request
        twice: 400 invalid_request
        unknown: 200
        other's: 400 unauthorized_client
        nobody: 401 invalid_client
        alive: 200
        access token: 200
        dead: 401 invalid_token
        sibling: 200
        refresh token: 200
        sibling: 401 invalid_token
        refresh: 400 invalid_grant",
    );
    assert_eq!(client.server.counts().revoked, 1);
}

#[tokio::test]
async fn a_program_learns_what_its_tokens_are_worth() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let program = client.server.register(program()).unwrap();
    let other = client.server.register(self::program()).unwrap();
    let code = client.code(&request(&program)).await;
    let answer = expect(client.redeem(&program, &code), 200).await;
    let look = |program, name: &str| {
        let form = [("token", answer[name].as_str().unwrap())];
        expect(client.ask("/oauth/introspect", program).form(&form), 200)
    };
    let login = &client.server.credentials().users[0];
    let mut expected = json!({
        "active": true, "scope": "read write", "client_id": program.id, "token_type": "Bearer",
        "iat": START / 1000, "exp": START / 1000 + 3600, "iss": client.server.url(),
        "sub": login.id, "user_id": login.id, "user": login.email, "username": login.email,
        "org_id": client.server.organisation_id(),
    });
    assert_eq!(look(&program, "access_token").await, expected);
    expected["exp"] = json!(START / 1000 + 86_400);
    expected.as_object_mut().unwrap().remove("token_type");
    assert_eq!(look(&program, "refresh_token").await, expected);
    let inactive = json!({"active": false});
    assert_eq!(look(&other, "access_token").await, inactive);
    time.fetch_add(3_600_000, Ordering::Relaxed);
    assert_eq!(look(&program, "access_token").await, inactive);
    expect(client.refresh(&program, &answer), 200).await;
    assert_eq!(look(&program, "refresh_token").await, inactive);

    let public = Program {
        authentication: ClientAuthentication::None,
        grants: vec![brightsync_sandbox::Grant::AuthorizationCode],
        ..self::program()
    };
    let public = client.server.register(public).unwrap();
    let ask = |form: &[(&str, &str)]| client.bare(Method::POST, "/oauth/introspect").form(form);
    for form in [
        &[("token", "x")][..],
        &[("token", "x"), ("client_id", &public.id)],
    ] {
        assert_eq!(short(ask(form)).await, "401 invalid_client");
    }
}
