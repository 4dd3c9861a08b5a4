//! The connector to Pipedrive against its stand-in, through the whole host: the scenarios of all connectors, and what only Pipedrive has.

use brightsync_crms::pipedrive::Pipedrive;
use brightsync_crms::{Crm as _, Person};
use brightsync_tests::connector;
use brightsync_tests::scene::{Cloud, Scene as _};
use serde_json::json;

async fn open() -> Cloud<Pipedrive> {
    Cloud::open(Pipedrive::new(), connector::PIPEDRIVE).await
}

brightsync_tests::scenarios!(open);

/// Whoever signs in by the app enters no company: the answer with the token tells it, and links lead there.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_learns_the_company() {
    let mut crm = Pipedrive::new();
    crm.by_app = true;
    let scene = Cloud::open(crm, connector::PIPEDRIVE).await;
    let person = Person {
        given: "Ann".to_owned(),
        ..Person::default()
    };
    let ann = scene.stand_in().crm().add_person(&person);
    let read = scene.customer().ask("get-contact", json!({"id": ann}));
    let link = format!("https://acme.pipedrive.com/person/{ann}");
    assert_eq!(read.await["url"], json!(link));
    assert_eq!(scene.violations(), [] as [&str; 0]);
}
