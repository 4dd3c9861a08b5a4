//! The connector to the sandbox CRM against the real server, through the whole host: every function, all pages, what has changed, and what a fault leaves behind.

use std::collections::BTreeSet;

use brightsync_core::crm::error::Reason;
use brightsync_runtime::JsonCallError;
use brightsync_sandbox::{Fault, Options, Rule, Script, Server};
use brightsync_tests::connector;
use brightsync_tests::customer::{Customer, present};
use expect_test::expect;
use serde_json::{Value, json};

/// The scenarios of all connectors.
mod scenarios {
    use brightsync_tests::scene::Sandbox;

    brightsync_tests::scenarios!(Sandbox::open);
}

/// An organisation with five users and nothing else, and a connection of the first of them.
async fn empty() -> (Server, Customer) {
    open(Options::empty(1, 5)).await
}

async fn open(options: Options) -> (Server, Customer) {
    let server = Server::start(options).await.unwrap();
    let key = server.credentials().users[0].key.clone();
    let customer = connect(&server, "api-key", &[("key", &key)]).await;
    (server, customer)
}

async fn connect(server: &Server, recipe: &str, fields: &[(&str, &str)]) -> Customer {
    Customer::connect(connector::SANDBOX, server.url(), recipe, fields, &[]).await
}

#[tokio::test]
async fn every_way_to_authenticate_says_who_is_connected() {
    let server = Server::start(Options::empty(1, 2)).await.unwrap();
    let ann = &server.credentials().users[0];
    for (recipe, fields) in [
        ("api-key", vec![("key", ann.key.as_str())]),
        (
            "password",
            vec![
                ("user", ann.email.as_str()),
                ("password", ann.password.as_str()),
            ],
        ),
        ("token", vec![("token", ann.token.as_str())]),
    ] {
        let customer = connect(&server, recipe, &fields).await;
        let me = customer.ask("get-me", json!({})).await;
        assert_eq!(me["user"]["id"], json!(ann.id), "{recipe}");
        assert_eq!(me["org-id"], json!(server.organisation_id()), "{recipe}");
    }
    let stranger = connect(&server, "token", &[("token", "nobody-has-this-token")]).await;
    assert_eq!(
        stranger.refused("get-me", json!({})).await,
        Reason::Unauthorized
    );
}

#[tokio::test]
async fn a_credential_that_only_reads_says_so_and_is_refused_a_write() {
    let server = Server::start(Options::empty(1, 2)).await.unwrap();
    let key = server.credentials().read_only_key.clone();
    let customer = connect(&server, "api-key", &[("key", &key)]).await;
    let me = customer.ask("get-me", json!({})).await;
    let capabilities = me["capabilities"].as_array().unwrap();
    assert!(capabilities.contains(&json!(["contacts.create-contact", "forbidden"])));
    let reason = customer
        .refused("create-contact", json!({"contact": {"full-name": "Ann"}}))
        .await;
    assert!(matches!(reason, Reason::Forbidden(_)), "{reason:?}");
}

