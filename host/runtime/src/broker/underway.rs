//! The line of a request while it is under way. If its call ends before it does, the line says so.

use std::time::Instant;

use tracing::Span;

use super::Failure;
use crate::report::Exchange;
use crate::store::Call;

/// A request that is under way.
pub(super) struct Underway<'a> {
    call: &'a Call,
    line: Exchange,
    started: Instant,
    span: Span,
    is_told: bool,
}

impl<'a> Underway<'a> {
    pub(super) fn begin(call: &'a Call, line: Exchange, started: Instant) -> Self {
        Self {
            span: line.span(call),
            call,
            line,
            started,
            is_told: false,
        }
    }

    pub(super) fn line(&mut self) -> &mut Exchange {
        &mut self.line
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The request has ended: with a body of so many bytes, or not.
    pub(super) fn end(mut self, end: Result<usize, &Failure>) {
        self.tell(end);
    }

    fn tell(&mut self, end: Result<usize, &Failure>) {
        let line = std::mem::take(&mut self.line).ended(self.call, self.started, end);
        line.record(&self.span);
        self.call.meter.request(line);
        self.is_told = true;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(Err(&Failure::NoAnswer("abandoned")));
        }
    }
}
