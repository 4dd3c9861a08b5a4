//! A host under load for long: 200 tenants, of whom 10 are hostile, and what the others notice of them.
//!
//! `cargo bench --bench soak -- --calls 1000000`; without an argument, 20,000 calls.
//!
//! Each round is two phases: one in which every twentieth call is a hostile tenant's, and a quarter as many calls without the hostile tenants. Of the well-behaved calls, every second one makes a request to a CRM in this process and the others keep a value in the state; the hostile ones take one deed after the other. Eight calls run at once. A call may compute for 50 ms and take 16 MiB, so that hostile ones end soon.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that cannot be set up has nothing to measure, and what it measures is printed"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::{Connection, ConnectionKey, ConnectionOptions, Host, Limits, Report};
use brightsync_tests::canary::{canary, owners, strangers};
use brightsync_tests::cloud::Cloud;
use brightsync_tests::guest;
use brightsync_tests::world::{AT_ONCE, Account, Names, approval, manifest, name, with_manifest};
use serde_json::json;

const TENANTS: usize = 200;
const ROUNDS: usize = 20;
const AT_A_TIME: usize = 8;

/// What hostile tenants do, and the guest that does it.
const DEEDS: [(&str, &str); 18] = [
    (guest::SPINNER, "compute"),
    (guest::SPINNER, "call the host"),
    (guest::SPINNER, "go deeper"),
    (guest::SPINNER, "go deeper with luggage"),
    (guest::QUITTER, "panic"),
    (guest::QUITTER, "abort"),
    (guest::QUITTER, "exit well"),
    (guest::HOARDER, "grow"),
    (guest::HOARDER, "pass much"),
    (guest::HOARDER, "handles"),
    (guest::HOARDER, "standard error"),
    (guest::HOARDER, "long answer"),
    (guest::BABBLER, "long id"),
    (guest::BABBLER, "broken JSON"),
    (guest::BABBLER, "deep JSON"),
    (guest::CHATTERER, "flood"),
    (guest::KEEPER, "fill up"),
    (guest::ASKER, "forbidden requests"),
];

/// A tenant and its connections.
enum Tenant {
    Good { crm: Connection, kept: Connection },
    Hostile(Vec<Connection>),
}

/// What came of all calls.
#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    outcomes: Mutex<BTreeMap<(bool, &'static str), u64>>,
    wrong: Mutex<Vec<String>>,
    gave_up: AtomicBool,
}

/// How long calls took, in steps of two per cent.
struct Times([AtomicU64; 1024]);

#[derive(Clone)]
struct Load {
    tenants: Arc<Vec<Tenant>>,
    tally: Arc<Tally>,
}

fn main() {
    let calls = calls();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let is_well = runtime.block_on(soak(calls));
    if !is_well {
        std::process::exit(1);
    }
}

/// The number behind `--calls`; the others are Cargo's.
fn calls() -> usize {
    let mut arguments = std::env::args().skip_while(|it| it != "--calls").skip(1);
    let given = arguments.next();
    given.map_or(20_000, |it| it.parse().expect("--calls takes a number"))
}

async fn soak(calls: usize) -> bool {
    let cloud = Cloud::start().await;
    let tally: Arc<Tally> = Arc::default();
    let host = host(&tally).await;
    let load = Load {
        tenants: Arc::new((0..TENANTS).map(|it| tenant(&host, &cloud, it)).collect()),
        tally: tally.clone(),
    };
    println!(
        "{calls} calls of {TENANTS} tenants, {} of them hostile, {AT_A_TIME} at once, and {} calls without the hostile ones between them",
        TENANTS / 20,
        calls / 4
    );
    println!("  done     calls   calls/s   resident   good p50    p99    alone p50    p99");
    let (with, alone) = (Times::new(), Times::new());
    let (began, mut resident) = (Instant::now(), Vec::new());
    for round in 1..=ROUNDS {
        // Which comes first is not always the same.
        for hostile in [round % 2 == 0, round % 2 != 0] {
            let (calls, times) = if hostile {
                (calls / ROUNDS, &with)
            } else {
                (calls / ROUNDS / 4, &alone)
            };
            load.run(hostile, calls, times).await;
        }
        let done = tally.calls.load(Ordering::Relaxed);
        let rate = u128::from(done) * 1000 / began.elapsed().as_millis().max(1);
        let memory = resident_kib();
        eprintln!(
            "{:>5} %  {done} calls, {rate}/s, {memory} KiB",
            round * 100 / ROUNDS
        );
        if round * 10 % ROUNDS == 0 {
            println!(
                "{:>5} % {done:>9} {rate:>9} {memory:>6} KiB {:>7} µs {:>4} µs {:>9} µs {:>4} µs",
                round * 100 / ROUNDS,
                with.at(50),
                with.at(99),
                alone.at(50),
                alone.at(99),
            );
            resident.push(memory);
        }
        if tally.gave_up.load(Ordering::Relaxed) {
            break;
        }
    }
    tell(&load, &cloud, (&with, &alone), &resident, began.elapsed()).await
}