#[tokio::test]
async fn every_function_does_what_it_says() {
    let (server, customer) = empty().await;
    let me = customer.ask("get-me", json!({})).await["user"].clone();
    let users = customer.all("get-users", &json!({}), 2).await;
    assert_eq!(users.len(), 5);
    let email = me["emails"][0].as_str().unwrap().to_uppercase();
    let found = customer
        .ask(
            "get-users-by-email",
            json!({"emails": [email, "nobody@example.org"]}),
        )
        .await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);

    let account = json!({"account": {"name": "Umbrella O'Neill", "domains": ["umbrella.example", "umbrella.org"]}});
    let acme = customer.ask("create-account", account).await["id"].clone();
    let patch =
        json!({"edits": [["name", {"set": "Umbrella"}], ["domains", {"remove": "umbrella.org"}]]});
    customer
        .ask("update-account", json!({"id": acme, "patch": patch}))
        .await;
    let account = customer.ask("get-account", json!({"id": acme})).await;
    assert_eq!(
        (&account["name"], &account["domains"]),
        (&json!("Umbrella"), &json!(["umbrella.example"]))
    );
    for (function, arguments) in [
        ("get-accounts", json!({"ids": [acme, "no-such-account"]})),
        ("get-accounts-by-name", json!({"name": "UMBRELLA"})),
        (
            "get-accounts-by-domain",
            json!({"domain": "Umbrella.Example"}),
        ),
        ("get-my-accounts", json!({"request": {"owner": "me"}})),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(present(&found["items"][0])["id"], acme, "{function}");
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{function}");
    }

    let contact = json!({
        "full-name": "Zoë d'Arc", "emails": [{"value": "zoe@umbrella.example", "primary": true}, {"value": "zoe@example.org"}],
        "accounts": [{"account": acme, "primary": true, "role": "Buyer"}], "title": "Buyer", "extra": {"tier": "gold"},
    });
    let zoe = customer
        .ask("create-contact", json!({"contact": contact}))
        .await["id"]
        .clone();
    let patch = json!({"edits": [["title", "clear"], ["phones", {"add": {"value": "+49 30 1"}}]]});
    customer
        .ask("update-contact", json!({"id": zoe, "patch": patch}))
        .await;
    let contact = customer.ask("get-contact", json!({"id": zoe})).await;
    assert_eq!(
        (&contact["title"], &contact["full-name"]),
        (&Value::Null, &json!("Zoë d'Arc"))
    );
    assert_eq!(
        (&contact["phones"][0]["value"], &contact["extra"]["tier"]),
        (&json!("+49 30 1"), &json!("gold"))
    );
    for (function, arguments) in [
        ("get-contacts", json!({"ids": [zoe, "no-such-contact"]})),
        ("get-contacts-by-name", json!({"name": "zoe d'arc"})),
        (
            "get-contacts-by-email",
            json!({"emails": ["ZOE@example.org", "x' OR 1=1@example.org", "%@umbrella.example"]}),
        ),
        (
            "get-contacts-by-email-domain",
            json!({"domain": "umbrella.example"}),
        ),
        ("get-my-contacts", json!({"request": {"owner": "me"}})),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(present(&found["items"][0])["ref"]["id"], zoe, "{function}");
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{function}");
    }

    log_an_email(&customer, &zoe).await;
    log_a_meeting(&customer, &zoe).await;
    for (function, arguments) in [
        ("get-opportunities-for-contacts", json!({"contacts": [zoe]})),
        (
            "get-opportunities-for-accounts",
            json!({"accounts": [acme]}),
        ),
    ] {
        let found = customer.ask(function, arguments).await;
        assert_eq!(found["items"], json!([]), "{function}");
    }

    for (delete, read, id) in [
        ("delete-contact", "get-contact", zoe),
        ("delete-account", "get-account", acme),
    ] {
        customer.ask(delete, json!({"id": id})).await;
        assert_eq!(
            customer.refused(read, json!({"id": id})).await,
            Reason::NotFound
        );
        assert_eq!(
            customer.refused(delete, json!({"id": id})).await,
            Reason::NotFound
        );
    }
    let asked = server.requests().entries();
    assert!(asked.iter().all(|it| it.status < Some(500)), "{asked:?}");
}

async fn log_an_email(customer: &Customer, zoe: &Value) {
    let about = json!([{"kind": "contact", "id": zoe}]);
    let key = json!({
        "key": "k1", "message-id": "1@partner.example", "sent-at": 1_768_471_200_000_i64, "subject": "Offer \"1\"",
        "sender": "bob@partner.example", "about": about,
    });
    let email = json!({
        "key": key, "direction": "incoming", "sender": {"address": "bob@partner.example"},
        "to": [{"address": "zoe@umbrella.example"}], "text": "Here it is.",
        "attachments": [{"name": "offer.pdf", "media-type": "application/pdf", "size": 3, "content": "AAEC"}],
    });
    let id = customer.ask("create-email", json!({"email": email})).await["id"].clone();
    assert_eq!(
        customer.ask("find-email", json!({"key": key})).await,
        json!([id])
    );
    let patch = json!({"edits": [["cc", {"add": {"address": "eve@partner.example"}}], ["subject", {"set": "Offer"}]]});
    customer
        .ask("update-email", json!({"id": id, "patch": patch}))
        .await;
    customer.ask("delete-email", json!({"id": id})).await;
    assert_eq!(
        customer.ask("find-email", json!({"key": key})).await,
        json!([])
    );
}

