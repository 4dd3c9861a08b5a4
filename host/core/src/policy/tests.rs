//! Every way that a request is permitted or refused, as tables.

mod narrowed;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use expect_test::{Expect, expect};
use proptest::prelude::{ProptestConfig, prop_assert, proptest};
use url::Url;

use super::{Credential, Error, Policy};
use crate::grant::{CarveOut, Ceiling, Grant, Proposal};
use crate::manifest::Manifest;
use crate::origin::Scheme;
use crate::request::Method;
use crate::setting::Settings;

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
[http]
base = "{site}/api/"
[[hosts]]
origin = "{site}"
why = "the API"
[[hosts]]
origin = "https://files.example.com"
why = "the files"
[auth.key]
title = "Key"
kind = "bearer"
audience = ["{site}"]
[functions]
users = ["get-me"]
"#;

struct Case<'a> {
    site: &'a str,
    hosts: &'a [&'a str],
    audience: &'a [&'a str],
    ceiling: Ceiling,
    carve_outs: Vec<CarveOut>,
    recipe: Option<&'a str>,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            site: "https://example.com",
            hosts: &["https://example.com", "https://files.example.com"],
            audience: &["https://example.com"],
            ceiling: Ceiling::any(),
            carve_outs: Vec::new(),
            recipe: Some("key"),
        }
    }
}

impl Case<'_> {
    fn policy(&self) -> Result<Policy, Error> {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let given = BTreeMap::from([("site".to_owned(), self.site.to_owned())]);
        let settings = Settings::check(&manifest, given).unwrap();
        let grant = Grant {
            hosts: parsed(self.hosts),
            audience: parsed(self.audience),
        };
        let recipe = self.recipe.map(|name| name.parse().unwrap());
        Policy::resolve(
            &manifest,
            &settings,
            &grant,
            &self.ceiling,
            &self.carve_outs,
            recipe.as_ref(),
        )
    }

    #[track_caller]
    fn check(&self, address: &str, expected: Expect) {
        let text = match self
            .policy()
            .unwrap()
            .check(Method::Get, &Url::parse(address).unwrap())
        {
            Ok(permit) => {
                let credential = match &permit.credential {
                    Credential::Allowed => "with the credential".to_owned(),
                    Credential::Withheld(refusal) => format!("without the credential, {refusal}"),
                    Credential::None => "without a credential".to_owned(),
                };
                let dialled = permit
                    .carve_out
                    .map(|it| format!(" at {}", it.address()))
                    .unwrap_or_default();
                format!("{}{dialled} {credential}", permit.origin)
            }
            Err(refusal) => format!("{}: {refusal}", refusal.code()),
        };
        expected.assert_eq(&text);
    }
}

fn ceiling(allow: &[&str], deny: &[&str]) -> Ceiling {
    Ceiling::new(parsed(allow), parsed(deny))
}

fn parsed<T: FromStr<Err: Debug>, C: FromIterator<T>>(list: &[&str]) -> C {
    list.iter().map(|it| it.parse().unwrap()).collect()
}

fn carve_out(scheme: Scheme, host: &str, address: &str, port: u16) -> CarveOut {
    CarveOut::new(scheme, host, address.parse().unwrap(), port).unwrap()
}

