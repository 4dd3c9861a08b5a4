//! Connectors are compiled in a process that has nothing of the host's, and whatever a component does to the compiler ends that process alone.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use brightsync_core::component::embed;
use brightsync_runtime::{CompileError, Host, LoadError, Worker};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, bytes, manifest, with_manifest};
use serde_json::json;

use crate::loading::component;

/// A host that has compiled nothing yet.
struct Fresh {
    world: World,
    _data: tempfile::TempDir,
}

fn fresh(worker: Worker) -> Fresh {
    let data = tempfile::tempdir().unwrap();
    let world = World::with(|it| it.data_dir(data.path()).compile_in(worker));
    Fresh { world, _data: data }
}

fn worker() -> Worker {
    Worker::of(env!("CARGO_BIN_EXE_compile_worker").into())
}

async fn problem(host: &Host, component: Vec<u8>) -> CompileError {
    match host.load(component).await.unwrap_err() {
        LoadError::Compile(problem) => problem,
        other => panic!("{other:?}"),
    }
}

/// A connector with functions that are as long as they may be, and in which every value depends on all before.
fn laborious() -> Vec<u8> {
    let mut body = String::new();
    for step in 0..150_000 {
        let (a, b, c) = (step % 97, (step * 7) % 97, (step * 31) % 97);
        let _never_fails = write!(
            body,
            "(local.set {a} (i32.add (local.get {b}) (i32.mul (local.get {c}) (i32.const {step}))))"
        );
    }
    let locals = "i32 ".repeat(97);
    let function = format!("(func (result i32) (local {locals}) {body} (local.get 1))");
    component("", &function.repeat(8), "0.1.0")
}

#[tokio::test]
async fn what_another_process_has_compiled_runs_here() {
    let crm = Server::start();
    crm.once(
        "GET /me",
        Answer::json(200, &json!({"id": "7", "name": "Ann"})),
    );
    let fresh = fresh(worker());
    let acme = fresh.world.open(guest::GOOD, Account::at(&crm)).await;
    assert_eq!(acme.get_me().await.unwrap().user.unwrap().name, "Ann");
}

#[tokio::test]
async fn a_component_that_keeps_the_compiler_busy_is_given_up_and_the_next_one_loads() {
    let fresh = fresh(Worker {
        processor_seconds: 1,
        ..worker()
    });
    let component = laborious();
    let expected = CompileError::Limit("the processor time that a component may take");
    assert_eq!(
        problem(&fresh.world.host, component.clone()).await,
        expected
    );
    fresh.world.load(guest::GOOD).await;
    // Known by its digest, so that trying again costs nothing.
    assert_eq!(problem(&fresh.world.host, component).await, expected);
}

#[tokio::test]
async fn a_component_that_takes_too_long_in_all_is_given_up() {
    let fresh = fresh(Worker {
        time: Duration::ZERO,
        ..worker()
    });
    let component = with_manifest(guest::GOOD, &manifest("good"));
    assert_eq!(
        problem(&fresh.world.host, component).await,
        CompileError::Limit("the time that a component may take")
    );
}

#[tokio::test]
async fn memory_for_compiling_is_limited() {
    let fresh = fresh(Worker {
        memory: 300 << 20,
        ..worker()
    });
    let problem = problem(&fresh.world.host, laborious()).await;
    assert_eq!(
        problem,
        CompileError::Limit("the memory that a component may take")
    );
}

#[tokio::test]
async fn the_process_that_compiles_has_nothing_of_the_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let spy = folder.path().join("spy");
    fs::write(
        &spy,
        "#!/bin/sh\n(pwd; env; ls /proc/self/fd) >&2\nexit 3\n",
    )
    .unwrap();
    fs::set_permissions(&spy, Permissions::from_mode(0o700)).unwrap();
    let fresh = fresh(Worker::of(spy));
    let component = with_manifest(guest::GOOD, &manifest("good"));
    let CompileError::Refused(seen) = problem(&fresh.world.host, component).await else {
        panic!("the spy refuses");
    };
    // Cargo has set dozens of variables for this process.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    assert!(!seen.contains("CARGO"), "{seen}");
    assert!(seen.starts_with("/\\u{a}"), "its folder: {seen}");
}

#[tokio::test]
async fn a_worker_that_is_not_there_is_the_operators_problem_and_not_remembered_as_the_components()
{
    let fresh = fresh(Worker::of(Path::new("/nowhere/worker").into()));
    let component = bytes(guest::GOOD);
    let component = embed(&component, &manifest("good")).unwrap();
    for _ in 0..2 {
        let problem = problem(&fresh.world.host, component.clone()).await;
        assert!(matches!(problem, CompileError::Worker(_)), "{problem:?}");
    }
}
