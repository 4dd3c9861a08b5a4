//! The connector to Zoho CRM against its stand-in, through the whole host: the scenarios that all connectors play.

use brightsync_crms::zoho::Zoho;
use brightsync_tests::connector;
use brightsync_tests::scene::Cloud;

async fn open() -> Cloud<Zoho> {
    Cloud::open(Zoho::default(), connector::ZOHO).await
}

brightsync_tests::scenarios!(open);
