//! A record is created once, also if the answer to its creation is lost: by the host's look-up, or by the connector's own.

use brightsync_core::crm::Party;
use brightsync_core::crm::account::NewAccount;
use brightsync_core::crm::contact::{ContactPoint, NewContact};
use brightsync_core::crm::email::{Direction, EmailKey, NewEmail};
use brightsync_core::crm::error::Reason;
use brightsync_core::grant::CarveOut;
use brightsync_core::origin::Scheme;
use brightsync_runtime::{Connection, Creation};
use brightsync_tests::book::{Book, Loss};
use brightsync_tests::guest;
use brightsync_tests::world::{Account, World, manifest};
use expect_test::expect;
use serde_json::json;

/// A CRM that takes everything, and a connection to it.
async fn open(deed: &str) -> (Book, World, Connection) {
    let book = Book::open().await;
    let world = World::new();
    let (ip, port) = (book.address().ip(), book.address().port());
    let origin = format!("http://{}", book.address());
    let mut account = Account::default()
        .set("site", &origin)
        .set("deed", deed)
        .grant(&origin);
    let carve_out = CarveOut::new(Scheme::Http, "127.0.0.1", ip, port).unwrap();
    account.carve_outs.push(carve_out);
    let acme = world.open(guest::CLERK, account).await;
    (book, world, acme)
}

fn ann() -> NewContact {
    NewContact {
        emails: vec![ContactPoint {
            value: "ann@example.com".to_owned(),
            primary: true,
            label: None,
        }],
        ..NewContact::default()
    }
}

fn umbrella(domains: &[&str]) -> NewAccount {
    NewAccount {
        name: "Umbrella".to_owned(),
        domains: domains.iter().map(|it| (*it).to_owned()).collect(),
        ..NewAccount::default()
    }
}

fn message() -> NewEmail {
    let party = Party {
        address: Some("ann@example.com".to_owned()),
        name: None,
        link: None,
        extra: Default::default(),
    };
    NewEmail {
        key: EmailKey {
            key: "key-of-the-message".to_owned(),
            message_id: Some("1@example.com".to_owned()),
            sent_at: 0,
            subject: "Hello".to_owned(),
            sender: "ann@example.com".to_owned(),
            about: Vec::new(),
        },
        thread: None,
        direction: Direction::Incoming,
        sender: party,
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        text: None,
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Default::default(),
    }
}

#[track_caller]
fn assert_recovered(creation: &Creation) {
    assert!(
        matches!(creation, Creation::Recovered { id, others } if id.as_str() == "0" && others.is_empty()),
        "{creation:?}"
    );
}

#[tokio::test]
async fn a_naive_retry_makes_two_records_of_one() {
    let (book, _world, acme) = open("plain").await;
    book.lose(Loss::Answer);
    let error = acme.create_contact(ann()).await.unwrap_err();
    assert!(error.report.in_doubt);
    acme.create_contact(ann()).await.unwrap();
    assert_eq!(book.records("contacts").len(), 2);
}

