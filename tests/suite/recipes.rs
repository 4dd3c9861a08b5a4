//! Every way in that a CRM may have, against a server that is strict about it, without a line of it in the connector.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use brightsync_runtime::Secret;
use brightsync_sandbox::{Client, ClientAuthentication, Grant};
use brightsync_tests::ways::{Ways, who, write};
use expect_test::{Expect, expect};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use serde_json::json;

#[tokio::test]
async fn what_the_tenant_gives_is_sent_as_the_recipe_says() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let key = ("key", ann.key.as_str());
    for (recipe, fields) in [
        ("bearer", vec![("token", ann.token.as_str())]),
        ("key", vec![key]),
        ("parameter", vec![key]),
        (
            "basic",
            vec![("user", &ann.email), ("password", &ann.password)],
        ),
        ("key-as-user", vec![key]),
        ("key-as-password", vec![key]),
        ("pair", vec![key, ("secret", &ann.secret)]),
        (
            "espo",
            vec![("key", &ann.hmac_key), ("secret", &ann.hmac_secret)],
        ),
        (
            "timed",
            vec![("key", &ann.hmac_key), ("secret", &ann.hmac_secret)],
        ),
    ] {
        let acme = ways.connect(recipe, &fields).await;
        assert_eq!(who(&acme).await, format!("200 {}", ann.email), "{recipe}");
        assert_eq!(write(&acme).await, "201", "{recipe}");
        // One character of each field is enough to be nobody.
        for at in 0..fields.len() {
            let mut wrong: Vec<(&str, String)> = fields
                .iter()
                .map(|(name, it)| (*name, (*it).to_owned()))
                .collect();
            wrong[at].1.replace_range(..1, "~");
            let wrong: Vec<(&str, &str)> = wrong
                .iter()
                .map(|(name, it)| (*name, it.as_str()))
                .collect();
            let stranger = ways.connect(recipe, &wrong).await;
            let told = who(&stranger).await;
            assert!(
                told.starts_with("401"),
                "{recipe} with another {}: {told}",
                wrong[at].0
            );
        }
    }
}

#[tokio::test]
async fn a_login_opens_a_session_and_opens_it_again_when_it_has_ended() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let fields = [
        ("user", ann.email.as_str()),
        ("password", ann.password.as_str()),
    ];
    for recipe in ["session", "cookie"] {
        let acme = ways.connect(recipe, &fields).await;
        assert_eq!(who(&acme).await, format!("200 {}", ann.email), "{recipe}");
        assert_eq!(write(&acme).await, "201", "{recipe}");
        ways.time.pass(3601);
        assert_eq!(write(&acme).await, "201", "{recipe} after its session");
    }
    // The first says when its session ends, and is renewed before; the second is found out by the answer.
    expect![[r#"["connected", "refreshed", "connected", "refreshed"]"#]]
        .assert_eq(&format!("{:?}", ways.events()));
}

#[tokio::test]
async fn a_person_agrees_and_the_account_is_connected() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let client = ways.client(|it| it.callback_extras = true);
    let acme = ways.sign_in("public-code", &ways.client(public)).await;
    assert_eq!(who(&acme).await, format!("200 {}", ann.email));

    let begun = ways.begin("code", &client).await;
    let sent_to = ways.crm.allow(begun.url.as_str(), &ann).await.unwrap();
    let connected = ways.finish(&sent_to).await.unwrap();
    // From the callback, from the token's answer, and from asking whom it belongs to.
    assert_eq!(connected.settings["region"], "eu");
    assert_eq!(connected.settings["may"], "write");
    assert_eq!(connected.settings["org"], ways.crm.organisation_id());

    let begun = ways.begin("other-code", &client).await;
    let sent_to = ways.crm.allow(begun.url.as_str(), &ann).await.unwrap();
    let told = ways.finish(&sent_to).await;
    // The CRM is not where the manifest says that it is.
    expect!["the CRM's answer does not tell the setting `may` as the connector expects it"]
        .assert_eq(&told.unwrap_err().to_string());
    assert_eq!(
        ways.crm.counts().revoked,
        1,
        "what was issued is given back"
    );
}

#[tokio::test]
async fn another_type_of_token_and_an_answer_without_a_time_to_live_work() {
    let ways = Ways::open().await;
    let client = ways.client(|it| {
        it.token_type = "Zoho-oauthtoken".to_owned();
        it.omit_expires_in = true;
        it.authentication = ClientAuthentication::ClientSecretBasic;
    });
    let acme = ways.sign_in("zoho", &client).await;
    assert!(who(&acme).await.starts_with("200 "));
    // The manifest says how long it holds.
    ways.time.pass(3601);
    assert!(who(&acme).await.starts_with("200 "));
    assert_eq!(ways.crm.counts().refreshed, 1);
}

