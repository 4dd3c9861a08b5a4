//! Hosts that are narrowed to methods and paths, by each of the three layers.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use url::Url;

use crate::grant::{Ceiling, Grant};
use crate::manifest::Manifest;
use crate::policy::Policy;
use crate::request::Method;
use crate::setting::Settings;

const ALL: &str = "allow = ['*']";
const GRANTED: &str = "hosts = ['https://example.com', 'https://files.example.com']";

/// Asks for `GET` below `/api/v4` and for `POST` of searches at the site, and for all of another server.
fn manifest() -> Manifest {
    let text = super::MANIFEST.replace(
        "[[hosts]]\norigin = \"{site}\"\nwhy = \"the API\"",
        r#"
[[hosts]]
origin = "{site}"
methods = ["GET"]
paths = ["/api/v4/"]
why = "the API"
[[hosts]]
origin = "{site}"
methods = ["POST"]
paths = ["/api/v4/search"]
why = "searches"
"#,
    );
    Manifest::parse(&text).unwrap()
}

#[track_caller]
fn check(site: &str, grant: &str, ceiling: &str, request: &str, expected: Expect) {
    let manifest = manifest();
    let given = BTreeMap::from([("site".to_owned(), site.to_owned())]);
    let settings = Settings::check(&manifest, given).unwrap();
    let grant: Grant = toml::from_str(grant).unwrap();
    let ceiling: Ceiling = toml::from_str(ceiling).unwrap();
    let policy = Policy::resolve(&manifest, &settings, &grant, &ceiling, &[], None).unwrap();
    let (method, address) = request.split_once(' ').unwrap();
    let result = policy.check(method.parse().unwrap(), &Url::parse(address).unwrap());
    let text = match result {
        Ok(permit) => permit.origin.to_string(),
        Err(refusal) => format!("{}: {refusal}", refusal.code()),
    };
    expected.assert_eq(&text);
}

#[track_caller]
fn asked(request: &str, expected: Expect) {
    check("https://example.com", GRANTED, ALL, request, expected);
}

#[track_caller]
fn granted(grant: &str, request: &str, expected: Expect) {
    check("https://example.com", grant, ALL, request, expected);
}

#[test]
fn a_manifest_asks_for_methods_and_paths_of_a_host() {
    asked(
        "GET https://example.com/api/v4/contacts/7",
        expect![["https://example.com"]],
    );
    asked(
        "POST https://example.com/api/v4/search/contacts",
        expect![["https://example.com"]],
    );
    asked(
        "DELETE https://files.example.com/anything",
        expect![["https://files.example.com"]],
    );
    asked(
        "POST https://example.com/api/v4/contacts",
        expect![[
            r#"not-in-manifest: refused by the manifest: POST https://example.com/api/v4/contacts is beyond what the manifest asks of this host; this line in a [[hosts]] of the connector's manifest would permit it: origin = "{site}", methods = ["POST"], paths = ["/api/v4/contacts"]"#
        ]],
    );
    asked(
        "GET https://example.com/apix",
        expect![[
            r#"not-in-manifest: refused by the manifest: GET https://example.com/apix is beyond what the manifest asks of this host; this line in a [[hosts]] of the connector's manifest would permit it: origin = "{site}", methods = ["GET"], paths = ["/apix"]"#
        ]],
    );
    asked(
        "HEAD https://example.com/api/v4/contacts",
        expect![[
            r#"not-in-manifest: refused by the manifest: HEAD https://example.com/api/v4/contacts is beyond what the manifest asks of this host; this line in a [[hosts]] of the connector's manifest would permit it: origin = "{site}", methods = ["HEAD"], paths = ["/api/v4/contacts"]"#
        ]],
    );
}

#[test]
fn no_spelling_of_a_path_leads_out_of_a_prefix() {
    for path in [
        "/api/v4/%252e%252e/admin",
        "/api/v4/..%253b/admin",
        "/api%2Fv4/contacts",
        "//api/v4/contacts",
        "/API/v4/contacts",
        "/api/v4x",
        "/api/v4/../admin",
    ] {
        let manifest = manifest();
        let given = BTreeMap::from([("site".to_owned(), "https://example.com".to_owned())]);
        let settings = Settings::check(&manifest, given).unwrap();
        let grant: Grant = toml::from_str(GRANTED).unwrap();
        let policy =
            Policy::resolve(&manifest, &settings, &grant, &Ceiling::any(), &[], None).unwrap();
        let url = Url::parse(&format!("https://example.com{path}")).unwrap();
        let refusal = policy.check(Method::Get, &url).unwrap_err();
        assert_eq!(refusal.code(), "not-in-manifest", "{path}");
    }
    asked(
        "GET https://example.com/api/v4/%252e%252e/admin",
        expect![
            "not-in-manifest: refused by the manifest: GET https://example.com/api/v4/%252e%252e/admin is beyond what the manifest asks of this host; no line would permit it, since its path is not one that everybody reads the same way"
        ],
    );
}

