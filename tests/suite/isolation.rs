//! Many tenants at full load on one connector: nothing of one ever turns up with another, neither at the CRM nor in an answer, a report, a log line or the state.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::{
    Compartment, Connection, ConnectionKey, End, MemoryState, Refusal, StateStore,
};
use brightsync_tests::canary::{canary, owners, strangers};
use brightsync_tests::cloud::Cloud;
use brightsync_tests::guest;
use brightsync_tests::logs::Search;
use brightsync_tests::world::World;
use futures::stream::{self, StreamExt as _};

const TENANTS: usize = 40;
const ROUNDS: usize = 6;
const AT_A_TIME: usize = 24;

/// A store whose every value is seen.
#[derive(Clone, Default)]
struct Seen {
    state: Arc<MemoryState>,
    values: Arc<Mutex<Vec<(Compartment, String)>>>,
}

impl Seen {
    fn note(&self, of: &Compartment, key: &str, value: Option<&Vec<u8>>) {
        let value = value.map_or_else(String::new, |it| String::from_utf8_lossy(it).into_owned());
        let mut values = self.values.lock().unwrap();
        values.push((of.clone(), format!("{key} {value}")));
    }
}

impl StateStore for Seen {
    fn get(&self, of: &Compartment, key: &str) -> Option<Vec<u8>> {
        let value = self.state.get(of, key);
        self.note(of, key, value.as_ref());
        value
    }

    fn set(&self, of: &Compartment, key: &str, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        self.note(of, key, value.as_ref());
        self.state.set(of, key, value)
    }

    fn clear(&self, connection: &ConnectionKey) {
        self.state.clear(connection);
    }
}

fn name(tenant: usize) -> String {
    format!("tenant-{tenant:04}")
}

fn number(name: &str) -> usize {
    name.strip_prefix("tenant-").unwrap().parse().unwrap()
}

/// One call of a tenant, whose answer is searched.
async fn call(connection: &Connection, tenant: usize) {
    let answer = connection.get_users(PageRequest::default()).await.unwrap();
    let text = format!("{answer:?}");
    assert_eq!(strangers(&text, tenant), [0; 0], "{text}");
    // The search finds what is there: what the guest was told of this tenant, and in its memory at the end.
    for place in ["setting", "record"] {
        assert!(text.contains(&canary(place, tenant)), "{text}");
    }
    for place in ["credential", "cookie"] {
        assert!(!text.contains(&canary(place, tenant)), "{text}");
    }
    let [before, after]: [usize; 2] =
        serde_json::from_value(answer.end.extra["in-memory"].clone()).unwrap();
    assert_eq!(before, 0, "a fresh instance has somebody's memory");
    assert!(0 < after, "the guest finds what is in its memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_tenants_bytes_reach_another_tenant() {
    let places = ["credential", "setting", "record", "cookie"];
    let search = Search::begin(&places.map(|it| format!("canary-{it}-t")));
    let state = Seen::default();
    let cloud = Cloud::start().await;
    let world = World::with(|it| it.slots(8).state(state.clone()));
    world.load(guest::GOSSIP).await;
    let connections: Vec<_> = (0..TENANTS)
        .map(|it| world.connect(&name(it), guest::GOSSIP, cloud.account(it)))
        .collect();

    // Three for each slot, each tenant in turn, so that every pool, slot and store is used by all of them.
    let calls = (0..ROUNDS * TENANTS).map(|it| {
        let tenant = it % TENANTS;
        let connection = connections[tenant].clone();
        async move {
            let call = tokio::spawn(async move { call(&connection, tenant).await });
            call.await.unwrap();
        }
    });
    let ended = stream::iter(calls).buffer_unordered(AT_A_TIME);
    assert_eq!(ended.count().await, ROUNDS * TENANTS);

    assert_eq!(cloud.wrong(), Vec::<String>::new());
    assert_eq!(cloud.tenants(), (0..TENANTS).collect::<BTreeSet<_>>());
    let (requests, network) = cloud.traffic();
    assert!(
        network < requests,
        "network connections are kept and used again"
    );

    let reports = world.reports();
    assert_eq!(reports.len(), ROUNDS * TENANTS);
    for report in reports {
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(
            owners(&text),
            BTreeSet::new(),
            "a report tells of bodies: {text}"
        );
        assert_eq!(report.outcome, "answer");
    }

    // Of all crates, the HTTP client and the engine included.
    let mut logged = BTreeSet::new();
    for line in search.found() {
        let owners: Vec<_> = owners(&line).into_iter().collect();
        let [owner] = owners.as_slice() else {
            panic!("one line tells of several: {line}");
        };
        let of_others = line.matches("tenant-").count() - line.matches(&name(*owner)).count();
        assert_eq!(of_others, 0, "{line}");
        assert!(!line.contains("canary-credential"), "{line}");
        logged.insert(*owner);
    }
    assert_eq!(logged.len(), TENANTS, "the search finds what guests log");

    let values = state.values.lock().unwrap();
    let mut kept = BTreeSet::new();
    for (of, text) in values.iter() {
        let tenant = number(of.connection.tenant());
        assert_eq!(strangers(text, tenant), [0; 0], "{text}");
        kept.extend(owners(text));
    }
    assert_eq!(kept.len(), TENANTS, "the search finds what guests keep");
}

#[tokio::test]
async fn a_tenant_that_a_crm_throttles_holds_no_other_up() {
    let cloud = Cloud::start().await;
    let world = World::new();
    world.load(guest::GOSSIP).await;
    let [throttled, other] =
        [0, 1].map(|it| world.connect(&name(it), guest::GOSSIP, cloud.account(it)));
    cloud.throttle(0);
    let error = throttled.get_me().await.unwrap_err();
    assert!(matches!(*error.end, End::Connector(_)), "{error:?}");
    other.get_me().await.unwrap();
    let stopped: Vec<_> = world
        .host
        .quotas()
        .into_iter()
        .map(|it| (it.connection.unwrap_or_default(), 0 < it.state.stopped_ms))
        .collect();
    let expected = |it: usize, stopped| (format!("{}/crm", name(it)), stopped);
    let stopped: BTreeSet<_> = stopped.into_iter().collect();
    assert_eq!(stopped, [expected(0, true), expected(1, false)].into());
}

#[test]
fn the_search_knows_whose_a_canary_is() {
    let text = format!("a {} b{}", canary("setting", 7), canary("state", 12));
    assert_eq!(owners(&text), [7, 12].into());
    assert_eq!(strangers(&text, 7), [12]);
    assert_eq!(
        owners("canary-t0001 canary-x-0001 canary-x-t001"),
        BTreeSet::new()
    );
}
