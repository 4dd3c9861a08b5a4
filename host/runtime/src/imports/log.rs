//! Log lines of connectors: fields of an event, never its message, and never more than a call's share.

use brightsync_core::escape::escape;
use brightsync_core::rule::Rule;

use crate::bindings::log::{Host, Level};
use crate::store::Running;

/// The longest line in bytes.
const LONGEST: usize = 4 * 1024;

impl Host for Running {
    async fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let _in_host = self.enter()?;
        let line = self.call.meter.log_line();
        let most = self.call.shared.limits.log_lines;
        if Rule::LogLines.refuses(line > most) {
            if line == most.saturating_add(1) {
                tracing::warn!(call = %self.call.id, connector = %self.call.link.options.connector, most, "a connector logs too much; the rest is dropped");
            }
            return Ok(());
        }
        let redacted = self.call.redactor().text(&message);
        self.call.meter.redacted(redacted.cuts);
        let text = if Rule::LogText.holds() {
            escape(&redacted.text, LONGEST)
        } else {
            redacted.text
        };
        let (call, connection, connector) = (
            self.call.id,
            &self.call.link.key,
            &self.call.link.options.connector,
        );
        // The level of an event is part of its static description, so each has its own.
        match level {
            Level::Debug => tracing::debug!(%call, %connection, %connector, %text, "connector"),
            Level::Info => tracing::info!(%call, %connection, %connector, %text, "connector"),
            Level::Warn => tracing::warn!(%call, %connection, %connector, %text, "connector"),
            Level::Error => tracing::error!(%call, %connection, %connector, %text, "connector"),
        }
        Ok(())
    }
}
