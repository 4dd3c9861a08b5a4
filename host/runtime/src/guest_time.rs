//! How long a guest computes, by the processor's clock of the thread that it computes on.
//!
//! A guest runs on the thread that polls its call. So the time between the beginning and the end of each poll is its own, but for what passes
//! inside the host's functions, which stop the clock while they run. What the thread waits for a processor does not count.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Adds up what one guest computes.
#[derive(Debug, Default)]
pub(crate) struct GuestClock(Mutex<Time>);

/// What the guest has computed. All moments are by the clock of the thread that polls it at that moment.
#[derive(Debug, Default)]
struct Time {
    spent: Duration,
    /// Since when the guest computes.
    since: Option<Duration>,
    is_in_host: bool,
}

/// Ends a poll when it goes, also if something has panicked.
struct Polling<'a>(&'a GuestClock);

impl GuestClock {
    /// Runs one poll of a call.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.time().resume(now());
        let _polling = Polling(self);
        poll()
    }

    /// The guest has called the host.
    pub(crate) fn enter_host(&self) {
        let mut time = self.time();
        time.pause(now());
        time.is_in_host = true;
    }

    /// The host goes back to the guest.
    pub(crate) fn leave_host(&self) {
        let mut time = self.time();
        time.is_in_host = false;
        time.resume(now());
    }

    /// How much it was so far.
    pub(crate) fn spent(&self) -> Duration {
        self.time().spent
    }

    fn time(&self) -> std::sync::MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Time {
    /// A poll begins, or the host goes back to the guest.
    fn resume(&mut self, now: Duration) {
        // A guest whose host function is still under way does not compute.
        self.since = (!self.is_in_host).then_some(now);
    }

    /// A poll ends, or the guest calls the host.
    fn pause(&mut self, now: Duration) {
        if let Some(since) = self.since.take() {
            self.spent = self.spent.saturating_add(now.saturating_sub(since));
        }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.time().pause(now());
    }
}

/// What this thread has computed since it began.
#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Without such a clock, the time that passes on the wall stands for it: more than the guest has computed where many share a processor.
#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_passes_in_the_host_and_between_polls_does_not_count() {
        let mut time = Time::default();
        time.resume(at(100));
        // The guest calls the host, which waits.
        time.pause(at(103));
        time.is_in_host = true;
        time.pause(at(105));
        assert_eq!(time.spent, at(3));
        // The next poll is on another thread, whose clock is at another time; it finds the host at work still.
        time.resume(at(7));
        time.pause(at(9));
        time.resume(at(9));
        time.is_in_host = false;
        time.resume(at(20));
        time.pause(at(24));
        assert_eq!(time.spent, at(7));
    }

    #[test]
    fn a_panic_ends_a_poll() {
        let clock = GuestClock::default();
        let polling = std::panic::AssertUnwindSafe(|| clock.poll(|| panic!("the host has a bug")));
        std::panic::catch_unwind(polling).unwrap_err();
        assert_eq!(clock.time().since, None);
    }

    #[test]
    fn the_clock_of_a_thread_goes_on_while_it_computes() {
        let clock = GuestClock::default();
        while clock.spent() == Duration::ZERO {
            clock.poll(|| std::hint::black_box((0..10_000).sum::<u32>()));
        }
    }
}
