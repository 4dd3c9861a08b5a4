//! Where a redirect leads, and with what.

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
