//! Breaking the rules of the component model and of HTTP.

use std::time::Duration;

use brightsync_core::rule::Rule;
use brightsync_runtime::Limits;
use serde_json::json;

use crate::attack::Attack;
use crate::attack::Family::Protocol;
use crate::deed::Deed;
use crate::prize::{Prize, nothing, told};
use crate::scene::Scene;
use crate::server::Answer;

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = of_components();
    attacks.extend(of_http());
    attacks
}

/// What no compiler would make. The engine checks all of it.
fn of_components() -> Vec<Attack> {
    let raw = |name, what: &str, end| {
        Attack::new(
            Protocol,
            name,
            &[],
            Deed::order(json!({ "raw": what })),
            end,
            told("called"),
        )
    };
    vec![
        raw(
            "pass a text that is none",
            "a text that is none",
            "trap: invalid utf-8 sequence",
        ),
        raw(
            "pass a text outside of its memory",
            "a text outside of memory",
            "trap: ",
        ),
        raw(
            "pass a text longer than its memory",
            "a text longer than memory",
            "trap: ",
        ),
        raw(
            "pass a level that there is not",
            "a level that there is not",
            "trap: ",
        ),
        raw(
            "have an answer written outside of its memory",
            "an answer outside of memory",
            "trap: ",
        ),
        raw(
            "have an answer written at an odd place",
            "an answer at an odd place",
            "trap: ",
        ),
        Attack::new(
            Protocol,
            "answer a text that is none",
            &[],
            Deed::Me,
            "trap: ",
            nothing(),
        )
        .at(Scene::deed("no text")),
    ]
}

/// What no HTTP server would say. The HTTP client and the broker refuse it; the next request is a new one.
fn of_http() -> Vec<Attack> {
    let says = |name, bytes: &'static [u8], end, prize: Prize| {
        let twice = Deed::order(json!({"request": {"url": "me", "times": 1}}));
        Attack::new(Protocol, name, &[], twice, end, prize)
            .at(Scene::crm(move |_| Answer::Raw(bytes.to_vec())))
    };
    vec![
        says("answer with two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}smuggled", "told: the CRM gave no whole answer to GET me: connection", told("smuggled")),
        Attack::new(Protocol, "answer with a length and in chunks", &[Rule::OneEnd], Deed::get("me"),
            "told: the CRM gave no whole answer to GET me: framing", told("\"status\":200"))
            .at(Scene::crm(|_| Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nsmuggled".to_vec()))),
        Attack::new(Protocol, "answer with one length, said twice", &[Rule::OneEnd], Deed::get("me"),
            "told: the CRM gave no whole answer to GET me: framing", told("\"status\":200"))
            .at(Scene::crm(|_| Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}".to_vec()))),
        Attack::new(Protocol, "answer more headers than anybody reads", &[Rule::AnswerHeaderSize], Deed::get("me"),
            "told: the answer to GET me is larger than the host passes on", told("\"status\":200"))
            .at(Scene::crm(|_| Answer::text(200, "{}").with("x-more", &"x".repeat(4_000))).limited(|it| it.answer_header_size = 1_000)),
        late("begin no answer", &[Rule::FirstByte], "told: the CRM gave no whole answer to GET me: first-byte-timeout", |it| it.first_byte_time = SHORT, Answer::Never),
        late("begin an answer and stop", &[Rule::Silence], "told: the CRM gave no whole answer to GET me: silence-timeout", |it| it.silence = SHORT,
            Answer::Stuck(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())),
        late("answer a byte now and then", &[Rule::AnswerTime], "told: the CRM gave no whole answer to GET me: answer-timeout", |it| it.answer_time = SHORT,
            Answer::Dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{".to_vec())),
        says("answer less than it announced", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", "told: the CRM gave no whole answer to GET me: cut-off", nothing()),
        says("answer chunks that never end", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", "told: the CRM gave no whole answer to GET me: cut-off", nothing()),
        says("answer chunks of no number", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxx\r\n{}\r\n0\r\n\r\n", "told: the CRM gave no whole answer to GET me: cut-off", nothing()),
        says("answer something else than HTTP", b"SSH-2.0-OpenSSH_9.2\r\n", "told: the CRM gave no whole answer to GET me: connection", nothing()),
        says("answer nothing", b"", "told: the CRM gave no whole answer to GET me: connection", nothing()),
        Attack::new(Protocol, "answer headers without end", &[], Deed::get("me"), "told: the CRM gave no whole answer to GET me: connection", nothing())
            .at(Scene::crm(|_| {
                let headers = "x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(20_000);
                Answer::Raw(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes())
            })),
        Attack::new(Protocol, "answer in a packing that nobody asked for", &[], Deed::get("me"), "told: the request GET me did not work: content-encoding", nothing())
            .at(Scene::crm(|_| Answer::text(200, "{}").with("content-encoding", "compress"))),
        Attack::new(Protocol, "answer what is not packed as if it were", &[], Deed::get("me"), "told: the CRM gave no whole answer to GET me: encoding", nothing())
            .at(Scene::crm(|_| Answer::text(200, "{}").with("content-encoding", "gzip"))),
    ]
}

const SHORT: Duration = Duration::from_millis(200);

/// A CRM that takes its time, for as long as a call may take. The rule ends it long before.
fn late(
    name: &'static str,
    rules: &'static [Rule],
    end: &'static str,
    set: fn(&mut Limits),
    answer: Answer,
) -> Attack {
    let lasts: Prize = std::sync::Arc::new(|told, _| {
        (told.end == "limit: wall-time").then(|| "it held the call until its very end".to_owned())
    });
    let mut scene = Scene::crm(move |_| answer.clone()).limited(|it| {
        it.wall_time = Duration::from_secs(3);
        it.connect_time = SHORT;
        it.first_byte_time = Duration::from_secs(60);
        it.silence = Duration::from_secs(60);
        it.answer_time = Duration::from_secs(60);
        set(it);
    });
    scene.retries.repeats = 0;
    Attack::new(Protocol, name, rules, Deed::get("me"), end, lasts).at(scene)
}
