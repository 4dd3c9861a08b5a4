//! How many network connections the process holds, and what they are for.

use super::transport::IDLE_EACH;

/// What the process opens beside them: files, pipes, the resolver's own, whatever the embedder has.
const MARGIN: u32 = 128;

/// More than this is of no use, however much the system lets the process open.
const MOST: u32 = 30_000;

/// A number of network connections, in thirds: in use, kept for later, and left for what is being dialled or closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sockets(u32);

impl Sockets {
    pub(crate) fn new(all: u32) -> Self {
        Self(all.clamp(6, MOST))
    }

    /// As many as the system lets the process open, less what it needs for everything else.
    pub(crate) fn of_this_process() -> Self {
        Self::new(most_files().saturating_sub(MARGIN))
    }

    /// How many requests are under way at once.
    pub(super) fn in_use(self) -> u32 {
        self.0 / 3
    }

    /// How many transports are kept, each of which holds a few idle connections.
    pub(super) fn transports(self) -> usize {
        let idle = usize::try_from(self.0 / 3).unwrap_or(usize::MAX);
        (idle / IDLE_EACH).max(1)
    }
}

#[cfg(unix)]
fn most_files() -> u32 {
    // What cannot be asked for is taken to be what most systems give.
    let soft = rlimit::Resource::NOFILE.get_soft().unwrap_or(1024);
    u32::try_from(soft).unwrap_or(u32::MAX)
}

#[cfg(not(unix))]
fn most_files() -> u32 {
    1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_and_what_is_kept_stay_within_what_there_is() {
        for all in [0, 6, 100, 896, 30_000, u32::MAX] {
            let sockets = Sockets::new(all);
            let kept = u32::try_from(sockets.transports() * IDLE_EACH).unwrap();
            assert!(2 <= sockets.in_use(), "two tenants at the least");
            // Each of those in use may be dialling a second address.
            assert!(2 * sockets.in_use() + kept <= sockets.0.max(8), "{all}");
        }
    }
}
