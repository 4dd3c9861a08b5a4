//! Limits are kept, everybody gets a turn, and a lie does not last.

mod lies;

use proptest::prelude::*;

use super::*;
use crate::manifest::tests::with;

const DAY: u64 = 86_400_000;

/// A bucket of this manifest, with the time that its tests tell.
pub(super) struct Clocked {
    pub(super) bucket: Bucket,
    pub(super) now: At,
}

impl Clocked {
    #[track_caller]
    pub(super) fn new(limits: &str) -> Self {
        Self {
            bucket: Bucket::new(with(limits).limits()),
            now: At::from_millis(1_000_000),
        }
    }

    pub(super) fn later(&mut self, millis: u64) {
        self.now = self.now.after(millis);
    }

    pub(super) fn enter(&mut self, ask: Ask) -> Ticket {
        self.bucket.enter(ask, self.now).unwrap()
    }

    pub(super) fn advance(&mut self) -> Advance {
        self.bucket.advance(self.now)
    }

    /// Enters and says whether the turn came at once; what came of those before is not looked at.
    pub(super) fn goes(&mut self, ask: Ask) -> bool {
        let ticket = self.enter(ask);
        let granted = self.advance().granted.contains(&ticket);
        self.bucket.done(ticket);
        granted
    }

    /// How many such requests go at once, of very many.
    fn count(&mut self, ask: &Ask) -> usize {
        let tickets: Vec<_> = (0..1000).map(|_| self.enter(ask.clone())).collect();
        let granted = self.advance().granted;
        for ticket in tickets.iter().filter(|it| !granted.contains(it)) {
            self.bucket.done(*ticket);
        }
        granted.len()
    }
}

pub(super) fn ask(tenant: &str) -> Ask {
    Ask {
        tenant: tenant.into(),
        priority: Priority::Interactive,
        bucket: None,
        cost: 1,
    }
}

fn of(tenant: &str, priority: Priority) -> Ask {
    Ask {
        priority,
        ..ask(tenant)
    }
}

fn search(tenant: &str, cost: u32) -> Ask {
    Ask {
        bucket: Some("search".parse().unwrap()),
        cost,
        ..ask(tenant)
    }
}

#[test]
fn so_many_go_and_then_the_time_has_to_pass() {
    let mut it = Clocked::new("[limits]\nper-second = 3");
    assert_eq!(it.count(&ask("acme")), 3);
    let wake = {
        it.enter(ask("acme"));
        it.advance().wake.unwrap()
    };
    assert!((1000..=1040).contains(&wake.since(it.now)), "{wake:?}");
    it.now = At::from_millis(wake.as_millis() - 1);
    assert!(it.advance().granted.is_empty());
    it.now = wake;
    assert_eq!(it.advance().granted.len(), 1);
}

#[test]
fn the_narrowest_window_counts() {
    let mut it = Clocked::new("[limits]\nper-second = 3\nper-ten-seconds = 7");
    assert_eq!(it.count(&ask("acme")), 3);
    it.later(1100);
    assert_eq!(it.count(&ask("acme")), 3);
    it.later(1100);
    assert_eq!(it.count(&ask("acme")), 1);
    it.later(8500);
    assert_eq!(it.count(&ask("acme")), 3);
}

#[test]
fn a_named_limit_counts_beside_the_general_ones_or_apart_from_them() {
    let mut it = Clocked::new(
        "[limits]\nper-second = 3\n[limits.buckets.search]\nwindows = [{ most = 2, seconds = 1 }]",
    );
    assert_eq!(it.count(&search("acme", 1)), 2);
    assert_eq!(it.count(&ask("acme")), 1);
    let mut it = Clocked::new(
        "[limits]\nper-second = 3\n[limits.buckets.search]\napart = true\nwindows = [{ most = 2, seconds = 1 }]",
    );
    assert_eq!(it.count(&search("acme", 1)), 2);
    assert_eq!(it.count(&ask("acme")), 3);
    let unknown = Ask {
        bucket: Some("other".parse().unwrap()),
        ..ask("acme")
    };
    assert!(it.bucket.enter(unknown, it.now).is_err());
}

#[test]
fn who_waits_for_a_named_limit_holds_nobody_else_up() {
    let mut it = Clocked::new(
        "[limits]\nper-second = 5\n[limits.buckets.search]\nwindows = [{ most = 1, seconds = 10 }]",
    );
    assert!(it.goes(search("acme", 1)));
    it.enter(search("acme", 1));
    assert!(it.goes(ask("acme")));
}

