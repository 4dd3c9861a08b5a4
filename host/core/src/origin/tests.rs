//! Spellings of origins: which are the same, which are refused.

use expect_test::{Expect, expect};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use url::Url;

use super::{Origin, Scheme};

#[track_caller]
fn check(text: &str, expected: Expect) {
    let result = match text.parse::<Origin>() {
        Ok(origin) => origin.to_string(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&result);
}

#[test]
fn spellings_of_the_same_server_are_one_origin() {
    for text in [
        "https://example.com",
        "https://example.com/",
        "HTTPS://EXAMPLE.COM",
        "https://example.com:443",
        "https://example.com.",
        "https://example.com.:443/",
        "https://ｅxample.com",
        "https://example。com",
    ] {
        assert_eq!(
            text.parse::<Origin>().unwrap().to_string(),
            "https://example.com",
            "{text}"
        );
    }
    for text in [
        "http://127.0.0.1",
        "http://127.1",
        "http://0x7f.1",
        "http://2130706433:80",
        "http://127.0.0.1.",
    ] {
        assert_eq!(
            text.parse::<Origin>().unwrap().to_string(),
            "http://127.0.0.1",
            "{text}"
        );
    }
}

#[test]
fn other_scheme_host_or_port_is_another_origin() {
    let origin: Origin = "https://example.com".parse().unwrap();
    for text in [
        "http://example.com",
        "http://example.com:443",
        "https://example.com:444",
        "https://www.example.com",
        "https://example.com.evil.io",
        "https://example.co",
    ] {
        assert_ne!(text.parse::<Origin>().unwrap(), origin, "{text}");
    }
}

#[test]
fn names_are_kept_in_their_ascii_form() {
    check(
        "https://bücher.example:8443",
        expect!["https://xn--bcher-kva.example:8443"],
    );
    check("https://[2001:DB8:0::1]", expect!["https://[2001:db8::1]"]);
    check("http://my_crm:8080", expect!["http://my_crm:8080"]);
}

#[test]
fn what_is_more_or_less_than_an_origin_is_refused() {
    check(
        "example.com",
        expect![[
            r#""example.com" is not an address; write it as https://host or https://host:port"#
        ]],
    );
    check(
        "https:example.com",
        expect![[
            r#""https:example.com" is not an address; write it as https://host or https://host:port"#
        ]],
    );
    check(
        "ftp://example.com",
        expect![[r#""ftp://example.com" is neither https nor http; write https://"#]],
    );
    check(
        "https://u@example.com",
        expect!["an address must not hold a user or a password (`@`); remove it"],
    );
    check(
        "https://@example.com",
        expect!["an address must not hold a user or a password (`@`); remove it"],
    );
    check(
        "https://example.com/api",
        expect![[
            r#""https://example.com/api" goes on behind the host; remove the path, `?` and `#`"#
        ]],
    );
    check(
        "https://example.com?",
        expect![[
            r#""https://example.com?" goes on behind the host; remove the path, `?` and `#`"#
        ]],
    );
    check(
        "https://example.com#",
        expect![[
            r#""https://example.com#" goes on behind the host; remove the path, `?` and `#`"#
        ]],
    );
    check(
        "https://example.com:0",
        expect!["port 0 cannot be reached; write the port of the server"],
    );
    check(
        "https://*.example.com",
        expect![[
            r#""*.example.com" is not a host name that can be looked up; check its spelling"#
        ]],
    );
    check(
        "https://a..b",
        expect![[r#""a..b" is not a host name that can be looked up; check its spelling"#]],
    );
    check(
        "https://example.com..",
        expect![[
            r#""example.com.." is not a host name that can be looked up; check its spelling"#
        ]],
    );
}

#[test]
fn what_the_address_standard_would_forgive_is_refused() {
    for text in [
        "",
        " https://example.com",
        "https://example.com\n",
        "https://exa\tmple.com",
        "https:\\\\example.com",
        "https://example.com\\@evil.io",
        "https:///example.com",
        "https://ex%61mple.com",
        "https://example.com%2eevil.io",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://1.2.3.4.5",
        "https://example.com:99999",
        "https://example.com:",
        "//example.com",
        "blob:https://example.com",
    ] {
        // A port that is left out behind its colon is the default one by the standard.
        let allowed = text == "https://example.com:";
        assert_eq!(text.parse::<Origin>().is_ok(), allowed, "{text:?}");
    }
}

#[test]
fn the_origin_of_a_request_admits_no_second_reading() {
    let of = |text: &str| Origin::of(&Url::parse(text).unwrap()).map(|it| it.to_string());
    assert_eq!(
        of("https://EXAMPLE.com:443/a?b#c").unwrap(),
        "https://example.com"
    );
    assert!(of("https://user@example.com/").is_err());
    assert!(of("https://:pw@example.com/").is_err());
    assert!(of("https://example.com./").is_err());
    assert!(of("file:///etc/passwd").is_err());
    assert!(of("data:text/plain,x").is_err());
}

#[test]
fn an_origin_put_together_takes_no_port_from_its_host() {
    assert_eq!(
        Origin::new(Scheme::Http, "::1", 8080).unwrap().to_string(),
        "http://[::1]:8080"
    );
    assert!(Origin::new(Scheme::Https, "example.com:1", 443).is_err());
    assert!(Origin::new(Scheme::Https, "a/b", 443).is_err());
    assert!(Origin::new(Scheme::Https, "a@b", 443).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_displayed_reads_back_as_the_same(
        host in "[a-zA-Z0-9äßж_.-]{1,20}|\\[[0-9a-f:]{2,10}\\]|[0-9x.]{1,12}",
        https in any::<bool>(),
        port in any::<u16>(),
    ) {
        let text = format!("{}://{host}:{port}", if https { "https" } else { "http" });
        if let Ok(origin) = text.parse::<Origin>() {
            prop_assert_eq!(origin.to_string().parse::<Origin>(), Ok(origin.clone()));
            let address = Url::parse(&origin.to_string()).unwrap();
            prop_assert_eq!(Origin::of(&address), Ok(origin));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), tail in any::<String>()) {
        drop(text.parse::<Origin>());
        drop(format!("https://{text}").parse::<Origin>());
        drop(Origin::new(Scheme::Https, &tail, 1));
    }
}