#[tokio::test]
async fn looking_before_and_after_makes_one_record_of_each() {
    let (book, world, acme) = open("plain").await;
    for _ in 0..3 {
        book.lose(Loss::Answer);
    }
    assert_recovered(&acme.find_or_create_contact(ann()).await.unwrap());
    let account = acme
        .find_or_create_account(umbrella(&["umbrella.example"]))
        .await;
    assert!(matches!(account.unwrap(), Creation::Recovered { .. }));
    let email = acme.find_or_create_email(message()).await;
    assert!(matches!(email.unwrap(), Creation::Recovered { .. }));
    expect![[r#"
        get-contacts-by-email for acme: answer
          GET http://127.0.0.1:PORT/contacts -> 200
        create-contact for acme: error, in doubt
          POST http://127.0.0.1:PORT/contacts -> connection
        get-contacts-by-email for acme: answer
          GET http://127.0.0.1:PORT/contacts -> 200
        get-accounts-by-domain for acme: answer
          GET http://127.0.0.1:PORT/accounts -> 200
        get-accounts-by-name for acme: answer
          GET http://127.0.0.1:PORT/accounts -> 200
        create-account for acme: error, in doubt
          POST http://127.0.0.1:PORT/accounts -> connection
        get-accounts-by-domain for acme: answer
          GET http://127.0.0.1:PORT/accounts -> 200
        find-email for acme: answer
          GET http://127.0.0.1:PORT/emails -> 200
        create-email for acme: error, in doubt
          POST http://127.0.0.1:PORT/emails -> connection
        find-email for acme: answer
          GET http://127.0.0.1:PORT/emails -> 200
    "#]]
    .assert_eq(&world.story());

    // Whoever comes again finds them.
    let found = acme.find_or_create_contact(ann()).await.unwrap();
    assert_eq!(
        found,
        Creation::Found {
            id: "0".parse().unwrap(),
            others: vec![]
        }
    );
    acme.find_or_create_account(umbrella(&[])).await.unwrap();
    acme.find_or_create_email(message()).await.unwrap();
    for kind in ["contacts", "accounts", "emails"] {
        assert_eq!(book.records(kind).len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn what_was_not_there_and_was_not_lost_is_created() {
    let (book, _world, acme) = open("plain").await;
    let created = acme.find_or_create_contact(ann()).await.unwrap();
    assert!(matches!(created, Creation::Created(_)), "{created:?}");
    assert_eq!(created.id().as_str(), "0");
    assert_eq!(book.records("contacts").len(), 1);
}

#[tokio::test]
async fn a_write_that_is_not_found_again_stays_in_doubt_and_is_not_made_again() {
    let (book, world, acme) = open("plain").await;
    book.lose(Loss::Request);
    let error = acme.find_or_create_contact(ann()).await.unwrap_err();
    let reason = &error.connector_error().unwrap().reason;
    assert_eq!(*reason, Reason::InDoubt(Vec::new()));
    assert_eq!(book.records("contacts").len(), 0);
    expect![[r#"
        get-contacts-by-email for acme: answer
          GET http://127.0.0.1:PORT/contacts -> 200
        create-contact for acme: error, in doubt
          POST http://127.0.0.1:PORT/contacts -> connection
        get-contacts-by-email for acme: answer
          GET http://127.0.0.1:PORT/contacts -> 200
    "#]]
    .assert_eq(&world.story());
    // Later it is looked for first, and then it may be created.
    acme.find_or_create_contact(ann()).await.unwrap();
    assert_eq!(book.records("contacts").len(), 1);
}

#[tokio::test]
async fn an_account_of_the_same_name_with_another_domain_is_another() {
    let (book, _world, acme) = open("plain").await;
    book.keep(
        "accounts",
        json!({"name": "Umbrella", "keys": ["umbrella.org"]}),
    );
    book.keep(
        "accounts",
        json!({"name": "Umbrella Limited", "keys": ["umbrella.example"]}),
    );
    let by_domain = acme
        .find_or_create_account(umbrella(&["umbrella.example"]))
        .await;
    assert_eq!(by_domain.unwrap().id().as_str(), "1");
    let other = acme
        .find_or_create_account(umbrella(&["umbrella.com"]))
        .await;
    assert!(matches!(other.unwrap(), Creation::Created(_)));
    let by_name = acme.find_or_create_account(umbrella(&[])).await.unwrap();
    let Creation::Found { id, others } = by_name else {
        panic!("{by_name:?}");
    };
    assert_eq!((id.as_str(), others.len()), ("0", 1));
    assert_eq!(book.records("accounts").len(), 3);
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_not_created() {
    let (book, world, acme) = open("plain").await;
    let blind = manifest("clerk").replace(", \"get-contacts-by-email\"", "");
    assert_ne!(blind, manifest("clerk"));
    world.load_with(guest::CLERK, &blind).await.unwrap();
    let error = acme.find_or_create_contact(ann()).await.unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    assert_eq!(book.records("contacts").len(), 0);
}

#[tokio::test]
async fn a_connector_settles_its_own_doubt() {
    let (book, world, acme) = open("settle").await;
    book.lose(Loss::Answer);
    let written = acme.create_contact(ann()).await.unwrap();
    assert_eq!(written.id.as_str(), "0");
    book.lose(Loss::Request);
    let other = NewContact {
        emails: vec![ContactPoint {
            value: "bob@example.com".to_owned(),
            primary: true,
            label: None,
        }],
        ..NewContact::default()
    };
    let error = acme.create_contact(other).await.unwrap_err();
    let reason = &error.connector_error().unwrap().reason;
    assert_eq!(*reason, Reason::InDoubt(Vec::new()));
    assert_eq!(book.records("contacts").len(), 1);
    expect![[r#"
        create-contact for acme: answer, in doubt
          POST http://127.0.0.1:PORT/contacts -> connection
          GET http://127.0.0.1:PORT/contacts -> 200
        create-contact for acme: error, in doubt
          POST http://127.0.0.1:PORT/contacts -> connection
          GET http://127.0.0.1:PORT/contacts -> 200
    "#]]
    .assert_eq(&world.story());
}