#[test]
fn the_paths_of_a_manifest_are_below_what_the_tenant_wrote() {
    let site = "https://example.com/crm";
    check(
        site,
        GRANTED,
        ALL,
        "GET https://example.com/crm/api/v4/x",
        expect![["https://example.com"]],
    );
    check(
        site,
        GRANTED,
        ALL,
        "GET https://example.com/api/v4/x",
        expect![
            "not-in-manifest: refused by the manifest: GET https://example.com/api/v4/x is beyond what the manifest asks of this host; no line would permit it, since its path is not below the one of the connection's setting"
        ],
    );
    check(
        site,
        GRANTED,
        ALL,
        "GET https://example.com/crm/admin",
        expect![[
            r#"not-in-manifest: refused by the manifest: GET https://example.com/crm/admin is beyond what the manifest asks of this host; this line in a [[hosts]] of the connector's manifest would permit it: origin = "{site}", methods = ["GET"], paths = ["/admin"]"#
        ]],
    );
}

#[test]
fn a_tenant_grants_less_than_a_manifest_asks() {
    let grant = "hosts = [{ origin = 'https://example.com', methods = ['GET'], paths = ['/api/v4/contacts'] }]";
    granted(
        grant,
        "GET https://example.com/api/v4/contacts?q=1",
        expect![["https://example.com"]],
    );
    granted(
        grant,
        "GET https://example.com/api/v4/accounts",
        expect![[
            r#"not-granted: refused by the tenant's grant: GET https://example.com/api/v4/accounts is beyond what the grant has of this host; this line in the connection's grant would permit it: hosts = [{ origin = "https://example.com", methods = ["GET"], paths = ["/api/v4/accounts"] }]"#
        ]],
    );
    granted(
        grant,
        "POST https://example.com/api/v4/search",
        expect![[
            r#"not-granted: refused by the tenant's grant: POST https://example.com/api/v4/search is beyond what the grant has of this host; this line in the connection's grant would permit it: hosts = [{ origin = "https://example.com", methods = ["POST"], paths = ["/api/v4/search"] }]"#
        ]],
    );
    granted(
        grant,
        "GET https://files.example.com/",
        expect![[
            r#"not-granted: refused by the tenant's grant: https://files.example.com is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["https://files.example.com"]"#
        ]],
    );
    let two = "hosts = [{ origin = 'https://example.com', methods = ['GET'] }, { origin = 'https://example.com', paths = ['/api/v4/search'] }]";
    granted(
        two,
        "POST https://example.com/api/v4/search",
        expect![["https://example.com"]],
    );
}

#[test]
fn what_a_tenant_grants_beyond_a_manifest_has_no_effect() {
    let grant = "hosts = [{ origin = 'https://example.com', methods = ['DELETE'] }]";
    granted(
        grant,
        "DELETE https://example.com/api/v4/contacts/7",
        expect![[
            r#"not-in-manifest: refused by the manifest: DELETE https://example.com/api/v4/contacts/7 is beyond what the manifest asks of this host; this line in a [[hosts]] of the connector's manifest would permit it: origin = "{site}", methods = ["DELETE"], paths = ["/api/v4/contacts/7"]"#
        ]],
    );
}

#[test]
fn the_operator_allows_less_than_a_tenant_grants() {
    let ceiling = "allow = ['files.example.com', { host = 'example.com', methods = ['GET'], paths = ['/api'] }]";
    let check = |request, expected| {
        check("https://example.com", GRANTED, ceiling, request, expected);
    };
    check(
        "GET https://example.com/api/v4/x",
        expect![["https://example.com"]],
    );
    check(
        "POST https://example.com/api/v4/search",
        expect![[
            r#"not-allowed: refused by the operator: POST https://example.com/api/v4/search is beyond what may be granted of this host; this line in the operator's ceiling would permit it: allow = [{ host = "example.com", methods = ["POST"], paths = ["/api/v4/search"] }]"#
        ]],
    );
    check(
        "PUT https://files.example.com/x",
        expect![["https://files.example.com"]],
    );
}

#[test]
fn the_line_that_a_refusal_names_permits_the_request() {
    let line = |grant: &str, ceiling: &str| {
        let manifest = manifest();
        let given = BTreeMap::from([("site".to_owned(), "https://example.com".to_owned())]);
        let settings = Settings::check(&manifest, given).unwrap();
        let (grant, ceiling) = (
            toml::from_str::<Grant>(grant).unwrap(),
            toml::from_str::<Ceiling>(ceiling).unwrap(),
        );
        let policy = Policy::resolve(&manifest, &settings, &grant, &ceiling, &[], None).unwrap();
        let url = Url::parse("https://example.com/api/v4/contacts/7").unwrap();
        let checked = policy.check(Method::Get, &url);
        checked.err().map(|it| it.permit_line().unwrap().to_owned())
    };
    let narrow = "hosts = [{ origin = 'https://example.com', methods = ['POST'] }]";
    let grant = line(narrow, ALL).unwrap();
    assert_eq!(line(&grant, ALL), None, "{grant}");
    let narrow = "allow = [{ host = 'example.com', paths = ['/other'] }]";
    let ceiling = line(&grant, narrow).unwrap();
    assert_eq!(line(&grant, &ceiling), None, "{ceiling}");
}
