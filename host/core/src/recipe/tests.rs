//! That requests are what the RFCs want, and answers are read for what they are.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use zeroize::Zeroizing;

use super::*;
use crate::manifest::{Lookup, Manifest, Recipe, Source};
use crate::name::RecipeName;
use crate::setting::{SetBy, Settings};

const NOW: i64 = 1_700_000_000_000;

fn manifest() -> Manifest {
    Manifest::parse(include_str!("tests/connector.toml")).unwrap()
}

fn recipe(name: &str) -> Recipe {
    manifest().recipes()[&name.parse::<RecipeName>().unwrap()].clone()
}

fn settings(given: &[(&str, &str)]) -> Settings {
    let given = given
        .iter()
        .map(|(name, it)| ((*name).to_owned(), (*it).to_owned()));
    Settings::so_far(&manifest(), given.collect()).unwrap()
}

/// The values of a connection, each told apart by its name.
fn value(name: &str) -> Option<&'static str> {
    Some(match name {
        "client-id" => "id-1",
        "client-secret" => "s/e&c:1",
        "user" => "ann@example.com",
        "password" => "p\"w é",
        "token" => "t0k+n",
        "key" => "k3y",
        "secret" => "Jefe",
        "database" => "main",
        _ => return None,
    })
}

fn shown(request: &SecretRequest) -> String {
    let headers = request.headers.iter().filter(|it| it.0 != "accept");
    let headers: Vec<String> = headers
        .map(|(name, it)| format!("{name}: {}\n", it.as_str()))
        .collect();
    let body = request
        .body
        .as_ref()
        .map(|it| String::from_utf8_lossy(it).into_owned());
    format!(
        "{} {}\n{}{}",
        request.method,
        request.url,
        headers.concat(),
        body.unwrap_or_default()
    )
}

#[track_caller]
fn check_token(name: &str, asked: Asked<'_>, expected: Expect) {
    let recipe = recipe(name);
    let Source::OAuth2(oauth2) = recipe.source() else {
        panic!("{name} has no tokens");
    };
    let settings = settings(&[]);
    expected.assert_eq(&shown(
        &token_request(oauth2, &settings, &value, asked).unwrap(),
    ));
}

