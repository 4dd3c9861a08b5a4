//! What a connector sees of an answer, and what it does not.

use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask};
use serde_json::{Value, json};

/// What the guest `asker` is told of one answer.
async fn told(answer: Answer) -> Value {
    let crm = Server::start();
    crm.always("GET /x", answer);
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let mut answers = ask(&acme, &[json!({"url": "x"})]).await;
    answers[0].take()
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in [200, 204, 400, 401, 403, 404, 429, 500, 503] {
        assert_eq!(
            told(Answer::text(status, "")).await["status"],
            json!(status)
        );
    }
}

#[tokio::test]
async fn a_compressed_answer_that_nobody_asked_for_is_not_passed_on() {
    let answer = Answer::text(200, "x").with("content-encoding", "deflate");
    let told = told(answer).await;
    assert_eq!(told["status"], Value::Null);
    let message = told["message"].as_str().unwrap();
    assert!(message.ends_with("content-encoding"), "{message}");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_no_answer() {
    for garbage in [
        "",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
    ] {
        let told = told(Answer::Raw(garbage.into())).await;
        assert_eq!(told["status"], Value::Null, "{garbage}: {told}");
    }
}

#[tokio::test]
async fn the_host_asks_for_what_it_can_unpack_and_names_itself() {
    let crm = Server::start();
    crm.once("GET /x", Answer::text(200, ""));
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &[json!({"url": "x"})]).await;
    let asked = &crm.asked()[0];
    assert_eq!(asked.header("accept-encoding"), Some("gzip, br, zstd"));
    assert!(
        asked
            .header("user-agent")
            .unwrap()
            .starts_with("BrightSync/")
    );
}
