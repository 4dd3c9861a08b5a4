//! The connector to Pipedrive against its stand-in, through the whole host.

use brightsync_crms::pipedrive::Pipedrive;
use brightsync_tests::connector;
use brightsync_tests::scene::Cloud;

async fn open() -> Cloud<Pipedrive> {
    Cloud::open(Pipedrive::new(), connector::PIPEDRIVE).await
}

brightsync_tests::scenarios!(open);
