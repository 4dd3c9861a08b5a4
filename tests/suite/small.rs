//! A whole connector is about 300 lines: the guest `small` against the real sandbox server, each of its functions, and its length.

use std::collections::BTreeSet;

use brightsync_core::crm::error::Reason;
use brightsync_sandbox::{Options, Server};
use brightsync_tests::customer::{Customer, present};
use brightsync_tests::guest;
use brightsync_tests::world::{SMALL, with_manifest};
use serde_json::{Value, json};

async fn open(options: Options) -> (Server, Customer) {
    let server = Server::start(options).await.unwrap();
    let key = server.credentials().users[0].key.clone();
    let bytes = with_manifest(guest::SMALL, SMALL);
    let customer = Customer::connect_with(
        guest::SMALL,
        bytes,
        server.url(),
        "key",
        &[("key", &key)],
        &[],
    )
    .await;
    (server, customer)
}

#[test]
fn a_whole_connector_is_300_lines_of_code() {
    let source = include_str!("../guests/examples/small.rs");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let (code, all) = (
        source.lines().filter(is_code).count(),
        source.lines().count(),
    );
    assert!(
        code <= 300 && all <= 360,
        "{code} lines of code, and {all} with blank ones and comments, are more than is promised"
    );
}

#[tokio::test]
async fn users_and_accounts() {
    let (_server, customer) = open(Options::empty(1, 3)).await;
    let me = customer.ask("get-me", json!({})).await["user"].clone();
    let email = me["emails"][0].as_str().unwrap().to_uppercase();
    let found = customer
        .ask("get-users-by-email", json!({"emails": [email]}))
        .await;
    assert_eq!(found["items"][0]["id"], me["id"]);
    let none = customer
        .ask("get-users-by-email", json!({"emails": []}))
        .await;
    assert_eq!(none["items"], json!([]));

    let account = json!({
        "name": "Umbrella", "domains": ["umbrella.example", "umbrella.org"], "extra": {"tier": "gold"},
    });
    let acme = customer
        .ask("create-account", json!({"account": account}))
        .await["id"]
        .clone();
    let account = customer.ask("get-account", json!({"id": acme})).await;
    assert_eq!(
        (&account["name"], &account["extra"]["tier"]),
        (&json!("Umbrella"), &json!("gold"))
    );
    assert_eq!(account["owner"], me["id"]);
    for (function, arguments) in [
        ("get-accounts-by-name", json!({"name": "UMBRELLA"})),
        ("get-accounts-by-domain", json!({"domain": "umbrella.org"})),
        ("get-my-accounts", json!({"request": {"owner": "me"}})),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(present(&found["items"][0])["id"], acme, "{function}");
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{function}");
    }
}

#[tokio::test]
async fn contacts_are_created_found_changed_and_deleted() {
    let (_server, customer) = open(Options::empty(1, 3)).await;
    let contact = json!({
        "given-name": "Zoë", "family-name": "d'Arc", "title": "Buyer",
        "emails": [{"value": "zoe@umbrella.example"}, {"value": "zoe@example.org", "primary": true}],
    });
    let created = customer
        .ask("create-contact", json!({"contact": contact}))
        .await;
    let zoe = created["id"].clone();
    assert_eq!(
        customer
            .refused("create-contact", json!({"contact": contact}))
            .await,
        Reason::Duplicate(vec![zoe.as_str().unwrap().parse().unwrap()])
    );
    for (function, arguments) in [
        ("get-contacts-by-name", json!({"name": "zoë d'arc"})),
        (
            "get-contacts-by-email",
            json!({"emails": ["ZOE@example.org", "nobody@example.org"]}),
        ),
        (
            "get-contacts-by-email-domain",
            json!({"domain": "umbrella.example"}),
        ),
        (
            "get-my-contacts",
            json!({"request": {"owner": {"user": customer.ask("get-me", json!({})).await["user"]["id"]}}}),
        ),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(present(&found["items"][0])["ref"]["id"], zoe, "{function}");
    }

    let edits = json!([
        ["title", "clear"],
        ["given-name", {"set": "Zoe"}],
        ["emails", {"remove": {"value": "ZOE@umbrella.example"}}],
        ["phones", {"add": {"value": "+49 30 1"}}],
        ["extra.tier", {"set": "gold"}],
        ["birthday", {"set": "2000-01-01"}],
    ]);
    let patch = |edits: &Value| json!({"id": zoe, "patch": {"edits": edits, "if-version": created["version"]}});
    let written = customer.ask("update-contact", patch(&edits)).await;
    assert_eq!(written["incomplete"][0]["field"], "birthday");
    assert_eq!(
        customer.refused("update-contact", patch(&edits)).await,
        Reason::Stale
    );
    let contact = customer.ask("get-contact", json!({"id": zoe})).await;
    assert_eq!(contact["title"], Value::Null);
    assert_eq!(contact["given-name"], "Zoe");
    assert_eq!(contact["emails"].as_array().unwrap().len(), 1);
    assert_eq!(contact["phones"][0]["value"], "+49 30 1");
    assert_eq!(contact["extra"]["tier"], "gold");

    let edits = json!([["full-name", "clear"]]);
    let patch = json!({"id": zoe, "patch": {"edits": edits}});
    let Reason::Invalid(fields) = customer.refused("update-contact", patch).await else {
        panic!("a contact has to have a name");
    };
    assert_eq!(fields[0].field.as_deref(), Some("full-name"));

    customer.ask("delete-contact", json!({"id": zoe})).await;
    assert_eq!(
        customer.refused("get-contact", json!({"id": zoe})).await,
        Reason::NotFound
    );
}