async fn log_a_meeting(customer: &Customer, zoe: &Value) {
    let start = json!({"at": 1_768_471_200_000_i64});
    let key = json!({
        "key": "k2", "ical-uid": "series-1", "occurrence": start, "start": start, "subject": "Review",
        "about": [{"kind": "contact", "id": zoe}],
    });
    let meeting = json!({
        "key": key, "end": {"at": 1_768_474_800_000_i64}, "status": "confirmed",
        "organiser": {"address": "bob@partner.example"}, "attendees": [{"party": {"address": "zoe@umbrella.example"}}],
    });
    let id = customer
        .ask("create-meeting", json!({"meeting": meeting}))
        .await["id"]
        .clone();
    assert_eq!(
        customer.ask("find-meeting", json!({"key": key})).await,
        json!([id])
    );
    let attendee = json!({"party": {"address": "eve@partner.example"}, "response": "accepted"});
    let patch =
        json!({"edits": [["attendees", {"add": attendee}], ["status", {"set": "cancelled"}]]});
    customer
        .ask("update-meeting", json!({"id": id, "patch": patch}))
        .await;
    customer.ask("delete-meeting", json!({"id": id})).await;
    assert_eq!(
        customer.ask("find-meeting", json!({"key": key})).await,
        json!([])
    );
}

#[tokio::test]
async fn a_read_is_complete_and_then_finds_only_what_has_changed() {
    let (server, customer) = open(Options {
        contacts: 1_050,
        ..Options::default()
    })
    .await;
    let before = now();
    let all = customer
        .all(
            "get-my-contacts",
            &json!({"request": {"owner": "anyone"}}),
            200,
        )
        .await;
    let ids: BTreeSet<_> = all
        .iter()
        .map(|it| present(it)["ref"]["id"].to_string())
        .collect();
    assert_eq!((all.len(), ids.len()), (1_050, 1_050));
    let stubs = customer
        .all(
            "get-my-contacts",
            &json!({"request": {"owner": "anyone", "detail": "ids"}}),
            200,
        )
        .await;
    let stubs: BTreeSet<_> = stubs.iter().map(|it| it["id-only"].to_string()).collect();
    assert_eq!(stubs, ids);

    let script = Script {
        create: 3,
        update: 20,
        delete: 4,
        merge: 2,
    };
    let changed = server.change(&script).await.unwrap();
    let since =
        |scope: &str| json!({"request": {"owner": "anyone", "scope": {scope: {"since": before}}}});
    let updated = customer.all("get-my-contacts", &since("updated"), 7).await;
    let updated: BTreeSet<_> = updated
        .iter()
        .map(|it| present(it)["ref"]["id"].as_str().unwrap().to_owned())
        .collect();
    for id in changed.created.iter().chain(&changed.updated) {
        let gone =
            changed.deleted.contains(id) || changed.merged.iter().any(|(loser, _)| loser == id);
        assert!(updated.contains(id) || gone, "{id} has changed");
    }
    assert!(
        updated.len() <= 25,
        "{} is more than has changed",
        updated.len()
    );
    let departed = customer.all("get-my-contacts", &since("departed"), 4).await;
    let departed: BTreeSet<_> = departed
        .iter()
        .map(|it| it["departed"]["id"].as_str().unwrap().to_owned())
        .collect();
    let expected: BTreeSet<_> = changed
        .deleted
        .iter()
        .chain(changed.merged.iter().map(|(loser, _)| loser))
        .cloned()
        .collect();
    assert_eq!(departed, expected);
}

#[tokio::test]
async fn opportunities_are_found_through_contacts_and_accounts() {
    let (_server, customer) = open(Options::default()).await;
    let contacts = customer
        .all(
            "get-my-contacts",
            &json!({"request": {"detail": "ids"}}),
            200,
        )
        .await;
    let contacts: Vec<_> = contacts.iter().map(|it| it["id-only"].clone()).collect();
    let through_contacts = customer
        .all(
            "get-opportunities-for-contacts",
            &json!({"contacts": contacts}),
            25,
        )
        .await;
    assert!(!through_contacts.is_empty());
    let ids: BTreeSet<_> = through_contacts
        .iter()
        .map(|it| it["id"].to_string())
        .collect();
    assert_eq!(ids.len(), through_contacts.len(), "each once");
    let first = through_contacts
        .iter()
        .find(|it| it["account"].is_string())
        .unwrap();
    let through_account = customer
        .all(
            "get-opportunities-for-accounts",
            &json!({"accounts": [first["account"]]}),
            25,
        )
        .await;
    assert!(through_account.iter().any(|it| it["id"] == first["id"]));
}

