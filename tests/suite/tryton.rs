//! The connector to Tryton against a real Tryton 8.2, through the whole host: every function, and what Tryton can only do in a roundabout way.

use std::collections::BTreeSet;
use std::path::PathBuf;

use brightsync_core::crm::error::Reason;
use brightsync_sandbox::tryton::{Environment, Options, Server};
use brightsync_tests::connector;
use brightsync_tests::customer::{Customer, present};
use serde_json::{Value, json};

/// The scenarios of all connectors, as far as a Tryton with a company and its people plays them.
mod scenarios {
    use brightsync_tests::scene::Tryton;

    brightsync_tests::scenarios! {
        Tryton::open:
        update_and_clear,
        look_ups,
        identical_timestamps,
        late_visibility,
        emails,
        meetings,
        missing_scope,
        limit_in_the_middle,
        outage_in_the_middle,
    }
}

/// A Tryton of its own, and a user's connection to it.
struct Tryton {
    // Stopped when it goes.
    server: Server,
    customer: Customer,
}

impl Tryton {
    async fn open(login: &'static str, options: Options) -> Self {
        let server = tokio::task::spawn_blocking(move || {
            #[expect(
                clippy::print_stdout,
                reason = "the first time takes minutes, and a test has no other way to say so"
            )]
            let environment = Environment::prepare(&target(), &mut |line| println!("{line}"));
            let environment = environment.unwrap_or_else(|error| panic!("{error}"));
            Server::start(&environment, &options).unwrap_or_else(|error| panic!("{error}"))
        });
        let server = server.await.unwrap();
        let customer = Customer::connect(
            connector::TRYTON,
            &format!("http://{}", server.address()),
            "application-key",
            &[("token", server.key(login).unwrap())],
            &[("database", "tryton")],
        )
        .await;
        Self { server, customer }
    }
}

/// Cargo's target folder, in which there is one environment for all tests.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_tryton_is_worked_with_from_connecting_to_deleting() {
    let tryton = Tryton::open("admin", Options::default()).await;
    let customer = &tryton.customer;
    let me = customer.ask("get-me", json!({})).await;
    assert!(me["user"]["id"].is_string(), "{me}");
    let users = customer.all("get-users", &json!({}), 2).await;
    assert!(
        users.iter().any(|it| it["id"] == me["user"]["id"]),
        "{users:?}"
    );
    let anna = users
        .iter()
        .find(|it| !it["emails"].as_array().unwrap().is_empty())
        .unwrap();
    let email = anna["emails"][0].as_str().unwrap().to_uppercase();
    let found = customer
        .ask("get-users-by-email", json!({"emails": [email]}))
        .await;
    assert!(
        found["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["id"] == anna["id"])
    );

    let begin = now();
    let account = json!({"account": {"name": "Umbrella O'Neill", "domains": ["umbrella.example"]}});
    let acme = customer.ask("create-account", account).await["id"].clone();
    let contact = json!({
        "full-name": "Zoë 100%_d'Arc", "emails": [{"value": "Zoe@umbrella.example", "primary": true}],
        "phones": [{"value": "+49301234567"}], "accounts": [{"account": acme, "primary": true}],
    });
    let zoe = customer
        .ask("create-contact", json!({"contact": contact}))
        .await["id"]
        .clone();
    for (function, arguments) in [
        (
            "get-contacts-by-email",
            json!({"emails": ["zoe@umbrella.example", "%@umbrella.example", "x' OR 1=1@example.org"]}),
        ),
        (
            "get-contacts-by-email-domain",
            json!({"domain": "umbrella.example"}),
        ),
        ("get-contacts-by-name", json!({"name": "ZOË 100%_D'ARC"})),
        ("get-contacts", json!({"ids": [zoe, "999999"]})),
        (
            "get-my-contacts",
            json!({"request": {"owner": "me", "scope": {"updated": {"since": begin}}}}),
        ),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(
            ids(&found, "/present/ref/id"),
            std::slice::from_ref(&zoe),
            "{function}"
        );
    }
    for (function, arguments) in [
        (
            "get-accounts-by-domain",
            json!({"domain": "umbrella.example"}),
        ),
        ("get-accounts-by-name", json!({"name": "umbrella o'neill"})),
        ("get-accounts", json!({"ids": [acme]})),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(
            ids(&found, "/present/id"),
            std::slice::from_ref(&acme),
            "{function}"
        );
    }

    let patch = json!({"edits": [["full-name", {"set": "Zoë d'Arc"}], ["emails", {"add": {"value": "zoe@example.org"}}]]});
    customer
        .ask("update-contact", json!({"id": zoe, "patch": patch}))
        .await;
    let contact = customer.ask("get-contact", json!({"id": zoe})).await;
    assert_eq!(contact["full-name"], "Zoë d'Arc");
    assert_eq!(contact["emails"].as_array().unwrap().len(), 2);
    assert_eq!(contact["accounts"][0]["account"], acme);
    let patch = json!({"edits": [["name", {"set": "Umbrella"}]]});
    customer
        .ask("update-account", json!({"id": acme, "patch": patch}))
        .await;
    assert_eq!(
        customer.ask("get-account", json!({"id": acme})).await["name"],
        "Umbrella"
    );
    let changed = json!({"request": {"owner": "anyone", "scope": {"updated": {"since": begin}}}});
    let changed = customer.ask("get-my-accounts", changed).await;
    assert!(ids(&changed, "/present/id").contains(&acme));

    log(customer, &zoe).await;
    for (function, arguments) in [
        ("get-opportunities-for-contacts", json!({"contacts": [zoe]})),
        (
            "get-opportunities-for-accounts",
            json!({"accounts": [acme]}),
        ),
    ] {
        assert_eq!(
            customer.ask(function, arguments).await["items"],
            json!([]),
            "{function}"
        );
    }

    for (delete, read, id) in [
        ("delete-contact", "get-contact", &zoe),
        ("delete-account", "get-account", &acme),
    ] {
        customer.ask(delete, json!({"id": id})).await;
        assert_eq!(
            customer.refused(read, json!({"id": id})).await,
            Reason::NotFound,
            "{read}"
        );
    }
    let gone = json!({"request": {"owner": "anyone", "scope": {"departed": {"since": begin}}}});
    let gone = customer.all("get-my-contacts", &gone, 50).await;
    assert!(
        gone.iter().any(|it| it["departed"]["id"] == zoe),
        "{gone:?}"
    );
}

