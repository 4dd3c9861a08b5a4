//! One test for each way in which a request has been made to mean two things.

use super::*;
use proptest::prelude::*;

const BASE: &str = "https://x.example/crm/api/v1/";

fn run(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<Checked, Fault> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let ask = Ask {
        method,
        url,
        headers: &headers,
        body_len: None,
    };
    let reserved = Reserved {
        headers: &["X-Custom-Pass"],
        parameters: &["sid"],
    };
    check(
        ask,
        &Base::parse(BASE).unwrap(),
        &reserved,
        &Caps::default(),
    )
}

#[track_caller]
fn sent(url: &str, expected: &str) {
    assert_eq!(
        run("GET", url, &[]).map(|it| it.url.to_string()),
        Ok(expected.to_owned()),
        "{url}"
    );
}

#[track_caller]
fn refused(url: &str, code: &str) {
    assert_eq!(
        run("GET", url, &[]).map_err(|it| it.code()),
        Err(code),
        "{url}"
    );
}

#[track_caller]
fn header_refused(name: &str, value: &str, code: &str) {
    assert_eq!(
        run("GET", "x", &[(name, value)]).map_err(|it| it.code()),
        Err(code),
        "{name}: {value}"
    );
}

#[test]
fn a_relative_address_keeps_the_prefix_of_the_base() {
    sent("/App/user", "https://x.example/crm/api/v1/App/user");
    sent("App/user", "https://x.example/crm/api/v1/App/user");
    sent("", "https://x.example/crm/api/v1/");
    sent("/", "https://x.example/crm/api/v1/");
    sent("?a=1", "https://x.example/crm/api/v1/?a=1");
    sent(
        "/Contact?where[0][type]=equals&q=a%2Fb",
        "https://x.example/crm/api/v1/Contact?where[0][type]=equals&q=a%2Fb",
    );
    sent(
        "/records:batch",
        "https://x.example/crm/api/v1/records:batch",
    );
    sent(
        "Contact?t=2026-01-01T10:00:00Z",
        "https://x.example/crm/api/v1/Contact?t=2026-01-01T10:00:00Z",
    );
}

#[test]
fn an_absolute_address_is_taken_as_it_is() {
    sent("https://other.example/a?b=c", "https://other.example/a?b=c");
    sent("HTTPS://Other.Example:443/a", "https://other.example/a");
    sent("http://other.example:8080/", "http://other.example:8080/");
    sent("https://[2606:4700::1111]/", "https://[2606:4700::1111]/");
}

#[test]
fn no_spelling_climbs_out_of_the_base() {
    for path in [
        "..",
        "../x",
        "/../x",
        "a/../../x",
        "./x",
        "a/.",
        "%2e%2e/x",
        ".%2E/x",
        "%2E./x",
        "a/%2e/b",
        "..%2fx",
        "a%2f..%2f..%2fx",
        "..%2Fx",
        "%2e%2e%2fx",
        "..;/x",
        "..;a=b/x",
        "%2e%2e;/x",
        ".;/x",
        "https://x.example/a/../b",
        "https://x.example/a/..",
        "https://x.example/%2e%2e",
        "..%5cx",
        "a%5c..%5cx",
        "a%00b",
        "a%0d%0ab",
        "a%7f",
        "..?x",
    ] {
        refused(path, "path");
    }
}

#[test]
fn what_is_encoded_twice_stays_as_it_is() {
    sent("/%252e%252e/x", "https://x.example/crm/api/v1/%252e%252e/x");
    sent("/a%2Fb", "https://x.example/crm/api/v1/a%2Fb");
    sent("/...", "https://x.example/crm/api/v1/...");
    sent("/a..b/.hidden", "https://x.example/crm/api/v1/a..b/.hidden");
}

#[test]
fn dots_in_a_query_are_only_text() {
    sent(
        "/a?p=../x&q=..",
        "https://x.example/crm/api/v1/a?p=../x&q=..",
    );
    sent(
        "/a?q=SELECT%0AId",
        "https://x.example/crm/api/v1/a?q=SELECT%0AId",
    );
}

