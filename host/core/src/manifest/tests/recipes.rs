//! What a manifest may say of a way to authenticate, and what is answered to one that says something else.

use expect_test::{Expect, expect};

use crate::manifest::Manifest;

const ALL: &str = include_str!("../../recipe/tests/connector.toml");

#[track_caller]
fn check(old: &str, new: &str, expected: Expect) {
    assert!(ALL.contains(old), "{old}");
    let told = match Manifest::parse(&ALL.replacen(old, new, 1)) {
        Ok(_) => "read".to_owned(),
        Err(error) => error.to_string(),
    };
    // The line moves with every line that is added above.
    let told = told
        .split_once(": ")
        .map_or(told.as_str(), |(_, told)| told);
    expected.assert_eq(told);
}

#[test]
fn a_recipe_has_what_its_kind_needs_and_nothing_of_another() {
    check(
        "kind = \"oauth2\"\nvalue",
        "kind = \"bearer\"\nvalue",
        expect!["auth.code.value: only kind header, query, oauth2 has it; remove it"],
    );
    check(
        "kind = \"hmac\"\nheaders = { X-Hmac",
        "kind = \"login\"\nheaders = { X-Hmac",
        expect!["auth.signature.sign: only kind hmac has it; remove it"],
    );
    check(
        "[auth.app.oauth2]\ngrant = \"client-credentials\"",
        "[auth.app.oauth2]\ngrant = \"authorization-code\"",
        expect![[
            r#"auth.app.oauth2: an authorization code needs the page where a person agrees; add authorize = "https://…""#
        ]],
    );
    check(
        "grant = \"password\"",
        "grant = \"password\"\nauthorize = \"{accounts}/x\"",
        expect![
            "auth.user.oauth2.authorize: only an authorization code has a page where a person agrees; remove it"
        ],
    );
    check(
        "grant = \"password\"",
        "grant = \"jwt-bearer\"",
        expect![
            "auth.user.oauth2: a signed assertion needs what it says; add [auth.….oauth2.assertion]"
        ],
    );
    check(
        "client = \"basic\"",
        "client = \"none\"",
        expect![[
            r#"auth.app.oauth2.client: an application that shows nothing has no credential; write "body" or "basic""#
        ]],
    );
    check(
        "grant = \"password\"",
        "grant = \"implicit\"",
        expect![[
            r#"auth.user.oauth2.grant: "implicit" is not known here; write one of authorization-code, client-credentials, password, jwt-bearer"#
        ]],
    );
    check(
        "algorithm = \"RS256\"",
        "algorithm = \"none\"",
        expect![[
            r#"auth.signed.oauth2.assertion.algorithm: "none" is not known here; write one of RS256, ES256"#
        ]],
    );
    check(
        "algorithm = \"RS256\"",
        "algorithm = \"RS256\"\nlifetime-seconds = 86400",
        expect![
            "auth.signed.oauth2.assertion.lifetime-seconds: an assertion holds an hour at the most; write at most 3600"
        ],
    );
}

#[test]
fn what_is_sent_holds_something_secret() {
    check(
        "value = \"Zoho-oauthtoken {token}\"",
        "value = \"Zoho-oauthtoken\"",
        expect![[
            r#"auth.code: nothing secret is sent: write the name of a value in braces, as in "{key}""#
        ]],
    );
    check(
        "value = \"Zoho-oauthtoken {token}\"",
        "value = \"{client-id}\"",
        expect![[
            r#"auth.code: nothing secret is sent: write the name of a value in braces, as in "{key}""#
        ]],
    );
    check(
        "{key}:{signature}",
        "{key}:{signature",
        expect![[
            r#"auth.signature.headers.X-Hmac-Authorization: in "{key}:{signature" a { is not closed; write {name}"#
        ]],
    );
}

