//! What a call costs beside the same code compiled natively: a fresh instance, one function that makes no request, the answer, and dropping it all.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::path::Path;

use brightsync_build::{Options, Profile, Sdk};
use brightsync_runtime::core::crm::page::PageRequest;
use brightsync_runtime::core::grant::{Approval, Grant};
use brightsync_runtime::{ConnectionKey, ConnectionOptions, Host};
use brightsync_sdk::testing::Exchange;
use brightsync_sdk::{Connector, PageRequest as NativePageRequest};
use criterion::{Criterion, criterion_group, criterion_main};

fn call(criterion: &mut Criterion) {
    // One thread: what is measured is the call, not how fast the machine wakes another thread for a caller from outside.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let connection = runtime.block_on(connection());
    let mut group = criterion.benchmark_group("get-users-by-email, no addresses");
    group.bench_function("connector in a fresh instance", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let page = connection.get_users_by_email(Vec::new(), PageRequest::default());
            black_box(page.await.expect("an empty page"))
        });
    });
    Exchange::new()
        .setting("site", "https://crm.example")
        .run(|| {
            group.bench_function("same code natively", |bencher| {
                bencher.iter(|| {
                    let connector = sandbox::Sandbox::open()?;
                    black_box(connector.get_users_by_email(&[], NativePageRequest::first(100)))
                });
            });
        });
    group.finish();
}

async fn connection() -> brightsync_runtime::Connection {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let options = Options {
        target_dir: top.join("target/guests"),
        profile: Profile::Connector,
        sdk: Sdk::AsStated,
    };
    let built = brightsync_build::build(&top.join("plugins/sandbox"), &options, &mut |_| ());
    let built = built.expect("the sandbox connector builds");
    let host = Host::builder().build().expect("a host");
    let connector = built.manifest.name().clone();
    host.load(built.component).await.expect("it loads");
    let key = ConnectionKey::new("bench", "crm").expect("a key");
    host.connect(
        key,
        ConnectionOptions {
            connector,
            settings: [("site".to_owned(), "https://crm.example".to_owned())].into(),
            wanted_fields: Default::default(),
            credential: None,
            grant: Grant::default(),
            approved: Approval::after_consent_to(&built.manifest),
            organisation: None,
        },
    )
}

criterion_group!(benches, call);
criterion_main!(benches);
