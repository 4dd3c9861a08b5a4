//! What an attacker is after, and whether it got it.

use std::sync::Arc;

use crate::arena::Arena;
use crate::server::Asked;
use crate::told::Told;

/// Says what the attacker got, if it got anything.
pub(crate) type Prize = Arc<dyn Fn(&Told, &Arena) -> Option<String> + Send + Sync>;

/// Nothing that could be seen from here: what counts is how it ended.
pub(crate) fn nothing() -> Prize {
    Arc::new(|_, _| None)
}

/// The victim was asked for something.
pub(crate) fn victim_was_asked() -> Prize {
    victim_saw(|_| true)
}

/// The victim was asked with something.
pub(crate) fn victim_saw(wanted: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Prize {
    Arc::new(move |_, arena| {
        let asked = arena.victim.asked();
        let asked = asked.iter().find(|it| wanted(it))?;
        Some(format!("the victim was asked: {}", asked.line))
    })
}

/// The CRM was asked with something.
pub(crate) fn crm_saw(wanted: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Prize {
    Arc::new(move |_, arena| {
        let asked = arena.crm.asked();
        let asked = asked.iter().find(|it| wanted(it))?;
        Some(format!("the CRM was asked: {}", asked.line))
    })
}

/// The CRM was asked with a header.
pub(crate) fn crm_saw_header(name: &'static str, value: &'static str) -> Prize {
    crm_saw(move |it| it.headers.iter().any(|(n, v)| n == name && v == value))
}

/// The CRM was asked more often than so.
pub(crate) fn crm_was_asked_more_than(times: usize) -> Prize {
    Arc::new(move |_, arena| {
        let asked = arena.crm.asked().len();
        (times < asked).then(|| format!("{asked} requests"))
    })
}

/// An address was dialled.
pub(crate) fn dialled(address: &'static str) -> Prize {
    Arc::new(move |_, _| {
        let _ = address;
        #[cfg(feature = "weaken")]
        {
            let address = address.parse().unwrap();
            let dialled = brightsync_core::rule::weaken::dialled();
            return dialled
                .contains(&address)
                .then(|| format!("{address} was dialled"));
        }
        #[cfg(not(feature = "weaken"))]
        None
    })
}

/// The connector was told something.
pub(crate) fn told(text: &'static str) -> Prize {
    Arc::new(move |told, _| {
        told.learned
            .contains(text)
            .then(|| format!("it was told {text}"))
    })
}

/// It is in what the operator reads: the report or the log.
pub(crate) fn shown(text: &'static str) -> Prize {
    Arc::new(move |told, arena| {
        let shown =
            told.report.contains(text) || told.end.contains(text) || arena.log().contains(text);
        shown.then(|| format!("{text:?} is shown to people"))
    })
}

/// The call ended with an answer, so all of it was done.
pub(crate) fn done() -> Prize {
    Arc::new(|told, _| told.is_answer.then(|| format!("done: {}", told.end)))
}

/// It ended in any other way than this.
pub(crate) fn anything_but(end: &'static str) -> Prize {
    Arc::new(move |told, _| (told.end != end).then(|| told.end.clone()))
}

/// A read went on for more than so many pages.
pub(crate) fn pages_beyond(most: usize) -> Prize {
    Arc::new(move |_, arena| {
        let calls = arena.reports().matches("get-my-accounts").count();
        (most < calls).then(|| format!("{calls} pages"))
    })
}

/// All who share the CRM's limits are stopped for more than so many milliseconds.
pub(crate) fn all_stopped_beyond(most: u64) -> Prize {
    Arc::new(move |_, arena| {
        let quotas = arena.host.quotas();
        let stopped = quotas.iter().map(|it| it.state.stopped_ms).max()?;
        (most < stopped).then(|| format!("everybody is stopped for {stopped} ms"))
    })
}