/// Logs an e-mail and a meeting, which become notes, finds, changes and deletes them.
async fn log(customer: &Customer, zoe: &Value) {
    let about = json!([{"kind": "contact", "id": zoe}]);
    let key = json!({
        "key": "mail-1", "message-id": "1@partner.example", "sent-at": 1_768_471_200_000_i64, "subject": "Offer <1>",
        "sender": "bob@partner.example", "about": about,
    });
    let email = json!({
        "key": key, "direction": "incoming", "sender": {"address": "bob@partner.example"},
        "to": [{"address": "zoe@umbrella.example"}], "text": "Here it is.",
    });
    let start = json!({"at": 1_768_471_200_000_i64});
    let meeting_key = json!({
        "key": "meeting-1", "ical-uid": "u1", "start": start, "subject": "Review", "about": about,
    });
    let meeting = json!({
        "key": meeting_key, "end": {"at": 1_768_474_800_000_i64}, "status": "confirmed",
        "organiser": {"address": "bob@partner.example"}, "attendees": [],
    });
    for (kind, argument, record, key) in [
        ("email", "email", email, key),
        ("meeting", "meeting", meeting, meeting_key),
    ] {
        let id = customer
            .ask(&format!("create-{kind}"), json!({argument: record}))
            .await["id"]
            .clone();
        let find = format!("find-{kind}");
        assert_eq!(
            customer.ask(&find, json!({"key": key})).await,
            json!([id]),
            "{kind}"
        );
        let patch = json!({"edits": [["text", {"set": "Something else."}]]});
        customer
            .ask(&format!("update-{kind}"), json!({"id": id, "patch": patch}))
            .await;
        assert_eq!(
            customer.ask(&find, json!({"key": key})).await,
            json!([id]),
            "{kind}"
        );
        customer
            .ask(&format!("delete-{kind}"), json!({"id": id}))
            .await;
        assert_eq!(
            customer.ask(&find, json!({"key": key})).await,
            json!([]),
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tryton_with_many_parties_is_read_whole_and_opportunities_are_found() {
    let options = Options {
        accounts: 30,
        contacts: 120,
    };
    let tryton = Tryton::open("anna", options).await;
    let customer = &tryton.customer;
    for (function, pointer, least) in [
        ("get-my-contacts", "/present/ref/id", 120),
        ("get-my-accounts", "/present/id", 30),
    ] {
        let read = customer
            .all(function, &json!({"request": {"owner": "anyone"}}), 50)
            .await;
        let distinct: BTreeSet<_> = read
            .iter()
            .map(|it| it.pointer(pointer).unwrap().to_string())
            .collect();
        assert!(least <= distinct.len(), "{function}: {}", distinct.len());
        assert_eq!(distinct.len(), read.len(), "{function}: each once");
    }
    let contacts = customer
        .all(
            "get-my-contacts",
            &json!({"request": {"owner": "anyone"}}),
            200,
        )
        .await;
    let contacts: Vec<_> = contacts
        .iter()
        .map(|it| present(it)["ref"]["id"].clone())
        .collect();
    let found = customer
        .all(
            "get-opportunities-for-contacts",
            &json!({"contacts": contacts}),
            50,
        )
        .await;
    assert!(!found.is_empty());
    // What Tryton does not let this user do, the connection says.
    let me = customer.ask("get-me", json!({})).await;
    assert!(
        me["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!(["emails.delete-email", "forbidden"])),
        "{me}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_has_is_unauthorized() {
    let mut tryton = Tryton::open("anna", Options::default()).await;
    let site = format!("http://{}", tryton.server.address());
    tryton.customer = Customer::connect(
        connector::TRYTON,
        &site,
        "application-key",
        &[("token", "nobody-has-this-key")],
        &[("database", "tryton")],
    )
    .await;
    assert_eq!(
        tryton.customer.refused("get-me", json!({})).await,
        Reason::Unauthorized
    );
}

fn ids(page: &Value, pointer: &str) -> Vec<Value> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .filter_map(|it| it.pointer(pointer).cloned())
        .collect()
}

/// A second ago by this machine's clock, which is also Tryton's; it keeps whole seconds in some places.
fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_millis()).unwrap() - 1_000
}
