//! What follows an answer that points elsewhere (RFC 9110, section 15.4).
//!
//! Only where to go and with what is decided here; the new place then passes everything that the first one passed.
//! A write is followed only where the new request cannot be a second write; in every other case the redirect is the
//! answer, and the connector knows that nothing more was done in its name.

use std::collections::HashSet;

use url::Url;

use crate::request::{self, Method, Reserved};
use crate::rule::Rule;

/// The way of one request through the redirects that it is answered with.
#[derive(Clone, Debug)]
pub struct Trail {
    seen: HashSet<(Method, Url)>,
    left: u32,
}

/// The request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: Method,
    /// Its address, without anything that the host added.
    pub url: &'a Url,
    /// Whether it may be carried out twice without harm.
    pub is_repeatable: bool,
}

/// The request that follows it. Of the headers, only the content type of a body goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its method.
    pub method: Method,
    /// Its address.
    pub url: Url,
    /// Whether the body is sent again.
    pub keeps_body: bool,
}

/// Why a redirect is not followed that is there to be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It has been redirected too often.
    #[error("the CRM redirects too often; use the address that it leads to at last")]
    TooMany,
    /// It leads to where the request has been already.
    #[error("the CRM redirects in a circle")]
    Loop,
    /// The address cannot be read, or two readers would read it differently.
    #[error("the CRM redirects to something that is no plain address")]
    Location,
    /// The address is neither https nor http.
    #[error("the CRM redirects to something that is neither https nor http")]
    Scheme,
    /// The address carries a name or a password.
    #[error("the CRM redirects to an address with a user name in it")]
    UserInfo,
    /// It leads from https to http.
    #[error("the CRM redirects from https to http, where anybody could read along")]
    Downgrade,
}

impl Fault {
    /// Returns the word by which a connector or a metric tells the faults apart, which never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany => "too-many-redirects",
            Self::Loop => "redirect-loop",
            Self::Location => "redirect-location",
            Self::Scheme => "redirect-scheme",
            Self::UserInfo => "redirect-user-info",
            Self::Downgrade => "redirect-downgrade",
        }
    }
}

impl Trail {
    /// Begins a way of at most so many redirects.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self {
            seen: HashSet::new(),
            left: most,
        }
    }

    /// Decides what follows an answer with this status and these `Location` headers; nothing, if it is the answer to be given.
    ///
    /// Parameters that the recipe injects are taken out of the address: a CRM that repeats them would carry the credential
    /// to wherever it points.
    pub fn follow<'a>(
        &mut self,
        asked: Asked<'_>,
        status: u16,
        locations: impl IntoIterator<Item = &'a [u8]>,
        reserved: &Reserved<'_>,
    ) -> Result<Option<Next>, Fault> {
        let Some((method, keeps_body)) = continuation(status, asked) else {
            return Ok(None);
        };
        let mut locations = locations.into_iter();
        // RFC 9110, section 15.4: without the field there is nothing to follow; with two, nobody knows which.
        let (Some(location), None) = (locations.next(), locations.next()) else {
            return Ok(None);
        };
        let mut url = target(asked.url, location)?;
        strip(&mut url, reserved);
        self.seen.insert((asked.method, asked.url.clone()));
        if Rule::RedirectLoop.refuses(self.seen.contains(&(method, url.clone()))) {
            return Err(Fault::Loop);
        }
        if Rule::RedirectCount.refuses(self.left == 0) {
            return Err(Fault::TooMany);
        }
        self.left = self.left.saturating_sub(1);
        Ok(Some(Next {
            method,
            url,
            keeps_body,
        }))
    }
}

/// The method of the next request and whether it has the body of the last, if the status asks for one that may be made.
fn continuation(status: u16, asked: Asked<'_>) -> Option<(Method, bool)> {
    match (status, asked.method) {
        (303, Method::Head) => Some((Method::Head, false)),
        (303, _) => Some((Method::Get, false)),
        // After 301 and 302 a POST may become a GET, "for historical reasons". For a browser that is the page behind a
        // form; for a connector it would be a write that was never made and looks like a success. So the method stays.
        (301 | 302 | 307 | 308, method) if !Rule::RedirectMethod.refuses(!asked.is_repeatable) => {
            Some((method, true))
        }
        _ => None,
    }
}

/// Reads an address as seen from the one that was asked (RFC 3986, section 5), without its fragment, which is never sent.
fn target(from: &Url, location: &[u8]) -> Result<Url, Fault> {
    // The `url` crate drops tabs and line ends and takes `\` for `/`; other readers do neither.
    if !location.iter().all(u8::is_ascii_graphic) || location.contains(&b'\\') {
        return Err(Fault::Location);
    }
    let text = std::str::from_utf8(location).map_err(|_| Fault::Location)?;
    let mut url = from.join(text).map_err(|_| Fault::Location)?;
    match (from.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => {}
        (_, "http") => return Err(Fault::Downgrade),
        _ => return Err(Fault::Scheme),
    }
    if Rule::RedirectUserInfo.refuses(!url.username().is_empty() || url.password().is_some()) {
        return Err(Fault::UserInfo);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Takes the recipe's own parameters out of a query.
fn strip(url: &mut Url, reserved: &Reserved<'_>) {
    let Some(query) = url.query() else { return };
    let (own, others): (Vec<_>, Vec<_>) = query
        .split('&')
        .partition(|pair| request::is_reserved(pair, reserved));
    if !own.is_empty() {
        let rest = others.join("&");
        url.set_query((!others.is_empty()).then_some(&rest));
    }
}

#[cfg(test)]
mod tests;
