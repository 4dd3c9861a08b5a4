//! Values of settings, right and wrong.

use expect_test::{Expect, expect};

use super::{Settings, Site};
use crate::manifest::Manifest;

const MANIFEST: &str = r#"
    [connector]
    name = "demo"
    title = "Demo"
    version = "1.0.0"
    publisher = "Demo"
    contract = "0.1"
    [settings.site]
    kind = "origin"
    title = "Site"
    [settings.instance]
    kind = "text"
    title = "Instance"
    pattern = "[a-z0-9.-]{1,63}"
    default = "main"
    [settings.region]
    kind = "choice"
    title = "Region"
    values = ["eu", "us"]
    optional = true
    [http]
    base = "{site}/api/"
    [[hosts]]
    origin = "{site}"
    why = "the API"
    [[hosts]]
    origin = "https://{instance}.example.com"
    why = "the files"
    [functions]
    users = ["get-me"]
"#;

#[track_caller]
fn check(values: &[(&str, &str)], expected: Expect) {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let given = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let text = match Settings::check(&manifest, given) {
        Ok(settings) => settings
            .iter()
            .map(|(name, value)| format!("{name}={value} "))
            .collect(),
        Err(error) => match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    };
    expected.assert_eq(&text);
}

#[test]
fn values_are_checked_and_defaults_filled_in() {
    check(
        &[("site", "https://CRM.example/crm/")],
        expect!["instance=main site=https://crm.example/crm "],
    );
    check(
        &[
            ("site", "http://localhost:8080"),
            ("region", "eu"),
            ("instance", "b"),
        ],
        expect!["instance=b region=eu site=http://localhost:8080 "],
    );
}

#[test]
fn a_wrong_value_says_what_to_do() {
    check(&[], expect!["setting `site` (Site) has no value; set it"]);
    check(
        &[("site", "https://x.example"), ("colour", "red")],
        expect![[r#"the connector has no setting "colour"; it has: instance, region, site"#]],
    );
    check(
        &[("site", "https://x.example"), ("region", "cn")],
        expect![[r#"setting `region`: "cn" is none of eu, us"#]],
    );
    check(
        &[("site", "https://x.example"), ("instance", "A")],
        expect![[r#"setting `instance`: "A" does not match the pattern [a-z0-9.-]{1,63}"#]],
    );
    check(
        &[("site", "https://x.example"), ("instance", "")],
        expect![
            "setting `instance`: the value is empty, longer than 1024 bytes, or has control characters in it"
        ],
    );
    check(
        &[("site", "x.example")],
        expect![[
            r#"setting `site` is not the address of a server: "x.example" is not an address; write it as https://host or https://host:port"#
        ]],
    );
    check(
        &[("site", "https://x.example/a?b")],
        expect![[
            r#"setting `site` is not the address of a server: "https://x.example/a?b" goes on behind the host; remove the path, `?` and `#`"#
        ]],
    );
}

#[test]
fn a_pattern_that_is_too_wide_does_not_widen_the_host() {
    check(
        &[
            ("site", "https://x.example"),
            ("instance", "evil.example.org"),
        ],
        expect![[
            r#"the settings make no host of "https://{instance}.example.com": setting `instance`: "evil.example.org" is not one part of a host name; write letters, digits and hyphens only"#
        ]],
    );
}

#[track_caller]
fn check_path(path: &str, valid: bool) {
    assert_eq!(
        format!("https://x.example{path}").parse::<Site>().is_ok(),
        valid,
        "{path:?}"
    );
}

#[test]
fn a_path_has_one_reading_only() {
    check_path("", true);
    check_path("/", true);
    check_path("/crm", true);
    check_path("/crm/", true);
    check_path("/a/b-c_d~e.f", true);
    check_path("/a%20b", true);
    check_path("//", false);
    check_path("//crm", false);
    check_path("/crm//", false);
    check_path("/..", false);
    check_path("/a/../b", false);
    check_path("/a/%2e%2E/b", false);
    check_path("/a/.%2e", false);
    check_path("/./a", false);
    check_path("/a%2fb", false);
    check_path("/a%5Cb", false);
    check_path("/a\\b", false);
    check_path("/a b", false);
    check_path("/é", false);
    check_path("/a?b", false);
    check_path("/a#b", false);
}