#[tokio::test]
async fn a_duplicate_names_the_record_that_is_there_and_a_stale_patch_changes_nothing() {
    let (_server, customer) = empty().await;
    let contact = json!({"contact": {"full-name": "Ann", "emails": [{"value": "ann@example.org", "primary": true}]}});
    let ann = customer.ask("create-contact", contact.clone()).await;
    let id = ann["id"].as_str().unwrap();
    assert_eq!(
        customer.refused("create-contact", contact).await,
        Reason::Duplicate(vec![id.parse().unwrap()])
    );
    let patch = |title: &str, version: &Value| json!({"id": id, "patch": {"edits": [["title", {"set": title}]], "if-version": version}});
    customer
        .ask("update-contact", patch("Buyer", &ann["version"]))
        .await;
    assert_eq!(
        customer
            .refused("update-contact", patch("Owner", &ann["version"]))
            .await,
        Reason::Stale
    );
    assert_eq!(
        customer.ask("get-contact", json!({"id": id})).await["title"],
        "Buyer"
    );
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_in_doubt_and_was_sent_once() {
    let (server, customer) = empty().await;
    server.faults().add(Rule {
        method: Some("POST".to_owned()),
        path: Some("/contacts".to_owned()),
        times: 1,
        fault: Fault::CutAfter,
    });
    let contact =
        json!({"contact": {"full-name": "Ann", "emails": [{"value": "ann@example.org"}]}});
    let error = customer.call("create-contact", contact).await;
    let Err(JsonCallError::Call(error)) = error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(error.connector_error().unwrap().reason, Reason::InDoubt(_)),
        "{error}"
    );
    assert!(error.report.in_doubt);
    let found = customer
        .ask(
            "get-contacts-by-email",
            json!({"emails": ["ann@example.org"]}),
        )
        .await;
    assert_eq!(
        found["items"].as_array().unwrap().len(),
        1,
        "it was carried out, and once"
    );
    expect![[r"
        create-contact for acme: error, in doubt
          POST http://127.0.0.1:PORT/contacts -> connection
        get-contacts-by-email for acme: answer
          POST http://127.0.0.1:PORT/contacts/search -> 200
    "]]
    .assert_eq(&customer.world.story());
}

#[tokio::test]
async fn more_ids_at_once_than_the_contract_promises_are_refused_before_the_connector_runs() {
    let (server, customer) = empty().await;
    let ids = |count: u32| {
        (0..count)
            .map(|it| format!("no-such-{it}"))
            .collect::<Vec<_>>()
    };
    let found = customer
        .ask("get-contacts", json!({"ids": ids(1_000)}))
        .await;
    assert_eq!(found["items"], json!([]));
    let asked = server.requests().entries().len();
    let error = customer
        .call("get-contacts", json!({"ids": ids(1_001)}))
        .await;
    let Err(JsonCallError::Call(error)) = error else {
        panic!("{error:?}");
    };
    expect!["refused: 1001 ids or addresses at once are too many; pass at most 1000"]
        .assert_eq(&error.end.to_string());
    assert_eq!(server.requests().entries().len(), asked);
}

#[tokio::test]
async fn a_dry_run_shows_a_write_and_sends_nothing() {
    let (server, customer) = empty().await;
    let arguments = json!({"contact": {"full-name": "Ann"}});
    let Value::Object(arguments) = arguments else {
        unreachable!()
    };
    let run = customer
        .connection
        .dry_run("create-contact".parse().unwrap(), arguments)
        .await;
    assert_eq!(run.planned.len(), 1);
    assert_eq!(run.planned[0].method, "POST");
    assert!(run.planned[0].body.as_ref().unwrap().contains("Ann"));
    assert!(server.requests().entries().is_empty());
}

/// The time by this machine's clock, which is the server's.
fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
