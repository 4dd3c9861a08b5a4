//! The check of the attacks themselves: in a program that is built for it, each succeeds without its rules; and no other program can switch a rule off.

use std::path::{Path, PathBuf};
use std::process::Command;

use brightsync_tests::guest;

/// What stands in every program in which rules can be switched off.
const MARK: &str = "in this program the rules that hold connectors can be switched off";

/// What Cargo adds to the surroundings of a test. A build that saw it would be another one, of everything below this workspace.
const ADDED: [&str; 6] = [
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "OUT_DIR",
];

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ADDED.iter().any(|it| text.starts_with(it)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// The features of this workspace's own crates, as the commands of the README build them.
#[test]
fn no_member_enables_the_switch() {
    let mut cargo = cargo();
    cargo.args(["tree", "--workspace", "--offline", "--locked"]);
    cargo.args(["--edges", "features", "--invert", "brightsync-core"]);
    let output = cargo.output().unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("brightsync-core"), "{tree}");
    assert!(!tree.contains("\"weaken\""), "{tree}");
}

#[test]
fn each_attack_succeeds_without_its_rules_and_fails_with_any_one_of_them() {
    let mut cargo = cargo();
    cargo.args(["test", "--workspace", "--offline", "--locked"]);
    cargo.args([
        "--features",
        "brightsync-attacks/weaken",
        "--test",
        "weakened",
    ]);
    cargo.args(["--no-run", "--message-format", "json"]);
    let output = cargo.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let program = built(&String::from_utf8(output.stdout).unwrap());

    let output = Command::new(&program).arg(guest::HOSTILE).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with(MARK), "{told}");
    let wrong: Vec<_> = told.lines().filter(|it| it.starts_with("WRONG")).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{wrong:#?}\n{errors}");
    assert!(told.contains("0 wrong of"), "{told}");

    // What was just seen to be able to, has it in it; what runs this very test has not.
    assert!(holds(&program, MARK));
    assert!(!holds(
        &PathBuf::from(env!("CARGO_BIN_EXE_compile_worker")),
        MARK
    ));
}

/// The program that Cargo says it has built.
fn built(messages: &str) -> PathBuf {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|it| it["target"]["name"] == "weakened")
        .find_map(|it| it["executable"].as_str().map(PathBuf::from))
        .unwrap()
}

fn holds(program: &Path, text: &str) -> bool {
    let bytes = std::fs::read(program).unwrap();
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}
