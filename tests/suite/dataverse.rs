//! The connector to Dataverse against a strict stand-in, through the whole host: the scenarios of all connectors, and people who sign in.

use brightsync_crms::dataverse::Dataverse;
use brightsync_tests::connector;
use brightsync_tests::scene::{Cloud, Scene as _};
use serde_json::json;

async fn open() -> Cloud<Dataverse> {
    Cloud::open(Dataverse::new(), connector::DATAVERSE).await
}

brightsync_tests::scenarios!(open);

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_with_a_browser() {
    let mut crm = Dataverse::new();
    crm.recipe = "sign-in";
    let scene = Cloud::open(crm, connector::DATAVERSE).await;
    let me = scene.customer().ask("get-me", json!({})).await;
    assert_eq!(me["user"]["id"], json!(scene.me().await));
    assert_eq!(me["user"]["timezone"], json!("Europe/Berlin"));
    assert_eq!(me["capabilities"], json!([]));
    assert_eq!(scene.violations(), [""; 0]);
}
