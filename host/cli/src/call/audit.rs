//! The audit as a file: one JSON object a line, added to what is there.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use brightsync_runtime::AuditLine;

/// What writes the lines into a file. Where a line cannot be written, its request is not made.
pub(super) fn open(
    path: &Path,
) -> Result<impl Fn(&AuditLine) -> io::Result<()> + Send + Sync + 'static> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("the audit cannot be written to {path:?}"))?;
    let file = Mutex::new(file);
    Ok(move |line: &AuditLine| {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        // As one piece, so that lines of several processes do not mix.
        file.write_all(&text)
    })
}
