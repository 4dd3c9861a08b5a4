//! The connector to Salesforce, component and all, with a host and an org: the scenarios that all connectors play.

use brightsync_crms::salesforce::Salesforce;
use brightsync_tests::connector;
use brightsync_tests::scene::Cloud;

async fn org() -> Cloud<Salesforce> {
    Cloud::open(Salesforce::new(), connector::SALESFORCE).await
}

brightsync_tests::scenarios!(org);
