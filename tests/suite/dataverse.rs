//! The connector to Dataverse against a strict stand-in, through the whole host: the scenarios of all connectors.

use brightsync_crms::dataverse::Dataverse;
use brightsync_tests::connector;
use brightsync_tests::scene::Cloud;

async fn open() -> Cloud<Dataverse> {
    Cloud::open(Dataverse::new(), connector::DATAVERSE).await
}

brightsync_tests::scenarios!(open);