#[test]
fn another_host_cannot_be_slipped_in() {
    for url in [
        "//evil.example/x",
        "///evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "http:",
        "https://",
        "https://?x",
        "ftp://evil.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:x",
        "evil.example:443/x",
        "ws://x.example/",
        "https://exa%6dple.com/",
        "https://x.example:/",
        "https://x.example./",
        "https://a..b/",
        "https://x.example:99999/",
        "https://.example/",
        "%",
        "%2",
        "%zz",
        "a%%32%65",
        "https://x.example|y/",
        "https://a^b/",
    ] {
        refused(url, "address");
    }
    for url in [
        "/\\evil.example",
        "\\\\evil.example",
        "https:\\\\evil.example",
        "https://x.example\\@evil.example/",
    ] {
        refused(url, "address");
    }
}

#[test]
fn a_user_in_the_address_is_refused_even_an_empty_one() {
    for url in [
        "https://u:p@x.example/",
        "https://u@x.example/",
        "https://@x.example/",
        "https://:@x.example",
        "https://x.example@evil.example",
    ] {
        refused(url, "user-info");
    }
    sent("https://x.example/@a?b=c@d", "https://x.example/@a?b=c@d");
}

#[test]
fn what_the_parser_would_drop_or_map_is_refused() {
    for url in [
        "/a\tb",
        "/a\nb",
        "/a\rb",
        "ht\ntps://evil.example",
        "/.\t./x",
        " /a",
        "/a ",
        "/a b",
        "/a#frag",
        "#",
        "/a\0",
        "/a\u{7f}",
        "/ä",
        "https://１２７.0.0.1/",
        "https://ex\u{ad}ample.com/",
        "/a\u{2028}",
        "/\u{ff0e}\u{ff0e}/x",
        "\u{feff}https://x.example/",
    ] {
        refused(url, "address");
    }
    let fault = run("GET", "/ab\u{1b}c", &[]).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the address has the character \\u{1b} at byte 3; percent-encode what belongs to a value and leave out the rest"
    );
}

#[test]
fn a_credential_in_the_query_is_refused_in_every_spelling() {
    for query in [
        "access_token=x",
        "ACCESS_TOKEN=x",
        "a=1&access_token=x",
        "a=1;access_token=x",
        "access%5Ftoken=x",
        "%61ccess_token",
        "access.token=x",
        "access[token=x",
        "+access_token=x",
        "access_token[]=x",
        "api_key=x",
        "apikey=x",
        "api-key=x",
        "apiToken=x",
        "hapikey=x",
        "DOLAPIKEY=x",
        "client_secret=x",
        "sid=x",
        "SID=x",
        "s%69d=x",
        "jwt=x",
        "password=x",
    ] {
        refused(&format!("/a?{query}"), "parameter");
    }
}

#[test]
fn parameters_that_only_sound_like_credentials_pass() {
    for query in [
        "page_token=x",
        "$skiptoken=x",
        "$deltatoken=x",
        "syncToken=x",
        "key=x",
        "code=x",
        "filter[password]=x",
        "q=access_token",
        "token=x",
    ] {
        sent(
            &format!("/a?{query}"),
            &format!("https://x.example/crm/api/v1/a?{query}"),
        );
    }
}

#[test]
fn the_method_that_was_checked_is_the_method_that_counts() {
    for method in [
        "CONNECT",
        "TRACE",
        "OPTIONS",
        "get",
        "GET ",
        "",
        "GET\r\nX: y",
        "PROPFIND",
        "GЕT",
    ] {
        assert_eq!(
            run(method, "x", &[]).map_err(|it| it.code()),
            Err("method"),
            "{method}"
        );
    }
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(run(method, "x", &[]).unwrap().method.as_str(), method);
    }
    for name in [
        "X-HTTP-Method-Override",
        "x_http_method",
        "X-Method-Override",
    ] {
        header_refused(name, "DELETE", "method-override");
    }
    for query in [
        "_method=DELETE",
        "_HttpMethod=PATCH",
        "%5fmethod=DELETE",
        "X-HTTP-Method-Override=PUT",
    ] {
        refused(&format!("a?{query}"), "method-override");
    }
}