#[test]
fn a_token_is_asked_for_by_each_grant() {
    let code = Asked::Code {
        code: "c0de",
        verifier: "v3rifier",
        redirect: "http://127.0.0.1:9/callback",
    };
    check_token(
        "code",
        code,
        expect![[r#"
        POST https://accounts.example.com/oauth/token
        content-type: application/x-www-form-urlencoded
        grant_type=authorization_code&code=c0de&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&code_verifier=v3rifier&resource=https%3A%2F%2Fx.example%2Fmain&client_id=id-1&client_secret=s%2Fe%26c%3A1"#]],
    );
    check_token(
        "code",
        Asked::Refresh("r3fresh"),
        expect![[r#"
        POST https://accounts.example.com/oauth/token
        content-type: application/x-www-form-urlencoded
        grant_type=refresh_token&refresh_token=r3fresh&resource=https%3A%2F%2Fx.example%2Fmain&client_id=id-1&client_secret=s%2Fe%26c%3A1"#]],
    );
    // RFC 6749, section 2.3.1: both are form-encoded before they are put together.
    check_token(
        "app",
        Asked::Credential,
        expect![[r#"
        POST https://accounts.example.com/oauth/token
        authorization: Basic aWQtMTpzJTJGZSUyNmMlM0Ex
        content-type: application/x-www-form-urlencoded
        grant_type=client_credentials&scope=read"#]],
    );
    check_token(
        "user",
        Asked::Credential,
        expect![[r#"
        POST https://accounts.example.com/oauth/token
        content-type: application/json
        {"grant_type":"password","username":"ann@example.com","password":"p\"w é","client_id":"id-1"}"#]],
    );
    check_token(
        "signed",
        Asked::Assertion("a.b.c"),
        expect![[r#"
        POST https://accounts.example.com/oauth/token
        content-type: application/x-www-form-urlencoded
        grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c&scope=read&client_id=id-1"#]],
    );
}

#[test]
fn a_person_is_sent_to_agree_with_a_challenge_and_a_state() {
    let recipe = recipe("code");
    let Source::OAuth2(oauth2) = recipe.source() else {
        panic!("it has tokens");
    };
    let settings = settings(&[("accounts", "https://accounts.example.eu")]);
    // RFC 7636, appendix B.
    let challenge = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let url = authorization(
        oauth2,
        &settings,
        &value,
        "http://127.0.0.1:9/",
        "st&te",
        &challenge,
    );
    expect!["https://accounts.example.eu/oauth/authorize?response_type=code&client_id=id-1&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F&state=st%26te&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=read%2Cwrite%3Amain&access_type=offline&prompt=consent"]
        .assert_eq(url.unwrap().unwrap().as_str());
}

#[test]
fn a_callback_counts_with_its_state_only() {
    let recipe = recipe("code");
    let check = |query: &str, expected: Expect| {
        let told = match callback(&recipe, query, "st4te") {
            Ok(it) => format!("{} {:?}", it.code.as_str(), it.parameters),
            Err(trouble) => trouble.to_string(),
        };
        expected.assert_eq(&told);
    };
    check(
        "code=c%2B1&state=st4te&location=eu",
        expect![[r#"c+1 [("location", "eu")]"#]],
    );
    check(
        "code=c&state=other",
        expect![
            "the CRM's answer to the request for a token cannot be read (the callback is of another attempt); check the address of the CRM, and tell the connector's author"
        ],
    );
    check(
        "code=c",
        expect![
            "the CRM's answer to the request for a token cannot be read (the callback is of another attempt); check the address of the CRM, and tell the connector's author"
        ],
    );
    check(
        "code=c&state=st4te&state=other",
        expect![
            "the CRM's answer to the request for a token cannot be read (the callback has state twice); check the address of the CRM, and tell the connector's author"
        ],
    );
    check(
        "state=st4te",
        expect![
            "the CRM's answer to the request for a token cannot be read (the callback has no code); check the address of the CRM, and tell the connector's author"
        ],
    );
    check(
        "error=access_denied&error_description=no%1B[31m&state=st4te",
        expect![[
            r#"the consent was not given, or was withdrawn (access_denied: no\u{1b}[31m); connect the account again, and agree"#
        ]],
    );
    check(
        "error=access_denied&state=other",
        expect![
            "the CRM's answer to the request for a token cannot be read (the callback is of another attempt); check the address of the CRM, and tell the connector's author"
        ],
    );
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> SecretAnswer {
    let headers = headers.iter();
    let headers =
        headers.map(|(name, it)| ((*name).to_owned(), Zeroizing::new(it.as_bytes().to_vec())));
    SecretAnswer {
        status,
        headers: headers.collect(),
        body: Zeroizing::new(body.as_bytes().to_vec()),
    }
}

fn issued(result: Result<Issued, Trouble>) -> String {
    match result {
        Ok(Issued { values, lifetime }) => {
            let values: BTreeMap<_, _> = values
                .iter()
                .map(|(name, it)| (name, it.as_str()))
                .collect();
            format!("{values:?} for {lifetime:?}")
        }
        Err(trouble) => format!("{}: {trouble}", trouble.reason().name()),
    }
}

#[track_caller]
fn check_answer(name: &str, status: u16, body: &str, expected: Expect) {
    let recipe = recipe(name);
    let answer = answer(status, &[("date", "Tue, 14 Nov 2023 22:13:20 GMT")], body);
    let result = match recipe.source() {
        Source::OAuth2(oauth2) => tokens(&recipe, oauth2, &answer, NOW),
        Source::Login(login) => session(&recipe, login, &answer, NOW),
        Source::Given => panic!("{name} asks for nothing"),
    };
    expected.assert_eq(&issued(result));
}

#[test]
fn an_answer_with_a_token_is_read_in_all_its_forms() {
    check_answer(
        "code",
        200,
        r#"{"access_token":"a","token_type":"bearer","expires_in":3600,"refresh_token":"r"}"#,
        expect![[r#"{"refresh-token": "r", "token": "a"} for Some(3600)"#]],
    );
    check_answer(
        "code",
        200,
        r#"{"access_token":"a","expires_in":"3599.9"}"#,
        expect![[r#"{"token": "a"} for Some(3599)"#]],
    );
    check_answer(
        "code",
        200,
        r#"{"access_token":"a"}"#,
        expect![[r#"{"token": "a"} for None"#]],
    );
    check_answer(
        "user",
        200,
        r#"{"access_token":"a","token_type":"mac"}"#,
        expect![[r#"{"token": "a"} for Some(60)"#]],
    );
    for never in ["0", "-5", "null", "true", "\"soon\"", "[]"] {
        check_answer(
            "code",
            200,
            &format!(r#"{{"access_token":"a","expires_in":{never}}}"#),
            expect![[r#"{"token": "a"} for None"#]],
        );
    }
    check_answer(
        "code",
        200,
        r#"{"access_token":"a","expires_in":99999999999999}"#,
        expect![[r#"{"token": "a"} for Some(4294967295)"#]],
    );
}

#[test]
fn a_refusal_says_what_to_do() {
    check_answer(
        "code",
        400,
        r#"{"error":"invalid_grant"}"#,
        expect![
            "revoked: the access to the CRM was taken back (invalid_grant); connect the account again"
        ],
    );
    check_answer(
        "code",
        400,
        r#"{"error":"invalid_grant","error_description":"token expired"}"#,
        expect![
            "expired: the access to the CRM has come to its end (invalid_grant: token expired); connect the account again"
        ],
    );
    check_answer(
        "code",
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token was revoked by time"}"#,
        expect![
            "expired: the access to the CRM has come to its end (invalid_grant: AADSTS700082: The refresh token was revoked by time); connect the account again"
        ],
    );
    check_answer(
        "code",
        400,
        r#"{"error":"invalid_grant","error_description":"user consent is gone"}"#,
        expect![
            "consent-withdrawn: the consent was not given, or was withdrawn (invalid_grant: user consent is gone); connect the account again, and agree"
        ],
    );
    check_answer(
        "code",
        401,
        r#"{"error":"invalid_client"}"#,
        expect![
            "wrong-client: the CRM does not accept the application's id and secret, or the user and the password (invalid_client); check them where they are managed, then connect the account again"
        ],
    );
    // Zoho says so with status 200.
    check_answer(
        "code",
        200,
        r#"{"error":"invalid_code"}"#,
        expect![
            "revoked: the access to the CRM was taken back (invalid_code); connect the account again"
        ],
    );
    check_answer(
        "signed",
        400,
        r#"{"error":"invalid_grant","error_description":"nbf is in the future"}"#,
        expect![
            "clock-skew: the CRM does not accept the time that this machine says (invalid_grant: nbf is in the future); set this machine's clock"
        ],
    );
    check_answer(
        "user",
        400,
        r#"{"error":"invalid_grant"}"#,
        expect![
            "wrong-client: the CRM does not accept the application's id and secret, or the user and the password (invalid_grant); check them where they are managed, then connect the account again"
        ],
    );
    check_answer(
        "code",
        503,
        "<html>",
        expect![
            "unavailable: the CRM cannot issue a token now; nothing is to be done; it is tried again"
        ],
    );
    check_answer(
        "code",
        429,
        r#"{"error":"invalid_grant"}"#,
        expect![
            "unavailable: the CRM cannot issue a token now (invalid_grant); nothing is to be done; it is tried again"
        ],
    );
    check_answer(
        "code",
        200,
        "<html>log in</html>",
        expect![
            "unreadable: the CRM's answer to the request for a token cannot be read (the answer has no token in it, and no error); check the address of the CRM, and tell the connector's author"
        ],
    );
    check_answer(
        "code",
        400,
        r#"{"error":"invalid_scope"}"#,
        expect![
            "refused: the CRM refuses the request for a token (invalid_scope); check the settings, and tell the connector's author"
        ],
    );
    check_answer(
        "code",
        200,
        r#"{"access_token":"a\nb"}"#,
        expect![
            "unreadable: the CRM's answer to the request for a token cannot be read (the token is empty, longer than 16 KiB, or has characters that no header may have); check the address of the CRM, and tell the connector's author"
        ],
    );
}

#[test]
fn a_clock_that_is_off_is_told_where_nothing_else_is() {
    let recipe = recipe("signed");
    let Source::OAuth2(oauth2) = recipe.source() else {
        panic!("it has tokens");
    };
    let answer = answer(
        400,
        &[("date", "Tue, 14 Nov 2023 22:30:00 GMT")],
        r#"{"error":"invalid_grant"}"#,
    );
    expect!["clock-skew: the CRM does not accept the time that this machine says (invalid_grant); set this machine's clock"]
        .assert_eq(&issued(tokens(&recipe, oauth2, &answer, NOW)));
}

#[test]
fn a_login_is_asked_for_and_its_session_taken() {
    let recipe = recipe("session");
    let Source::Login(login) = recipe.source() else {
        panic!("it has a login");
    };
    let settings = settings(&[("instance", "acme")]);
    let request = login_request(login, &settings, &value).unwrap();
    expect![[r#"
        POST https://acme.crm.example.com/web/login
        content-type: application/json
        {"id":1,"jsonrpc":"2.0","params":{"db":"main","login":"ann@example.com","password":"p\"w é"}}"#]]
    .assert_eq(&shown(&request));

    let read = |status, cookies: &[&str], body: &str| {
        let headers: Vec<_> = cookies.iter().map(|it| ("set-cookie", *it)).collect();
        issued(session(
            &recipe,
            login,
            &answer(status, &headers, body),
            NOW,
        ))
    };
    expect![[r#"{"cookie": "s1d", "csrf": "c"} for Some(60)"#]].assert_eq(&read(
        200,
        &["sid=old; Path=/", "other=x", "sid=s1d; HttpOnly; Secure"],
        r#"{"csrf_token":"c","expires_in":60}"#,
    ));
    expect!["unreadable: the CRM's answer to the request for a token cannot be read (the answer to the login has no `csrf` where the manifest says); check the address of the CRM, and tell the connector's author"]
        .assert_eq(&read(200, &["sid=s1d"], "{}"));
    expect!["wrong-client: the CRM does not accept the application's id and secret, or the user and the password; check them where they are managed, then connect the account again"]
        .assert_eq(&read(401, &[], ""));
    // A cookie that would be two.
    expect!["unreadable: the CRM's answer to the request for a token cannot be read (the answer to the login has no `cookie` where the manifest says); check the address of the CRM, and tell the connector's author"]
        .assert_eq(&read(200, &["sid=a, admin=1"], r#"{"csrf_token":"c"}"#));
}

#[test]
fn whom_a_credential_belongs_to_is_asked_with_the_token_in_the_body_or_in_the_path() {
    let ask = |name: &str, value: &Lookup<'_>| {
        let recipe = recipe(name);
        shown(&identify(recipe.identify().unwrap(), &settings(&[]), value).unwrap())
    };
    expect![[r#"
        POST https://accounts.example.com/oauth/introspect
        content-type: application/x-www-form-urlencoded
        client_id=id-1&client_secret=s%2Fe%26c%3A1&token=t0k%2Bn"#]]
    .assert_eq(&ask("code", &value));
    // Whatever a token is made of, it stays one part of the path.
    let odd = |name: &str| match name {
        "token" => Some("../a/b?c#d%2f"),
        name => value(name),
    };
    expect![[r#"
        GET https://accounts.example.com/oauth/v1/access-tokens/..%2Fa%2Fb%3Fc%23d%252f
    "#]]
    .assert_eq(&ask("app", &odd));
}

#[test]
fn a_signature_is_that_of_the_rfc() {
    let recipe = recipe("vector");
    let signing = recipe.signing().unwrap();
    // RFC 4231, test case 2.
    expect!["5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"]
        .assert_eq(&signature(signing, &value).unwrap());
    let of = OfRequest {
        method: "GET",
        path: "App/user",
        full_path: "/api/App/user",
        path_and_query: "/api/App/user?a=1",
        body: b"",
        now: NOW,
        nonce: "n",
    };
    let told: Vec<String> = crate::manifest::OF_A_REQUEST
        .iter()
        .map(|name| format!("{name}={}", of.value(signing, name).unwrap()))
        .collect();
    expect!["method=GET path=App/user full-path=/api/App/user path-and-query=/api/App/user?a=1 body-hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 timestamp=1700000000 date=Tue, 14 Nov 2023 22:13:20 GMT nonce=n"]
        .assert_eq(&told.join(" "));
}

#[test]
fn an_assertion_says_who_for_whom_to_whom_and_until_when() {
    let recipe = recipe("signed");
    let Source::OAuth2(oauth2) = recipe.source() else {
        panic!("it has tokens");
    };
    let claims = Claims { now: NOW, id: "j1" };
    let input = signing_input(
        oauth2,
        oauth2.assertion().unwrap(),
        &settings(&[]),
        &value,
        claims,
    );
    use base64::Engine as _;
    let told: Vec<String> = input
        .unwrap()
        .split('.')
        .map(|it| {
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(it)
                .unwrap()
        })
        .map(|it| String::from_utf8(it).unwrap())
        .collect();
    expect![[r#"{"alg":"RS256","typ":"JWT"}.{"aud":"https://accounts.example.com/oauth/token","exp":1700000170,"iat":1699999990,"iss":"id-1","jti":"j1","sub":"ann@example.com"}"#]]
        .assert_eq(&told.join("."));
}

#[test]
fn what_is_learned_is_what_the_manifest_says() {
    let (manifest, recipe) = (manifest(), recipe("code"));
    let check = |set_by, body: &str, expected: Expect| {
        let told = match from_answer(&manifest, &recipe, set_by, &answer(200, &[], body)) {
            Ok(all) => format!("{all:?}"),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&told);
    };
    check(
        SetBy::TokenAnswer,
        r#"{"instance_url":"https://acme.crm.example.com"}"#,
        expect![[r#"{"instance": "acme"}"#]],
    );
    for lie in [
        "https://evil.example.com/#.crm.example.com",
        "https://evil.example.com/.crm.example.com",
        "http://acme.crm.example.com",
        "https://acme.crm.example.com.evil.com",
        "https://a.b.crm.example.com",
        "https://.crm.example.com",
        "https://ac me.crm.example.com",
        "",
    ] {
        let body = serde_json::json!({"instance_url": lie}).to_string();
        assert!(
            from_answer(
                &manifest,
                &recipe,
                SetBy::TokenAnswer,
                &answer(200, &[], &body)
            )
            .is_err(),
            "{lie}"
        );
    }
    check(
        SetBy::TokenAnswer,
        "{}",
        expect![
            "the CRM's answer does not tell the setting `instance` as the connector expects it"
        ],
    );
    check(
        SetBy::Identify,
        r#"{"org_id":4711}"#,
        expect![[r#"{"org": "4711"}"#]],
    );
    check(SetBy::Identify, "{}", expect!["{}"]);
    let told = |server: &str| {
        let parameters = [("accounts-server".to_owned(), server.to_owned())];
        from_callback(&manifest, &recipe, &parameters).map(|it| format!("{it:?}"))
    };
    expect![[r#"{"accounts": "https://accounts.example.eu"}"#]]
        .assert_eq(&told("https://accounts.example.eu").unwrap());
    assert!(told("https://evil.example.com").is_err());
}

#[test]
fn a_setting_that_the_crm_tells_may_be_missing_before_it_has() {
    assert!(Settings::check(&manifest(), BTreeMap::new()).is_err());
    assert!(settings(&[]).get(&"instance".parse().unwrap()).is_none());
}

#[test]
fn a_recipe_asks_people_for_what_comes_from_nowhere_else() {
    let told = |name: &str| {
        let recipe = recipe(name);
        let fields: Vec<&str> = recipe.fields().iter().map(|it| it.as_str()).collect();
        fields.join(" ")
    };
    assert_eq!(told("code"), "client-id client-secret");
    assert_eq!(told("app"), "client-id client-secret");
    assert_eq!(told("user"), "client-id user password");
    assert_eq!(told("signed"), "private-key client-id user");
    assert_eq!(told("session"), "user password");
    assert_eq!(told("signature"), "key secret");
}
