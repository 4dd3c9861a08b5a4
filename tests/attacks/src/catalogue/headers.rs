//! Saying what is the host's to say: in headers, in the address, in the method.

use brightsync_core::rule::Rule;
use serde_json::json;

use crate::attack::Attack;
use crate::attack::Family::Headers;
use crate::deed::Deed;
use crate::prize::{crm_saw, crm_saw_header};
use crate::scene::Scene;

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = names();
    attacks.extend(values());
    attacks.extend(addresses());
    attacks.extend(requests());
    attacks
}

/// Headers that are not the connector's.
fn names() -> Vec<Attack> {
    let anonymous = || Scene {
        credential: None,
        ..Scene::default()
    };
    let mine = |name, rules, header: &'static str, value: &'static str, seen: &'static str| {
        Attack::new(
            Headers,
            name,
            rules,
            Deed::header(header, value),
            "denied: header",
            crm_saw_header(seen, value),
        )
        .at(anonymous())
    };
    const HOST: &[Rule] = &[Rule::HostHeader];
    const CREDENTIAL: &[Rule] = &[Rule::CredentialHeader];
    vec![
        mine(
            "speak to another host behind the same address",
            HOST,
            "Host",
            "intranet.example",
            "host",
        ),
        mine(
            "say that it comes from inside",
            HOST,
            "X-Forwarded-For",
            "10.0.0.1",
            "x-forwarded-for",
        ),
        mine(
            "say so with an underscore",
            HOST,
            "X_Forwarded_For",
            "10.0.0.1",
            "x_forwarded_for",
        ),
        mine(
            "ask for another address behind the one that was checked",
            HOST,
            "X-Original-URL",
            "/admin",
            "x-original-url",
        ),
        mine(
            "speak to a proxy on the way",
            &[Rule::HostHeader, Rule::CredentialHeader],
            "Proxy-Authorization",
            "Basic cm9vdDp0b29y",
            "proxy-authorization",
        ),
        mine(
            "send a token of its own",
            CREDENTIAL,
            "Authorization",
            "Bearer of-somebody-else",
            "authorization",
        ),
        mine(
            "send a session of its own",
            CREDENTIAL,
            "Cookie",
            "session=of-somebody-else",
            "cookie",
        ),
        mine(
            "send a key of its own in an odd spelling",
            CREDENTIAL,
            "x_api.key",
            "of-somebody-else",
            "x_api.key",
        ),
        Attack::new(
            Headers,
            "set the header that its recipe sets",
            &[Rule::RecipeHeader],
            Deed::header("x_site", "of-somebody-else"),
            "denied: header",
            crm_saw_header("x_site", "of-somebody-else"),
        )
        .at(Scene {
            credential: Some(("key", "key")),
            manifest: vec![("header = \"X-Api-Key\"", "header = \"X-Site\"")],
            ..Scene::default()
        }),
        Attack::new(
            Headers,
            "change the method behind the method",
            &[Rule::MethodOverride],
            Deed::header("X-HTTP-Method-Override", "DELETE"),
            "denied: method-override",
            crm_saw_header("x-http-method-override", "DELETE"),
        ),
    ]
}

/// Values that end where nobody expects.
fn values() -> Vec<Attack> {
    vec![
        Attack::new(
            Headers,
            "put a header into a header",
            &[],
            Deed::header("X-Note", "a\r\nAuthorization: Bearer of-somebody-else"),
            "denied: header-value",
            crm_saw(|it| {
                it.header("authorization")
                    .is_some_and(|it| it.contains("somebody"))
            }),
        ),
        Attack::new(
            Headers,
            "put a header into a header's name",
            &[],
            Deed::header("X-Note\r\nAuthorization", "Bearer of-somebody-else"),
            "denied: header-name",
            crm_saw(|it| {
                it.header("authorization")
                    .is_some_and(|it| it.contains("somebody"))
            }),
        ),
        Attack::new(
            Headers,
            "send a value that two servers read differently",
            &[Rule::HeaderValue],
            Deed::header("X-Note", "caf\u{e9}"),
            "denied: header-value",
            crm_saw(|it| it.header("x-note").is_some()),
        ),
        Attack::new(
            Headers,
            "send a header twice",
            &[Rule::RepeatedHeader],
            Deed::order(
                json!({"request": {"url": "me", "headers": [["X-Note", "1"], ["x_note", "2"]]}}),
            ),
            "denied: header-repeated",
            crm_saw(|it| it.header("x_note").is_some()),
        ),
        Attack::new(
            Headers,
            "fetch an answer a few bytes at a time",
            &[Rule::ByteRange],
            Deed::header("Range", "bytes=0-3"),
            "denied: byte-range",
            crm_saw_header("range", "bytes=0-3"),
        ),
    ]
}

