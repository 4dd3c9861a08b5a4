//! The stand-in behaves as the server was seen to, and speaks up about everything else.

mod writing;

use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Entity, EspoCrm, Fault, Options};

/// One answer: status, `X-Status-Reason`, body.
type Answer = (u16, Option<String>, Value);

/// Returns a client; the workspace's TLS has no provider of its own, and this one needs none but asks for it.
fn http() -> reqwest::Client {
    // An error says only that another test has installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

struct Client<'a> {
    site: &'a EspoCrm,
    basic: bool,
    headers: Vec<(&'static str, &'static str)>,
}

impl Client<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Answer> {
        let url = format!("{}/api/v1/{path}", self.site.url());
        let mut request = http()
            .request(method, url)
            .header("Accept", "application/json");
        request = if self.basic {
            let (name, password) = self.site.basic();
            request.basic_auth(name, Some(password))
        } else {
            request.header("X-Api-Key", self.site.api_key())
        };
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let reason = response.headers().get("x-status-reason");
        let reason = reason.map(|it| it.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        Some((status, reason, body))
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(&body)).await.unwrap()
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(&body)).await.unwrap()
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await.unwrap()
    }

    /// Lists an entity and returns one attribute of each row.
    async fn list(&self, entity: &str, pairs: &[(&str, &str)], attribute: &str) -> Vec<String> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let (status, reason, body) = self.get(&format!("{entity}?{query}")).await;
        assert_eq!(status, 200, "{reason:?}");
        let rows = body["list"].as_array().unwrap();
        let texts = rows.iter().map(|it| it[attribute].as_str().unwrap_or("-"));
        texts.map(str::to_owned).collect()
    }
}

async fn start() -> EspoCrm {
    EspoCrm::start(Options::default()).await.unwrap()
}

fn with_key(site: &EspoCrm) -> Client<'_> {
    Client {
        site,
        basic: false,
        headers: Vec::new(),
    }
}

fn with_password(site: &EspoCrm) -> Client<'_> {
    Client {
        site,
        basic: true,
        headers: Vec::new(),
    }
}

fn seed_people(site: &EspoCrm) -> (String, String) {
    let acme = site.seed(
        Entity::Account,
        &json!({"name": "Acme", "website": "acme.example"}),
    );
    let ann = site.seed(
        Entity::Contact,
        &json!({
            "firstName": "Ann", "lastName": "Archer", "accountId": acme, "title": "Buyer",
            "emailAddressData": [
                {"emailAddress": "Ann@acme.example", "primary": true},
                {"emailAddress": "ann@home.example", "optOut": true},
            ],
        }),
    );
    site.pass(60);
    site.seed(
        Entity::Contact,
        &json!({"firstName": "Bo", "lastName": "Baker", "emailAddress": "bo@notacme.example"}),
    );
    (acme, ann)
}

#[tokio::test]
async fn whoever_has_the_key_or_the_password_comes_in_and_gets_the_token() {
    let site = start().await;
    let (status, _, body) = with_key(&site).get("App/user").await;
    assert_eq!((status, &body["user"]["type"]), (200, &json!("api")));
    assert_eq!(body["token"], "canary-app-user-token");
    let (_, _, body) = with_password(&site).get("App/user").await;
    assert_eq!(body["user"]["type"], "admin");
    assert_eq!(site.violations(), [""; 0]);
}

#[tokio::test]
async fn a_locked_out_client_learns_nothing_but_401() {
    let site = start().await;
    site.lock_out(true);
    let answer = with_key(&site).get("App/user").await;
    assert_eq!(answer, (401, None, Value::Null));
}

#[tokio::test]
async fn a_row_has_less_than_a_record() {
    let site = start().await;
    let (_, ann) = seed_people(&site);
    let client = with_key(&site);
    let (_, _, record) = client.get(&format!("Contact/{ann}")).await;
    assert_eq!(
        record["emailAddressData"][1]["emailAddress"],
        "ann@home.example"
    );
    assert_eq!(record["title"], "Buyer");
    assert_eq!(record["modifiedAt"], "2026-01-15 10:00:00");
    let (_, _, body) = client.get("Contact?maxSize=1&orderBy=id").await;
    let row = &body["list"][0];
    assert_eq!(body["total"], 2);
    for missing in ["modifiedAt", "emailAddressData", "accountsIds"] {
        assert!(row.get(missing).is_none(), "{missing}");
    }
    let (_, _, body) = client.get("Contact?select=id,modifiedAt&orderBy=id").await;
    assert_eq!(
        body["list"][0]["modifiedAt"].as_str().map(str::len),
        Some(19)
    );
    assert!(body["list"][0].get("name").is_none());
    assert_eq!(site.violations(), [""; 0]);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let site = start().await;
    let (acme, ann) = seed_people(&site);
    let deal = json!({"name": "Deal", "accountId": acme, "contactsIds": [ann]});
    site.seed(Entity::Opportunity, &deal);
    let client = with_key(&site);
    let one = |kind: &'static str, attribute: &'static str, value: &'static str| {
        vec![
            ("where[0][type]", kind),
            ("where[0][attribute]", attribute),
            ("where[0][value]", value),
        ]
    };
    let cases = [
        (one("equals", "emailAddress", "ANN@HOME.example"), "Archer"),
        (one("like", "emailAddress", "%@acme.example"), "Archer"),
        (one("contains", "name", "bak"), "Baker"),
        (one("startsWith", "firstName", "b"), "Baker"),
        (one("after", "modifiedAt", "2026-01-15 10:00:00"), "Baker"),
        (one("before", "modifiedAt", "2026-01-15 10:01:00"), "Archer"),
        (one("isNull", "accountId", ""), "Baker"),
    ];
    for (pairs, expected) in cases {
        assert_eq!(
            client.list("Contact", &pairs, "lastName").await,
            [expected],
            "{pairs:?}"
        );
    }
    let both = [
        ("whereGroup[0][type]", "or"),
        ("whereGroup[0][value][0][type]", "in"),
        ("whereGroup[0][value][0][attribute]", "emailAddress"),
        ("whereGroup[0][value][0][value][]", "ann@home.example"),
        ("whereGroup[0][value][1][type]", "equals"),
        ("whereGroup[0][value][1][attribute]", "lastName"),
        ("whereGroup[0][value][1][value]", "Baker"),
        ("orderBy", "lastName"),
        ("order", "desc"),
    ];
    assert_eq!(
        client.list("Contact", &both, "lastName").await,
        ["Baker", "Archer"]
    );
    let since = one("greaterThanOrEquals", "modifiedAt", "2026-01-15 10:00:00");
    assert_eq!(client.list("Contact", &since, "id").await.len(), 2);
    let search = json!({
        "where": [{"type": "linkedWith", "attribute": "contacts", "value": [ann]}],
        "select": ["name"], "maxSize": 5,
    });
    let search = search.to_string();
    let pairs = [("searchParams", search.as_str())];
    assert_eq!(client.list("Opportunity", &pairs, "name").await, ["Deal"]);
    assert_eq!(
        client
            .list(&format!("Contact/{ann}/opportunities"), &[], "name")
            .await,
        ["Deal"]
    );
    assert_eq!(site.violations(), [""; 0]);
}

