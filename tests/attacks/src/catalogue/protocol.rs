//! Breaking the rules of the component model and of HTTP.

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
        says("answer with a length and in chunks", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nsmuggled", "status 200", told("smuggled")),
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
