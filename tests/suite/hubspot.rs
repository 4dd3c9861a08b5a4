//! The connector to HubSpot through the host, against its stand-in.

use brightsync_crms::hubspot::HubSpot;
use brightsync_tests::connector::HUBSPOT;
use brightsync_tests::scene::Cloud;
use serde_json::json;

brightsync_tests::scenarios!(open);

async fn open() -> Cloud<HubSpot> {
    Cloud::open(HubSpot::new(), HUBSPOT).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_introspection_says_whose_connection_it_is() {
    let scene = open().await;
    let scene: &dyn brightsync_tests::scene::Scene = &scene;
    let me = scene.customer().ask("get-me", json!({})).await;
    assert_eq!(me["org-id"], json!("62515"));
    assert_eq!(me["org-name"], json!("our.example"));
    assert_eq!(me["user"]["id"], json!(scene.me().await));
    assert_eq!(me["user"]["timezone"], json!("Europe/Berlin"));
    assert_eq!(me["capabilities"], json!([]));
}