#[tokio::test]
async fn an_application_and_a_user_with_a_password_need_no_browser() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let application = ways.client(|it| {
        it.grants = vec![Grant::ClientCredentials];
        it.authentication = ClientAuthentication::ClientSecretBasic;
    });
    let secret = application.secret.clone().unwrap();
    let fields = [
        ("client-id", application.id.as_str()),
        ("client-secret", &secret),
    ];
    let acme = ways.connect("application", &fields).await;
    assert_eq!(who(&acme).await, "200 nobody");
    ways.time.pass(3601);
    assert_eq!(who(&acme).await, "200 nobody");

    let owner = ways.client(|it| {
        it.grants = vec![Grant::Password, Grant::RefreshToken];
        it.json_bodies = true;
    });
    let secret = owner.secret.clone().unwrap();
    let fields = [
        ("client-id", owner.id.as_str()),
        ("client-secret", &secret),
        ("user", &ann.email),
        ("password", &ann.password),
    ];
    let acme = ways.connect("owner", &fields).await;
    assert_eq!(who(&acme).await, format!("200 {}", ann.email));
    ways.time.pass(3601);
    assert_eq!(who(&acme).await, format!("200 {}", ann.email));
    assert_eq!(ways.crm.counts().refreshed, 1);
}

#[tokio::test]
async fn an_assertion_is_signed_by_both_algorithms() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let ec = ec.unwrap();
    for (recipe, key, pem) in [
        ("rsa", rsa_key(), pem("RSA PRIVATE KEY", &rsa())),
        ("ec", ec_key(ec.as_ref()), pem("PRIVATE KEY", ec.as_ref())),
    ] {
        let client = ways.client(|it| {
            it.grants = vec![Grant::JwtBearer];
            it.keys = vec![key];
            public(it);
        });
        let fields = [
            ("client-id", client.id.as_str()),
            ("private-key", &pem),
            ("user", &ann.email),
        ];
        let acme = ways.connect(recipe, &fields).await;
        assert_eq!(who(&acme).await, format!("200 {}", ann.email), "{recipe}");
        ways.time.pass(3601);
        assert_eq!(
            who(&acme).await,
            format!("200 {}", ann.email),
            "{recipe} renewed"
        );
    }
}

#[tokio::test]
async fn an_application_of_the_operators_serves_all_its_customers() {
    let ways = Ways::open().await;
    let client = ways.client(|_| {});
    let (id, secret) = (client.id.clone(), client.secret.clone().unwrap());
    let fields = [("client-id", id), ("client-secret", secret)];
    let fields = fields.map(|(name, it)| (name.to_owned(), Secret::new(it)));
    let (connector, recipe) = ("asker".parse().unwrap(), "plain-code".parse().unwrap());
    ways.world
        .host
        .set_application(connector, recipe, fields)
        .await
        .unwrap();
    let connecting = ways.connecting("plain-code", &[]);
    let begun = ways
        .world
        .host
        .authorize(connecting, brightsync_tests::ways::REDIRECT)
        .await;
    let login = &ways.crm.credentials().users[0];
    let sent_to = ways
        .crm
        .allow(begun.unwrap().url.as_str(), login)
        .await
        .unwrap();
    let acme = ways.made(ways.finish(&sent_to).await.unwrap());
    assert!(who(&acme).await.starts_with("200 "));
    ways.time.pass(3601);
    assert!(who(&acme).await.starts_with("200 "));
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let ways = Ways::open().await;
    let ann = ways.crm.credentials().users[0].clone();
    let client = ways.client(|it| {
        it.grants = vec![Grant::ClientCredentials];
        it.authentication = ClientAuthentication::ClientSecretBasic;
    });
    let check = async |recipe: &str, fields: &[(&str, &str)], expected: Expect| {
        let connecting = ways.connecting(recipe, fields);
        let told = ways.world.host.connect_account(connecting).await;
        expected.assert_eq(&told.unwrap_err().to_string());
    };
    check(
        "session",
        &[("user", &ann.email), ("password", "wrong-password")],
        expect!["the CRM does not accept the application's id and secret, or the user and the password (unauthorized: there is no user with this address and password); check them where they are managed, then connect the account again"],
    )
    .await;
    check(
        "application",
        &[("client-id", &client.id), ("client-secret", "wrong")],
        expect!["the CRM does not accept the application's id and secret, or the user and the password (invalid_client: the secret of the client is wrong); check them where they are managed, then connect the account again"],
    )
    .await;
    check(
        "session",
        &[("user", &ann.email)],
        expect!["Log in, for a token needs the field password; give it"],
    )
    .await;
    check(
        "session",
        &[("user", "x"), ("password", "y"), ("pin", "z")],
        expect![[r#"Log in, for a token has no field "pin""#]],
    )
    .await;
    check("code", &[], expect!["Sign in needs a browser"]).await;
    check(
        "rsa",
        &[("client-id", "x"), ("user", "y"), ("private-key", "z")],
        expect!["the CRM does not accept the application's id and secret, or the user and the password (the private key is not PEM with BEGIN PRIVATE KEY); check them where they are managed, then connect the account again"],
    )
    .await;
}

fn public(client: &mut Client) {
    client.authentication = ClientAuthentication::None;
}

/// A key that was made for this test.
fn rsa() -> Vec<u8> {
    STANDARD
        .decode(include_str!("../../host/sandbox/tests/suite/rsa.txt").replace('\n', ""))
        .unwrap()
}

fn rsa_key() -> serde_json::Value {
    let key = RsaKeyPair::from_der(&rsa()).unwrap();
    let public: ring::rsa::PublicKeyComponents<Vec<u8>> = key.public().into();
    json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)})
}

fn ec_key(pkcs8: &[u8]) -> serde_json::Value {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).unwrap();
    // An uncompressed point: a four, then x and y.
    let point = key.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
