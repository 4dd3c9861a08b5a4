//! A connector reaches what was granted and nothing else, however it writes the address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brightsync_runtime::{Connection, Resolve};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::story::without_ports;
use brightsync_tests::world::{Account, Names, World, ask};
use expect_test::{Expect, expect};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// Makes requests at a CRM that would answer none of them, and tells how each ended; another tenant is served all the same.
async fn check(orders: &[Value], expected: Expect) {
    check_with(World::new(), |it| it, orders, expected).await;
}

async fn check_with(
    world: World,
    account: impl FnOnce(Account) -> Account,
    orders: &[Value],
    expected: Expect,
) {
    let crm = Server::start();
    let connection = world
        .open(
            guest::ASKER,
            account(Account::at(&crm).bearer("a-token-of-acme")),
        )
        .await;
    ask(&connection, orders).await;
    expected.assert_eq(&world.story());
    assert_eq!(crm.connections(), 0);
    assert_bystander(&world).await;
}

/// Another tenant's call on the same host succeeds.
async fn assert_bystander(world: &World) {
    let crm = Server::start();
    crm.once("GET /me", Answer::text(200, ""));
    let bystander = world.connect("bystander", guest::ASKER, Account::at(&crm));
    bystander.get_me().await.expect("a bystander is served");
}

/// The story of requests with one header each, of which none may be sent.
async fn check_headers(recipe: &str, names: &[(&str, &str)], expected: Expect) {
    let orders: Vec<_> = names
        .iter()
        .map(|header| json!({"url": "me", "headers": [header]}))
        .collect();
    let fields = match recipe {
        "bearer" => "token",
        _ => "key",
    };
    let account = |it: Account| it.credential(recipe, &[(fields, "a-key-of-acme")]);
    check_with(World::new(), account, &orders, expected).await;
}

fn get(url: &str) -> Value {
    json!({ "url": url })
}

async fn answers_of(connection: &Connection, order: Value) -> Value {
    ask(connection, &[order]).await
}