#[test]
fn a_dear_request_counts_for_what_it_costs_and_never_for_more_than_the_manifest_says() {
    let limits =
        "[limits]\nlargest-cost = 4\nwindows = [{ most = 10, seconds = 2, counts = \"points\" }]";
    for (cost, expected) in [(1, 10), (4, 2), (u32::MAX, 2), (0, 10)] {
        let mut it = Clocked::new(limits);
        let dear = Ask {
            cost,
            ..ask("acme")
        };
        assert_eq!(it.count(&dear), expected, "{cost}");
    }
    // Where the manifest knows no points, a guest's claim counts for nothing.
    let mut it = Clocked::new("[limits]\nper-second = 10");
    let dear = Ask {
        cost: u32::MAX,
        ..ask("acme")
    };
    assert_eq!(it.count(&dear), 10);
}

#[test]
fn so_many_are_on_the_way_at_once() {
    let mut it = Clocked::new("[limits]\nconcurrent = 2");
    let tickets: Vec<_> = (0..4).map(|_| it.enter(ask("acme"))).collect();
    let first = it.advance();
    assert_eq!((first.granted.len(), first.wake), (2, None));
    it.bucket.done(tickets[0]);
    assert_eq!(it.advance().granted, [tickets[2]]);
    // Who leaves the queue is not waited for.
    it.bucket.done(tickets[3]);
    it.bucket.done(tickets[1]);
    it.bucket.done(tickets[2]);
    assert!(it.advance().granted.is_empty());
    assert!(it.bucket.is_unused(it.now));
}

#[test]
fn lower_kinds_of_work_leave_a_reserve() {
    for (priority, expected) in [
        (Priority::Interactive, 100),
        (Priority::Incremental, 90),
        (Priority::Backfill, 70),
    ] {
        let mut it = Clocked::new("[limits]\nper-ten-seconds = 100");
        assert_eq!(it.count(&of("acme", priority)), expected, "{priority:?}");
        let left = it.count(&ask("acme"));
        assert_eq!(expected + left, 100);
    }
    // A limit of one is no reason never to read anything.
    let mut it = Clocked::new("[limits]\nper-second = 1");
    assert_eq!(it.count(&of("acme", Priority::Backfill)), 1);
    let mut it = Clocked::new("[limits]\nconcurrent = 4");
    assert_eq!(it.count(&of("acme", Priority::Backfill)), 3);
    assert!(it.goes(ask("acme")));
}

#[test]
fn interactive_work_comes_first() {
    let mut it = Clocked::new("[limits]\nper-second = 1");
    assert!(it.goes(ask("acme")));
    let backfill = it.enter(of("acme", Priority::Backfill));
    let incremental = it.enter(of("acme", Priority::Incremental));
    let interactive = it.enter(ask("acme"));
    let mut order = Vec::new();
    for _ in 0..3 {
        it.later(1100);
        order.extend(it.advance().granted);
    }
    assert_eq!(order, [interactive, incremental, backfill]);
}

#[test]
fn a_tenant_at_full_load_delays_another_by_no_more_than_the_bucket() {
    let mut it = Clocked::new("[limits]\nper-second = 1");
    for _ in 0..1000 {
        it.enter(ask("greedy"));
    }
    it.advance();
    it.later(50_000);
    it.advance();
    let modest = it.enter(ask("modest"));
    it.later(1100);
    let mut granted = it.advance().granted;
    it.later(1100);
    granted.extend(it.advance().granted);
    assert!(granted.contains(&modest), "one turn each at the most");
}

#[test]
fn who_costs_more_has_fewer_turns() {
    let mut it = Clocked::new(
        "[limits]\nlargest-cost = 10\nwindows = [{ most = 10, seconds = 1, counts = \"points\" }]",
    );
    for _ in 0..100 {
        it.enter(Ask {
            cost: 10,
            ..ask("dear")
        });
        for _ in 0..10 {
            it.enter(ask("cheap"));
        }
    }
    let (mut dear, mut cheap) = (0, 0);
    for _ in 0..40 {
        for ticket in it.advance().granted {
            match &*it.bucket.flights[&ticket].ask.tenant {
                "dear" => dear += 10,
                _ => cheap += 1,
            }
            it.bucket.done(ticket);
        }
        it.later(1100);
    }
    assert!(i32::abs(dear - cheap) <= 20, "{dear} {cheap}");
}

