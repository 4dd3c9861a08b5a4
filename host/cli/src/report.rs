//! Errors as a person reads them: what happened, then its causes, a line each; and the same as JSON.

use brightsync_core::crm::error::Reason;
use brightsync_runtime::{CallError, End, JsonCallError};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::terminal::{Terminal, Tone};
use crate::text;

/// Shows why a command failed and answers the exit that stands for it.
pub(crate) fn failure(error: &anyhow::Error, json: bool, terminal: &Terminal) -> Exit {
    let exit = Exit::of(error);
    let lines = lines(error);
    if json {
        terminal.line(document(error, exit, &lines));
    }
    let mark = terminal.paint_note(Tone::Bad, "error:");
    for (place, line) in lines.iter().enumerate() {
        let before = if place == 0 { &*mark } else { " " };
        terminal.complain(format!("{before} {line}"));
    }
    exit
}

/// The document that stands for a failure where JSON was asked for.
fn document(error: &anyhow::Error, exit: Exit, lines: &[String]) -> Value {
    let mut failure = json!({"kind": exit.kind(), "exit-code": exit as u8, "messages": lines});
    if let Some(call) = call(error)
        && let Some(members) = failure.as_object_mut()
    {
        members.insert("call".to_owned(), json!(*call.report));
        if let Some(answer) = call.connector_error() {
            members.insert("error".to_owned(), json!(answer));
        }
    }
    json!({"failure": failure})
}

/// The lines of an error's chain, each cause once, and then what to do where only the kind of failure tells.
pub(crate) fn lines(error: &anyhow::Error) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cause in error.chain() {
        for line in cause.to_string().lines() {
            // A cause that the line above has told already is not told again.
            let told = lines.iter().any(|it| it.contains(line.trim()));
            if !told {
                lines.push(text::message(line.trim_end()));
            }
        }
    }
    if let Some(advice) = call(error).and_then(|it| advice(&it.end)) {
        lines.push(advice.to_owned());
    }
    lines
}

/// What to do about the end of a call.
fn advice(end: &End) -> Option<&'static str> {
    Some(match end {
        End::Connector(error) => match &error.reason {
            Reason::Unauthorized => "check the credential: the CRM did not accept it",
            Reason::InDoubt(_) => {
                "look in the CRM before you repeat it: it may have been carried out"
            }
            Reason::RateLimited(_) | Reason::Unavailable => "try again later",
            _ => return None,
        },
        End::Trap(_) => "this is a fault of the connector; its author can mend it",
        End::Limit(_) => {
            "a connector that needs more than a call may use is not run to its end; tell its author"
        }
        _ => return None,
    })
}

fn call(error: &anyhow::Error) -> Option<&CallError> {
    error.chain().find_map(|it| {
        it.downcast_ref::<CallError>()
            .or_else(|| match it.downcast_ref::<JsonCallError>() {
                Some(JsonCallError::Call(call)) => Some(call),
                Some(JsonCallError::Argument { .. }) | None => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use brightsync_core::component::{Caps, check as check_component};
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(error: &anyhow::Error, expected: Expect) {
        let (terminal, captured) = Terminal::captured::<String, String>([]);
        let exit = failure(error, true, &terminal);
        expected.assert_eq(&format!("{}{}{exit:?}", captured.err(), captured.out()));
    }

    #[test]
    fn causes_follow_a_line_each() {
        let error = check_component(b"no component", &Caps::default())
            .context("x.wasm is no connector that may be loaded")
            .unwrap_err();
        check(
            &error,
            expect![[r#"
            error: x.wasm is no connector that may be loaded
              this is not WebAssembly; give the .wasm file that `brightsync build` wrote
            {"failure":{"exit-code":6,"kind":"refused","messages":["x.wasm is no connector that may be loaded","this is not WebAssembly; give the .wasm file that `brightsync build` wrote"]}}
            Refused"#]],
        );
    }

    #[test]
    fn what_comes_from_outside_cannot_drive_the_terminal() {
        let error = anyhow::anyhow!("it says \u{1b}[2J").context("it says \u{1b}[2J, twice");
        check(
            &error,
            expect![[r#"
            error: it says \u{1b}[2J, twice
              it says \u{1b}[2J
            {"failure":{"exit-code":1,"kind":"ours","messages":["it says \\u{1b}[2J, twice","it says \\u{1b}[2J"]}}
            Ours"#]],
        );
    }
}
