//! Using more than one's share: of time, memory, the host's goods, and other tenants' places.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use brightsync_core::rule::Rule;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::attack::Attack;
use crate::attack::Family::Resources;
use crate::deed::{Deed, told};
use crate::prize::{
    Prize, anything_but, crm_was_asked_more_than, done, nothing, pages_beyond, shown,
    told as learned,
};
use crate::scene::{Answers, Scene, ok};
use crate::server::Answer;
use crate::told::Told;

const MIB: usize = 1 << 20;

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = taking();
    attacks.extend(sending());
    attacks.extend(failing());
    attacks.extend(sharing());
    attacks
}

/// What ends the call.
fn taking() -> Vec<Attack> {
    let takes = |name, rules, order: Value, end, scene: Scene| {
        Attack::new(Resources, name, rules, Deed::order(order), end, done()).at(scene)
    };
    let limited = |set: fn(&mut brightsync_runtime::Limits)| Scene::default().limited(set);
    vec![
        takes(
            "compute without end",
            &[Rule::GuestTime],
            json!({"compute": 3_000_000_000_u64}),
            "limit: guest-time",
            limited(|it| it.guest_time = Duration::from_millis(100)),
        ),
        takes(
            "sleep without end",
            &[Rule::WallTime],
            json!({"sleep": 1_500}),
            "limit: wall-time",
            limited(|it| it.wall_time = Duration::from_millis(300)),
        ),
        takes(
            "eat memory",
            &[Rule::Memory],
            json!({"memory": 48}),
            "limit: memory",
            limited(|it| it.memory = 32 * MIB),
        ),
        takes(
            "bring a table larger than allowed",
            &[Rule::Tables],
            json!({"depth": 1}),
            "limit: tables",
            Scene {
                is_lonely: true,
                ..limited(|it| it.table_elements = 8)
            },
        ),
        takes(
            "go deeper and deeper",
            &[Rule::Stack],
            json!({"depth": 20_000}),
            "limit: stack",
            Scene::default(),
        ),
        takes(
            "take timers and give none back",
            &[Rule::Handles],
            json!({"handles": 2_000}),
            "limit: handles",
            Scene::default(),
        ),
        takes(
            "call the host without end",
            &[Rule::HostCalls],
            json!({"calls": 20_000}),
            "limit: host-calls",
            Scene::default(),
        ),
        takes(
            "pass 40 MiB at once",
            &[Rule::ResultSize],
            json!({"pass": 40 * MIB}),
            "limit: result-size",
            limited(|it| it.memory = 128 * MIB),
        ),
        Attack::new(
            Resources,
            "answer a name of 48 MiB",
            &[Rule::ResultSize],
            Deed::Me,
            "limit: result-size",
            done(),
        )
        .at(Scene::deed("endless name").limited(|it| it.memory = 128 * MIB)),
        Attack::new(
            Resources,
            "read without end",
            &[Rule::Pages],
            Deed::Read,
            "limit: pages",
            pages_beyond(30),
        )
        .at(limited(|it| it.pages = 30)),
        Attack::new(
            Resources,
            "panic",
            &[],
            Deed::order(json!("panic")),
            "trap: wasm trap: wasm `unreachable` instruction executed",
            nothing(),
        ),
        Attack::new(
            Resources,
            "leave the program",
            &[],
            Deed::order(json!({"exit": 7})),
            "trap: it exited with status 1",
            nothing(),
        ),
        Attack::new(
            Resources,
            "abort, with words that steer a terminal",
            &[],
            Deed::order(json!({"shout": "\u{1b}[2Jgone"})),
            "trap: ",
            shown("\u{1b}"),
        ),
    ]
}

/// What the connector is told of, or is not.
fn sending() -> Vec<Attack> {
    let limited = |set: fn(&mut brightsync_runtime::Limits)| Scene::default().limited(set);
    vec![
        Attack::new(
            Resources,
            "make more requests than a call may",
            &[Rule::Requests],
            Deed::order(json!({"request": {"url": "me", "times": 12}})),
            "denied: too-many-requests",
            crm_was_asked_more_than(10),
        )
        .at(limited(|it| it.requests = 10)),
        Attack::new(
            Resources,
            "send more than a call may",
            &[Rule::BytesOut],
            Deed::order(
                json!({"request": {"method": "POST", "url": "me", "zeros": 600_000, "times": 2}}),
            ),
            "denied: too-many-bytes",
            crm_was_asked_more_than(1),
        )
        .at(limited(|it| it.bytes_out = 1_000_000)),
        Attack::new(
            Resources,
            "make all requests at once",
            &[Rule::SideBySide],
            Deed::order(json!({"together": {"url": "me", "times": 4}})),
            "status 200",
            Arc::new(|_: &Told, arena: &crate::arena::Arena| {
                let most = arena.crm.most_in_hand();
                (2 < most).then(|| format!("{most} requests at once"))
            }),
        )
        .at(Scene {
            crm: together(),
            ..limited(|it| it.side_by_side = 2)
        }),
        Attack::new(
            Resources,
            "flood the log",
            &[Rule::LogLines],
            Deed::order(json!({"log": ["line", 1_000]})),
            "null",
            lines_beyond(201),
        ),
        Attack::new(
            Resources,
            "forge a log line and steer a terminal",
            &[Rule::LogText],
            Deed::order(json!({"log": ["\u{1b}[31mred\nERROR forged", 1]})),
            "null",
            shown("\u{1b}"),
        ),
        Attack::new(
            Resources,
            "ask for a megabyte of chance",
            &[Rule::RandomBytes],
            Deed::order(json!({"random": MIB})),
            "4096",
            learned("1048576"),
        ),
        Attack::new(
            Resources,
            "keep more values than it may",
            &[Rule::StateSize],
            Deed::order(json!({"hoard": [100, 10]})),
            "64",
            learned("100"),
        ),
        Attack::new(
            Resources,
            "keep larger values than it may",
            &[Rule::StateSize],
            Deed::order(json!({"hoard": [10, 100_000]})),
            "2",
            learned("10"),
        ),
    ]
}

