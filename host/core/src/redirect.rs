//! What follows an answer that points elsewhere (RFC 9110, section 15.4).
//!
//! Only where to go and with what is decided here; the new place then passes everything that the first one passed.
//! A write is followed only where the new request cannot be a second write: a connector that gets the redirect itself
//! knows that nothing was done in its name.

use std::collections::HashSet;

use url::Url;

use crate::request::{self, Method, Reserved};

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
        if self.seen.contains(&(method, url.clone())) {
            return Err(Fault::Loop);
        }
        self.left = self.left.checked_sub(1).ok_or(Fault::TooMany)?;
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
        (301 | 302 | 307 | 308, method) if asked.is_repeatable => Some((method, true)),
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
    if !url.username().is_empty() || url.password().is_some() {
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
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const HERE: &str = "https://crm.example/api/v1/people?x=1";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn follow(
        method: Method,
        from: &str,
        is_repeatable: bool,
        status: u16,
        locations: &[&str],
    ) -> Result<Option<Next>, Fault> {
        let (from, parameters) = (url(from), ["api_token"]);
        let asked = Asked {
            method,
            url: &from,
            is_repeatable,
        };
        let reserved = Reserved {
            headers: &[],
            parameters: &parameters,
        };
        let locations = locations.iter().map(|it| it.as_bytes());
        Trail::new(3).follow(asked, status, locations, &reserved)
    }

    #[track_caller]
    fn check_method(method: Method, is_repeatable: bool, expected: Expect) {
        let told = [300, 301, 302, 303, 304, 305, 306, 307, 308].map(|status| {
            let next = follow(method, HERE, is_repeatable, status, &["/there"]).unwrap();
            let next = next.map_or("the answer".to_owned(), |it| {
                let body = if it.keeps_body { " as it was" } else { "" };
                format!("{}{body}", it.method.as_str())
            });
            format!("{status} {next}")
        });
        expected.assert_eq(&told.join(", "));
    }

    #[test]
    fn a_read_goes_on_as_it_is() {
        check_method(
            Method::Get,
            true,
            expect![
                "300 the answer, 301 GET as it was, 302 GET as it was, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 GET as it was, 308 GET as it was"
            ],
        );
        check_method(
            Method::Head,
            true,
            expect![
                "300 the answer, 301 HEAD as it was, 302 HEAD as it was, 303 HEAD, 304 the answer, 305 the answer, 306 the answer, 307 HEAD as it was, 308 HEAD as it was"
            ],
        );
    }

    #[test]
    fn a_search_by_post_is_sent_again_with_its_body() {
        check_method(
            Method::Post,
            true,
            expect![
                "300 the answer, 301 POST as it was, 302 POST as it was, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 POST as it was, 308 POST as it was"
            ],
        );
    }

    #[test]
    fn a_write_is_not_sent_again_but_its_result_may_be_read() {
        check_method(
            Method::Post,
            false,
            expect![
                "300 the answer, 301 the answer, 302 the answer, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 the answer, 308 the answer"
            ],
        );
        check_method(
            Method::Patch,
            false,
            expect![
                "300 the answer, 301 the answer, 302 the answer, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 the answer, 308 the answer"
            ],
        );
    }

    #[test]
    fn what_is_repeatable_by_its_method_is_sent_again() {
        check_method(
            Method::Put,
            true,
            expect![
                "300 the answer, 301 PUT as it was, 302 PUT as it was, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 PUT as it was, 308 PUT as it was"
            ],
        );
        check_method(
            Method::Delete,
            true,
            expect![
                "300 the answer, 301 DELETE as it was, 302 DELETE as it was, 303 GET, 304 the answer, 305 the answer, 306 the answer, 307 DELETE as it was, 308 DELETE as it was"
            ],
        );
    }

    #[test]
    fn every_other_status_is_the_answer() {
        for status in (100..300).chain(309..600) {
            assert_eq!(
                follow(Method::Get, HERE, true, status, &["/there"]),
                Ok(None),
                "{status}"
            );
        }
    }

    #[track_caller]
    fn check(location: &str, expected: &str) {
        let told = match follow(Method::Get, HERE, true, 302, &[location]) {
            Ok(Some(next)) => next.url.to_string(),
            Ok(None) => "the answer".to_owned(),
            Err(fault) => fault.code().to_owned(),
        };
        assert_eq!(told, expected, "{location}");
    }

    #[test]
    fn an_address_is_read_as_seen_from_where_it_stands() {
        check("/there", "https://crm.example/there");
        check("there", "https://crm.example/api/v1/there");
        check("../there", "https://crm.example/api/there");
        check("?y=2", "https://crm.example/api/v1/people?y=2");
        check("//other.example/x", "https://other.example/x");
        check(
            "https://other.example:8443/x",
            "https://other.example:8443/x",
        );
        check("HTTPS://CRM.Example:443/x", "https://crm.example/x");
        check("/there#part", "https://crm.example/there");
    }

    #[test]
    fn an_address_that_could_mean_something_else_is_not_followed() {
        check("http://crm.example/there", "redirect-downgrade");
        check("https://u:p@crm.example/", "redirect-user-info");
        check("https://u@crm.example/", "redirect-user-info");
        check("//crm.example@evil.example/", "redirect-user-info");
        for other in [
            "ftp://crm.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
        ] {
            check(other, "redirect-scheme");
        }
        for odd in [
            "\\\\evil.example",
            "/a b",
            "/a\tb",
            "https://",
            "/ä",
            "/a\r\nb",
            "https://[::1",
        ] {
            check(odd, "redirect-location");
        }
    }

    #[test]
    fn without_one_address_there_is_nothing_to_follow() {
        assert_eq!(follow(Method::Get, HERE, true, 302, &[]), Ok(None));
        assert_eq!(
            follow(Method::Get, HERE, true, 302, &["/a", "/b"]),
            Ok(None)
        );
    }

    #[test]
    fn a_credential_in_the_address_does_not_travel() {
        check("/x?api_token=secret", "https://crm.example/x");
        check(
            "//other.example/x?a=1&API%5Ftoken=secret&b=2",
            "https://other.example/x?a=1&b=2",
        );
        check("/x?a=1&b", "https://crm.example/x?a=1&b");
    }

    #[test]
    fn http_may_become_https_and_stay_http() {
        let follow = |location| follow(Method::Get, "http://10.0.0.7/x", true, 301, &[location]);
        assert!(follow("https://10.0.0.7/x").unwrap().is_some());
        assert!(follow("/y").unwrap().is_some());
    }

    /// Follows from `/0` to `/1` and on, and answers how many steps there were and what ended them.
    fn walk(most: u32, to: impl Fn(u32) -> u32) -> (u32, Fault) {
        let mut trail = Trail::new(most);
        let (mut place, mut steps) = (url("https://crm.example/0"), 0);
        let mut at = 0;
        loop {
            at = to(at);
            let asked = Asked {
                method: Method::Get,
                url: &place,
                is_repeatable: true,
            };
            match trail.follow(
                asked,
                302,
                [format!("/{at}").as_bytes()],
                &Reserved::default(),
            ) {
                Ok(next) => place = next.unwrap().url,
                Err(fault) => return (steps, fault),
            }
            steps += 1;
        }
    }

    #[test]
    fn a_chain_ends_at_its_limit_and_a_circle_where_it_closes() {
        assert_eq!(walk(3, |it| it + 1), (3, Fault::TooMany));
        assert_eq!(walk(0, |it| it + 1), (0, Fault::TooMany));
        assert_eq!(walk(3, |it| it), (0, Fault::Loop));
        assert_eq!(walk(3, |it| 1 - it), (1, Fault::Loop));
    }

    #[test]
    fn reading_the_result_of_a_write_at_its_own_address_is_no_circle() {
        let next = follow(Method::Post, HERE, false, 303, &[HERE])
            .unwrap()
            .unwrap();
        assert_eq!((next.method, next.url), (Method::Get, url(HERE)));
    }

    fn method() -> impl Strategy<Value = Method> {
        prop::sample::select(vec![
            Method::Get,
            Method::Head,
            Method::Post,
            Method::Put,
            Method::Patch,
            Method::Delete,
        ])
    }

    proptest! {
        /// No status and no address make a second write of one that may not be made twice, or lead out of https.
        #[test]
        fn no_redirect_repeats_a_write_or_leaves_https(method in method(), status in 100u16..600, location in "[ -~]{0,40}|https?://[a-z@:/.#?\\\\]{0,20}") {
            if let Ok(Some(next)) = follow(method, HERE, false, status, &[&location]) {
                prop_assert!(next.method.is_safe() && !next.keeps_body);
                prop_assert_eq!(next.url.scheme(), "https");
                prop_assert!(next.url.username().is_empty() && next.url.password().is_none() && next.url.fragment().is_none());
            }
        }
    }
}