#[tokio::test]
async fn lists_refuse_what_the_server_refuses() {
    let site = start().await;
    let client = with_key(&site);
    let cases = [
        ("Contact?maxSize=201", 403),
        ("Contact?orderBy=nothing", 400),
        (
            "Contact?where[0][type]=equals&where[0][attribute]=x&where[0][value]=1",
            400,
        ),
        (
            "Contact?where[0][type]=sounds&where[0][attribute]=name&where[0][value]=1",
            400,
        ),
        (
            "Contact?where[0][type]=after&where[0][attribute]=modifiedAt&where[0][value]=2026",
            400,
        ),
        ("Contact?order=up", 400),
        ("Contact/none", 404),
        ("Lead", 404),
    ];
    for (path, expected) in cases {
        let (status, reason, body) = client.get(path).await;
        assert_eq!((status, body), (expected, Value::Null), "{path}");
        assert!(reason.is_some(), "{path}");
    }
    assert_eq!(site.violations().len(), 7);
}

#[tokio::test]
async fn what_it_does_not_know_is_a_violation() {
    let site = start().await;
    let client = with_key(&site);
    client.get("Contact?colour=red").await;
    client.get("Contact?select=colour").await;
    client
        .post("Account", json!({"name": "A", "colour": "red"}))
        .await;
    client
        .post(
            "Account",
            json!({"name": "B", "createdAt": "2020-01-01 00:00:00"}),
        )
        .await;
    let url = format!("{}/api/v1/App/user", site.url());
    let plain = http().get(url).header("X-Api-Key", site.api_key());
    assert_eq!(plain.send().await.unwrap().status(), 200);
    assert_eq!(
        site.violations(),
        [
            "unknown parameter colour=\"red\"",
            "select of unknown Contact.colour",
            "body with unknown Account.colour",
            "body with Account.createdAt, which is not to be written",
            "GET without Accept: application/json",
        ]
    );
}

#[tokio::test]
async fn totals_are_counted_unless_asked_not_to() {
    let site = start().await;
    seed_people(&site);
    let mut client = with_key(&site);
    assert_eq!(client.get("Contact?maxSize=1").await.2["total"], 2);
    client.headers.push(("X-No-Total", "true"));
    assert_eq!(client.get("Contact?maxSize=1").await.2["total"], -1);
    assert_eq!(
        client.get("Contact?maxSize=1&offset=1").await.2["total"],
        -2
    );
}

#[tokio::test]
async fn a_fault_strikes_once_and_before_or_after_the_commit() {
    let site = start().await;
    let client = with_key(&site);
    let cases = [
        (Fault::Status(503), Some(503), 0),
        (Fault::StatusAfterCommit(502), Some(502), 1),
        (Fault::CloseAfterCommit, None, 2),
    ];
    for (number, (fault, status, count)) in cases.into_iter().enumerate() {
        site.fail("POST", fault);
        let new = json!({"name": format!("Company {number}")});
        let answer = client.send(Method::POST, "Account", Some(&new)).await;
        assert_eq!(answer.map(|it| it.0), status);
        assert_eq!(site.records(Entity::Account).len(), count);
    }
    assert_eq!(client.post("Account", json!({"name": "Last"})).await.0, 200);
    let seen = site.requests();
    let lines = seen.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "POST Account -> 503",
            "POST Account -> 502",
            "POST Account -> closed",
            "POST Account -> 200",
        ]
    );
}

#[tokio::test]
async fn a_missing_right_is_a_403_and_shows_in_the_acl() {
    let site = start().await;
    site.deny(Entity::Meeting, "create");
    let client = with_key(&site);
    let (_, _, body) = client.get("App/user").await;
    assert_eq!(body["acl"]["table"]["Meeting"]["create"], "no");
    let (status, reason, _) = client.post("Meeting", json!({"name": "M"})).await;
    assert_eq!(
        (status, reason.as_deref()),
        (403, Some("No create access."))
    );
}
