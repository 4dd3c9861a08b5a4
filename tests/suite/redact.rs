//! What a CRM says of a connection's secrets never reaches a guest, in whatever form it says it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use brightsync_core::crm::page::PageRequest;
use brightsync_core::retry::Options;
use brightsync_runtime::{Connection, ConnectionKey, Limits, Suspension};
use brightsync_tests::logs::Search;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask, manifest};
use brightsync_tests::{guest, story};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const TOKEN: &str = "s3cr3t/t0ken+of\"acme";

/// What the guest `asker` is told of one request, whose answer is this.
async fn told(recipe: &str, fields: &[(&str, &str)], answer: Answer) -> (Value, World) {
    let crm = Server::start();
    let line = match recipe {
        "parameter" => format!("GET /x?api_token={}", fields[0].1),
        _ => "GET /x".to_owned(),
    };
    crm.once(&line, answer);
    // An answer that is cut off would be asked for again.
    let once = Options {
        repeats: 0,
        ..Options::default()
    };
    let world = World::with(|it| it.retries(once));
    let account = Account::at(&crm).credential(recipe, fields);
    let acme = world.open(guest::ASKER, account).await;
    let mut answers = ask(&acme, &[json!({"url": "x"})]).await;
    (answers[0].take(), world)
}

/// What a guest gets of an answer to a request with the token.
async fn check(answer: Answer, expected: Expect) {
    let (told, world) = told("key", &[("key", TOKEN)], answer).await;
    expected.assert_eq(told["body"].as_str().unwrap());
    let report = &world.reports()[0];
    assert_eq!(report.redactions, report.requests[0].redactions);
    assert!(0 < report.redactions);
}