async fn tell(
    load: &Load,
    cloud: &Cloud,
    (with, alone): (&Times, &Times),
    resident: &[u64],
    took: Duration,
) -> bool {
    println!("\nends of calls:");
    for ((hostile, outcome), count) in load.tally.outcomes().iter() {
        let whose = if *hostile { "hostile" } else { "good" };
        println!("  {whose:<8} {outcome:<10} {count:>9}");
    }
    let percent = |part: u64, whole: u64| part.saturating_mul(100) / whole.max(1);
    for of in [50, 99] {
        println!(
            "p{of} of well-behaved tenants: {} µs with the hostile ones, {} µs without: {} %",
            with.at(of),
            alone.at(of),
            percent(with.at(of), alone.at(of))
        );
    }
    // The first two of ten are warm-up.
    let warm = resident.get(2..).unwrap_or_default();
    if let (Some(first), Some(most)) = (warm.first(), warm.iter().max()) {
        println!(
            "resident memory: {first} KiB at 30 %, at most {most} KiB after it: {} %",
            percent(*most, *first)
        );
    }
    let (requests, connections) = cloud.traffic();
    println!("{requests} requests over {connections} network connections; it took {took:.0?}");
    // Whoever is well-behaved is served to the end.
    let mut alive = 0;
    for (number, tenant) in load.tenants.iter().enumerate() {
        if let Tenant::Good { crm, .. } = tenant {
            load.good(crm, number).await;
            alive += 1;
        }
    }
    let mut wrong = load.tally.wrong().clone();
    wrong.extend(cloud.wrong());
    println!(
        "{alive} tenants are served at the end; {} things went wrong",
        wrong.len()
    );
    for line in &wrong {
        println!("  {line}");
    }
    wrong.is_empty()
}

async fn host(tally: &Arc<Tally>) -> Host {
    let limits = Limits {
        guest_time: Duration::from_millis(50),
        wall_time: Duration::from_secs(20),
        memory: 16 << 20,
        host_calls: 2_000,
        result_size: 8 << 20,
        ..Limits::default()
    };
    let tally = tally.clone();
    let host = Host::builder()
        .slots(32)
        .limits(limits)
        .retries(AT_ONCE)
        .resolver(Names(Vec::new()))
        .data_dir(Path::new(env!("OUT_DIR")).join("data"))
        .on_call(move |report| tally.ended(report))
        .build()
        .expect("a host");
    let mut guests: Vec<_> = DEEDS.iter().map(|it| it.0).chain([guest::GOOD]).collect();
    guests.sort_unstable();
    guests.dedup();
    for guest in guests {
        let bytes = with_manifest(guest, &manifest(name(guest)));
        host.load(bytes).await.expect("it loads");
    }
    host
}

fn tenant(host: &Host, cloud: &Cloud, number: usize) -> Tenant {
    let connect = |connection: &str, guest: &str, account: Account| {
        let tenant = format!("tenant-{number:04}");
        let key = ConnectionKey::new(&tenant, connection).expect("a key");
        for carve_out in account.carve_outs {
            host.carve_out(key.clone(), carve_out);
        }
        host.connect(
            key,
            ConnectionOptions {
                connector: name(guest).parse().expect("a name"),
                approved: approval(name(guest)),
                settings: account.settings,
                wanted_fields: BTreeMap::new(),
                credential: account.credential,
                grant: account.grant,
                organisation: None,
            },
        )
    };
    if is_hostile(number) {
        let deeds = DEEDS.iter().enumerate();
        let connections = deeds.map(|(place, (guest, deed))| {
            connect(
                &place.to_string(),
                guest,
                cloud.account(number).set("deed", deed),
            )
        });
        return Tenant::Hostile(connections.collect());
    }
    Tenant::Good {
        crm: connect("crm", guest::GOOD, cloud.account(number)),
        kept: connect("kept", guest::KEEPER, cloud.account(number)),
    }
}