/// Addresses that two readers understand differently.
fn addresses() -> Vec<Attack> {
    let below = || Scene {
        settings: vec![("site", "{crm}/api")],
        ..Scene::default()
    };
    let asked = |line: &'static str| crm_saw(move |it| it.line == line);
    vec![
        Attack::new(
            Headers,
            "hide a tab in an address",
            &[Rule::Characters, Rule::PlainPath],
            Deed::get("a\tdmin"),
            "denied: address",
            asked("GET /admin"),
        ),
        Attack::new(
            Headers,
            "hide a name and password in an address",
            &[Rule::UserInfo, Rule::DialledUserInfo],
            Deed::get("http://root:toor@127.0.0.1:{crm-port}/me"),
            "denied: user-info",
            asked("GET /me"),
        ),
        Attack::new(
            Headers,
            "write a host in code",
            &[Rule::PlainHost],
            Deed::get("http://%31%32%37.0.0.1:{crm-port}/me"),
            "denied: address",
            asked("GET /me"),
        ),
        Attack::new(
            Headers,
            "climb out of the base",
            &[Rule::PlainPath, Rule::BelowBase],
            Deed::get("../admin"),
            "denied: path",
            asked("GET /admin"),
        )
        .at(below()),
        Attack::new(
            Headers,
            "climb out of the base in code",
            &[Rule::PlainPath, Rule::BelowBase],
            Deed::get("%2e%2e/admin"),
            "denied: path",
            asked("GET /admin"),
        )
        .at(below()),
        Attack::new(
            Headers,
            "have the server do the climbing",
            &[Rule::PlainPath],
            Deed::get("..%2fadmin"),
            "denied: path",
            asked("GET /api/..%2fadmin"),
        )
        .at(below()),
        Attack::new(
            Headers,
            "have a lax server do the climbing",
            &[Rule::PlainPath],
            Deed::get("..;x/admin"),
            "denied: path",
            asked("GET /api/..;x/admin"),
        )
        .at(below()),
        Attack::new(
            Headers,
            "send a token of its own in the query",
            &[Rule::CredentialParameter],
            Deed::get("me?access_token=mine"),
            "denied: parameter",
            asked("GET /me?access_token=mine"),
        ),
        Attack::new(
            Headers,
            "send it in a spelling that PHP understands",
            &[Rule::CredentialParameter],
            Deed::get("me?access%5Ftoken=mine"),
            "denied: parameter",
            asked("GET /me?access%5Ftoken=mine"),
        ),
        Attack::new(
            Headers,
            "set the parameter that its recipe sets",
            &[Rule::RecipeParameter],
            Deed::get("me?SITE=mine"),
            "denied: parameter",
            crm_saw(|it| it.line.contains("SITE=mine")),
        )
        .at(Scene {
            credential: Some(("parameter", "key")),
            manifest: vec![("parameter = \"api_token\"", "parameter = \"site\"")],
            ..Scene::default()
        }),
        Attack::new(
            Headers,
            "change the method in the query",
            &[Rule::MethodOverride],
            Deed::get("me?_method=DELETE"),
            "denied: method-override",
            asked("GET /me?_method=DELETE"),
        ),
    ]
}

/// Requests as nobody makes them.
fn requests() -> Vec<Attack> {
    vec![
        Attack::new(
            Headers,
            "send a body where servers expect none",
            &[Rule::ReadBody],
            Deed::order(json!({"request": {"url": "me", "body": "GET /admin HTTP/1.1"}})),
            "denied: body",
            crm_saw(|it| !it.body.is_empty()),
        ),
        Attack::new(
            Headers,
            "send an endless address",
            &[Rule::RequestSize],
            Deed::get(&format!("me?q={}", "x".repeat(20_000))),
            "denied: too-large",
            crm_saw(|it| 20_000 < it.line.len()),
        ),
        Attack::new(
            Headers,
            "send more headers than anybody reads",
            &[Rule::RequestSize],
            Deed::order(
                json!({"request": {"url": "me", "headers": (0..80).map(|it| (format!("X-Note-{it}"), "1")).collect::<Vec<_>>()}}),
            ),
            "denied: too-large",
            crm_saw(|it| 80 < it.headers.len()),
        ),
        Attack::new(
            Headers,
            "send a body of 9 MiB",
            &[Rule::RequestSize],
            Deed::order(json!({"request": {"method": "POST", "url": "me", "zeros": 9 << 20}})),
            "denied: too-large",
            crm_saw(|it| 9 << 20 == it.body.len()),
        ),
    ]
}