#[tokio::test]
async fn emails_are_logged_and_changed_and_say_what_has_no_place() {
    let (server, customer) = open(Options::empty(1, 3)).await;
    let email = json!({
        "key": {
            "key": "k1", "message-id": "1@partner.example", "sent-at": 1_768_471_200_000_i64,
            "subject": "Offer", "sender": "bob@partner.example", "about": [{"kind": "lead", "id": "7"}],
        },
        "direction": "incoming", "sender": {"address": "bob@partner.example"},
        "to": [{"address": "zoe@umbrella.example"}, {"name": "Somebody"}],
        "attachments": [{"name": "offer.pdf", "media-type": "application/pdf", "size": 3, "content": "AAEC"}],
    });
    let written = customer.ask("create-email", json!({"email": email})).await;
    let left_out: BTreeSet<_> = written["incomplete"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(left_out, BTreeSet::from(["about", "to"]));
    let edits =
        json!([["cc", {"add": {"address": "eve@partner.example"}}], ["subject", {"set": "Order"}]]);
    let patch = json!({"id": written["id"], "patch": {"edits": edits}});
    let changed = customer.ask("update-email", patch).await;
    assert_eq!(
        (&changed["id"], &changed["version"]),
        (&written["id"], &json!("2"))
    );
    let asked = server.requests().entries();
    assert!(asked.iter().all(|it| it.status < Some(400)), "{asked:?}");
}

#[tokio::test]
async fn reads_are_complete_and_find_what_changed_and_what_left() {
    let (server, customer) = open(Options {
        contacts: 230,
        ..Options::default()
    })
    .await;
    let everybody = |scope: &Value| json!({"request": {"owner": "anyone", "scope": scope}});
    for function in ["get-my-contacts", "get-my-accounts"] {
        let all = customer.all(function, &everybody(&json!("all")), 50).await;
        let ids: BTreeSet<_> = all.iter().map(|it| present(it).to_string()).collect();
        assert_eq!(ids.len(), all.len(), "{function}: each once");
        assert!(!all.is_empty());
    }
    let all = customer
        .all("get-my-contacts", &everybody(&json!("all")), 50)
        .await;
    assert_eq!(all.len(), 230);

    let before = present(&all[0])["modified-at"].as_i64().unwrap();
    let script = brightsync_sandbox::Script {
        create: 2,
        update: 9,
        delete: 3,
        merge: 2,
    };
    let first = customer
        .ask("get-my-contacts", everybody(&json!("all")))
        .await;
    assert_eq!(first["end"]["complete-until"], Value::Null);
    let changed = server.change(&script).await.unwrap();
    let updated = everybody(&json!({"updated": {"since": before}}));
    let found = customer.all("get-my-contacts", &updated, 4).await;
    let found: BTreeSet<_> = found
        .iter()
        .map(|it| present(it)["ref"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(changed.created.iter().all(|it| found.contains(it)));
    let page = customer.ask("get-my-contacts", updated).await;
    assert!(page["end"]["complete-until"].is_i64());

    let since = page["end"]["complete-until"].as_i64().unwrap() - 86_400_000;
    let departed = everybody(&json!({"departed": {"since": since}}));
    let gone = customer.all("get-my-contacts", &departed, 2).await;
    let gone: BTreeSet<_> = gone
        .iter()
        .map(|it| it["departed"]["id"].as_str().unwrap().to_owned())
        .collect();
    let losers = changed.merged.iter().map(|(loser, _)| loser);
    let expected: BTreeSet<_> = changed.deleted.iter().chain(losers).cloned().collect();
    assert_eq!(gone, expected);
    let early = everybody(&json!({"departed": {"since": 0}}));
    assert_eq!(
        customer.refused("get-my-contacts", early).await,
        Reason::CursorExpired
    );
}

#[tokio::test]
async fn opportunities_are_found_through_contacts() {
    let (_server, customer) = open(Options::default()).await;
    let request = json!({"request": {"detail": "ids"}});
    let contacts = customer.all("get-my-contacts", &request, 200).await;
    let contacts: Vec<_> = contacts.iter().map(|it| it["id-only"].clone()).collect();
    let arguments = json!({"contacts": contacts});
    let found = customer
        .all("get-opportunities-for-contacts", &arguments, 25)
        .await;
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|it| !it["participants"].as_array().unwrap().is_empty())
    );
}
