//! The seed makes the same organisation every time, and one that is hard to handle.

use std::time::Duration;

use brightsync_sandbox::{Database, Options, Server, StartError};
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, expect};

/// Everything that a server shows, without its address.
async fn everything(client: &Client) -> String {
    let mut text = String::new();
    for path in [
        "users",
        "accounts",
        "contacts",
        "opportunities",
        "emails",
        "meetings",
    ] {
        let mut next = format!("/{path}?limit=200");
        loop {
            let page = client.get(&next).await;
            text += &page["data"].to_string().replace(client.server.url(), "");
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            next = format!("/{path}?limit=200&cursor={cursor}");
        }
    }
    text
}

#[tokio::test]
async fn the_same_seed_makes_the_same_records_and_credentials() {
    let start = async |seed| {
        Client::start(Options {
            seed,
            ..Options::default()
        })
        .await
    };
    let (one, same, other) = (start(5).await, start(5).await, start(6).await);
    assert_eq!(everything(&one).await, everything(&same).await);
    assert_ne!(everything(&one).await, everything(&other).await);
    assert_eq!(
        one.server.credentials().organisation_key,
        same.server.credentials().organisation_key
    );
    assert_ne!(
        one.server.credentials().organisation_key,
        other.server.credentials().organisation_key
    );
    assert_eq!(one.server.organisation_id(), same.server.organisation_id());
}

#[tokio::test]
async fn five_thousand_contacts_are_there_and_read_in_pages() {
    let client = Client::start(Options::demonstration(1)).await;
    assert_eq!(client.ids("/contacts?limit=200").await.len(), 5000);
    let shared = client.get("/accounts?domain=example.net").await;
    assert_eq!(shared["data"].as_array().unwrap().len(), 2);
    let all = everything(&client).await;
    for part in [
        "O'Brien",
        "Groß",
        "山田",
        "الخطيب",
        "notexample.com",
        "sub.example.com",
        "@gmail.com",
        "\"JPY\"",
        "\"lost\"",
        "\"parent\":",
    ] {
        assert!(all.contains(part), "{part}");
    }
}

#[tokio::test]
async fn every_seeded_record_passes_the_checks_of_a_new_one() {
    let options = || Options {
        contacts: 300,
        users: 3,
        ..Options::demonstration(9)
    };
    let client = Client::start(options()).await;
    for path in [
        "accounts",
        "contacts",
        "opportunities",
        "emails",
        "meetings",
    ] {
        let page = client.get(&format!("/{path}?limit=200")).await;
        for record in page["data"].as_array().unwrap() {
            let Value::Object(mut body) = record.clone() else {
                panic!("an object")
            };
            for name in ["id", "version", "created_at", "modified_at", "url"] {
                body.remove(name).unwrap();
            }
            let answer = client
                .request(Method::POST, &format!("/{path}"))
                .json(&body)
                .send()
                .await
                .unwrap();
            let status = answer.status().as_u16();
            assert!(
                [201, 409].contains(&status),
                "{status} {}: {record}",
                answer.text().await.unwrap()
            );
        }
    }
}

#[tokio::test]
async fn a_file_keeps_its_records_and_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let options = |seed| Options {
        database: Database::File(folder.path().join("crm.sqlite")),
        contacts: 10,
        ..Options::empty(seed, 2)
    };
    let client = Client::start(options(1)).await;
    let id = client.contact("Ada", "ada@example.com").await;
    let before = everything(&client).await;
    let key = client.server.credentials().organisation_key.clone();
    client.server.stop().await;
    let client = Client::start(options(2)).await;
    assert_eq!(client.server.credentials().organisation_key, key);
    assert_eq!(everything(&client).await, before);
    assert_eq!(client.ids("/contacts?email=ada@example.com").await, [id]);
}

#[tokio::test]
async fn what_is_no_database_and_what_is_taken_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database at all, but long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let error = Server::start(Options {
        database: Database::File(path),
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    let server = Server::start(Options::empty(1, 1)).await.unwrap();
    let error = Server::start(Options {
        listen: server.address(),
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == server.address()));
}

#[tokio::test]
async fn a_server_stops_when_told_and_when_dropped() {
    let client = Client::empty().await;
    expect(client.request(Method::GET, "/users"), 200).await;
    let address = client.server.address();
    client.server.stop().await;
    tokio::net::TcpListener::bind(address).await.unwrap();
    let server = Server::start(Options::empty(1, 1)).await.unwrap();
    let address = server.address();
    drop(server);
    // The task that listens ends on its own as soon as it runs.
    let freed = async {
        while tokio::net::TcpListener::bind(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), freed)
        .await
        .unwrap();
}
