//! What renewing a token costs, and that many processes renew each one once: `cargo bench -p brightsync-tests --bench renewal -- --seconds 120`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up has nothing to measure, and what it measures is printed"
)]

use std::time::{Duration, Instant};

use brightsync_tests::renewers::{Renewers, Work};
use brightsync_tests::ways::{Ways, who};

const PROGRAM: &str = env!("CARGO_BIN_EXE_renewer");

fn main() {
    let mut seconds = 10;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            seconds = arguments
                .next()
                .and_then(|it| it.parse().ok())
                .expect("--seconds NUMBER");
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        alone().await;
        together(seconds).await;
    });
}

/// What a renewal adds to the call that needs it: its time, less that of a call that needs none, next to a bare token request.
async fn alone() {
    let ways = Ways::open().await;
    let client = ways.client(|_| {});
    let acme = ways.sign_in("plain-code", &client).await;
    let (mut plain, mut renewing) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let began = Instant::now();
        assert!(who(&acme).await.starts_with("200 "));
        plain.push(began.elapsed());
        ways.time.pass(3601);
        let began = Instant::now();
        assert!(who(&acme).await.starts_with("200 "));
        renewing.push(began.elapsed());
        assert!(who(&acme).await.starts_with("200 "));
    }
    let (plain, renewing) = (median(plain), median(renewing));
    let ratio = 100.0 * renewing.as_secs_f64() / plain.as_secs_f64();
    println!(
        "a call of one request: {plain:.2?}; one that has to renew the token first, and so makes two: {renewing:.2?}, {ratio:.0} %"
    );
}

/// 200 tasks in 4 processes on one connection whose token holds a second.
async fn together(seconds: u32) {
    let renewers = Renewers::connect(PROGRAM, Duration::from_secs(1)).await;
    let work = Work {
        ahead: 0,
        tasks: 50,
        calls: 1,
        seconds,
        step: "none",
    };
    let began = Instant::now();
    let done = renewers.all(4, work).await;
    let counts = renewers.crm.counts();
    println!(
        "200 tasks in 4 processes, for {:.0?}: {} calls, {} failed; {} renewals by the processes' count, {} by the server's; {} refresh tokens used twice, {} families revoked",
        began.elapsed(),
        done.calls,
        done.failed.len(),
        done.renewed,
        counts.refreshed,
        counts.reused,
        counts.revoked,
    );
    for failed in done.failed.iter().take(5) {
        println!("  {failed}");
    }
    assert!(done.failed.is_empty() && counts.reused == 0 && counts.refreshed == done.renewed);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