#[test]
fn headers_of_the_host_are_refused() {
    for name in [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Expect",
        "Proxy-Foo",
        "Sec-WebSocket-Key",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "Via",
        "X-Real-IP",
        "X-Api-Key",
        "Api-Key",
        "X-Auth-Token",
        "Accept-Encoding",
        "HTTP2-Settings",
        "x-custom-pass",
        "X_Custom_Pass",
        "X-Original-URL",
        "X-CSRF-Token",
    ] {
        header_refused(name, "x", "header");
    }
}

#[test]
fn a_header_cannot_end_itself_and_begin_another() {
    for name in ["", "a b", "a:", "a\r\nb", ":path", "ä", "a\0"] {
        header_refused(name, "x", "header-name");
    }
    for value in [
        "a\r\nAuthorization: x",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\u{7f}",
        "ä",
        "a\u{85}b",
        " a",
        "a ",
        "a\t",
        "\u{10a}b",
    ] {
        header_refused("x-a", value, "header-value");
    }
    assert_eq!(
        run("GET", "x", &[("X-A", ""), ("Accept", "a,\tb c")])
            .unwrap()
            .headers
            .len(),
        2
    );
}

#[test]
fn a_header_stands_there_once() {
    for second in ["X-A", "x-a", "X_A", "x.a"] {
        let fault = run("GET", "x", &[("X-A", "1"), (second, "2")]).unwrap_err();
        assert_eq!(fault.code(), "header-repeated");
    }
}

#[test]
fn a_secret_cannot_be_fetched_byte_by_byte() {
    for value in [
        "bytes=0-3",
        "Bytes=0-3",
        "BYTES = 0-",
        "records=0-1,bytes=0-3",
    ] {
        header_refused("Range", value, "byte-range");
    }
    header_refused("If-Range", "x", "header");
    assert!(run("GET", "x", &[("Range", "records=0-50")]).is_ok());
}

#[test]
fn a_read_has_no_body() {
    let base = Base::parse(BASE).unwrap();
    let run = |method, body_len| {
        check(
            Ask {
                method,
                url: "x",
                headers: &[],
                body_len,
            },
            &base,
            &Reserved::default(),
            &Caps::default(),
        )
    };
    assert_eq!(run("GET", Some(1)).map_err(|it| it.code()), Err("body"));
    assert_eq!(run("HEAD", Some(1)).map_err(|it| it.code()), Err("body"));
    assert!(run("GET", Some(0)).is_ok());
    assert!(run("DELETE", Some(1)).is_ok());
    assert_eq!(
        run("POST", Some(8 * 1024 * 1024 + 1)).map_err(|it| it.code()),
        Err("too-large")
    );
}

#[test]
fn every_cap_ends_where_it_says() {
    let base = Base::parse("https://x.example/").unwrap();
    let caps = Caps {
        url_bytes: 20,
        headers: 1,
        header_bytes: 4,
        body_bytes: 1,
    };
    let run = |url, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        check(
            Ask {
                method: "POST",
                url,
                headers: &headers,
                body_len: Some(1),
            },
            &base,
            &Reserved::default(),
            &caps,
        )
    };
    assert!(run("ab", &[("a", "123")]).is_ok());
    assert_eq!(
        run("abc", &[]),
        Err(Fault::TooLarge {
            what: "address",
            size: 21,
            limit: 20
        })
    );
    // `"` grows to three bytes when it is encoded.
    assert_eq!(
        run("a\"", &[]),
        Err(Fault::TooLarge {
            what: "address",
            size: 22,
            limit: 20
        })
    );
    assert_eq!(
        run("a", &[("a", "1234")]),
        Err(Fault::TooLarge {
            what: "header block",
            size: 5,
            limit: 4
        })
    );
    assert_eq!(
        run("a", &[("a", ""), ("b", "")]),
        Err(Fault::TooLarge {
            what: "list of headers",
            size: 2,
            limit: 1
        })
    );
}