#[tokio::test]
async fn a_host_that_is_not_in_the_manifest_is_refused() {
    check(
        &[
            get("https://evil.example.com/"),
            get("http://127.0.0.1:1/"),
            get("https://127.0.0.1/"),
            get("https://127.0.0.1.evil.example.com/"),
            get("ftp://127.0.0.1/"),
            get("file:///etc/passwd"),
            get("data:text/plain,x"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET https://evil.example.com/ -> not-in-manifest
              GET http://127.0.0.1:PORT/ -> not-in-manifest
              GET https://127.0.0.1/ -> not-in-manifest
              GET https://127.0.0.1.evil.example.com/ -> not-in-manifest
              GET  -> address
              GET  -> address
              GET  -> address
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_host_that_is_in_the_manifest_but_not_granted_is_refused() {
    let elsewhere = Server::start();
    let origin = elsewhere.origin();
    check_with(
        World::new(),
        |it| it.set("elsewhere", &origin).reach(&elsewhere),
        &[get(&format!("{origin}/me"))],
        expect![[r#"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/me -> not-granted
        "#]],
    )
    .await;
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn an_empty_grant_allows_nothing() {
    let crm = Server::start();
    let world = World::new();
    let account = Account::default()
        .set("site", &crm.origin())
        .reach(&crm)
        .bearer("a-token-of-acme");
    let acme = world.open(guest::ASKER, account).await;
    ask(&acme, &[get("me"), get(&format!("{}/me", crm.origin()))]).await;
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> not-granted
          GET http://127.0.0.1:PORT/me -> not-granted
    "#]]
    .assert_eq(&world.story());
    assert_eq!(crm.connections(), 0);
}

#[tokio::test]
async fn the_operators_ceiling_is_above_what_a_tenant_grants() {
    let ceiling = r#"allow = ["*.example.com"]"#;
    let world = World::with(|it| it.ceiling(toml::from_str(ceiling).unwrap()));
    let crm = Server::start();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &[get("me")]).await;
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> not-allowed
    "#]]
    .assert_eq(&world.story());
    assert_eq!(crm.connections(), 0);
}

#[tokio::test]
async fn plain_http_and_private_addresses_need_the_operators_leave() {
    let crm = Server::start();
    let world = World::new();
    let account = Account::default()
        .set("site", &crm.origin())
        .grant(&crm.origin());
    let acme = world.open(guest::ASKER, account).await;
    ask(&acme, &[get("me")]).await;
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> not-https
    "#]]
    .assert_eq(&world.story());
    assert_eq!(crm.connections(), 0);
}

#[tokio::test]
async fn a_carve_out_is_one_connections_and_no_other() {
    let crm = Server::start();
    let world = World::new();
    world.open(guest::ASKER, Account::at(&crm)).await;
    let without = Account::default()
        .set("site", &crm.origin())
        .grant(&crm.origin());
    let other = world.connect("other", guest::ASKER, without);
    ask(&other, &[get("me")]).await;
    expect![[r#"
        get-users for other: answer
          GET http://127.0.0.1:PORT/me -> not-https
    "#]]
    .assert_eq(&world.story());
    assert_eq!(crm.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    check(
        &[
            get("http://localhost/"),
            get("http://[::1]/"),
            get("http://[::ffff:127.0.0.1]/"),
            get("http://[::ffff:7f00:1]/"),
            get("http://2130706433/"),
            get("http://0x7f000001/"),
            get("http://0177.0.0.1/"),
            get("http://127.1/"),
            get("http://0/"),
            get("http://10.0.0.1/"),
            get("http://169.254.169.254/latest/meta-data/"),
            get("http://metadata.google.internal/"),
            get("http://[fd00:ec2::254]/"),
            get("http://[64:ff9b::7f00:1]/"),
            get("http://①②⑦.0.0.1/"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET http://localhost/ -> not-in-manifest
              GET http://[::1]/ -> not-in-manifest
              GET http://[::ffff:7f00:1]/ -> not-in-manifest
              GET http://[::ffff:7f00:1]/ -> not-in-manifest
              GET http://127.0.0.1/ -> not-in-manifest
              GET http://127.0.0.1/ -> not-in-manifest
              GET http://127.0.0.1/ -> not-in-manifest
              GET http://127.0.0.1/ -> not-in-manifest
              GET http://0.0.0.0/ -> not-in-manifest
              GET http://10.0.0.1/ -> not-in-manifest
              GET http://169.254.169.254/latest/meta-data/ -> not-in-manifest
              GET http://metadata.google.internal/ -> not-in-manifest
              GET http://[fd00:ec2::254]/ -> not-in-manifest
              GET http://[64:ff9b::7f00:1]/ -> not-in-manifest
              GET  -> address
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_private_address_is_refused_even_if_it_is_granted() {
    for (origin, expected) in [
        (
            "https://127.0.0.1",
            expect![[r#"
            get-users for acme: answer
              GET https://127.0.0.1/x -> not-allowed
        "#]],
        ),
        (
            "https://10.0.0.1",
            expect![[r#"
            get-users for acme: answer
              GET https://10.0.0.1/x -> not-allowed
        "#]],
        ),
        (
            "https://[::1]",
            expect![[r#"
            get-users for acme: answer
              GET https://[::1]/x -> not-allowed
        "#]],
        ),
        (
            "https://[::ffff:10.0.0.1]",
            expect![[r#"
            get-users for acme: answer
              GET https://[::ffff:a00:1]/x -> not-allowed
        "#]],
        ),
        (
            "https://169.254.169.254",
            expect![[r#"
            get-users for acme: answer
              GET https://169.254.169.254/x -> not-allowed
        "#]],
        ),
        (
            "https://[64:ff9b::a00:1]",
            expect![[r#"
            get-users for acme: answer
              GET https://[64:ff9b::a00:1]/x -> not-allowed
        "#]],
        ),
    ] {
        let account = |it: Account| it.set("elsewhere", origin).grant(origin);
        check_with(
            World::new(),
            account,
            &[get(&format!("{origin}/x"))],
            expected,
        )
        .await;
    }
}

#[tokio::test]
async fn a_granted_name_with_a_private_address_is_refused() {
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:192.168.0.1",
        "fd00::1",
        "0.0.0.0",
    ] {
        let world = World::with(|it| it.resolver(Names(vec![address.parse().unwrap()])));
        check_with(
            world,
            |it| it.grant("https://crm.example.com"),
            &[get("https://crm.example.com/me")],
            expect![[r#"
                get-users for acme: answer
                  GET https://crm.example.com/me -> address
            "#]],
        )
        .await;
    }
}

#[tokio::test]
async fn a_private_address_behind_the_operators_own_translator_is_refused() {
    // Where the operator's translator takes them: this machine, a private network, a cloud's metadata, a public server.
    for address in [
        "2600:122::7f00:1",
        "2600:122::a01:203",
        "2600:122::a9fe:a9fe",
        "2600:122::808:808",
    ] {
        let world = || {
            World::with(|it| {
                it.resolver(Names(vec![address.parse().unwrap()]))
                    .nat64(["2600:122::/96".parse().unwrap()])
            })
        };
        check_with(
            world(),
            |it| it.grant("https://crm.example.com"),
            &[get("https://crm.example.com/me")],
            expect![[r#"
                get-users for acme: answer
                  GET https://crm.example.com/me -> address
            "#]],
        )
        .await;
        let literal = format!("https://[{address}]");
        let story = format!("get-users for acme: answer\n  GET {literal}/me -> not-allowed\n");
        let account = |it: Account| it.set("elsewhere", &literal).grant(&literal);
        let orders = [get(&format!("{literal}/me"))];
        let crm = Server::start();
        let world = world();
        let acme = world.open(guest::ASKER, account(Account::at(&crm))).await;
        ask(&acme, &orders).await;
        assert_eq!(world.story(), story);
    }
}

/// Answers each question with another address, and counts the questions.
struct Rebinding(Arc<AtomicUsize>);

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        let answer = match asked {
            0 => Vec::new(),
            _ => vec!["127.0.0.1".parse().unwrap()],
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_checked_each_time_it_is_dialled() {
    let questions = Arc::new(AtomicUsize::new(0));
    let world = World::with(|it| it.resolver(Rebinding(questions.clone())));
    check_with(
        world,
        |it| it.grant("https://crm.example.com"),
        &[
            get("https://crm.example.com/1"),
            get("https://crm.example.com/2"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET https://crm.example.com/1 -> connect
              GET https://crm.example.com/1 -> address
              GET https://crm.example.com/2 -> address
        "#]],
    )
    .await;
    assert_eq!(
        questions.load(Ordering::Relaxed),
        3,
        "one question each time: what is checked is what is dialled"
    );
}

#[tokio::test]
async fn addresses_that_two_readers_understand_differently_are_refused() {
    check(
        &[
            get("//evil.example.com/"),
            get("/\\evil.example.com/"),
            get("\\\\evil.example.com\\"),
            get("https://user:password@crm.example.com/"),
            get("https://crm.example.com@evil.example.com/"),
            get("me/../../admin"),
            get("me/%2e%2e/admin"),
            get("me#fragment"),
            get("me\r\nX-Injected: 1"),
            get("me\tx"),
            get(" http://127.0.0.1/"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET  -> address
              GET  -> address
              GET  -> address
              GET  -> user-info
              GET  -> user-info
              GET  -> path
              GET  -> path
              GET  -> address
              GET  -> address
              GET  -> address
              GET  -> address
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_the_hosts_to_say_is_refused_in_a_header() {
    check_headers(
        "bearer",
        &[
            ("Authorization", "Bearer mine"),
            ("aUTHORIZATION", "Bearer mine"),
            ("Proxy-Authorization", "Basic eDp4"),
            ("Cookie", "session=1"),
            ("Host", "evil.example.com"),
            ("Content-Length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close"),
            ("Upgrade", "websocket"),
            ("Accept-Encoding", "gzip"),
            ("X-Injected", "a\r\nAuthorization: Bearer mine"),
            ("X-Injected", "a\u{0}b"),
            ("X-Injected\r\nAuthorization", "Bearer mine"),
            ("X Injected", "a"),
            ("", "a"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("X-Forwarded-For", "10.0.0.1"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header
              GET  -> header-value
              GET  -> header-value
              GET  -> header-name
              GET  -> header-name
              GET  -> header-name
              GET  -> method-override
              GET  -> header
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_name_under_which_the_credential_goes_is_the_hosts() {
    check_headers(
        "key",
        &[("X-Api-Key", "mine"), ("x-api-KEY", "mine")],
        expect![[r#"
        get-users for acme: answer
          GET  -> header
          GET  -> header
    "#]],
    )
    .await;
    let account = |it: Account| it.credential("parameter", &[("key", "a-key-of-acme")]);
    check_with(
        World::new(),
        account,
        &[
            get("me?api_token=mine"),
            get("me?API_TOKEN=mine"),
            get("me?a=1&api%5Ftoken=mine"),
        ],
        expect![[r#"
            get-users for acme: answer
              GET  -> parameter
              GET  -> parameter
              GET  -> parameter
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_base_address_keeps_its_path() {
    let crm = Server::start();
    crm.once("GET /crm/api/me", Answer::text(200, "me"));
    crm.once("GET /crm/api/App/user?x=1", Answer::text(200, "user"));
    let world = World::new();
    let account = Account::at(&crm).set("site", &format!("{}/crm/api", crm.origin()));
    let acme = world.open(guest::ASKER, account).await;
    let answers = ask(&acme, &[get("me"), get("/App/user?x=1")]).await;
    assert_eq!(
        (&answers[0]["body"], &answers[1]["body"]),
        (&json!("me"), &json!("user"))
    );
}

#[tokio::test]
async fn what_was_refused_is_told_to_the_operator_with_the_line_that_would_permit_it() {
    brightsync_tests::logs::listen();
    let crm = Server::start();
    let world = World::new();
    let account = Account::default().set("site", &crm.origin()).reach(&crm);
    let acme = world.open(guest::ASKER, account).await;
    let answer = answers_of(&acme, get("me")).await;
    assert_eq!(
        answer[0]["code"],
        json!("not-granted"),
        "the guest gets a code"
    );
    let id = world.reports()[0].id.to_string();
    let told: Vec<_> = brightsync_tests::logs::with(&id)
        .into_iter()
        .filter(|line| line.starts_with("WARN"))
        .map(|line| without_ports(&line.replace(&id, "ID")))
        .collect();
    expect![[r#"WARN brightsync_runtime::broker message=request denied call=ID connection=acme/crm connector=asker layer=tenant code="not-granted" why=refused by the tenant's grant: http://127.0.0.1:PORT is not among the hosts of the grant; this line in the connection's grant would permit it: hosts = ["http://127.0.0.1:PORT"]"#]].assert_eq(&told.join("\n"));
}
