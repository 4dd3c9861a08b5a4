//! What a manifest may say, and what is answered to one that says something else.

mod authority;
mod limits;
mod recipes;

use expect_test::{Expect, expect};
use proptest::prelude::{ProptestConfig, any, proptest};

use super::{MAX_LENGTH, Manifest};

pub(crate) const FULL: &str = r#"
[connector]
name = "demo"
title = "Demo CRM"
version = "0.1.0"
publisher = "Demo Limited"
contract = "0.1"
description = "Keeps mail in step."
homepage = "https://demo.example/brightsync"

[settings.site]
kind = "origin"
title = "Address of your CRM"

[settings.instance]
kind = "text"
title = "Instance"
pattern = "[a-z0-9-]{1,63}"
default = "main"
set-by = "token-answer"

[settings.region]
kind = "choice"
title = "Region"
values = ["eu", "us"]
optional = true

[settings.api-domain]
kind = "choice"
title = "Data centre"
values = ["https://www.zohoapis.com", "https://www.zohoapis.eu"]

[http]
base = "{site}/api/v1/"

[[hosts]]
origin = "{site}"
why = "the REST API"

[[hosts]]
origin = "https://{instance}.my.salesforce.com"
why = "the instance"

[[hosts]]
origin = "{api-domain}"
why = "the data centre"

[auth.api-key]
title = "API key"
kind = "header"
header = "X-Api-Key"
audience = ["{site}"]

[auth.token]
title = "Token"
kind = "query"
parameter = "api_token"
audience = ["https://{instance}.my.salesforce.com"]

[functions]
users = ["get-me"]
contacts = ["get-contact", "get-my-contacts"]

[reads.contacts]
me = "owner"
owners = ["me", "anyone"]
scopes = ["all", "updated", "departed"]
departures = ["deleted", "merged"]
departure-window-days = 30
requests-per-1000 = { initial = 5, incremental = 2 }

[times]
granularity-ms = 1000
visibility-lag-ms = 2000

[limits]
per-second = 10
page-size = 200

[[redact]]
path = "App/user"
pointers = ["/token"]
"#;

/// Reads the full manifest without its limits and with this at its end.
#[track_caller]
pub(crate) fn with(end: &str) -> Manifest {
    let (begin, _) = FULL.split_once("[limits]").unwrap();
    Manifest::parse(&format!("{begin}{end}")).unwrap()
}

/// Reads the full manifest with one text put in place of another.
#[track_caller]
fn changed(from: &str, to: &str) -> Result<Manifest, super::Error> {
    assert!(FULL.contains(from), "{from}");
    Manifest::parse(&FULL.replacen(from, to, 1))
}

#[track_caller]
fn check(from: &str, to: &str, expected: Expect) {
    expected.assert_eq(
        &changed(from, to).map_or_else(|error| error.to_string(), |_| "fine".to_owned()),
    );
}

