//! Of a host, a connector makes only those requests that manifest, grant and ceiling all have: by method and by path, after redirects as well.

use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask, manifest};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// What came of requests under a grant for `{}`, which stands for the server.
async fn check(grant: &str, orders: &[Value], announce: impl FnOnce(&Server), expected: Expect) {
    let crm = Server::start();
    announce(&crm);
    let world = World::new();
    let grant = grant.replace("{}", &crm.origin());
    let account = Account::at(&crm).granted(&grant);
    let acme = world.open(guest::ASKER, account).await;
    ask(&acme, orders).await;
    expected.assert_eq(&world.story());
}

fn get(url: &str) -> Value {
    json!({ "url": url })
}

fn post(url: &str) -> Value {
    json!({"method": "POST", "url": url})
}

#[tokio::test]
async fn a_method_or_a_path_that_is_not_granted_is_refused() {
    check(
        "hosts = [{ origin = '{}', methods = ['GET'], paths = ['/api/'] }, { origin = '{}', methods = ['POST'], paths = ['/api/search'] }]",
        &[
            get("api/contacts?q=1"),
            post("api/search"),
            post("api/contacts"),
            get("apix"),
            get("admin"),
            json!({"method": "DELETE", "url": "api/search"}),
        ],
        |crm| {
            crm.once("GET /api/contacts?q=1", Answer::text(200, ""));
            crm.once("POST /api/search", Answer::text(200, ""));
        },
        expect![[r#"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/api/contacts -> 200
              POST http://127.0.0.1:PORT/api/search -> 200
              POST http://127.0.0.1:PORT/api/contacts -> not-granted
              GET http://127.0.0.1:PORT/apix -> not-granted
              GET http://127.0.0.1:PORT/admin -> not-granted
              DELETE http://127.0.0.1:PORT/api/search -> not-granted
        "#]],
    )
    .await;
}

#[tokio::test]
async fn no_spelling_of_a_path_leads_out_of_what_is_granted() {
    check(
        "hosts = [{ origin = '{}', paths = ['/api'] }]",
        &[
            get("api/../admin"),
            get("api/%2e%2e/admin"),
            get("api/..%2fadmin"),
            get("api/%2e%2e%2fadmin"),
            get("api/..;/admin"),
            get("api/%252e%252e/admin"),
            get("api/..%255cadmin"),
            get("api%2fx"),
            get("/api/x"),
            get("//api/x"),
            get("API/x"),
        ],
        |crm| crm.once("GET /api/x", Answer::text(200, "")),
        expect![[r#"
            get-users for acme: answer
              GET  -> path
              GET  -> path
              GET  -> path
              GET  -> path
              GET  -> path
              GET http://127.0.0.1:PORT/api/%252e%252e/admin -> not-granted
              GET http://127.0.0.1:PORT/api/..%255cadmin -> not-granted
              GET http://127.0.0.1:PORT/api%2fx -> not-granted
              GET http://127.0.0.1:PORT/api/x -> 200
              GET  -> address
              GET http://127.0.0.1:PORT/API/x -> not-granted
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_redirect_leads_to_nothing_that_is_not_granted() {
    let to = |location: &str| Answer::text(302, "").with("location", location);
    check(
        "hosts = [{ origin = '{}', methods = ['GET'], paths = ['/api'] }, { origin = '{}', methods = ['POST'], paths = ['/jobs'] }]",
        &[get("api/1"), get("api/2"), post("jobs")],
        |crm| {
            crm.once("GET /api/1", to("/api/there"));
            crm.once("GET /api/there", Answer::text(200, ""));
            crm.once("GET /api/2", to("/admin"));
            // What it leads to is read with GET, which is not granted for it.
            crm.once(
                "POST /jobs",
                Answer::text(303, "").with("location", "/jobs/7"),
            );
        },
        expect![[r#"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/api/1 -> 302
              GET http://127.0.0.1:PORT/api/there -> 200
              GET http://127.0.0.1:PORT/api/2 -> 302
              GET http://127.0.0.1:PORT/admin -> not-granted
              POST http://127.0.0.1:PORT/jobs -> 303
              GET http://127.0.0.1:PORT/jobs/7 -> not-granted
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_manifest_and_an_operator_narrow_as_a_grant_does() {
    let crm = Server::start();
    crm.once("GET /api/x", Answer::text(200, ""));
    let ceiling = "allow = [{ host = '127.0.0.1', paths = ['/api'] }]";
    let world = World::with(|it| it.ceiling(toml::from_str(ceiling).unwrap()));
    let text = manifest("asker").replacen(
        "why = \"the CRM\"",
        "why = \"the CRM\"\nmethods = [\"GET\"]",
        1,
    );
    world.load_with(guest::ASKER, &text).await.unwrap();
    let acme = world.connect("acme", guest::ASKER, Account::at(&crm));
    ask(&acme, &[get("api/x"), post("api/x"), get("admin")]).await;
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/api/x -> 200
          POST http://127.0.0.1:PORT/api/x -> not-in-manifest
          GET http://127.0.0.1:PORT/admin -> not-allowed
    "#]]
    .assert_eq(&world.story());
}