#[tokio::test]
async fn a_token_is_cut_out_of_an_answer_in_every_encoding() {
    let hexadecimal: String = TOKEN.bytes().map(|it| format!("{it:02X}")).collect();
    let body = [
        TOKEN.to_owned(),
        json!({ "header": TOKEN }).to_string(),
        json!({ "page": json!({ "token": TOKEN }).to_string() }).to_string(),
        "s3cr3t%2Ft0ken%2Bof%22acme s3cr3t%2ft0ken%2bof%22acme %733cr3t/t0ken+of%22acme".to_owned(),
        "s3cr3t&#x2F;t0ken+of&quot;acme".to_owned(),
        STANDARD.encode(format!("x-api-key: {TOKEN}")),
        URL_SAFE_NO_PAD.encode(format!("X-API-Key:{TOKEN}, and more")),
        hexadecimal,
    ];
    check(
        Answer::text(200, &body.join("\n")),
        expect![[r#"
            [redacted]
            {"header":"[redacted]"}
            {"page":"{\"token\":\"[redacted]\"}"}
            [redacted] [redacted] [redacted]
            [redacted]
            eC1hcGkta2V5Oi[redacted]==
            WC1BUEktS2V5O[redacted]LCBhbmQgbW9yZQ
            [redacted]"#]],
    )
    .await;
}

#[tokio::test]
async fn an_error_and_a_header_are_redacted_like_any_answer() {
    let answer = Answer::text(401, &format!("the key {TOKEN} is not valid"))
        .with("location", "/x?key=s3cr3t%2Ft0ken%2Bof%22acme");
    let (told, _world) = told("key", &[("key", TOKEN)], answer).await;
    expect![[
        r#"{"body":"the key [redacted] is not valid","location":"/x?key=[redacted]","status":401}"#
    ]]
    .assert_eq(&told.to_string());
}

#[tokio::test]
async fn what_the_host_makes_of_a_credential_is_redacted_too() {
    let fields = [("user", "ann"), ("password", "sesame")];
    let pair = STANDARD.encode("ann:sesame");
    let echo = format!("authorization: Basic {pair}; ann:sesame; open sesame, ann");
    let (told, _world) = told("basic", &fields, Answer::text(200, &echo)).await;
    expect!["authorization: Basic [redacted]; [redacted]; open sesame, ann"]
        .assert_eq(told["body"].as_str().unwrap());
}

#[tokio::test]
async fn an_answer_without_the_secret_is_passed_on_byte_for_byte() {
    let body = r#"{"a":"s3cr3t\/t0ken+of\"acm\u0045","b":"c%2525","c":"\\u00"}"#;
    let (told, world) = told("key", &[("key", TOKEN)], Answer::text(200, body)).await;
    assert_eq!(told["body"], body);
    assert_eq!(world.reports()[0].redactions, 0);
}

/// An answer in chunks of so many bytes.
fn chunked(encoding: &str, body: &[u8], size: usize) -> Answer {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for chunk in body.chunks(size) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Answer::Raw(bytes)
}

fn pack(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    match encoding {
        "gzip" => {
            let level = flate2::Compression::best();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut packed = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, 9, 22);
            encoder.write_all(bytes).unwrap();
            drop(encoder);
            packed
        }
        "zstd" => zstd::bulk::compress(bytes, 3).unwrap(),
        other => panic!("nobody packs {other}"),
    }
}

#[tokio::test]
async fn a_token_is_found_in_what_is_packed_and_comes_byte_by_byte() {
    let text = format!("{{\"a\":\"{}\"}}", TOKEN.replace('"', "\\\""));
    for encoding in ["gzip", "br", "zstd"] {
        for size in [1, 3, 1000] {
            check(
                chunked(encoding, &pack(encoding, text.as_bytes()), size),
                expect![[r#"{"a":"[redacted]"}"#]],
            )
            .await;
        }
    }
    let text = format!("<{TOKEN}>");
    check(
        chunked("identity", text.as_bytes(), 1),
        expect!["<[redacted]>"],
    )
    .await;
}

/// How a request ends whose answer is packed like this.
async fn end(answer: Answer) -> String {
    let (told, _world) = told("key", &[("key", TOKEN)], answer).await;
    match told["message"].as_str() {
        Some(message) => message.to_owned(),
        None => told.to_string(),
    }
}

#[tokio::test]
async fn a_bomb_is_too_large_in_every_packing() {
    let zeros = vec![0; 64 << 20];
    let large = "the answer to GET x is larger than the host passes on: ask for smaller pages";
    for encoding in ["gzip", "br", "zstd"] {
        let bomb = pack(encoding, &zeros);
        assert!(bomb.len() < 100_000, "{encoding}: {}", bomb.len());
        assert_eq!(end(chunked(encoding, &bomb, 8192)).await, large);
    }
    // A frame whose window has 2 GiB.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    assert_eq!(end(chunked("zstd", &window, 9)).await, large);
}

#[tokio::test]
async fn what_is_not_packed_as_it_says_is_no_answer() {
    for encoding in ["gzip", "br", "zstd"] {
        let packed = pack(encoding, b"hello hello hello");
        let broken = end(chunked(encoding, &packed[..packed.len() - 1], 100)).await;
        assert!(broken.ends_with("encoding"), "{broken}");
        let garbage = [packed.as_slice(), b"\0\0garbage"].concat();
        assert_eq!(end(chunked(encoding, &garbage, 100)).await, broken);
        assert_eq!(end(chunked(encoding, b"hello hello", 100)).await, broken);
    }
    let cut = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n\x1f\x8b";
    let cut = end(Answer::Raw(cut.to_vec())).await;
    assert!(cut.ends_with("cut-off"), "{cut}");
}

#[tokio::test]
async fn a_packing_in_a_packing_is_not_unpacked() {
    let packed = pack("gzip", &pack("gzip", TOKEN.as_bytes()));
    for encoding in ["gzip, gzip", "gzip\r\ncontent-encoding: gzip", "deflate"] {
        let ended = end(chunked(encoding, &packed, 100)).await;
        assert!(ended.ends_with("content-encoding"), "{ended}");
    }
}

/// A world in which the guest's manifest marks a place.
async fn marked(crm: &Server, world: &World) -> Connection {
    let manifest = manifest("asker").replace(
        "[functions]",
        "[[redact]]\npath = \"App/user\"\npointers = [\"/token\", \"/keys/*/key\"]\n\n[functions]",
    );
    world.load_with(guest::ASKER, &manifest).await.unwrap();
    world.connect("acme", guest::ASKER, Account::at(crm))
}

#[tokio::test]
async fn what_a_manifest_marks_is_cut_out_of_its_answers_and_of_no_others() {
    let (crm, world) = (Server::start(), World::new());
    let acme = marked(&crm, &world).await;
    let body = r#"{"token":"minted","keys":[{"key":"one"},{"id":2}],"user":{"token":"kept"}}"#;
    for path in [
        "App/user",
        "app/user/?x=1",
        "App/user;v=1",
        "App",
        "x/App/user",
    ] {
        crm.once(&format!("GET /{path}"), Answer::text(200, body));
    }
    let orders: Vec<_> = [
        "App/user",
        "app/user/?x=1",
        "App/user;v=1",
        "x/App/user",
        "App",
    ]
    .iter()
    .map(|it| json!({ "url": it }))
    .collect();
    let answers = ask(&acme, &orders).await;
    let cut =
        r#"{"token":"[redacted]","keys":[{"key":"[redacted]"},{"id":2}],"user":{"token":"kept"}}"#;
    let bodies: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["body"])
        .collect();
    assert_eq!(bodies, [cut, cut, cut, cut, body]);
    assert_eq!(world.reports()[0].redactions, 8);
    // It is the manifest's place and nobody's guess, however often it is cut.
    assert_eq!(world.reports()[0].requests[0].redactions, 2);
}

#[tokio::test]
async fn an_answer_in_which_a_place_is_marked_is_json_or_no_answer() {
    let (crm, world) = (Server::start(), World::new());
    let acme = marked(&crm, &world).await;
    crm.once(
        "GET /App/user",
        Answer::text(200, "callback({\"token\":\"minted\"})"),
    );
    crm.once("GET /App/user", Answer::text(500, "<h1>Oops</h1>"));
    let orders = [json!({"url": "App/user"}), json!({"url": "App/user"})];
    let answers = ask(&acme, &orders).await;
    let message = answers[0]["message"].as_str().unwrap();
    assert!(message.ends_with("not-json"), "{message}");
    assert_eq!(answers[1]["body"], "<h1>Oops</h1>");
}

fn guesses(guesses: &[&str]) -> PageRequest {
    PageRequest {
        extra: [("guesses".to_owned(), json!(guesses))].into(),
        ..PageRequest::default()
    }
}

/// A guest that guesses, at a CRM that repeats whatever it is told.
async fn guess(
    deed: &str,
    token: &str,
    tries: &[&str],
) -> (Value, Value, World, Connection, Server) {
    let crm = Server::start();
    crm.always("POST /echo", Answer::Echo);
    crm.always(&format!("GET /echo?q={token}"), Answer::text(200, ""));
    let world = World::with(|it| {
        it.limits(Limits {
            redactions: 3,
            ..Limits::default()
        })
    });
    let account = Account::at(&crm).bearer(token).set("deed", deed);
    let acme = world.open(guest::GUESSER, account).await;
    let page = acme.get_users(guesses(tries)).await.unwrap();
    let extra = page.end.extra;
    (
        extra["right"].clone(),
        extra["ends"].clone(),
        world,
        acme,
        crm,
    )
}

#[tokio::test]
async fn a_guest_that_guesses_and_reads_back_what_was_cut_is_suspended() {
    for deed in ["body", "address"] {
        let token = "a-secret-of-acme";
        let (right, ends, world, acme, crm) = guess(deed, token, &[token; 9]).await;
        // What it learned before the limit it has learned; then it hears nothing more, in this call or another.
        assert_eq!(right.as_array().unwrap().len(), 3, "{deed}: {right} {ends}");
        assert_eq!(ends[1], "suspended");
        assert_eq!(ends.as_array().unwrap().len(), 6);
        assert_eq!(crm.asked().len(), 4);
        expect!["refused: connection acme/crm is suspended because connectors found too much of its credential in answers"]
            .assert_eq(&story::end(&acme.get_users(guesses(&[])).await));

        // Nobody else notices, and an operator can resume it.
        let bystander = world.connect(
            "bystander",
            guest::GUESSER,
            Account::at(&crm).bearer("another-secret"),
        );
        bystander.get_users(guesses(&[token])).await.unwrap();
        let key = ConnectionKey::new("acme", "crm").unwrap();
        world.host.resume(&Suspension::Connection(key));
        acme.get_users(guesses(&[token])).await.unwrap();
    }
}

#[tokio::test]
async fn a_guess_that_is_wrong_by_one_character_is_repeated_as_it_is() {
    let token = "a-secret-of-acme";
    let near = [
        "a-secret-of-acm",
        "a-secret-of-acmf",
        "b-secret-of-acme",
        "A-secret-of-acme",
    ];
    let (right, ends, world, _, _crm) = guess("body", token, &near).await;
    assert_eq!((right, ends), (json!([]), json!([])));
    assert_eq!(world.reports()[0].redactions, 0);
}

#[tokio::test]
async fn a_guess_is_in_no_log_error_or_report() {
    let token = "the-secret-that-a-guest-was-told";
    let search = Search::begin(&[token.to_owned()]);
    let crm = Server::start();
    crm.once(
        &format!("GET /guess/{token}?q={token}"),
        Answer::text(200, ""),
    );
    let world = World::new();
    let account = Account::at(&crm).bearer(token).set("deed", token);
    let acme = world.open(guest::GUESSER, account).await;
    let error = acme.get_me().await.unwrap_err();
    expect!["the connector answered other: it is not [redacted]"].assert_eq(&error.end.to_string());
    let panic = acme
        .get_users_by_email(Vec::new(), PageRequest::default())
        .await;
    let panic = panic.unwrap_err();
    assert!(
        panic.end.to_string().contains("it is [redacted]"),
        "{panic}"
    );
    for text in [format!("{error:?} {panic:?}"), world.story()] {
        assert!(!text.contains(token), "{text}");
    }
    for report in world.reports() {
        assert!(0 < report.redactions);
        assert!(!serde_json::to_string(&report).unwrap().contains(token));
    }
    assert_eq!(
        search
            .found()
            .iter()
            .filter(|it| it.contains("brightsync"))
            .count(),
        0
    );
}

#[tokio::test]
async fn an_answer_may_have_so_many_bytes_on_the_way_and_so_many_times_as_many_unpacked() {
    let text = "hello, ".repeat(30_000);
    let answer = |limits| async {
        let crm = Server::start();
        crm.once(
            "GET /x",
            chunked("gzip", &pack("gzip", text.as_bytes()), 100),
        );
        let world = World::with(|it| it.limits(limits));
        let acme = world.open(guest::ASKER, Account::at(&crm)).await;
        ask(&acme, &[json!({"url": "x"})]).await[0]["status"].clone()
    };
    for (limits, expected) in [
        (
            Limits {
                answer_ratio: 2000,
                ..Limits::default()
            },
            json!(200),
        ),
        (
            Limits {
                answer_ratio: 20,
                ..Limits::default()
            },
            Value::Null,
        ),
        (
            Limits {
                answer_ratio: 2000,
                answer_packed_size: 100,
                ..Limits::default()
            },
            Value::Null,
        ),
        (
            Limits {
                answer_ratio: 2000,
                answer_size: 200_000,
                ..Limits::default()
            },
            Value::Null,
        ),
    ] {
        assert_eq!(answer(limits).await, expected);
    }
}