#[test]
fn a_dear_request_is_not_overtaken_by_cheap_ones_for_ever() {
    let mut it = Clocked::new(
        "[limits]\nlargest-cost = 4\nwindows = [{ most = 4, seconds = 1, counts = \"points\" }]",
    );
    // One point is free again every quarter of a second, which is never enough at once.
    for tenant in ["a", "b", "c", "d"] {
        assert!(it.goes(ask(tenant)));
        it.later(260);
    }
    let dear = it.enter(Ask {
        cost: 4,
        ..ask("dear")
    });
    for round in 0.. {
        it.enter(ask(&format!("cheap {round}")));
        if it.advance().granted.contains(&dear) {
            break;
        }
        it.later(260);
        assert!(round < 8);
    }
}

#[test]
fn of_a_days_limit_no_tenant_takes_what_is_kept_for_the_others() {
    let mut it = Clocked::new("[limits]\nper-day = 100");
    it.goes(ask("one"));
    it.goes(ask("two"));
    let taken = it.count(&ask("greedy")) + it.count(&of("greedy", Priority::Backfill));
    assert!(taken < 100, "{taken}");
    // A sixth of the half for each of three.
    assert_eq!(it.count(&ask("one")) + 1, 16);
    assert_eq!(it.count(&ask("two")) + 1, 16);
}

#[test]
fn one_tenant_alone_has_everything() {
    let mut it = Clocked::new("[limits]\nper-day = 100");
    assert_eq!(it.count(&ask("acme")), 100);
}

#[test]
fn who_is_on_the_way_for_ever_leaves_a_place_to_others() {
    let mut it = Clocked::new("[limits]\nconcurrent = 8");
    it.goes(ask("modest"));
    assert!(it.count(&ask("greedy")) < 8);
    assert!(it.goes(ask("modest")));
}

#[test]
fn a_new_version_of_the_manifest_keeps_what_was_used() {
    let mut it = Clocked::new("[limits]\nper-day = 10");
    assert_eq!(it.count(&ask("acme")), 10);
    it.bucket.adopt(with("[limits]\nper-day = 12").limits());
    assert_eq!(it.count(&ask("acme")), 2);
}

#[test]
fn what_nobody_uses_is_forgotten() {
    let mut it = Clocked::new("[limits]\nper-second = 2");
    assert!(it.bucket.is_unused(it.now));
    let ticket = it.enter(ask("acme"));
    assert!(!it.bucket.is_unused(it.now));
    it.advance();
    it.bucket.done(ticket);
    assert!(!it.bucket.is_unused(it.now));
    it.later(1100);
    assert!(it.bucket.is_unused(it.now));
    for tenant in 0..1000 {
        it.goes(ask(&tenant.to_string()));
        it.later(10_000);
    }
    assert!(it.bucket.tenants.len() < 70, "{}", it.bucket.tenants.len());
}

#[test]
fn a_forecast_counts_those_who_wait() {
    let mut it = Clocked::new("[limits]\nper-second = 10");
    let last = |it: &Clocked, requests| {
        let forecast = it.bucket.forecast(&ask("acme"), requests, it.now);
        forecast.unwrap().last_ms
    };
    assert_eq!(last(&it, 10), 0);
    assert_eq!(last(&it, 11) / 100, 10);
    assert_eq!(last(&it, 101) / 1000, 10);
    for _ in 0..30 {
        it.enter(ask("acme"));
    }
    it.advance();
    assert_eq!(last(&it, 1) / 100, 30);
}

