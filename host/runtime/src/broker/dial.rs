//! How long the network connection of a request took to come about.
//!
//! The HTTP client keeps connections and makes new ones when it has none to spare, and it does not say which a request got.
//! But it makes a new one within the task of the request, or, once the request has got another, in a task of its own: what is noted by a
//! value of the task is noted by the request that waits for it, and by no other.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tower_layer::Layer;
use tower_service::Service;

use crate::report::{Stage, Stages};

tokio::task_local! {
    static DIALLED: Cell<Dialled>;
}

/// What a request has waited for until it had a network connection; nothing, where one was open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dialled {
    resolve: Option<Duration>,
    /// Resolving included.
    whole: Option<Duration>,
}

/// Watches over the connections that a client makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch;

/// What makes connections, watched.
#[derive(Clone, Debug)]
pub(super) struct Watched<S>(S);

/// Notes a time when it goes, also if what it is about was given up.
struct Stopwatch {
    began: Instant,
    place: fn(&mut Dialled) -> &mut Option<Duration>,
}

/// Carries out a request, and tells what of its time was for making a connection.
pub(super) async fn watch<T>(request: impl Future<Output = T>) -> (T, Dialled) {
    let watched = async {
        let result = request.await;
        (result, DIALLED.with(Cell::get))
    };
    DIALLED.scope(Cell::default(), watched).await
}

/// Resolves a name for a new connection.
pub(super) async fn resolving<T>(resolution: impl Future<Output = T>) -> T {
    let _stopwatch = Stopwatch::start(|it| &mut it.resolve);
    resolution.await
}

impl Dialled {
    /// All of it together.
    pub(super) fn took(self) -> Duration {
        self.whole.unwrap_or_default()
    }

    pub(super) fn note(self, stages: &mut Stages) {
        // Without it, the request got a connection that became free while a new one was being made.
        let Some(whole) = self.whole else { return };
        if let Some(resolve) = self.resolve {
            stages.add(Stage::Resolve, resolve);
        }
        let resolve = self.resolve.unwrap_or_default();
        stages.add(Stage::Connect, whole.saturating_sub(resolve));
    }
}

impl Stopwatch {
    fn start(place: fn(&mut Dialled) -> &mut Option<Duration>) -> Self {
        Self {
            began: Instant::now(),
            place,
        }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let _no_request_waits = DIALLED.try_with(|it| {
            let mut dialled = it.get();
            let time = (self.place)(&mut dialled);
            *time = Some(time.unwrap_or_default() + self.began.elapsed());
            it.set(dialled);
        });
    }
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched(inner)
    }
}

impl<S, R> Service<R> for Watched<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move {
            let _stopwatch = Stopwatch::start(|it| &mut it.whole);
            connecting.await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_told_of_to_the_request_that_waits_for_it() {
        let (told, dialled) = watch(async {
            let _whole = Stopwatch::start(|it| &mut it.whole);
            resolving(std::future::ready("found")).await
        })
        .await;
        assert_eq!(told, "found");
        let mut stages = Stages::default();
        dialled.note(&mut stages);
        assert!(stages.get(Stage::Resolve).is_some() && stages.get(Stage::Connect).is_some());

        let ((), none) = watch(async {
            // The request has got another connection; this one goes on by itself.
            let elsewhere = tokio::spawn(resolving(std::future::ready(())));
            elsewhere.await.unwrap();
        })
        .await;
        let mut stages = Stages::default();
        none.note(&mut stages);
        assert_eq!(stages, Stages::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_never_resolved_has_taken_its_time() {
        let ((), dialled) = watch(async {
            let never = resolving(std::future::pending::<()>());
            drop(tokio::time::timeout(Duration::from_secs(10), never).await);
        })
        .await;
        assert!(dialled.resolve.is_some());
    }
}