#[test]
fn what_gets_a_secret_is_in_the_audience() {
    check(
        "audience = [\"https://{instance}.crm.example.com\", \"{accounts}\"]\n\n[auth.code.oauth2]",
        "audience = [\"https://{instance}.crm.example.com\"]\n\n[auth.code.oauth2]",
        expect![[
            r#"auth.code.audience: {accounts}/oauth/token gets secrets, so that its origin has to be in the audience; add "{accounts}""#
        ]],
    );
    check(
        "audience = [\"https://{instance}.crm.example.com\", \"{accounts}\"]\n\n[auth.code.oauth2]",
        "audience = [\"{accounts}\"]\n\n[auth.code.oauth2]",
        expect![
            "auth.code.audience: no origin is listed, so the credential could go nowhere; list those of the hosts that need it"
        ],
    );
    check(
        "token = \"{accounts}/oauth/token\"\nrevoke",
        "token = \"http://accounts.example.com/oauth/token\"\nrevoke",
        expect![[
            r#"auth.code.oauth2.token: "http://accounts.example.com" is not https; write "https://…" or use a setting of kind "origin""#
        ]],
    );
    check(
        "token = \"{accounts}/oauth/token\"\nrevoke",
        "token = \"https://{database}/oauth/token\"\nrevoke",
        expect![[
            r#"auth.code.oauth2.token: "" holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind "origin""#
        ]],
    );
    check(
        "token = \"{accounts}/oauth/token\"\nrevoke",
        "token = \"{accounts}/oauth/token?x=1\"\nrevoke",
        expect![[
            r#"auth.code.oauth2.token: "token?x=1" is not one part of a path; write plain characters, or one setting as the whole part"#
        ]],
    );
    check(
        "token = \"{accounts}/oauth/token\"\nrevoke",
        "token = \"{accounts}/a/../token\"\nrevoke",
        expect![[
            r#"auth.code.oauth2.token: ".." is not one part of a path; write plain characters, or one setting as the whole part"#
        ]],
    );
}

#[test]
fn what_is_the_hosts_to_say_is_not_the_manifests() {
    check(
        "prompt = \"consent\"",
        "redirect_uri = \"https://evil.example.com\"",
        expect![
            "auth.code.oauth2.authorize-parameters.redirect_uri: the host sets this parameter itself; remove it"
        ],
    );
    check(
        "resource = ",
        "client_secret = ",
        expect![
            "auth.code.oauth2.token-parameters.client_secret: the host sets this parameter itself; remove it"
        ],
    );
    check(
        "scopes = [\"read\", \"write:{database}\"]",
        "scopes = [\"{client-secret}\"]",
        expect![
            "auth.code.oauth2.scopes: there is no setting `client-secret`; add [settings.client-secret]"
        ],
    );
    check(
        "X-CSRF-Token = ",
        "Host = ",
        expect![[
            r#"auth.session.headers.Host: "Host" steers the request itself and cannot carry a credential; write the header that the CRM documents for its key"#
        ]],
    );
    check(
        "cookies = { sid = ",
        "cookies = { \"s;d\" = ",
        expect![[
            r#"auth.session.cookies.s;d: "s;d" is not the name of a parameter; write letters, digits and any of - . _ ~"#
        ]],
    );
}

#[test]
fn an_answer_sets_only_what_the_manifest_lets_it() {
    check(
        "[[auth.code.sets]]\nsetting = \"org\"",
        "[[auth.code.sets]]\nsetting = \"database\"",
        expect![
            "auth.code.sets[2]: setting `database` is set by tenant, which this way to authenticate does not have; write set-by in [settings.database], or remove this"
        ],
    );
    check(
        "[[auth.code.sets]]\nsetting = \"org\"",
        "[[auth.user.sets]]\nsetting = \"org\"",
        expect![
            "auth.user.sets[0]: setting `org` is set by identify, which this way to authenticate does not have; write set-by in [settings.org], or remove this"
        ],
    );
    check(
        "at = \"/instance_url\"",
        "at = \"instance_url\"",
        expect![[
            r#"auth.code.sets[1].at: "instance_url" is no JSON pointer; write it as "/instance_url""#
        ]],
    );
    check(
        "like = \"https://{}.crm.example.com\"",
        "like = \"https://crm.example.com\"",
        expect![[
            r#"auth.code.sets[1].like: the value stands in one {}; write it as "https://{}.example.com""#
        ]],
    );
    check(
        "like = \"https://{}.crm.example.com\"",
        "like = \"{}{}\"",
        expect![[
            r#"auth.code.sets[1].like: the value stands in one {}; write it as "https://{}.example.com""#
        ]],
    );
    check(
        "means = \"expired\"",
        "means = \"fine\"",
        expect![[
            r#"auth.code.refusals[1].means: "fine" is not known here; write one of revoked, expired, wrong-client, consent-withdrawn, clock-skew, unavailable"#
        ]],
    );
}

