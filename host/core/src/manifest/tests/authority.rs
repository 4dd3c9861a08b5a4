//! Where a manifest may let a connector and a credential go, and the digest of it.

use std::collections::BTreeMap;

use expect_test::expect;

use super::{FULL, changed, check};
use crate::manifest::{AuthorityDigest, Manifest};
use crate::setting::Settings;

#[test]
fn a_host_that_anyone_could_own_is_refused() {
    check(
        "origin = \"{site}\"",
        "origin = \"http://crm.example.com\"",
        expect![[
            r#"line 37: hosts[0].origin: "http://crm.example.com" is not https; write "https://…" or use a setting of kind "origin""#
        ]],
    );
    check(
        "{instance}.my.salesforce.com",
        "{instance}.com",
        expect![[
            r#"line 41: hosts[1].origin: "com" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "{instance}.my.salesforce.com",
        "{instance}",
        expect![[
            r#"line 41: hosts[1].origin: "" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "{instance}.my.salesforce.com",
        "x-{instance}.salesforce.com",
        expect![[
            r#"line 41: hosts[1].origin: in "https://x-{instance}.salesforce.com" a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind "origin" as the whole"#
        ]],
    );
    check(
        "{instance}.my.salesforce.com",
        "{site}.salesforce.com",
        expect![[
            r#"line 41: hosts[1].origin: setting `site` is a whole address and cannot be a part of one; write "{site}" alone"#
        ]],
    );
    check(
        "{instance}.my.salesforce.com",
        "{colour}.salesforce.com",
        expect!["line 41: hosts[1].origin: there is no setting `colour`; add [settings.colour]"],
    );
    check(
        "pattern = \"[a-z0-9-]{1,63}\"\n",
        "",
        expect![[
            r#"line 40: hosts[1].origin: setting `instance` stands in an address but has no pattern; add one, as in pattern = "[a-z0-9-]{1,63}""#
        ]],
    );
    check(
        "\"https://www.zohoapis.eu\"]",
        "\"https://co.uk\"]",
        expect![[
            r#"line 45: hosts[2].origin: setting `api-domain` has the value "https://co.uk": "co.uk" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "\"https://www.zohoapis.eu\"]",
        "\"http://10.0.0.1\"]",
        expect![[
            r#"line 45: hosts[2].origin: setting `api-domain` has the value "http://10.0.0.1": "http://10.0.0.1" is not https; write "https://…" or use a setting of kind "origin""#
        ]],
    );
    check(
        "origin = \"{api-domain}\"",
        "origin = \"{instance}\"",
        expect![[
            r#"line 45: hosts[2].origin: setting `instance` is a text and cannot be the whole host; make it kind "origin", or put it between dots before a fixed domain"#
        ]],
    );
    check(
        "origin = \"{api-domain}\"",
        "origin = \"{site}\"",
        expect![[r#"line 45: hosts[2].origin: "{site}" is listed twice; remove one"#]],
    );
}

#[test]
fn a_host_is_narrowed_in_one_way_only() {
    let why = "why = \"the instance\"";
    let check = |more: &str, expected| check(why, &format!("{why}\n{more}"), expected);
    check(
        "methods = [\"GET\"]\npaths = [\"/\", \"/a/{instance}/b/\"]",
        expect![["fine"]],
    );
    for (more, expected) in [
        (
            "methods = []",
            expect![
                "line 43: hosts[1].methods: nothing is listed, so no request would be left; list some, or remove it for all of them"
            ],
        ),
        (
            "methods = [\"get\"]",
            expect![[
                r#"line 43: hosts[1].methods[0]: the method "get" is not allowed; use GET, HEAD, POST, PUT, PATCH or DELETE, in capitals"#
            ]],
        ),
        (
            "methods = [\"GET\", \"GET\"]",
            expect![[r#"line 43: hosts[1].methods[1]: "GET" is listed twice; remove one"#]],
        ),
        (
            "paths = []",
            expect![
                "line 43: hosts[1].paths: nothing is listed, so no request would be left; list some, or remove it for all of them"
            ],
        ),
        (
            "paths = [\"api\"]",
            expect![[
                r#"line 43: hosts[1].paths[0]: "api" is no path that requests can be below; write it as in "/api/v4/", which is for all below it, without `*`"#
            ]],
        ),
        (
            "paths = [\"/api/*\"]",
            expect![[
                r#"line 43: hosts[1].paths[0]: "/api/*" is no path that requests can be below; write it as in "/api/v4/", which is for all below it, without `*`"#
            ]],
        ),
        (
            "paths = [\"/api/../x\"]",
            expect![[
                r#"line 43: hosts[1].paths[0]: ".." is not one part of a path; write plain characters, or one setting as the whole part"#
            ]],
        ),
        (
            "paths = [\"/api/%2e%2e\"]",
            expect![[
                r#"line 43: hosts[1].paths[0]: "%2e%2e" is not one part of a path; write plain characters, or one setting as the whole part"#
            ]],
        ),
        (
            "paths = [\"/a\", \"/a/\"]",
            expect![[r#"line 43: hosts[1].paths[1]: "/a/" is listed twice; remove one"#]],
        ),
        (
            "paths = [\"/{colour}\"]",
            expect!["line 43: hosts[1].paths: there is no setting `colour`; add [settings.colour]"],
        ),
        (
            "paths = [\"/{site}\"]",
            expect![[
                r#"line 43: hosts[1].paths: setting `site` is a whole address and cannot be a part of one; write "{site}" alone"#
            ]],
        ),
        (
            "[[hosts]]\norigin = \"https://{instance}.my.salesforce.com\"\nmethods = [\"GET\"]\nwhy = \"x\"",
            expect![[
                r#"line 44: hosts[2].origin: "https://{instance}.my.salesforce.com" is listed twice; remove one"#
            ]],
        ),
    ] {
        check(more, expected);
    }
    let twice = "methods = [\"GET\"]\n[[hosts]]\norigin = \"https://{instance}.my.salesforce.com\"\nmethods = [\"POST\"]\npaths = [\"/search\"]\nwhy = \"x\"";
    check(twice, expect![["fine"]]);
}

#[test]
fn only_a_person_sets_the_address_of_a_server() {
    check(
        "kind = \"origin\"",
        "kind = \"origin\"\nset-by = \"token-answer\"",
        expect![[
            r#"line 13: settings.site.set-by: only a person sets the address of a server; remove it, or use kind "text" with a pattern in a host with a fixed end"#
        ]],
    );
    check(
        "kind = \"origin\"",
        "kind = \"origin\"\nset-by = \"callback\"",
        expect![[
            r#"line 13: settings.site.set-by: only a person sets the address of a server; remove it, or use kind "text" with a pattern in a host with a fixed end"#
        ]],
    );
    check(
        "kind = \"origin\"",
        "kind = \"origin\"\nset-by = \"tenant\"",
        expect![["fine"]],
    );
    check(
        "kind = \"origin\"",
        "kind = \"origin\"\ndefault = \"https://evil.example\"",
        expect![
            "line 13: settings.site.default: only settings of kind text and choice have it; remove it"
        ],
    );
}

#[test]
fn a_credential_goes_to_hosts_of_the_manifest_only() {
    check(
        "audience = [\"{site}\"]",
        "audience = [\"https://evil.example.com\"]",
        expect![[
            r#"line 52: auth.api-key.audience[0]: "https://evil.example.com" is not among the hosts; add [[hosts]] with that origin"#
        ]],
    );
    check(
        "audience = [\"{site}\"]",
        "audience = [\"https://www.zohoapis.com\"]",
        expect![[
            r#"line 52: auth.api-key.audience[0]: "https://www.zohoapis.com" is not among the hosts; add [[hosts]] with that origin"#
        ]],
    );
    check(
        "audience = [\"{site}\"]",
        "audience = []",
        expect![
            "line 52: auth.api-key.audience: no origin is listed, so the credential could go nowhere; list those of the hosts that need it"
        ],
    );
    check(
        "audience = [\"{site}\"]",
        "audience = [\"*\"]",
        expect![[
            r#"line 52: auth.api-key.audience[0]: "*" is not an address; write it as https://host or https://host:port"#
        ]],
    );
    check(
        "header = \"X-Api-Key\"",
        "header = \"Host\"",
        expect![[
            r#"line 51: auth.api-key.header: "Host" steers the request itself and cannot carry a credential; write the header that the CRM documents for its key"#
        ]],
    );
    check(
        "header = \"X-Api-Key\"",
        "header = \"X-Api-Key\"\nparameter = \"key\"",
        expect![[r#"line 52: auth.api-key.parameter: only kind query, oauth2 has it; remove it"#]],
    );
}

#[test]
fn the_base_address_is_below_a_host() {
    check(
        "{site}/api/v1/",
        "{site}/api/v1",
        expect![[
            r#"line 34: http.base: "{site}/api/v1" does not end in "/", so an address appended to it would change its last part; add the "/""#
        ]],
    );
    check(
        "{site}/api/v1/",
        "{site}",
        expect![[r#"line 34: http.base: "{site}" has no path; write it with a "/" at its end"#]],
    );
    check(
        "{site}/api/v1/",
        "https://other.example.com/",
        expect![[
            r#"line 34: http.base: "https://other.example.com" is not among the hosts; add [[hosts]] with that origin"#
        ]],
    );
    check(
        "{site}/api/v1/",
        "{site}/../",
        expect![[
            r#"line 34: http.base: ".." is not one part of a path; write plain characters, or one setting as the whole part"#
        ]],
    );
    check(
        "{site}/api/v1/",
        "{site}/{region}/",
        expect![
            "line 34: http.base: setting `region` is optional, but every address needs it; give it a default or remove `optional`"
        ],
    );
    check("{site}/api/v1/", "{site}/{instance}/", expect![["fine"]]);
    check(
        "{site}/api/v1/",
        "{site}@evil.example/",
        expect![[
            r#"line 34: http.base: "{site}@evil.example" is not an address; write it as https://host or https://host:port"#
        ]],
    );
    check(
        "title = \"Address of your CRM\"",
        "title = \"x\"\noptional = true",
        expect![
            "line 35: http.base: setting `site` is optional, but every address needs it; give it a default or remove `optional`"
        ],
    );
}

#[test]
fn the_base_keeps_the_path_of_the_site() {
    let manifest = Manifest::parse(FULL).unwrap();
    let given = BTreeMap::from([
        ("site".to_owned(), "https://x.example/crm/".to_owned()),
        (
            "api-domain".to_owned(),
            "https://www.zohoapis.eu".to_owned(),
        ),
    ]);
    let settings = Settings::check(&manifest, given).unwrap();
    assert_eq!(
        manifest.base().expand(&settings).unwrap().as_str(),
        "https://x.example/crm/api/v1/"
    );
}

#[track_caller]
fn check_digest(from: &str, to: &str, same: bool) {
    let before = Manifest::parse(FULL).unwrap().authority_digest();
    let after = changed(from, to).unwrap().authority_digest();
    assert_eq!(before == after, same, "{from} -> {to}");
}

#[test]
fn the_digest_changes_with_the_authority_and_with_nothing_else() {
    check_digest("title = \"Demo CRM\"", "title = \"Other\"", true);
    check_digest("version = \"0.1.0\"", "version = \"0.2.0\"", true);
    check_digest("why = \"the instance\"", "why = \"another reason\"", true);
    check_digest("\"eu\", \"us\"", "\"us\", \"eu\"", true);
    check_digest("[\"get-me\"]", "[\"get-users\"]", true);

    check_digest(
        "why = \"the instance\"",
        "why = \"x\"\n[[hosts]]\norigin = \"https://a.example.com\"\nwhy = \"x\"",
        false,
    );
    let narrowed = "why = \"the instance\"\nmethods = [\"GET\", \"POST\"]\npaths = [\"/a\"]";
    check_digest("why = \"the instance\"", narrowed, false);
    let digest = |to: &str| {
        changed("why = \"the instance\"", to)
            .unwrap()
            .authority_digest()
    };
    assert_ne!(digest(narrowed), digest(&narrowed.replace("POST", "PUT")));
    assert_ne!(digest(narrowed), digest(&narrowed.replace("/a", "/b")));
    assert_eq!(
        digest(narrowed),
        digest(&narrowed.replace("\"GET\", \"POST\"", "\"POST\", \"GET\""))
    );
    check_digest("[a-z0-9-]{1,63}", "[a-z0-9-]{1,62}", false);
    check_digest("default = \"main\"", "default = \"test\"", false);
    check_digest("set-by = \"token-answer\"", "set-by = \"callback\"", false);
    check_digest("\"eu\", \"us\"", "\"eu\", \"cn\"", false);
    check_digest("X-Api-Key", "X-Api-Token", false);
    check_digest("api_token", "key", false);
    check_digest("[auth.api-key]", "[auth.key]", false);
    check_digest("path = \"App/user\"", "path = \"App/*\"", false);
    check_digest("[\"/token\"]", "[\"/secret\"]", false);
    check_digest(
        "audience = [\"{site}\"]",
        "audience = [\"{site}\", \"{api-domain}\"]",
        false,
    );
}

#[test]
fn a_digest_reads_back_from_its_text() {
    let digest = Manifest::parse(FULL).unwrap().authority_digest();
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for text in [
        "",
        "0",
        &"g".repeat(64),
        &"A".repeat(64),
        &"0".repeat(63),
        &"0".repeat(66),
    ] {
        assert!(text.parse::<AuthorityDigest>().is_err(), "{text}");
    }
}

#[test]
fn a_mark_that_would_cut_nothing_is_refused() {
    check(
        "path = \"App/user\"",
        "path = \"/App/user\"",
        expect![[
            r#"line 81: redact[0].path: "/App/user" is no path of the API; write its segments as in "App/user", with "*" for any one"#
        ]],
    );
    check(
        "[\"/token\"]",
        "[\"token\"]",
        expect![[
            r#"line 82: redact[0].pointers[0]: "token" is no JSON pointer; write it as in "/token" or "/list/*/key", with "~1" for a slash and "~0" for a tilde"#
        ]],
    );
    check(
        "[\"/token\"]",
        "[]",
        expect![[
            r#"line 82: redact[0].pointers: no pointer is listed, so nothing would be cut; write for example "/token""#
        ]],
    );
    check(
        "[\"/token\"]",
        "[\"/token\", \"/token\"]",
        expect![[r#"line 82: redact[0].pointers[1]: "/token" is listed twice; remove one"#]],
    );
    check(
        "pointers = [\"/token\"]",
        "pointers = [\"/token\"]\n[[redact]]\npath = \"App/user\"\npointers = [\"/key\"]",
        expect![[
            r#"line 84: redact[1].path: "App/user" is marked twice; list all pointers in one place"#
        ]],
    );
}
