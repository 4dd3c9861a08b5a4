//! Templates that hold, and attacks on them through the values of settings.

use expect_test::{Expect, expect};
use proptest::prelude::{ProptestConfig, prop_assert, proptest};
use url::Host;

use super::Template;
use crate::setting::Settings;

#[track_caller]
fn check(text: &str, expected: Expect) {
    let result = match Template::parse(text) {
        Ok(template) => template.to_string(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&result);
}

#[test]
fn a_template_ends_in_a_registered_domain() {
    check("{site}", expect!["{site}"]);
    check("https://api.hubapi.com", expect!["https://api.hubapi.com"]);
    check(
        "https://{instance}.my.salesforce.com",
        expect!["https://{instance}.my.salesforce.com"],
    );
    check(
        "https://{org}.crm4.dynamics.com:8443/",
        expect!["https://{org}.crm4.dynamics.com:8443"],
    );
    check(
        "https://{a}.{b}.Example.COM:443",
        expect!["https://{a}.{b}.example.com"],
    );
    check(
        "https://{shop}.xn--55qx5d.cn",
        expect![[
            r#""xn--55qx5d.cn" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://{shop}.公司.cn",
        expect![[
            r#""xn--55qx5d.cn" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://{shop}.co.uk",
        expect![[
            r#""co.uk" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://{shop}.com",
        expect![[
            r#""com" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://{user}.github.io",
        expect![[
            r#""github.io" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://example.{tld}",
        expect![[
            r#""" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://{name}",
        expect![[
            r#""" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://crm.internal",
        expect![[
            r#""crm.internal" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://localhost",
        expect![[
            r#""localhost" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://10.0.0.1",
        expect![[
            r#""10.0.0.1" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "https://[::1]",
        expect![[
            r#""[::1]" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
}

#[test]
fn a_placeholder_is_exactly_one_label() {
    check(
        "https://api-{region}.example.com",
        expect![[
            r#"in "https://api-{region}.example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://{a}{b}.example.com",
        expect![[
            r#"in "https://{a}{b}.example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://{a.b}.example.com",
        expect![[
            r#"in "https://{a.b}.example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://{A}.example.com",
        expect![[
            r#"in a placeholder stands the name of a setting, but "A" is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"#
        ]],
    );
    check(
        "https://{}.example.com",
        expect![[
            r#"in a placeholder stands the name of a setting, but "" is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"#
        ]],
    );
    check(
        "https://{{a}}.example.com",
        expect![[
            r#"in "https://{{a}}.example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://example.com:{port}",
        expect![[
            r#"in "https://example.com:{port}" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://{user}@example.com",
        expect![[
            r#"in "https://{user}@example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://example.com/{path}",
        expect![[
            r#"in "https://example.com/{path}" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "https://{a}。example.com",
        expect![[
            r#"in "https://{a}。example.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
}

#[test]
fn plain_http_is_no_template() {
    check(
        "http://example.com",
        expect![[
            r#""http://example.com" is not https; write "https://…" or use a setting of kind "origin""#
        ]],
    );
    check(
        "{scheme}://example.com",
        expect![[
            r#""{scheme}://example.com" is not https; write "https://…" or use a setting of kind "origin""#
        ]],
    );
    check(
        "example.com",
        expect![[
            r#""example.com" is not an address; write it as https://host or https://host:port"#
        ]],
    );
}

#[track_caller]
fn check_label(value: &str, expected: Expect) {
    let template = Template::parse("https://{instance}.my.example.com").unwrap();
    let settings = Settings::unchecked([("instance", value)]);
    let result = match template.expand(&settings) {
        Ok(origin) => origin.to_string(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&result);
}

#[test]
fn a_value_stays_inside_its_label() {
    check_label("acme", expect!["https://acme.my.example.com"]);
    check_label("ACME--dev", expect!["https://acme--dev.my.example.com"]);
    for attack in [
        "evil.com/#",
        "evil.com",
        "a.b",
        "x@y",
        "x:y@z",
        "evil.com:443",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "",
        " ",
        "a b",
        "a\n",
        "a%2eb",
        "%",
        "*",
        "-a",
        "a-",
        "{other}",
        "。",
        "a。b",
        "ａ",
        "é",
        "[::1]",
        "a,b",
        "a\0",
    ] {
        let template = Template::parse("https://{instance}.my.example.com").unwrap();
        let settings = Settings::unchecked([("instance", attack)]);
        assert!(template.expand(&settings).is_err(), "{attack:?}");
    }
    check_label(
        "evil.com/#",
        expect![[
            r#"setting `instance`: "evil.com/#" is not one part of a host name; write letters, digits and hyphens only"#
        ]],
    );
    check_label(
        "xn--",
        expect![[
            r#"setting `instance`: "xn--" is not one part of a host name; write letters, digits and hyphens only"#
        ]],
    );
    check_label(
        &"a".repeat(64),
        expect![[
            r#"setting `instance`: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not one part of a host name; write letters, digits and hyphens only"#
        ]],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_expansion_is_one_label_before_the_fixed_end(value in ".{0,12}|[a-z0-9.-]{1,20}|xn--[a-z0-9-]{1,10}") {
        let template = Template::parse("https://{instance}.my.example.com").unwrap();
        if let Ok(origin) = template.expand(&Settings::unchecked([("instance", value.as_str())])) {
            let Host::Domain(name) = origin.host() else { panic!("{origin}") };
            let label = name.strip_suffix(".my.example.com").unwrap();
            prop_assert!(!label.is_empty() && !label.contains('.'));
            prop_assert!(origin.port() == 443);
        }
    }
}
