//! A connector at its desk: it runs in this process, and its requests go to a stand-in as the host would send them.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use brightsync_crms::{Answer, Crm, Request};
use brightsync_sdk::testing::{Exchange, Failure, Reply, Sent};

/// A stand-in within reach.
pub(crate) struct Desk<C> {
    crm: Rc<RefCell<C>>,
    base: String,
    headers: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    wanted: Vec<(String, Vec<String>)>,
}

impl<C: Crm> Desk<C> {
    /// Puts a stand-in there; `base` is the manifest's base address, such as `https://api.crm.example/v1/`, and `header` carries the credential.
    pub(crate) fn new(crm: C, base: &str, header: (&str, &str)) -> Self {
        Self {
            crm: Rc::new(RefCell::new(crm)),
            base: base.to_owned(),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            settings: Vec::new(),
            wanted: Vec::new(),
        }
    }

    /// Sets a setting of the connection.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the custom fields that the tenant wants read.
    pub(crate) fn wanted(mut self, object: &str, fields: &[&str]) -> Self {
        let fields = fields.iter().map(|it| (*it).to_owned()).collect();
        self.wanted.push((object.to_owned(), fields));
        self
    }

    /// The stand-in.
    pub(crate) fn crm(&self) -> RefMut<'_, C> {
        self.crm.borrow_mut()
    }

    /// Runs calls, at the stand-in's time; state that a connector keeps lasts for all of them.
    ///
    /// The calls may use [`crm`](Self::crm) between them.
    pub(crate) fn run<T>(&self, calls: impl FnOnce() -> T) -> T {
        let now = self.crm().office().now;
        let mut exchange = Exchange::new().now(now);
        for (name, value) in &self.settings {
            exchange = exchange.setting(name, value);
        }
        for (object, fields) in &self.wanted {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            exchange = exchange.wanted_fields(object, &fields);
        }
        let (crm, base, headers) = (self.crm.clone(), self.base.clone(), self.headers.clone());
        exchange
            .played_by(move |sent| answer(&mut *crm.borrow_mut(), &base, &headers, sent))
            .run(calls)
    }
}

/// Sends a request as the host does: to the base address, with the credential.
fn answer(
    crm: &mut dyn Crm,
    base: &str,
    headers: &[(String, String)],
    sent: &Sent,
) -> Result<Reply, Failure> {
    let url = if sent.url.starts_with("https://") || sent.url.starts_with("http://") {
        sent.url.clone()
    } else {
        format!("{base}{}", sent.url.trim_start_matches('/'))
    };
    let origin_end = url
        .match_indices('/')
        .nth(2)
        .map_or(url.len(), |(at, _)| at);
    let (origin, target) = url.split_at(origin_end);
    assert!(
        base.starts_with(origin),
        "the manifest does not allow {origin}"
    );
    let mut all = sent.headers.clone();
    all.extend_from_slice(headers);
    let body = sent.body.clone().unwrap_or_default();
    let request = Request::new(&sent.method, origin, target, all, body);
    let (answer, cut) = brightsync_crms::serve(crm, &request);
    if cut {
        return Err(Failure::NoAnswer(String::new()));
    }
    Ok(reply(answer, url))
}

fn reply(answer: Answer, url: String) -> Reply {
    Reply {
        status: answer.status,
        url,
        headers: answer.headers,
        body: answer.body,
    }
}
