//! A credential is seen by the CRM that it is for, and by nobody else: canaries are planted, and looked for in everything that can be read afterwards.

use std::fmt::{Debug, Display};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::Limits;
use brightsync_tests::guest;
use brightsync_tests::logs::Search;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World};
use serde_json::{Value, json};

/// The one byte with which the guest `seeker` gets its needles, so that they are not in its memory for being told.
const MASK: u8 = 0x55;

/// What must not be found anywhere, and what has to be found by the same means.
struct Needles {
    canaries: Vec<String>,
    control: String,
}

impl Needles {
    fn masked(&self) -> Value {
        let all = self.canaries.iter().chain([&self.control]);
        all.map(|it| it.bytes().map(|byte| byte ^ MASK).collect::<Vec<_>>())
            .collect()
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        for canary in &self.canaries {
            assert!(!text.contains(canary), "a canary is in {place}: {text}");
        }
    }

    #[track_caller]
    fn assert_unprinted(&self, place: &str, it: &(impl Debug + ?Sized)) {
        self.assert_absent(place, &format!("{it:?} {it:#?}"));
    }

    #[track_caller]
    fn assert_silent<E: Debug + Display>(&self, place: &str, error: &E) {
        self.assert_absent(place, &format!("{error} {error:#} {error:?} {error:#?}"));
    }
}

/// A CRM that tells whatever it can without repeating a value, but for a redirect that has the whole query in it: the names of the headers it got, an error, half an answer.
fn hostile(parameter: &str) -> Server {
    let crm = Server::start();
    let names = Answer::text(
        200,
        "accept-encoding authorization host user-agent x-api-key",
    )
    .with("set-cookie", "session=1")
    .with("www-authenticate", "Basic realm=\"say it again\"");
    crm.once(&format!("GET /echo{parameter}"), names);
    let away = Answer::text(302, "").with("location", &format!("/elsewhere{parameter}"));
    crm.once(&format!("GET /redirect{parameter}"), away);
    crm.once(
        &format!("GET /elsewhere{parameter}"),
        Answer::text(200, "elsewhere"),
    );
    crm.once(
        &format!("GET /not-found{parameter}"),
        Answer::text(404, "nothing"),
    );
    crm.always(
        &format!("GET /cut-off{parameter}"),
        Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
    );
    crm
}

async fn check(recipe: &str, fields: &[(&str, &str)], composed: &[String]) {
    let control = format!("planted-in-a-setting-{recipe}");
    let needles = Needles {
        canaries: fields
            .iter()
            .map(|it| it.1.to_owned())
            .chain(composed.iter().cloned())
            .collect(),
        control: control.clone(),
    };
    let searched = Search::begin(&needles.canaries);
    let found = Search::begin(std::slice::from_ref(&control));
    let client = Search::begin(&["hyper".to_owned()]);

    let data = tempfile::tempdir().unwrap();
    let limits = Limits {
        wall_time: std::time::Duration::from_secs(20),
        guest_time: std::time::Duration::from_secs(20),
        ..Limits::default()
    };
    let world = World::with(|it| it.data_dir(data.path()).limits(limits));
    let parameter = match recipe {
        "parameter" => format!("?api_token={}", fields[0].1),
        _ => String::new(),
    };
    let (crm, elsewhere) = (hostile(&parameter), Server::start());
    elsewhere.once("GET /echo", Answer::text(200, "nothing"));
    let account = || {
        Account::at(&crm)
            .credential(recipe, fields)
            .set("deed", &control)
            .set("elsewhere", &elsewhere.origin())
            .grant(&elsewhere.origin())
            .reach(&elsewhere)
    };

    // The guest asks for all there is, passes it on to log, standard error and answer, and looks through its memory.
    let acme = world.open(guest::SEEKER, account()).await;
    let page = PageRequest {
        extra: [("masked".to_owned(), needles.masked())].into(),
        ..PageRequest::default()
    };
    let answer = acme.get_users(page).await.unwrap();
    let places: Vec<u64> = serde_json::from_value(answer.end.extra["places"].clone()).unwrap();
    let (control_places, canary_places) = places.split_last().unwrap();
    assert!(
        canary_places.iter().all(|it| *it == 0),
        "a canary is in the guest's memory: {places:?}"
    );
    assert!(0 < *control_places, "the guest finds what it was given");
    needles.assert_absent("an answer", &json!(answer.end.extra).to_string());
    assert!(
        json!(answer.end.extra).to_string().contains(&control),
        "the guest passes on what it was given"
    );

    // The CRM got the credential, else nothing was there to leak; nobody else did.
    assert!(crm.asked().iter().all(|it| {
        needles
            .canaries
            .iter()
            .any(|canary| it.to_string().contains(canary))
    }));
    needles.assert_absent("a request to another host", &elsewhere.transcript());

    // Every kind of end but an answer.
    for (guest, deed) in [
        (guest::QUITTER, "panic"),
        (guest::BABBLER, "empty id"),
        (guest::HOARDER, "grow"),
        (guest::HOARDER, "standard error"),
    ] {
        let ended = world.open(guest, account().set("deed", deed)).await;
        let error = ended.get_me().await.unwrap_err();
        needles.assert_silent(deed, &error);
        needles.assert_silent(deed, &error.end);
    }
    crm.always(&format!("GET /me{parameter}"), Answer::Raw(Vec::new()));
    let cut_off = world.open(guest::GOOD, account()).await;
    needles.assert_silent("a lost answer", &cut_off.get_me().await.unwrap_err());
    world.host.unload(&"seeker".parse().unwrap());
    needles.assert_silent("a refusal", &acme.get_me().await.unwrap_err());

    needles.assert_unprinted("the host", &world.host);
    needles.assert_unprinted("a connection", &acme);
    needles.assert_unprinted("an account's credential", &account().credential);
    for report in world.reports() {
        needles.assert_unprinted("a report", &report);
        needles.assert_absent("a report", &serde_json::to_string(&report).unwrap());
    }
    needles.assert_absent("the story", &world.story());
    for file in files(data.path()) {
        let bytes = std::fs::read(&file).unwrap();
        needles.assert_absent("a file", &String::from_utf8_lossy(&bytes));
    }

    assert_eq!(
        searched.found(),
        Vec::<String>::new(),
        "a canary is in the logs"
    );
    assert!(
        !found.found().is_empty(),
        "the search finds what a guest logs"
    );
    assert!(
        !client.found().is_empty(),
        "the HTTP client's own lines are searched"
    );
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path());
    entries
        .flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] })
        .collect()
}

#[tokio::test]
async fn no_guest_log_error_report_or_file_holds_a_bearer_token() {
    check("bearer", &[("token", "canary-bearer-5d1f0c7e")], &[]).await;
}

#[tokio::test]
async fn no_guest_log_error_report_or_file_holds_a_user_or_a_password() {
    let (user, password) = ("canary-user-93ab", "canary-password-77c0e1");
    let pair = STANDARD.encode(format!("{user}:{password}"));
    check("basic", &[("user", user), ("password", password)], &[pair]).await;
}

#[tokio::test]
async fn no_guest_log_error_report_or_file_holds_a_key_that_goes_in_a_header() {
    check("key", &[("key", "canary-header-key-0b6d")], &[]).await;
}

#[tokio::test]
async fn no_guest_log_error_report_or_file_holds_a_key_that_goes_in_the_address() {
    check("parameter", &[("key", "canary-query-key-e84a")], &[]).await;
}
