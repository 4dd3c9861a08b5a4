//! A run as text: what was called, which requests were made, how it ended; without ports, times and call ids, which differ from run to run.

use std::fmt::{Debug, Write as _};

use brightsync_runtime::{CallError, Report};

/// Tells the calls of a run: one line a call, and one below it for each of its requests.
pub fn tell(reports: &[Report]) -> String {
    let mut story = String::new();
    for report in reports {
        let _never_fails = writeln!(
            story,
            "{} for {}: {}{}",
            report.function,
            report.tenant,
            report.outcome,
            if report.in_doubt { ", in doubt" } else { "" }
        );
        for request in &report.requests {
            let end = match (&request.status, &request.failure) {
                (Some(status), None) => status.to_string(),
                (Some(status), Some(failure)) => format!("{status}, {failure}"),
                (None, Some(failure)) => (*failure).to_owned(),
                (None, None) => "nothing".to_owned(),
            };
            let _never_fails = writeln!(
                story,
                "  {} {}{} -> {end}",
                request.method,
                without_ports(&request.origin),
                request.path,
            );
        }
    }
    story
}

/// Tells how one call ended: its answer, or what is said of its end.
pub fn end<T: Debug>(result: &Result<T, CallError>) -> String {
    match result {
        Ok(answer) => format!("answer: {answer:?}"),
        Err(error) => error.end.to_string(),
    }
}

/// The text with `PORT` in place of every port of the loopback interface.
pub fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("127.0.0.1:PORT");
        plain.push_str(part.trim_start_matches(|it: char| it.is_ascii_digit()));
    }
    plain
}
