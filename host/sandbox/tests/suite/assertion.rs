//! Programs that hold a key sign which user they stand for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use brightsync_sandbox::{Client as Program, ClientAuthentication, Grant, Registered};
use reqwest::{Method, RequestBuilder};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::client::{Client, START, expect, standing};
use crate::flow::{at, program, same, short};

/// An RSA key that was made for this test, in PKCS #1.
const RSA: &str = include_str!("rsa.txt");
const NOW: i64 = START / 1000;

enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Key {
    fn rsa() -> Self {
        let key = STANDARD.decode(RSA.replace('\n', "")).unwrap();
        Self::Rsa(RsaKeyPair::from_der(&key).unwrap())
    }

    fn ec() -> Self {
        let form = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(form, key.as_ref(), &random).unwrap())
    }

    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(key) => {
                let public: ring::rsa::PublicKeyComponents<Vec<u8>> = key.public().into();
                json!({"kty": "RSA", "kid": "rsa", "n": text(&public.n), "e": text(&public.e)})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    signed.as_bytes(),
                    &mut signature,
                )
                .unwrap();
                signature
            }
            Self::Ec(key) => key
                .sign(&random, signed.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn holder(client: &Client, authentication: ClientAuthentication, keys: Vec<Value>) -> Registered {
    let program = Program {
        grants: vec![Grant::JwtBearer, Grant::RefreshToken],
        authentication,
        keys,
        ..program()
    };
    client.server.register(program).unwrap()
}

fn claims(client: &Client, program: &Registered, number: u32) -> Value {
    json!({
        "iss": program.id,
        "sub": client.server.credentials().users[1].email,
        "aud": format!("{}/oauth/token", client.server.url()),
        "exp": NOW + 300,
        "iat": NOW,
        "jti": number.to_string(),
    })
}

fn exchange(client: &Client, assertion: &str) -> RequestBuilder {
    let form = [
        ("grant_type", Grant::JwtBearer.as_str()),
        ("assertion", assertion),
    ];
    client.bare(Method::POST, "/oauth/token").form(&form)
}

#[tokio::test]
async fn a_signature_of_either_kind_stands_for_a_user() {
    let client = at(standing(START).0).await;
    let keys = [Key::rsa(), Key::ec()];
    let public = keys.iter().map(Key::public).collect();
    let program = holder(&client, ClientAuthentication::None, public);
    for (number, (key, header)) in [
        (&keys[0], json!({"alg": "RS256"})),
        (
            &keys[0],
            json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"}),
        ),
        (&keys[1], json!({"alg": "ES256", "kid": "ec"})),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = claims(&client, &program, u32::try_from(number).unwrap());
        let answer = expect(exchange(&client, &key.sign(&header, &claims)), 200).await;
        assert_eq!(answer.get("refresh_token"), None, "the key is as good");
        let me = expect(client.me(&answer), 200).await;
        let login = &client.server.credentials().users[1];
        assert_eq!(me["user"]["id"], login.id.as_str());
    }
    let noted = client.server.requests().take();
    let noted = noted.iter().filter_map(|it| it.token.as_ref()).next();
    assert_eq!(noted.unwrap().client.as_ref(), Some(&program.id));
}

#[tokio::test]
async fn an_assertion_that_is_off_in_any_way_is_refused() {
    let client = at(standing(START).0).await;
    let (key, other) = (Key::ec(), Key::ec());
    let program = holder(&client, ClientAuthentication::None, vec![key.public()]);
    let stranger = holder(&client, ClientAuthentication::None, vec![other.public()]);
    let endpoint = format!("{}/oauth/token", client.server.url());
    let mut number = 100;
    let mut got = Vec::new();
    for (claim, value) in [
        ("iat", json!(NOW + 60)),
        ("iat", json!(NOW + 61)),
        ("iat", json!(null)),
        ("iat", json!("now")),
        ("nbf", json!(NOW + 60)),
        ("nbf", json!(NOW + 61)),
        ("exp", json!(NOW - 59)),
        ("exp", json!(NOW - 60)),
        ("exp", json!(NOW + 3660)),
        ("exp", json!(NOW + 3661)),
        ("exp", json!(null)),
        ("exp", json!(1.5)),
        ("iss", json!("client-0")),
        ("iss", json!(null)),
        ("sub", json!("nobody@crm.example")),
        ("sub", json!(null)),
        ("aud", json!([endpoint, "x"])),
        ("aud", json!("ELSEWHERE")),
        ("aud", json!(null)),
        ("jti", json!(null)),
        ("jti", json!("")),
    ] {
        number += 1;
        let mut claims = claims(&client, &program, number);
        let members = claims.as_object_mut().unwrap();
        members.remove(claim);
        if !value.is_null() {
            members.insert(claim.to_owned(), value.clone());
        }
        let told = short(exchange(
            &client,
            &key.sign(&json!({"alg": "ES256"}), &claims),
        ))
        .await;
        let value = value.to_string().replace(client.server.url(), "URL");
        let value = value
            .parse()
            .map_or(value, |it: i64| format!("{:+}", it - NOW));
        got.push(format!("{claim} {value}: {told}"));
    }
    let good = claims(&client, &program, 1);
    let signed = |key: &Key, header: Value| key.sign(&header, &good);
    let valid = signed(&key, json!({"alg": "ES256"}));
    let (head, signature) = valid.rsplit_once('.').unwrap();
    let none = signed(&key, json!({"alg": "none"}));
    let (unsigned, _) = none.rsplit_once('.').unwrap();
    for (what, assertion) in [
        ("other key", signed(&other, json!({"alg": "ES256"}))),
        (
            "other kid",
            signed(&key, json!({"alg": "ES256", "kid": "rsa"})),
        ),
        ("wrong alg", signed(&key, json!({"alg": "RS256"}))),
        ("HS256", signed(&key, json!({"alg": "HS256"}))),
        ("none", format!("{unsigned}.")),
        ("crit", signed(&key, json!({"alg": "ES256", "crit": ["x"]}))),
        ("padding", format!("{valid}=")),
        ("no signature", head.to_owned()),
        (
            "other claims",
            format!(
                "{}.{signature}",
                key.sign(&json!({"alg": "ES256"}), &claims(&client, &program, 2))
                    .rsplit_once('.')
                    .unwrap()
                    .0
            ),
        ),
        (
            "other client",
            key.sign(&json!({"alg": "ES256"}), &claims(&client, &stranger, 3)),
        ),
        ("nonsense", "x".to_owned()),
        ("valid", valid.clone()),
        ("again", valid.clone()),
        (
            "same number of another",
            other.sign(&json!({"alg": "ES256"}), &claims(&client, &stranger, 1)),
        ),
    ] {
        got.push(format!(
            "{what}: {}",
            short(exchange(&client, &assertion)).await
        ));
    }
    same(
        &got,
        r#"iat +60: 200
        iat +61: 400 invalid_grant
        iat null: 200
        iat "now": 400 invalid_grant
        nbf +60: 200
        nbf +61: 400 invalid_grant
        exp -59: 200
        exp -60: 400 invalid_grant
        exp +3660: 200
        exp +3661: 400 invalid_grant
        exp null: 400 invalid_grant
        exp 1.5: 400 invalid_grant
        iss "client-0": 400 invalid_grant
        iss null: 400 invalid_grant
        sub "nobody@crm.example": 400 invalid_grant
        sub null: 400 invalid_grant
        aud ["URL/oauth/token","x"]: 200
        aud "ELSEWHERE": 400 invalid_grant
        aud null: 400 invalid_grant
        jti null: 400 invalid_grant
        jti "": 400 invalid_grant
        other key: 400 invalid_grant
        other kid: 400 invalid_grant
        wrong alg: 400 invalid_grant
        HS256: 400 invalid_grant
        none: 400 invalid_grant
        crit: 400 invalid_grant
        padding: 400 invalid_grant
        no signature: 400 invalid_grant
        other claims: 400 invalid_grant
        other client: 400 invalid_grant
        nonsense: 400 invalid_grant
        valid: 200
        again: 400 invalid_grant
        same number of another: 200"#,
    );
}

#[tokio::test]
async fn a_client_with_a_secret_authenticates_beside_its_assertion() {
    let client = at(standing(START).0).await;
    let key = Key::ec();
    let register = |authentication| holder(&client, authentication, vec![key.public()]);
    let program = register(ClientAuthentication::ClientSecretBasic);
    let other = register(ClientAuthentication::ClientSecretBasic);
    let without = Program {
        authentication: ClientAuthentication::None,
        ..program_without_the_grant(&key)
    };
    let without = client.server.register(without).unwrap();
    let sign = |program, number| {
        let claims = claims(&client, program, number);
        key.sign(&json!({"alg": "ES256"}), &claims)
    };
    let authenticated = |program: &Registered, assertion: String| {
        let form = [
            ("grant_type", Grant::JwtBearer.as_str().to_owned()),
            ("assertion", assertion),
        ];
        client.ask("/oauth/token", program).form(&form)
    };
    let got = [
        short(exchange(&client, &sign(&program, 1))).await,
        short(authenticated(&other, sign(&program, 2))).await,
        short(authenticated(&program, sign(&program, 3))).await,
        short(exchange(&client, &sign(&without, 4))).await,
    ];
    same(
        &got,
        "401 invalid_client
        400 invalid_grant
        200
        400 unauthorized_client",
    );
}

fn program_without_the_grant(key: &Key) -> Program {
    Program {
        grants: vec![Grant::Password],
        keys: vec![key.public()],
        ..program()
    }
}
