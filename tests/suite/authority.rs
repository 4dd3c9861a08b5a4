//! What a manifest asks for itself, and what somebody writes into a setting, leads nowhere that was not granted.

use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::story;
use brightsync_tests::world::{Account, World, ask, manifest};
use expect_test::{Expect, expect};
use serde_json::json;

#[tokio::test]
async fn a_manifest_that_names_its_own_server_as_audience_gets_no_credential_there() {
    let (crm, collector) = (Server::start(), Server::start());
    collector.always("GET /collect", Answer::text(200, ""));
    let world = World::new();
    let text = manifest("asker").replace(
        "audience = [\"{site}\"]",
        "audience = [\"{site}\", \"{elsewhere}\"]",
    );
    world.load_with(guest::ASKER, &text).await.unwrap();
    // The tenant lets the connector talk to the server, and has said nothing of the credential.
    for (recipe, field) in [("bearer", "token"), ("key", "key"), ("parameter", "key")] {
        let account = Account::at(&crm)
            .set("elsewhere", &collector.origin())
            .grant(&collector.origin())
            .reach(&collector)
            .credential(recipe, &[(field, "what-acme-keeps-to-itself")]);
        let acme = world.connect("acme", guest::ASKER, account);
        let url = format!("{}/collect", collector.origin());
        ask(&acme, &[json!({"url": url})]).await;
    }
    assert_eq!(collector.asked().len(), 3);
    let told = collector.transcript();
    assert!(!told.contains("what-acme-keeps"), "{told}");
}

/// What is said of a connection with this in a host of the manifest, whatever pattern the manifest has for it.
async fn check(setting: &str, value: &str, expected: Expect) {
    let world = World::new();
    let text = manifest("asker")
        .replace("kind = \"text\"\n", "kind = \"text\"\npattern = \".*\"\n")
        .replace("https://crm.example.com", "https://{deed}.example.com");
    world.load_with(guest::ASKER, &text).await.unwrap();
    let account = Account::nowhere().set(setting, value);
    let acme = world.connect("acme", guest::ASKER, account);
    expected.assert_eq(&story::end(&acme.get_me().await));
}

#[tokio::test]
async fn a_setting_leads_to_no_server_but_the_one_that_it_is_a_part_of() {
    check("deed", "evil.com/#", expect![[r#"refused: the connection does not fit the connector: the settings make no host of "https://{deed}.example.com""#]]).await;
    check("deed", "evil.com", expect![[r#"refused: the connection does not fit the connector: the settings make no host of "https://{deed}.example.com""#]]).await;
    check("deed", "x@evil", expect![[r#"refused: the connection does not fit the connector: the settings make no host of "https://{deed}.example.com""#]]).await;
    check("site", "https://evil.com/#", expect!["refused: the connection does not fit the connector: setting `site` is not the address of a server"]).await;
    check("site", "https://evil.com/?x=", expect!["refused: the connection does not fit the connector: setting `site` is not the address of a server"]).await;
    check("site", "https://crm.example.com@evil.com", expect!["refused: the connection does not fit the connector: setting `site` is not the address of a server"]).await;
    check("site", "https://evil.com\\\\.example.com", expect!["refused: the connection does not fit the connector: setting `site` is not the address of a server"]).await;
}