#[test]
fn a_request_of_a_recipe_is_one_that_can_be_made() {
    check(
        "url = \"https://{instance}.crm.example.com/web/login\"",
        "url = \"https://{instance}.crm.example.com/web/login\"\nmethod = \"DELETE\"",
        expect![
            "auth.session.login.request.method: a request of a recipe is GET or POST; write one of them"
        ],
    );
    check(
        "url = \"https://{instance}.crm.example.com/web/login\"",
        "url = \"https://{instance}.crm.example.com/web/login\"\nmethod = \"GET\"",
        expect![[
            r#"auth.session.login.request: a GET has no body; remove `form` or `json`, or write method = "POST""#
        ]],
    );
    check(
        "url = \"https://{instance}.crm.example.com/web/login\"",
        "url = \"https://{instance}.crm.example.com/web/login\"\nform = {}",
        expect![
            "auth.session.login.request.json: `form` and `json` exclude each other; remove one"
        ],
    );
    check(
        "jsonrpc = \"2.0\"",
        "jsonrpc = 2026-01-01",
        expect!["auth.session.login.request.json: JSON has no dates; write a text"],
    );
    check(
        "csrf = { at = \"/csrf_token\" }",
        "csrf = { at = \"/csrf_token\", cookie = \"x\" }",
        expect![[
            r#"auth.session.login.takes.csrf: it stands in one place; write one of at = "/pointer", cookie = "name", header = "name""#
        ]],
    );
    check(
        "takes = { cookie = { cookie = \"sid\" }, csrf = { at = \"/csrf_token\" } }",
        "takes = {}",
        expect![[
            r#"auth.session.login.takes: nothing is taken out of the answer; add token = { at = "/token" }"#
        ]],
    );
}

#[test]
fn the_manifests_of_the_sdks_page_are_read() {
    // Each block by itself, in a manifest that has the rest.
    let page = include_str!("../../../../../sdk/README.md");
    let begin = page.find("## How your API authenticates").unwrap();
    let end = page.find("## The CRM's limits").unwrap();
    let blocks: Vec<&str> = page[begin..end]
        .split("```toml\n")
        .skip(1)
        .map(|it| it.split_once("```").unwrap().0)
        .collect();
    assert_eq!(blocks.len(), 4);
    let surroundings = |block: &str| {
        format!(
            r#"
[connector]
name = "acme"
title = "Acme"
version = "1.0.0"
publisher = "Acme"
contract = "0.1"
[settings.site]
kind = "origin"
title = "Site"
[settings.api]
kind = "choice"
title = "API"
values = ["https://www.example.com"]
[settings.accounts]
kind = "choice"
title = "Accounts"
values = ["https://accounts.example.com"]
set-by = "callback"
[settings.instance]
kind = "text"
title = "Instance"
pattern = "[a-z]+"
set-by = "token-answer"
[http]
base = "{{site}}/"
[[hosts]]
origin = "{{site}}"
why = "the API"
[[hosts]]
origin = "{{api}}"
why = "the API"
[[hosts]]
origin = "https://api.example.com"
why = "the API"
[functions]
users = ["get-me"]
{block}"#
        )
    };
    for block in blocks {
        let block = match block.trim_start() {
            it if it.starts_with("[auth.server.oauth2.assertion]") => format!(
                "[auth.server]\ntitle = \"Server\"\nkind = \"oauth2\"\naudience = [\"{{site}}\"]\n[auth.server.oauth2]\ngrant = \"jwt-bearer\"\ntoken = \"{{site}}/token\"\n{it}"
            ),
            it => it.to_owned(),
        };
        if let Err(error) = Manifest::parse(&surroundings(&block)) {
            panic!("{error}\n{block}");
        }
    }
}