#[test]
fn the_state_can_be_read() {
    let mut it = Clocked::new("[limits]\nper-second = 2\nconcurrent = 8");
    for _ in 0..3 {
        it.enter(ask("acme"));
    }
    it.advance();
    expect_test::expect![[r#"{"stopped-ms":0,"in-flight":2,"waiting":{"interactive":1,"incremental":0,"backfill":0},"tenants":1,"limits":[{"bucket":null,"counts":"requests","seconds":1,"most":2,"used":2,"told-left":null},{"bucket":null,"counts":"requests","seconds":null,"most":8,"used":2,"told-left":null}],"one-more-ms":{"interactive":1032,"incremental":1032,"backfill":1032}}"#]]
        .assert_eq(&serde_json::to_string(&it.bucket.state(it.now)).unwrap());
}

fn priorities() -> impl Strategy<Value = Priority> {
    prop::sample::select(Priority::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_ever_has_more_than_its_limit(
        second in 1u32..5,
        points in 6u32..20,
        day in 1u32..60,
        steps in prop::collection::vec((0u64..900, 0usize..4, priorities(), 0u32..5, any::<bool>()), 1..200),
    ) {
        let mut it = Clocked::new(&format!(
            "[limits]\nlargest-cost = 4\nper-second = {second}\nwindows = [{{ most = {points}, seconds = 3, counts = \"points\" }}, {{ most = {day}, seconds = 25 }}]\n[limits.buckets.search]\nwindows = [{{ most = 2, seconds = 2 }}]"
        ));
        let mut granted = Vec::new();
        for (millis, tenant, priority, cost, named) in steps {
            it.later(millis);
            let search = named.then(|| "search".parse().unwrap());
            it.enter(Ask { cost, bucket: search, ..of(["a", "b", "c", "d"][tenant], priority) });
            for ticket in it.advance().granted {
                let ask = it.bucket.flights[&ticket].ask.clone();
                granted.push((it.now, u64::from(ask.cost), ask.bucket.is_some()));
                it.bucket.done(ticket);
            }
        }
        let all = |length, most: u32, count: &dyn Fn(&(At, u64, bool)) -> u64| {
            granted.iter().all(|(end, ..)| {
                let within = granted.iter().filter(|(at, ..)| at <= end && end.since(*at) < length);
                within.map(count).sum::<u64>() <= most.into()
            })
        };
        prop_assert!(all(1000, second, &|_| 1));
        prop_assert!(all(3000, points, &|it| it.1));
        prop_assert!(all(25_000, day, &|_| 1));
        prop_assert!(all(2000, 2, &|it| it.2.into()));
    }

    #[test]
    fn nobody_starves(
        tenants in 1usize..5,
        costs in prop::collection::vec(1u32..4, 20),
        priority in priorities(),
        cost in 1u32..5,
    ) {
        let mut it = Clocked::new("[limits]\nlargest-cost = 4\nwindows = [{ most = 5, seconds = 1, counts = \"points\" }]");
        let mut costs = costs.into_iter().cycle();
        let mut crowd = |it: &mut Clocked| for tenant in 0..tenants {
            for kind in Priority::ALL {
                for _ in 0..3 {
                    it.enter(Ask { cost: costs.next().unwrap(), ..of(&format!("crowd {tenant}"), kind) });
                }
            }
        };
        for _ in 0..10 {
            crowd(&mut it);
        }
        let one = it.enter(Ask { cost, ..of("one", priority) });
        let mut before = 0;
        // The crowd grows faster than it is served.
        while it.bucket.queue.contains_key(&one) {
            crowd(&mut it);
            let granted = it.advance().granted;
            before += granted.len();
            for ticket in granted {
                it.bucket.done(ticket);
            }
            it.later(400);
            prop_assert!(before < 200, "{before} turns went by");
        }
    }

    #[test]
    fn more_is_never_sooner(used in 0u32..30, one in 1u32..100, other in 1u32..100, priority in priorities()) {
        let mut it = Clocked::new("[limits]\nper-second = 4\nper-ten-seconds = 20");
        let mut outlook = it.bucket.outlook(&of("acme", priority), it.now);
        for _ in 0..used {
            it.enter(of("acme", priority));
            it.advance();
            let next = it.bucket.outlook(&of("acme", priority), it.now);
            prop_assert!(outlook <= next);
            outlook = next;
        }
        let last = |requests| it.bucket.forecast(&of("acme", priority), requests, it.now).unwrap().last_ms;
        let (fewer, more) = (one.min(other), one.max(other));
        prop_assert!(last(fewer) <= last(more));
        let interactive = it.bucket.outlook(&ask("acme"), it.now);
        prop_assert!(interactive <= outlook);
    }

    #[test]
    fn a_wake_is_always_later_and_never_missing(
        steps in prop::collection::vec((0u64..3000, 0usize..3, priorities()), 1..100),
    ) {
        let mut it = Clocked::new("[limits]\nper-second = 2\nper-day = 20");
        for (millis, tenant, priority) in steps {
            it.later(millis);
            it.enter(of(["a", "b", "c"][tenant], priority));
            let advance = it.advance();
            for ticket in advance.granted {
                it.bucket.done(ticket);
            }
            if it.bucket.queue.is_empty() {
                prop_assert_eq!(advance.wake, None);
            } else {
                prop_assert!(advance.wake.is_some_and(|wake| it.now < wake && wake.since(it.now) <= DAY + DAY / 16));
            }
        }
    }
}
