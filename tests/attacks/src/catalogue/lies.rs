//! Saying what is not so: a connector to the host, or a CRM to everybody.

use std::io::Write as _;
use std::sync::Arc;

use brightsync_core::rule::Rule;
use futures::FutureExt as _;
use serde_json::json;

use crate::arena::Arena;
use crate::attack::Attack;
use crate::attack::Family::Lies;
use crate::deed::{Deed, told};
use crate::prize::{
    all_stopped_beyond, crm_was_asked_more_than, done, nothing, pages_beyond, told as learned,
};
use crate::scene::{Scene, ok};
use crate::server::{Answer, Asked};
use crate::told::Told;

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = of_connectors();
    attacks.extend(of_bodies());
    attacks.extend(of_limits());
    attacks.extend(of_writes());
    attacks
}

/// What a connector answers.
fn of_connectors() -> Vec<Attack> {
    let me = |name, rules, deed, end| {
        Attack::new(Lies, name, rules, Deed::Me, end, done()).at(Scene::deed(deed))
    };
    const ID: &[Rule] = &[Rule::Id];
    const EXTRA: &[Rule] = &[Rule::Extra];
    vec![
        me("answer an id of nothing", ID, "empty id", "trap: it answered an id or a token that is not allowed: it is empty"),
        me("answer an endless id", ID, "long id", "trap: it answered an id or a token that is not allowed: it has 2048 bytes, and at most 1024 are allowed"),
        me("answer an id that steers a terminal", ID, "id that steers a terminal", "trap: it answered an id or a token that is not allowed: it holds a control character"),
        me("answer JSON that is none", EXTRA, "text for JSON", "trap: it answered a value named \"field\" that is not JSON: EOF while parsing an object at line 1 column 1"),
        me("answer JSON so deep that a reader falls in", EXTRA, "deep JSON", "trap: it answered a value named \"field\" that is not JSON: recursion limit exceeded at line 1 column 128"),
        Attack::new(Lies, "answer an endless token", &[Rule::Token], Deed::Orders(json!([])),
            "trap: it answered an id or a token that is not allowed: it has 17408 bytes, and at most 16384 are allowed", done())
            .at(Scene::deed("long token")),
        Attack::new(Lies, "answer a contact that was not asked for", &[Rule::Match], Deed::Lookup, "nothing found", learned("somebody.else@example.org")),
        Attack::new(Lies, "lead a read in a circle", &[Rule::PageLoop, Rule::Pages], Deed::Read,
            "trap: it answered the same page token twice, so the read would never end", pages_beyond(20))
            .at(Scene::deed("in a circle").limited(|it| it.pages = 20)),
    ]
}

/// What a CRM sends for a body.
fn of_bodies() -> Vec<Attack> {
    let gzip = |size: usize| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b'x'; size]).unwrap();
        let body = gzip.finish().unwrap();
        move |_: &Asked| Answer::Whole {
            status: 200,
            headers: vec![("content-encoding".to_owned(), "gzip".to_owned())],
            body: body.clone(),
        }
    };
    let large = |_: &Asked| Answer::text(200, &"x".repeat(100_000));
    let takes_all = || learned("\"length\":100000");
    vec![
        Attack::new(
            Lies,
            "answer more than anybody can hold",
            &[Rule::AnswerSize],
            Deed::get("me"),
            "told: the answer to GET me is larger than the host passes on",
            takes_all(),
        )
        .at(Scene::crm(large).limited(|it| it.answer_size = 50_000)),
        Attack::new(
            Lies,
            "announce more than anybody can hold",
            &[Rule::AnswerPackedSize],
            Deed::get("me"),
            "told: the answer to GET me is larger than the host passes on",
            takes_all(),
        )
        .at(Scene::crm(large).limited(|it| it.answer_packed_size = 50_000)),
        Attack::new(
            Lies,
            "answer without end",
            &[],
            Deed::get("me"),
            "told: the answer to GET me is larger than the host passes on",
            nothing(),
        )
        .at(Scene::crm(|_| Answer::Endless)),
        Attack::new(
            Lies,
            "answer a bomb of gzip",
            &[Rule::AnswerRatio],
            Deed::get("me"),
            "told: the answer to GET me is larger than the host passes on",
            learned("\"length\":1000000"),
        )
        .at(Scene::crm(gzip(1_000_000)).limited(|it| it.answer_ratio = 20)),
        Attack::new(
            Lies,
            "answer a little much, again and again",
            &[Rule::BytesIn],
            Deed::order(json!({"request": {"url": "me", "times": 4}})),
            "told: the answer to GET me is larger than the host passes on",
            Arc::new(|told: &Told, _: &Arena| {
                (told.learned.matches("\"length\":100000").count() == 4)
                    .then(|| "all four answers".to_owned())
            }),
        )
        .at(Scene::crm(large).limited(|it| it.bytes_in = 350_000)),
    ]
}

/// What a CRM says of its limits.
fn of_limits() -> Vec<Attack> {
    const HOUR: u64 = 3_600_000;
    let throttled =
        |wait: &'static str| move |_: &Asked| Answer::text(429, "").with("retry-after", wait);
    vec![
        Attack::new(
            Lies,
            "have a CRM stop a connection for a year",
            &[Rule::QuotaClaim],
            Deed::get("me"),
            "status 429",
            all_stopped_beyond(HOUR),
        )
        .at(Scene::crm(throttled("31536000"))),
        Attack::new(
            Lies,
            "have a CRM stop all tenants, again and again",
            &[Rule::QuotaForAll],
            Deed::other(|arena| {
                async move {
                    let (mallory, neighbour) = (arena.mallory(), arena.neighbour());
                    arena
                        .order(&neighbour, &json!([{"request": {"url": "me"}}]))
                        .await;
                    // The host waits for a second and asks once more: the first answer stops everybody, the second one mallory alone.
                    arena
                        .order(&mallory, &json!([{"request": {"url": "limit"}}]))
                        .await
                }
                .boxed()
            }),
            "status 429",
            all_stopped_beyond(0),
        )
        .at(Scene::crm(|asked| match asked.line.as_str() {
            "GET /limit" => Answer::text(429, "").with("retry-after", "1"),
            _ => ok(),
        })),
    ]
}

/// Writes of which nobody knows whether they were made.
fn of_writes() -> Vec<Attack> {
    let cut_off =
        |_: &Asked| Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut".to_vec());
    vec![
        Attack::new(
            Lies,
            "have a write made twice because its answer was lost",
            &[Rule::BlindRepeat],
            Deed::order(json!({"request": {"method": "POST", "url": "write", "body": "{}"}})),
            "told: the CRM gave no whole answer to POST write: cut-off; the write may have been carried out",
            crm_was_asked_more_than(1),
        )
        .at(Scene::crm(cut_off)),
        Attack::new(
            Lies,
            "say that nothing was written when nobody knows",
            &[Rule::InDoubt],
            Deed::other(|arena| {
                async move {
                    let account = brightsync_core::crm::account::NewAccount {
                        name: "Acme".to_owned(),
                        ..Default::default()
                    };
                    told(arena.mallory().create_account(account).await)
                }
                .boxed()
            }),
            "error: in-doubt: a write was sent and no answer came, so it may have been carried out",
            Arc::new(|told: &Told, _: &Arena| {
                (!told.end.contains("it may have been carried out")).then(|| told.end.clone())
            }),
        )
        .at(Scene::crm(cut_off)),
    ]
}