#[test]
fn a_base_ends_in_a_slash_and_has_nothing_behind_it() {
    for text in [
        "https://x.example/",
        "http://127.0.0.1:8080/",
        "https://x.example/a/b/",
    ] {
        assert_eq!(Base::parse(text).unwrap().as_url().as_str(), text);
    }
    for (text, code) in [
        ("https://x.example/a", "base"),
        ("https://x.example", "base"),
        ("https://x.example/?a/", "base"),
        ("x.example/", "address"),
        ("https://x.example/../", "path"),
        ("https://u@x.example/", "user-info"),
        ("https://x.example/#/", "address"),
    ] {
        assert_eq!(
            Base::parse(text).map_err(|it| it.code()),
            Err(code),
            "{text}"
        );
    }
}

#[test]
fn a_recipes_endpoint_is_known_in_every_spelling() {
    let endpoint = Url::parse("https://x.example/oauth/token.php").unwrap();
    let check = |url: &str, expected: bool| {
        assert_eq!(
            reaches(&Url::parse(url).unwrap(), &endpoint),
            expected,
            "{url}"
        );
    };
    for url in [
        "https://x.example/oauth/token.php",
        "https://X.example:443/oauth/token.php?a=b",
        "https://x.example//oauth//token.php/",
        "https://x.example/OAuth/Token.PHP",
        "https://x.example/oauth/%74oken.php",
        "https://x.example/oauth/%2574oken.php",
        "https://x.example/oauth%2ftoken.php",
        "https://x.example/oauth%5Ctoken.php",
        "https://x.example/oauth;a=b/token.php;c",
        "https://x.example/oauth/token.php/x",
        "https://x.example/oauth/%25252e/token.php",
        "https://x.example/%2525252566oauth/../oauth/token.php",
    ] {
        check(url, true);
    }
    for url in [
        "https://x.example/oauth/token",
        "https://y.example/oauth/token.php",
        "https://x.example:8443/oauth/token.php",
        "https://x.example/api/oauth/token.php",
        "https://x.example/oauth/token.php5",
        "https://x.example/?/oauth/token.php",
    ] {
        check(url, false);
    }
    let deep = format!("https://x.example/a%{}5ftoken", "25".repeat(8000));
    check(&deep, true);
    let root = Url::parse("https://x.example/").unwrap();
    assert!(reaches(&root, &root));
    assert!(!reaches(&endpoint, &root));
}

#[test]
fn a_fault_shows_no_value_and_nothing_that_moves_the_cursor() {
    let fault = run("GET", "/a?access_token=SECRET", &[])
        .unwrap_err()
        .to_string();
    assert_eq!(
        fault,
        "the query parameter \"access_token\" is set by the host; leave it out"
    );
    let fault = run("GET\u{1b}[2J", "x", &[]).unwrap_err().to_string();
    assert!(!fault.contains('\u{1b}'));
}

proptest! {
    #[test]
    fn whatever_passes_stays_below_the_base_and_means_the_same_when_read_again(
        text in "([a-z./;?%&=2eEfF5cC@:\\\\ ]|%2e|%2f|\\.\\.){0,24}"
    ) {
        if let Ok(it) = run("GET", &text, &[]) {
            prop_assert!(it.url.as_str().starts_with(BASE) || text.starts_with("http"));
            prop_assert_eq!(Url::parse(it.url.as_str()).unwrap(), it.url.clone());
            prop_assert_eq!(run("GET", it.url.as_str(), &[]).unwrap().url, it.url);
        }
    }

    #[test]
    fn no_text_makes_it_panic(method: String, url: String, name: String, value: String) {
        drop(run(&method, &url, &[(&name, &value)]));
        drop(run("GET", &url, &[]));
        drop(Base::parse(&url));
    }
}
