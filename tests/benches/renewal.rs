//! What renewing a token costs, and that many processes renew each one once: `cargo bench -p brightsync-tests --bench renewal -- --seconds 120`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up has nothing to measure, and what it measures is printed"
)]

use std::time::{Duration, Instant};

use brightsync_sandbox::Grant;
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
    let bare = Bare::of(&ways);
    let (mut plain, mut renewing, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..300 {
        let began = Instant::now();
        bare.ask().await;
        alone.push(began.elapsed());
        let began = Instant::now();
        assert!(who(&acme).await.starts_with("200 "));
        plain.push(began.elapsed());
        ways.time.pass(3601);
        let began = Instant::now();
        assert!(who(&acme).await.starts_with("200 "));
        renewing.push(began.elapsed());
        assert!(who(&acme).await.starts_with("200 "));
    }
    let (plain, renewing, alone) = (median(plain), median(renewing), median(alone));
    let added = renewing.saturating_sub(plain);
    let ratio = 100.0 * added.as_secs_f64() / alone.as_secs_f64();
    println!(
        "a call of one request: {plain:.2?}; one that has to renew the token first: {added:.2?} more, which is {ratio:.0} % of a token request by itself ({alone:.2?})"
    );
}

/// A token request as any HTTP client makes it, over a connection that is open.
struct Bare {
    client: reqwest::Client,
    url: String,
    body: String,
}

impl Bare {
    fn of(ways: &Ways) -> Self {
        let registered = ways.client(|it| it.grants = vec![Grant::Password, Grant::RefreshToken]);
        let secret = registered.secret.clone().unwrap_or_default();
        let login = ways.crm.credentials().users.first().expect("a user");
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "password")
            .append_pair("username", &login.email)
            .append_pair("password", &login.password)
            .append_pair("client_id", &registered.id)
            .append_pair("client_secret", &secret)
            .finish();
        // Somebody else may have chosen one.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        Self {
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            url: format!("{}/oauth/token", ways.crm.url()),
            body,
        }
    }

    async fn ask(&self) {
        let request = self.client.post(&self.url).body(self.body.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.bytes().await.expect("a body");
    }
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
