//! The functions that connectors import, answered by the script that runs on this thread.

use std::cell::RefCell;

use super::Exchange;
use crate::Timestamp;
use crate::bindings::http::{Failure, Request, Response};
use crate::bindings::log::Level;
use crate::bindings::state::Refusal;

thread_local! {
    static CURRENT: RefCell<Option<Exchange>> = const { RefCell::new(None) };
}

/// Makes the script current, runs the call, and checks that nothing announced is left.
#[expect(
    clippy::panic,
    reason = "a script that does not match fails the test that runs it"
)]
pub(super) fn run<T>(exchange: Exchange, call: impl FnOnce() -> T) -> (T, String) {
    /// Ends the script also when the call panics: threads of a test runner serve many tests.
    struct Ending;

    impl Drop for Ending {
        fn drop(&mut self) {
            CURRENT.with(|current| current.take());
        }
    }

    if CURRENT.with(|current| current.borrow().is_some()) {
        panic!("an exchange runs on this thread already");
    }
    CURRENT.with(|current| current.replace(Some(exchange)));
    let ending = Ending;
    let answer = call();
    let exchange = with(std::mem::take);
    drop(ending);
    if let Some(step) = exchange.expected.front() {
        let Exchange { story, .. } = &exchange;
        panic!(
            "{} {} was announced and did not come; the story so far:\n{story}",
            step.request.method, step.request.url
        );
    }
    (answer, exchange.story)
}

pub(crate) fn send(request: &Request) -> Result<Response, Failure> {
    let answer = with(|exchange| {
        exchange
            .answer(request)
            .map_err(|difference| format!("{difference}; the story so far:\n{}", exchange.story))
    });
    match answer {
        Ok(answer) => answer,
        #[expect(
            clippy::panic,
            reason = "a request that was not announced fails the test that makes it"
        )]
        Err(difference) => panic!("{difference}"),
    }
}

pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<Response, Failure>> {
    requests.iter().map(send).collect()
}

pub(crate) fn setting(name: &str) -> Option<String> {
    with(|exchange| exchange.settings.get(name).cloned())
}

pub(crate) fn wanted_fields(object: &str) -> Vec<String> {
    with(|exchange| {
        exchange
            .wanted_fields
            .get(object)
            .cloned()
            .unwrap_or_default()
    })
}

pub(crate) fn recall(key: &str) -> Option<Vec<u8>> {
    with(|exchange| exchange.state.get(key).cloned())
}

/// Keeps to the limits of the contract.
pub(crate) fn keep(key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
    const MOST_KEYS: usize = 64;
    const MOST_BYTES: usize = 256 * 1024;
    if key.is_empty() || key.len() > 256 {
        return Err(Refusal::InvalidKey);
    }
    with(|exchange| {
        let Some(value) = value else {
            exchange.state.remove(key);
            exchange.line(&format!("state {key} forgotten"));
            return Ok(());
        };
        let others = exchange
            .state
            .iter()
            .filter(|(other, _)| other.as_str() != key);
        let (keys, bytes) = others.fold((1, value.len()), |(keys, bytes), (_, it)| {
            (keys + 1, bytes + it.len())
        });
        if keys > MOST_KEYS || bytes > MOST_BYTES {
            return Err(Refusal::Full);
        }
        exchange.state.insert(key.to_owned(), value.to_vec());
        exchange.line(&format!("state {key} = {}", String::from_utf8_lossy(value)));
        Ok(())
    })
}

pub(crate) fn write(level: Level, message: &str) {
    let level = match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    with(|exchange| exchange.line(&format!("{level}: {message}")));
}

pub(crate) fn now() -> Timestamp {
    with(|exchange| exchange.now)
}

/// Bytes that are the same in every run.
pub(crate) fn random(length: u32) -> Vec<u8> {
    const MOST: u32 = 4 * 1024;
    (0..=u8::MAX)
        .cycle()
        .take(length.min(MOST) as usize)
        .collect()
}

#[expect(
    clippy::panic,
    reason = "a connector natively outside a script is a mistake of a test"
)]
fn with<T>(f: impl FnOnce(&mut Exchange) -> T) -> T {
    CURRENT.with(|current| match current.borrow_mut().as_mut() {
        Some(exchange) => f(exchange),
        None => panic!("there is no host here: call connectors within testing::Exchange::run"),
    })
}