#[test]
fn a_manifest_is_read_in_full() {
    let manifest = Manifest::parse(FULL).unwrap();
    expect![[r#"
        {
          "name": "demo",
          "title": "Demo CRM",
          "version": "0.1.0",
          "publisher": "Demo Limited",
          "contract": "0.1",
          "description": "Keeps mail in step.",
          "homepage": "https://demo.example/brightsync",
          "settings": {
            "api-domain": {
              "title": "Data centre",
              "help": null,
              "optional": false,
              "set-by": "tenant",
              "kind": "choice",
              "values": [
                "https://www.zohoapis.com",
                "https://www.zohoapis.eu"
              ],
              "default": null
            },
            "instance": {
              "title": "Instance",
              "help": null,
              "optional": false,
              "set-by": "token-answer",
              "kind": "text",
              "pattern": "[a-z0-9-]{1,63}",
              "default": "main"
            },
            "region": {
              "title": "Region",
              "help": null,
              "optional": true,
              "set-by": "tenant",
              "kind": "choice",
              "values": [
                "eu",
                "us"
              ],
              "default": null
            },
            "site": {
              "title": "Address of your CRM",
              "help": null,
              "optional": false,
              "set-by": "tenant",
              "kind": "origin"
            }
          },
          "base": "{site}/api/v1/",
          "hosts": [
            {
              "origin": "{site}",
              "why": "the REST API"
            },
            {
              "origin": "https://{instance}.my.salesforce.com",
              "why": "the instance"
            },
            {
              "origin": "{api-domain}",
              "why": "the data centre"
            }
          ],
          "recipes": {
            "api-key": {
              "title": "API key",
              "help": null,
              "kind": "header",
              "source": "given",
              "carriers": [
                {
                  "place": {
                    "header": "x-api-key"
                  },
                  "value": "{key}"
                }
              ],
              "audience": [
                "{site}"
              ],
              "fields": [
                "key"
              ]
            },
            "token": {
              "title": "Token",
              "help": null,
              "kind": "query",
              "source": "given",
              "carriers": [
                {
                  "place": {
                    "query": "api_token"
                  },
                  "value": "{key}"
                }
              ],
              "audience": [
                "https://{instance}.my.salesforce.com"
              ],
              "fields": [
                "key"
              ]
            }
          },
          "functions": [
            "get-me",
            "get-contact",
            "get-my-contacts"
          ],
          "reads-of-contacts": {
            "me": "owner",
            "owners": [
              "me",
              "anyone"
            ],
            "scopes": [
              "all",
              "updated",
              "departed"
            ],
            "departures": [
              "deleted",
              "merged"
            ],
            "departure-window-days": 30,
            "requests-per-1000": {
              "initial": 5,
              "incremental": 2
            }
          },
          "reads-of-accounts": null,
          "times": {
            "granularity-ms": 1000,
            "visibility-lag-ms": 2000
          },
          "limits": {
            "general": {
              "windows": [
                {
                  "most": 10,
                  "seconds": 1,
                  "counts": "requests"
                }
              ],
              "concurrent": null,
              "apart": false
            },
            "buckets": {},
            "told": [],
            "largest-cost": null,
            "back-off-seconds": null,
            "page-size": 200
          },
          "answers": [],
          "redact": [
            {
              "path": "App/user",
              "pointers": [
                "/token"
              ]
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&manifest).unwrap());
}

#[test]
fn what_is_not_known_is_refused() {
    check(
        "why = \"the REST API\"",
        "why = \"x\"\nport = 1",
        expect![
            "line 39: unknown field `port`, expected one of `origin`, `methods`, `paths`, `why`"
        ],
    );
    check(
        "[times]",
        "[time]",
        expect![
            "line 72: unknown field `time`, expected one of `connector`, `settings`, `http`, `hosts`, `auth`, `functions`, `reads`, `times`, `limits`, `answers`, `redact`"
        ],
    );
    check(
        "kind = \"header\"",
        "kind = \"oauth3\"",
        expect![[
            r#"line 50: auth.api-key.kind: "oauth3" is not known here; write one of bearer, basic, header, query, hmac, oauth2, login"#
        ]],
    );
    check(
        "\"departed\"]",
        "\"gone\"]",
        expect![[
            r#"line 67: reads.contacts.scopes: "gone" is not known here; write one of all, updated, changed-since, departed, departed-since"#
        ]],
    );
    check(
        "kind = \"origin\"",
        "kind = \"url\"",
        expect![[
            r#"line 12: settings.site.kind: "url" is no kind of setting; write one of origin, text, choice"#
        ]],
    );
    check(
        "users = ",
        "user = ",
        expect![
            "line 61: unknown field `user`, expected one of `users`, `accounts`, `contacts`, `emails`, `meetings`, `opportunities`"
        ],
    );
}

#[test]
fn what_is_missing_is_named() {
    check(
        "title = \"Demo CRM\"\n",
        "",
        expect!["line 2: missing field `title`"],
    );
    check(
        "header = \"X-Api-Key\"\n",
        "",
        expect![[
            r#"line 50: auth.api-key: kind "header" needs the name of the header; add header = "X-Api-Key""#
        ]],
    );
    check(
        "me = \"owner\"\n",
        "",
        expect![[
            r#"line 65: reads.contacts.owners: "me" is listed, but not what it means; add me = "owner", "creator" or "visible""#
        ]],
    );
    check(
        "departures = [\"deleted\", \"merged\"]\n",
        "",
        expect![[
            r#"line 67: reads.contacts.scopes: a scope is about departures, but none is named; add departures = ["deleted"] or what the CRM tells"#
        ]],
    );
    check(
        "[[hosts]]\norigin = \"{site}\"\nwhy = \"the REST API\"",
        "",
        expect![[
            r#"line 34: http.base: "{site}" is not among the hosts; add [[hosts]] with that origin"#
        ]],
    );
    check(
        "values = [\"eu\", \"us\"]\n",
        "",
        expect![[
            r#"line 23: settings.region.values: kind "choice" needs its values; add values = ["one", "two"]"#
        ]],
    );
    check(
        "users = [\"get-me\"]\ncontacts = [\"get-contact\", \"get-my-contacts\"]",
        "",
        expect!["line 60: functions: no function is listed; list what the connector can do"],
    );
    check(
        "contacts = [\"get-contact\", \"get-my-contacts\"]",
        "",
        expect![
            "line 64: reads.contacts: `get-my-contacts` is not listed under [functions]; list it or remove [reads.contacts]"
        ],
    );
    check(
        "\"get-me\"",
        "\"get-me\"]\naccounts = [\"get-my-accounts\"",
        expect![
            "line 60: functions: `get-my-accounts` is listed but there is no [reads.accounts]; add it with owners and scopes"
        ],
    );
}

#[test]
fn a_wrong_identity_says_how_to_write_it() {
    check(
        "name = \"demo\"",
        "name = \"Demo\"",
        expect![[
            r#"line 3: connector.name: "Demo" is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"#
        ]],
    );
    check(
        "version = \"0.1.0\"",
        "version = \"1\"",
        expect![[
            r#"line 5: connector.version: "1" is no semantic version (unexpected end of input while parsing major version number); write it as "1.2.3""#
        ]],
    );
    check(
        "contract = \"0.1\"",
        "contract = \"0.2\"",
        expect![
            "line 7: connector.contract: this BrightSync speaks contract 0.1, not 0.2; update BrightSync"
        ],
    );
    check(
        "contract = \"0.1\"",
        "contract = \"1\"",
        expect![[
            r#"line 7: connector.contract: "1" is not a version of the contract; write two numbers, as in "0.1""#
        ]],
    );
    check(
        "homepage = \"https:",
        "homepage = \"http:",
        expect![[
            r#"line 9: connector.homepage: "http://demo.example/brightsync" is no https address of a page; write it as "https://…""#
        ]],
    );
    check(
        "publisher = \"Demo Limited\"",
        "publisher = \"Demo \\u202E\"",
        expect![[
            r#"line 6: connector.publisher: the text has the character \u{202e} in it, which does not show; remove it"#
        ]],
    );
    check(
        "publisher = \"Demo Limited\"",
        "publisher = \" \"",
        expect!["line 6: connector.publisher: the text is empty; write what people should read"],
    );
    check(
        "title = \"Demo CRM\"",
        "title = \"\"\"Demo\nCRM\"\"\"",
        expect![[
            r#"line 4: connector.title: the text has the character \u{a} in it, which does not show; remove it"#
        ]],
    );
}

#[test]
fn a_function_that_is_not_in_the_contract_is_answered_with_the_nearest() {
    check(
        "\"get-contact\"",
        "\"get-contct\"",
        expect![[
            r#"line 62: functions.contacts: the contract has no function "get-contct"; the nearest is `get-contact`"#
        ]],
    );
    check(
        "\"get-contact\"",
        "\"get-account\"",
        expect![
            "line 62: functions.contacts: `get-account` belongs to `accounts`; move it to that list"
        ],
    );
    check(
        "\"get-contact\"",
        "\"get-my-contacts\"",
        expect!["line 62: functions.contacts: `get-my-contacts` is listed twice; remove one"],
    );
}

#[test]
fn numbers_are_within_reason() {
    check(
        "per-second = 10",
        "per-second = 0",
        expect!["line 77: invalid value: integer `0`, expected a nonzero u32"],
    );
    check(
        "per-second = 10",
        "per-second = -1",
        expect!["line 77: invalid value: integer `-1`, expected a nonzero u32"],
    );
    check(
        "granularity-ms = 1000",
        "granularity-ms = 0",
        expect!["line 73: invalid value: integer `0`, expected a nonzero u32"],
    );
    check(
        "visibility-lag-ms = 2000",
        "visibility-lag-ms = 99999999",
        expect![
            "line 74: times.visibility-lag-ms: 99999999 is more than a day; write at most 86400000"
        ],
    );
}

#[test]
fn text_that_is_no_toml_is_answered_with_its_line() {
    let at = |text: &str| Manifest::parse(text).unwrap_err().to_string();
    expect!["line 1: unclosed table, expected `]`"].assert_eq(&at("[connector\n"));
    expect!["line 1: missing field `connector`"].assert_eq(&at(""));
    expect!["line 1: cannot recurse further; max recursion depth met"]
        .assert_eq(&at(&format!("a = {}", "[".repeat(10_000))));
    expect!["line 1: the manifest has 65537 bytes, at most 65536 are read; shorten it"]
        .assert_eq(&at(&"#".repeat(MAX_LENGTH + 1)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), at in 0..FULL.len(), cut in 0..40_usize) {
        drop(Manifest::parse(&text));
        let end = (at + cut).min(FULL.len());
        drop(Manifest::parse(&format!("{}{text}{}", &FULL[..at], &FULL[end..])));
    }
}

#[test]
fn the_header_by_which_requests_are_told_apart_carries_no_credential_and_steers_nothing() {
    let base = "base = \"{site}/api/v1/\"";
    let with = |header: &str| format!("{base}\nidempotency-header = {header:?}");
    let manifest = changed(base, &with("Idempotency-Key")).unwrap();
    let name = manifest.idempotency_header().map(|it| it.as_str());
    assert_eq!(name, Some("idempotency-key"));
    check(
        base,
        &with("X-Api-Key"),
        expect![[
            r#"line 35: http.idempotency-header: "X-Api-Key" is no header that only tells requests apart; write the one that the CRM documents for it, as in "Idempotency-Key""#
        ]],
    );
    for header in [
        "",
        "Host",
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "X-HTTP-Method-Override",
        "a b",
        "Api-Token",
    ] {
        assert!(changed(base, &with(header)).is_err(), "{header}");
    }
}