fn is_hostile(tenant: usize) -> bool {
    tenant % 20 == 19
}

impl Load {
    /// Makes so many calls, the tenants in turn.
    async fn run(&self, hostile: bool, calls: usize, times: &Times) {
        let next = AtomicUsize::new(0);
        let one_after_the_other = || async {
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if calls <= turn || self.tally.gave_up.load(Ordering::Relaxed) {
                    return;
                }
                let number = turn % TENANTS;
                match self.tenants.get(number) {
                    Some(Tenant::Good { crm, kept }) => {
                        let began = Instant::now();
                        if (turn + turn / TENANTS).is_multiple_of(2) {
                            self.good(crm, number).await;
                        } else {
                            self.keeps(kept, number).await;
                        }
                        times.add(began.elapsed());
                    }
                    Some(Tenant::Hostile(connections)) if hostile => {
                        let deed = (turn / TENANTS + number) % connections.len();
                        if let Some(connection) = connections.get(deed) {
                            act(connection).await;
                        }
                    }
                    Some(Tenant::Hostile(_)) | None => {}
                }
            }
        };
        futures::future::join_all((0..AT_A_TIME).map(|_| one_after_the_other())).await;
    }

    async fn good(&self, crm: &Connection, number: usize) {
        match crm.get_me().await {
            Ok(answer) => {
                let text = format!("{answer:?}");
                let is_own = text.contains(&canary("record", number));
                if !is_own || !strangers(&text, number).is_empty() {
                    self.tally.note(format!("{number} was answered {text}"));
                }
            }
            Err(error) => self.tally.note(format!("{number} was not served: {error}")),
        }
    }

    async fn keeps(&self, kept: &Connection, number: usize) {
        match kept.get_me().await {
            Ok(answer) => {
                let text = format!("{answer:?}");
                if !text.contains("in memory 1,") {
                    self.tally
                        .note(format!("{number} has somebody's instance: {text}"));
                }
            }
            Err(error) => self.tally.note(format!("{number} was not served: {error}")),
        }
    }
}

/// A hostile call. However it ends, the report tells.
async fn act(connection: &Connection) {
    if connection.connector().as_str() == name(guest::ASKER) {
        let orders = json!([
            { "url": "http://169.254.169.254/latest/meta-data/" },
            { "url": "https://evil.example.com/", "body": "x", "method": "POST" },
            { "url": "me", "headers": [["Authorization", "Bearer other"]] },
            { "url": "../../admin" },
        ]);
        let page = PageRequest {
            extra: [("orders".to_owned(), orders)].into(),
            ..PageRequest::default()
        };
        drop(connection.get_users(page).await);
    } else {
        drop(connection.get_me().await);
    }
}

impl Tally {
    fn ended(&self, report: &Report) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let number = report.tenant.strip_prefix("tenant-");
        let hostile = number
            .and_then(|it| it.parse().ok())
            .is_some_and(is_hostile);
        *self
            .outcomes()
            .entry((hostile, report.outcome))
            .or_default() += 1;
        let text = serde_json::to_string(report).expect("a report is JSON");
        if !owners(&text).is_empty() || report.outcome == "host" {
            self.note(text);
        }
    }

    fn note(&self, wrong: String) {
        let mut all = self.wrong();
        all.push(wrong);
        if 20 < all.len() {
            self.gave_up.store(true, Ordering::Relaxed);
        }
    }

    fn outcomes(&self) -> MutexGuard<'_, BTreeMap<(bool, &'static str), u64>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrong(&self) -> MutexGuard<'_, Vec<String>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    fn add(&self, time: Duration) {
        let micros = (time.as_secs_f64() * 1e6).max(1.0);
        let place = (micros.ln() * 50.0).min(1023.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and 1023"
        )]
        if let Some(count) = self.0.get(place as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The time, in microseconds, that so many per cent of the calls kept within.
    fn at(&self, percent: u64) -> u64 {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let total: u64 = self.0.iter().map(count).sum();
        let mut left = (total * percent).div_ceil(100);
        for (place, it) in (0_u32..).zip(&self.0) {
            left = left.saturating_sub(count(it));
            if left == 0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "e to the power of 20 and a half at the most"
                )]
                return (f64::from(place + 1) / 50.0).exp() as u64;
            }
        }
        0
    }
}

/// The memory that the process has for itself, by the kernel's word; 0 where there is no such file.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let number = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