/// A CRM that fails, and a connector that makes the most of it.
fn failing() -> Vec<Attack> {
    let fails = || Scene::crm(|_| Answer::text(503, ""));
    vec![
        Attack::new(
            Resources,
            "have each of its requests repeated",
            &[Rule::RepeatsPerCall],
            Deed::order(json!({"request": {"url": "me", "times": 10}})),
            "status 503",
            crm_was_asked_more_than(12),
        )
        .at({
            let mut scene = fails();
            scene.retries.repeats_per_call = 2;
            scene.retries.repeats_per_tenant = 1_000;
            scene.retries.breaker.failures = 1_000;
            scene
        }),
        Attack::new(
            Resources,
            "go on at a server that fails",
            &[Rule::Breaker],
            Deed::order(json!({"request": {"url": "me", "times": 10}})),
            "told: the CRM cannot be reached for GET me: circuit-open",
            crm_was_asked_more_than(5),
        )
        .at({
            let mut scene = fails();
            scene.retries.repeats = 0;
            scene.retries.breaker.failures = 5;
            scene
        }),
    ]
}

/// Other tenants' places.
fn sharing() -> Vec<Attack> {
    let crowd = Deed::other(|arena| {
        async move {
            let (mallory, neighbour) = (arena.mallory(), arena.neighbour());
            let asleep = json!([{"sleep": 60_000}]);
            let crowd = futures::future::join_all((0..6).map(|_| arena.order(&mallory, &asleep)));
            let served = async {
                // Mallory's calls have come first by then: they were polled first.
                told(neighbour.get_me().await).end
            };
            tokio::select! {
                biased;
                _ended = crowd => Told::ended("the crowd left"),
                end = served => Told::ended(format!("the neighbour: {end}")),
            }
        }
        .boxed()
    });
    vec![
        Attack::new(
            Resources,
            "take all places of the host",
            &[Rule::Share],
            crowd,
            "the neighbour: answer",
            anything_but("the neighbour: answer"),
        ),
        Attack::new(
            Resources,
            "hold all network connections of the host",
            &[Rule::Share],
            Deed::other(|arena| {
                async move {
                    let (mallory, neighbour) = (arena.mallory(), arena.neighbour());
                    let slow = json!([{"together": {"url": "slow", "times": 4}}]);
                    let ask = json!([{"request": {"url": "me"}}]);
                    let served = async {
                        arena.crm.was_asked().await;
                        arena.order(&neighbour, &ask).await.end
                    };
                    tokio::select! {
                        biased;
                        _ended = arena.order(&mallory, &slow) => Told::ended("the crowd left"),
                        end = served => Told::ended(format!("the neighbour: {end}")),
                    }
                }
                .boxed()
            }),
            "the neighbour: status 200",
            anything_but("the neighbour: status 200"),
        )
        .at(Scene {
            // Two in use, of which a tenant has one.
            sockets: 6,
            ..Scene::crm(|asked| match asked.line.as_str() {
                "GET /slow" => Answer::Never,
                _ => ok(),
            })
            .limited(|it| it.socket_wait = Duration::from_millis(300))
        }),
    ]
}

fn lines_beyond(most: usize) -> Prize {
    Arc::new(move |_, arena| {
        let lines = arena.log().matches("text=line").count();
        (most < lines).then(|| format!("{lines} lines"))
    })
}

/// A CRM that holds its answers until three are due at once, or for a moment.
fn together() -> Answers {
    let waiting = Arc::new((Mutex::new(0), Condvar::new()));
    Arc::new(move |_| {
        let (count, changed) = &*waiting;
        let mut count = count.lock().unwrap();
        *count += 1;
        changed.notify_all();
        let moment = Duration::from_millis(300);
        let (mut count, _) = changed
            .wait_timeout_while(count, moment, |it| *it < 3)
            .unwrap();
        *count -= 1;
        ok()
    })
}
