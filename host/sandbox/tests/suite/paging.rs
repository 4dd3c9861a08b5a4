//! Pages are complete, whatever happens to the records between two of them.

use std::collections::BTreeSet;

use brightsync_sandbox::{Clock, Options};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, START, id_of, ids_of, refusal};

async fn with_contacts(count: u32) -> Client {
    let options = Options {
        contacts: count,
        clock: Clock::ticking(START),
        ..Options::empty(3, 2)
    };
    Client::start(options).await
}

#[tokio::test]
async fn every_number_of_records_fits_its_pages() {
    for count in [0, 1, 9, 10, 11, 101] {
        let client = with_contacts(count).await;
        let ids = client.ids("/contacts?limit=10").await;
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(
            (ids.len(), different.len()),
            (count as usize, count as usize)
        );
        let pages = client.server.requests().entries().len();
        assert_eq!(
            pages,
            (count as usize).div_ceil(10).max(1),
            "{count} records"
        );
    }
}

#[tokio::test]
async fn what_stays_is_seen_once_while_records_come_and_go() {
    let client = with_contacts(60).await;
    let before = client.ids("/contacts").await;
    let mut seen = Vec::new();
    let mut gone = BTreeSet::new();
    let mut path = "/contacts?limit=7".to_owned();
    for turn in 0.. {
        let page = client.get(&path).await;
        seen.extend(ids_of(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/contacts?limit=7&cursor={cursor}");
        if 5 < turn {
            continue;
        }
        // Two go, the last one that was seen and one of the next three; one changes and one comes.
        for id in [
            seen[seen.len() - 1].clone(),
            before[seen.len() + turn % 3].clone(),
        ] {
            if gone.insert(id.clone()) {
                client.delete(&format!("/contacts/{id}")).await;
            }
        }
        let kept = seen.iter().find(|it| !gone.contains(*it)).unwrap();
        client
            .patch(
                &format!("/contacts/{kept}"),
                &json!({"set": {"title": format!("T{turn}")}}),
            )
            .await;
        client
            .contact("New", &format!("new{turn}@example.com"))
            .await;
    }
    let different: BTreeSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len(), "a record came twice");
    for id in before.iter().filter(|it| !gone.contains(*it)) {
        assert!(different.contains(id), "{id} was left out");
    }
}

#[tokio::test]
async fn a_window_holds_its_first_moment_and_not_its_last() {
    let client = Client::empty().await;
    let mut times = Vec::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = json!({"full_name": format!("N{number}")});
        let made = client.post("/contacts", &body).await;
        times.push(made["modified_at"].as_str().unwrap().to_owned());
        ids.push(id_of(&made));
    }
    let window = format!(
        "/contacts?updated_since={}&updated_until={}",
        times[1], times[3]
    );
    assert_eq!(client.ids(&window).await, ids[1..3]);
    client
        .patch(
            &format!("/contacts/{}", ids[1]),
            &json!({"set": {"title": "X"}}),
        )
        .await;
    assert_eq!(client.ids(&window).await, [ids[2].clone()]);
    let later = format!("/contacts?limit=1&view=ids&updated_since={}", times[3]);
    assert_eq!(
        client.ids(&later).await,
        [ids[3].clone(), ids[4].clone(), ids[1].clone()]
    );
}

#[tokio::test]
async fn equal_times_lose_nothing() {
    let (clock, _) = crate::client::standing(START);
    let client = Client::start(Options {
        clock,
        ..Options::empty(3, 2)
    })
    .await;
    for number in 0..25 {
        client
            .post("/contacts", &json!({"full_name": format!("N{number}")}))
            .await;
    }
    let since = "2026-02-01T00:00:00Z";
    assert_eq!(
        client
            .ids(&format!("/contacts?limit=4&updated_since={since}"))
            .await
            .len(),
        25
    );
}

#[tokio::test]
async fn a_change_never_lies_before_what_was_called_complete() {
    let (clock, time) = crate::client::standing(START);
    let client = Client::start(Options {
        clock,
        ..Options::empty(3, 2)
    })
    .await;
    let page = client.get("/contacts").await;
    assert_eq!(page["as_of"], "2026-02-01T00:00:00.000Z");
    time.store(START - 60_000, std::sync::atomic::Ordering::Relaxed);
    let made = client
        .post("/contacts", &json!({"full_name": "Late"}))
        .await;
    assert_eq!(
        made["modified_at"], "2026-02-01T00:00:00.000Z",
        "the clock went back, the records did not"
    );
}

#[tokio::test]
async fn a_page_is_asked_for_within_its_limits() {
    let client = with_contacts(3).await;
    for limit in ["0", "201", "-1", "many", ""] {
        let request = client.request(Method::GET, &format!("/contacts?limit={limit}"));
        assert_eq!(refusal(request, 400).await, "invalid_limit");
    }
    assert_eq!(client.ids("/contacts?limit=200").await.len(), 3);
}

#[tokio::test]
async fn a_cursor_serves_the_list_it_came_from() {
    let client = with_contacts(5).await;
    let page = client.get("/contacts?limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for path in [
        "/contacts?view=ids&limit=2&cursor=",
        "/accounts?cursor=",
        "/contacts/departures?since=2026-01-31T00:00:00Z&cursor=",
    ] {
        let request = client.request(Method::GET, &format!("{path}{cursor}"));
        assert_eq!(refusal(request, 400).await, "invalid_cursor");
    }
    let request = client.request(Method::GET, "/contacts?cursor=nonsense");
    assert_eq!(refusal(request, 400).await, "invalid_cursor");
    let larger = client
        .get(&format!("/contacts?limit=3&cursor={cursor}"))
        .await;
    assert_eq!(ids_of(&larger).len(), 3);
}

#[tokio::test]
async fn nobody_guesses_parameters() {
    let client = with_contacts(1).await;
    for (path, code) in [
        ("/contacts?colour=red", "unknown_parameter"),
        ("/contacts?limit=1&limit=2", "invalid_parameter"),
        ("/contacts?view=some", "invalid_parameter"),
        ("/contacts?updated_since=yesterday", "invalid_parameter"),
        ("/users?owner_id=x", "unknown_parameter"),
        ("/users/me?x=1", "unknown_parameter"),
        (
            "/contacts/departures?until=2026-02-01T00:00:00Z",
            "invalid_parameter",
        ),
        (
            "/contacts/departures?since=2026-01-31T00:00:00Z&how=lost",
            "invalid_parameter",
        ),
    ] {
        assert_eq!(
            refusal(client.request(Method::GET, path), 400).await,
            code,
            "{path}"
        );
    }
}