#[test]
fn an_empty_grant_allows_nothing() {
    let case = Case {
        hosts: &[],
        audience: &["https://example.com"],
        ..Case::default()
    };
    case.check("https://example.com/api/", expect![[r#"not-granted: refused by the tenant's grant: https://example.com is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["https://example.com"]"#]]);
    case.check("https://files.example.com/", expect![[r#"not-granted: refused by the tenant's grant: https://files.example.com is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["https://files.example.com"]"#]]);
    case.check("https://other.example.com/", expect![[r#"not-in-manifest: refused by the manifest: https://other.example.com is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://other.example.com""#]]);
}

#[test]
fn what_is_asked_and_granted_and_allowed_is_permitted() {
    let case = Case::default();
    case.check(
        "https://example.com/api/contacts?q=1",
        expect!["https://example.com with the credential"],
    );
    case.check("https://files.example.com/", expect![[r#"https://files.example.com without the credential, refused by the manifest: https://files.example.com is not in the audience of the recipe; this line in [auth.key] of the connector's manifest would permit it: audience = ["https://files.example.com"]"#]]);
}

#[test]
fn more_asked_than_granted_is_refused_by_the_tenant() {
    let case = Case {
        hosts: &["https://example.com"],
        ..Case::default()
    };
    case.check("https://files.example.com/", expect![[r#"not-granted: refused by the tenant's grant: https://files.example.com is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["https://files.example.com"]"#]]);
}

#[test]
fn more_granted_than_asked_is_refused_by_the_manifest() {
    let case = Case {
        hosts: &["https://example.com", "https://extra.example.com"],
        ..Case::default()
    };
    case.check("https://extra.example.com/", expect![[r#"not-in-manifest: refused by the manifest: https://extra.example.com is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://extra.example.com""#]]);
}

#[test]
fn the_operator_has_the_last_word() {
    let denied = Case {
        ceiling: ceiling(&["*"], &["*.example.com"]),
        ..Case::default()
    };
    denied.check("https://files.example.com/", expect![[r#"not-allowed: refused by the operator: files.example.com is denied by deny = ["*.example.com"]; only removing that line from the operator's ceiling would permit it"#]]);
    denied.check(
        "https://example.com/",
        expect!["https://example.com with the credential"],
    );
    let narrow = Case {
        ceiling: ceiling(&["example.com"], &[]),
        ..Case::default()
    };
    narrow.check("https://files.example.com/", expect![[r#"not-allowed: refused by the operator: files.example.com is not among the hosts that may be granted; this line in the operator's ceiling would permit it: allow = ["files.example.com"]"#]]);
    narrow.check(
        "https://example.com/",
        expect!["https://example.com with the credential"],
    );
    let nothing = Case {
        ceiling: ceiling(&[], &[]),
        ..Case::default()
    };
    nothing.check("https://example.com/", expect![[r#"not-allowed: refused by the operator: example.com is not among the hosts that may be granted; this line in the operator's ceiling would permit it: allow = ["example.com"]"#]]);
    let tricked = Case {
        site: "https://notexample.com",
        hosts: &["https://notexample.com"],
        ceiling: ceiling(&["*.example.com"], &[]),
        ..Case::default()
    };
    tricked.check("https://notexample.com/", expect![[r#"not-allowed: refused by the operator: notexample.com is not among the hosts that may be granted; this line in the operator's ceiling would permit it: allow = ["notexample.com"]"#]]);
}

#[test]
fn another_scheme_host_or_port_is_another_server() {
    let case = Case::default();
    case.check("http://example.com/", expect![[r#"not-in-manifest: refused by the manifest: http://example.com is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
    case.check("https://example.com:8443/", expect![[r#"not-in-manifest: refused by the manifest: https://example.com:8443 is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://example.com:8443""#]]);
    case.check("http://example.com:443/", expect![[r#"not-in-manifest: refused by the manifest: http://example.com:443 is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
    case.check("https://sub.example.com/", expect![[r#"not-in-manifest: refused by the manifest: https://sub.example.com is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://sub.example.com""#]]);
    case.check("https://example.com.evil.io/", expect![[r#"not-in-manifest: refused by the manifest: https://example.com.evil.io is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://example.com.evil.io""#]]);
    case.check("https://evilexample.com/", expect![[r#"not-in-manifest: refused by the manifest: https://evilexample.com is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://evilexample.com""#]]);
    case.check("https://example.com%2eevil.io/", expect![[r#"not-in-manifest: refused by the manifest: https://example.com.evil.io is not among the hosts of the manifest; this line in a [[hosts]] of the connector's manifest would permit it: origin = "https://example.com.evil.io""#]]);
    case.check("ftp://example.com/", expect![[r#"not-https: refused by the scheme: "ftp://example.com/" is neither https nor http; write https://; no line would permit it"#]]);
    case.check("file:///etc/passwd", expect![[r#"not-https: refused by the scheme: "file:///etc/passwd" is neither https nor http; write https://; no line would permit it"#]]);
    case.check("blob:https://example.com/x", expect![[r#"not-https: refused by the scheme: "blob:https://example.com/x" is neither https nor http; write https://; no line would permit it"#]]);
}

#[test]
fn the_same_server_spelled_otherwise_is_the_same_or_refused() {
    let case = Case::default();
    case.check(
        "HTTPS://EXAMPLE.COM/",
        expect!["https://example.com with the credential"],
    );
    case.check(
        "https://example.com:443/",
        expect!["https://example.com with the credential"],
    );
    case.check(
        "https://ex%61mple.com/",
        expect!["https://example.com with the credential"],
    );
    case.check(
        "https:\\\\example.com\\a",
        expect!["https://example.com with the credential"],
    );
    case.check("https://example.com./", expect![[r#"address-refused: refused by the address itself: the host "example.com." ends in a dot; remove the dot; no line would permit it"#]]);
    case.check("https://user@example.com/", expect!["address-refused: refused by the address itself: an address must not hold a user or a password (`@`); remove it; no line would permit it"]);
    case.check("https://:password@example.com/", expect!["address-refused: refused by the address itself: an address must not hold a user or a password (`@`); remove it; no line would permit it"]);
    case.check("https://example.com@evil.io/", expect!["address-refused: refused by the address itself: an address must not hold a user or a password (`@`); remove it; no line would permit it"]);
}

#[test]
fn the_credential_goes_only_where_recipe_and_grant_agree() {
    let case = Case {
        audience: &["https://files.example.com"],
        ..Case::default()
    };
    case.check("https://example.com/", expect![[r#"https://example.com without the credential, refused by the tenant's grant: https://example.com is not in the audience of the grant; this line in the connection's grant would permit it: audience = ["https://example.com"]"#]]);
    case.check("https://files.example.com/", expect![[r#"https://files.example.com without the credential, refused by the manifest: https://files.example.com is not in the audience of the recipe; this line in [auth.key] of the connector's manifest would permit it: audience = ["https://files.example.com"]"#]]);
    let case = Case {
        recipe: None,
        ..Case::default()
    };
    case.check(
        "https://example.com/",
        expect!["https://example.com without a credential"],
    );
}

#[test]
fn plain_http_needs_a_carve_out() {
    let case = Case {
        site: "http://crm.internal:8080/crm",
        hosts: &["http://crm.internal:8080"],
        audience: &["http://crm.internal:8080"],
        ..Case::default()
    };
    case.check("http://crm.internal:8080/crm/api/", expect![[r#"not-https: refused by the scheme: http://crm.internal:8080 is not encrypted; this line in the operator's settings of the connection would permit it: carve-outs = [{ scheme = "http", host = "crm.internal", address = "…", port = 8080 }]"#]]);
    let case = Case {
        carve_outs: vec![carve_out(Scheme::Http, "crm.internal", "10.0.0.7", 8080)],
        ..case
    };
    case.check(
        "http://crm.internal:8080/crm/api/",
        expect!["http://crm.internal:8080 at 10.0.0.7 with the credential"],
    );
    case.check("http://crm.internal/", expect![[r#"not-in-manifest: refused by the manifest: http://crm.internal is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
    case.check("http://crm.internal:8081/", expect![[r#"not-in-manifest: refused by the manifest: http://crm.internal:8081 is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
}

#[test]
fn a_literal_private_address_needs_a_carve_out() {
    let case = Case {
        site: "https://127.0.0.1",
        hosts: &["https://127.0.0.1"],
        audience: &[],
        ..Case::default()
    };
    case.check("https://127.0.0.1/", expect![[r#"not-allowed: refused by the operator: https://127.0.0.1 is not on the public Internet but loopback; this line in the operator's settings of the connection would permit it: carve-outs = [{ scheme = "https", host = "127.0.0.1", address = "127.0.0.1", port = 443 }]"#]]);
    case.check("https://2130706433/", expect![[r#"not-allowed: refused by the operator: https://127.0.0.1 is not on the public Internet but loopback; this line in the operator's settings of the connection would permit it: carve-outs = [{ scheme = "https", host = "127.0.0.1", address = "127.0.0.1", port = 443 }]"#]]);
    case.check("https://0x7f.1/", expect![[r#"not-allowed: refused by the operator: https://127.0.0.1 is not on the public Internet but loopback; this line in the operator's settings of the connection would permit it: carve-outs = [{ scheme = "https", host = "127.0.0.1", address = "127.0.0.1", port = 443 }]"#]]);
    let case = Case {
        carve_outs: vec![carve_out(Scheme::Https, "127.0.0.1", "127.0.0.1", 443)],
        ..case
    };
    case.check("https://127.0.0.1/", expect![[r#"https://127.0.0.1 at 127.0.0.1 without the credential, refused by the tenant's grant: https://127.0.0.1 is not in the audience of the grant; this line in the connection's grant would permit it: audience = ["https://127.0.0.1"]"#]]);
    let case = Case {
        site: "https://[::ffff:127.0.0.1]",
        hosts: &["https://[::ffff:127.0.0.1]"],
        ..case
    };
    case.check("https://[::ffff:7f00:1]/", expect![[r#"not-allowed: refused by the operator: https://[::ffff:7f00:1] is not on the public Internet but loopback; this line in the operator's settings of the connection would permit it: carve-outs = [{ scheme = "https", host = "::ffff:127.0.0.1", address = "::ffff:127.0.0.1", port = 443 }]"#]]);
    case.check("https://127.0.0.1/", expect![[r#"not-in-manifest: refused by the manifest: https://127.0.0.1 is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
}

#[test]
fn a_literal_address_is_public_or_refused() {
    let sites = [
        ("https://1.1.1.1", true),
        ("https://[2606:4700:4700::1111]", true),
        ("https://10.1.2.3", false),
        ("https://169.254.169.254", false),
        ("https://0.0.0.0", false),
        ("https://[::1]", false),
        ("https://[fd00::1]", false),
        ("https://[::ffff:10.1.2.3]", false),
        ("https://[64:ff9b::a01:203]", false),
    ];
    for (site, permitted) in sites {
        let case = Case {
            site,
            hosts: &[site],
            audience: &[],
            ..Case::default()
        };
        let result = case
            .policy()
            .unwrap()
            .check(Method::Get, &Url::parse(site).unwrap());
        assert_eq!(result.is_ok(), permitted, "{site}");
    }
}

#[test]
fn a_literal_behind_the_operators_own_translator_is_refused() {
    let site = "https://[2600:122::a9fe:a9fe]";
    let case = Case {
        site,
        hosts: &[site],
        audience: &[],
        ..Case::default()
    };
    let url = Url::parse(site).unwrap();
    let policy = case.policy().unwrap();
    assert!(policy.check(Method::Get, &url).is_ok());
    let behind = |prefix: &str| policy.clone().behind(&[prefix.parse().unwrap()]);
    assert!(behind("2600:123::/96").check(Method::Get, &url).is_ok());
    let refusal = behind("2600:122::/96")
        .check(Method::Get, &url)
        .unwrap_err();
    expect!["https://[2600:122::a9fe:a9fe] is not on the public Internet but metadata"]
        .assert_eq(refusal.rule());
}

#[test]
fn a_carve_out_grants_nothing() {
    let carve_outs = vec![carve_out(Scheme::Http, "example.com", "10.0.0.7", 80)];
    Case {
        carve_outs: carve_outs.clone(),
        ..Case::default()
    }
    .check("http://example.com/", expect![[r#"not-in-manifest: refused by the manifest: http://example.com is not among the hosts of the manifest; no host in a manifest would permit it, only a setting of kind "origin" with this value"#]]);
    let case = Case {
        site: "http://example.com",
        hosts: &[],
        carve_outs,
        ..Case::default()
    };
    case.check("http://example.com/", expect![[r#"not-granted: refused by the tenant's grant: http://example.com is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["http://example.com"]"#]]);
}

#[test]
fn layers_that_contradict_themselves_are_refused() {
    let case = Case {
        recipe: Some("other"),
        ..Case::default()
    };
    expect!["the connector has no way to authenticate called `other`; choose one of its manifest's [auth]"].assert_eq(&case.policy().unwrap_err().to_string());
    let twice = ["10.0.0.7", "10.0.0.8"]
        .map(|address| carve_out(Scheme::Http, "crm.internal", address, 80));
    let case = Case {
        carve_outs: twice.to_vec(),
        ..Case::default()
    };
    expect!["there are two carve-outs for http://crm.internal; remove one"]
        .assert_eq(&case.policy().unwrap_err().to_string());
}

#[test]
fn a_proposal_with_consent_permits_what_it_showed() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let given = BTreeMap::from([("site".to_owned(), "https://crm.example.com/app".to_owned())]);
    let settings = Settings::check(&manifest, given).unwrap();
    let recipe = "key".parse().unwrap();
    let proposal = Proposal::of(&manifest, &settings, Some(&recipe)).unwrap();
    expect![[r#"{"hosts":[{"origin":"https://crm.example.com","why":"the API"},{"origin":"https://files.example.com","why":"the files"}],"audience":["https://crm.example.com"]}"#]].assert_eq(&serde_json::to_string(&proposal).unwrap());
    let grant = proposal.into_grant_after_consent();
    let policy = Policy::resolve(
        &manifest,
        &settings,
        &grant,
        &Ceiling::any(),
        &[],
        Some(&recipe),
    )
    .unwrap();
    let permit = policy
        .check(Method::Get, &manifest.base().expand(&settings).unwrap())
        .unwrap();
    assert!(permit.may_carry_credential());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_permitted_is_exactly_a_granted_origin(
        address in "(https?|HTTPS|ftp)://([a-z]{0,2}@)?(sub\\.|files\\.)?(example\\.com|EXAMPLE\\.com|[a-z]{1,3})\\.?(:443|:80|:1)?(/[a-z./]{0,5})?(\\?[a-z]{0,3})?"
    ) {
        let case = Case { hosts: &["https://example.com"], audience: &[], ..Case::default() };
        if let Ok(url) = Url::parse(&address)
            && let Ok(permit) = case.policy().unwrap().check(Method::Get, &url)
        {
            prop_assert!(permit.origin.to_string() == "https://example.com");
            prop_assert!(url.origin().ascii_serialization() == "https://example.com");
            prop_assert!(url.username().is_empty() && !permit.may_carry_credential());
        }
    }
}
