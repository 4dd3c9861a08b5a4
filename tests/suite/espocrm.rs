//! The connector to EspoCRM against a strict stand-in, through the whole host: what is written can be found, read and changed, and nothing is asked that EspoCRM does not know.

use std::ops::Deref;

use brightsync_core::crm::error::Reason;
use brightsync_tests::connector;
use brightsync_tests::customer::{self, present};
use brightsync_tests::espocrm::{Entity, EspoCrm, Fault, Options};
use brightsync_tests::logs;
use serde_json::{Map, Value, json};

/// The scenarios of all connectors.
mod scenarios {
    use brightsync_tests::scene::Espo;

    brightsync_tests::scenarios!(Espo::open);
}

/// 2026-01-15 10:00:00, when the site's clock begins.
const TEN: i64 = 1_768_471_200_000;

/// A customer of a site that stands in for EspoCRM.
struct Customer {
    site: EspoCrm,
    inner: customer::Customer,
}

impl Deref for Customer {
    type Target = customer::Customer;

    fn deref(&self) -> &customer::Customer {
        &self.inner
    }
}

impl Customer {
    async fn with_key(options: Options, settings: &[(&str, &str)]) -> Self {
        let site = EspoCrm::start(options).await.unwrap();
        let fields = [("key", site.api_key())];
        Self::connect(site, "api-key", &fields, settings).await
    }

    async fn with_password(options: Options) -> Self {
        let site = EspoCrm::start(options).await.unwrap();
        let (user, password) = site.basic();
        let fields = [("user", user), ("password", password)];
        Self::connect(site, "password", &fields, &[]).await
    }

    async fn with_signature(options: Options) -> Self {
        let site = EspoCrm::start(options).await.unwrap();
        let (key, secret) = site.signing();
        let fields = [("key", key), ("secret", secret)];
        Self::connect(site, "signed-key", &fields, &[]).await
    }

    async fn connect(
        site: EspoCrm,
        recipe: &str,
        fields: &[(&str, String)],
        settings: &[(&str, &str)],
    ) -> Self {
        let fields: Vec<_> = fields.iter().map(|it| (it.0, it.1.as_str())).collect();
        let url = site.url();
        let inner =
            customer::Customer::connect(connector::ESPOCRM, &url, recipe, &fields, settings).await;
        Self { site, inner }
    }

    /// Asserts that nothing was asked that EspoCRM would not understand.
    fn end(self) {
        assert_eq!(self.site.violations(), [""; 0]);
    }
}

fn email(about: &Value) -> Value {
    json!({
        "key": {
            "key": "k1", "message-id": "1@partner.example", "sent-at": TEN, "subject": "Offer <1>",
            "sender": "bob@partner.example", "about": about,
        },
        "direction": "incoming",
        "sender": {"address": "bob@partner.example"},
        "to": [{"address": "ann@acme.example"}],
        "text": "Here it is.",
    })
}

fn meeting(about: &Value, attendees: &Value) -> Value {
    json!({
        "key": {
            "key": "k2", "ical-uid": "u1", "start": {"at": TEN + 3_600_000}, "subject": "Ann <> Bob", "about": about,
        },
        "end": {"at": TEN + 7_200_000}, "status": "confirmed", "location": "Room 1", "text": "Agenda",
        "organiser": {"address": "bob@partner.example"}, "attendees": attendees,
    })
}

#[tokio::test]
async fn the_key_the_password_and_the_signature_come_in_and_the_token_comes_not_out() {
    let token = "canary-of-a-session-that-espocrm-made";
    let needles = logs::Search::begin(&[token.to_owned()]);
    let options = || Options {
        token: token.to_owned(),
        ..Options::default()
    };
    for customer in [
        Customer::with_key(options(), &[]).await,
        Customer::with_password(options()).await,
        Customer::with_signature(options()).await,
    ] {
        let me = customer.ask("get-me", json!({})).await;
        assert_eq!(me["user"]["timezone"], "Europe/Berlin");
        assert_eq!(me["org-id"], customer.site.url());
        assert!(!me.to_string().contains(token));
        let reports = customer.world.reports();
        assert!(!format!("{reports:?}").contains(token));
        // The manifest marks it, so not even the connector has seen it.
        assert!(reports.iter().any(|it| it.redactions == 1));
        customer.end();
    }
    assert_eq!(needles.found(), [""; 0]);
}

#[tokio::test]
async fn a_right_that_the_role_lacks_is_told_and_refused() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    customer.site.deny(Entity::Contact, "delete");
    let me = customer.ask("get-me", json!({})).await;
    assert_eq!(
        me["capabilities"],
        json!([["contacts.delete-contact", "forbidden"]])
    );
    let id = customer
        .site
        .seed(Entity::Contact, &json!({"lastName": "Lee"}));
    let reason = customer.refused("delete-contact", json!({"id": id})).await;
    assert!(matches!(reason, Reason::Forbidden(_)), "{reason:?}");
    customer.end();
}

#[tokio::test]
async fn a_contact_is_created_found_changed_and_deleted() {
    let options = Options {
        custom: vec![(Entity::Contact, "cTier")],
        ..Options::default()
    };
    let customer = Customer::with_key(options, &[]).await;
    let account = json!({"account": {"name": "Acme", "domains": ["acme.example"]}});
    let acme = customer.ask("create-account", account).await["id"].clone();
    let contact = json!({
        "full-name": "Ann Mary Lee", "title": "Buyer", "owner": customer.site.api_user(),
        "emails": [{"value": "Ann@acme.example", "primary": true}, {"value": "ann@home.example"}],
        "phones": [{"value": "+49 30 1", "label": "work"}],
        "accounts": [{"account": acme, "primary": true}], "extra": {"cTier": "gold"},
    });
    let written = customer
        .ask("create-contact", json!({"contact": contact}))
        .await;
    assert_eq!(written["incomplete"], json!([]));
    let id = written["id"].clone();

    let twice = customer
        .refused("create-contact", json!({"contact": contact}))
        .await;
    let existing = id.as_str().unwrap().parse().unwrap();
    assert_eq!(twice, Reason::Duplicate(vec![existing]));

    let by_second = json!({"emails": ["ANN@home.example", "nobody@home.example"]});
    let found = customer.all("get-contacts-by-email", &by_second, 10).await;
    assert_eq!(present(&found[0])["full-name"], "Ann Mary Lee");
    for (function, arguments) in [
        ("get-contacts-by-name", json!({"name": "ann mary lee"})),
        (
            "get-contacts-by-email-domain",
            json!({"domain": "home.example"}),
        ),
        ("get-accounts-by-name", json!({"name": "ACME"})),
        ("get-accounts-by-domain", json!({"domain": "acme.example"})),
    ] {
        assert_eq!(
            customer.all(function, &arguments, 10).await.len(),
            1,
            "{function}"
        );
    }

    let edits = json!([
        ["emails", {"remove": {"value": "ann@HOME.example"}}],
        ["emails", {"add": {"value": "al@acme.example"}}],
        ["title", {"set": "Chief buyer"}],
        ["phones", "clear"],
    ]);
    customer
        .ask(
            "update-contact",
            json!({"id": id, "patch": {"edits": edits}}),
        )
        .await;
    let contact = customer.ask("get-contact", json!({"id": id})).await;
    assert_eq!(contact["title"], "Chief buyer");
    assert_eq!(contact["given-name"], "Ann Mary");
    assert_eq!(contact["phones"], json!([]));
    let emails = contact["emails"].as_array().unwrap();
    let emails: Vec<_> = emails
        .iter()
        .map(|it| it["value"].as_str().unwrap())
        .collect();
    assert_eq!(emails, ["Ann@acme.example", "al@acme.example"]);
    assert_eq!(
        customer
            .site
            .record(Entity::Contact, id.as_str().unwrap())
            .unwrap()["cTier"],
        "gold"
    );

    customer.ask("delete-contact", json!({"id": id})).await;
    let gone = customer.refused("get-contact", json!({"id": id})).await;
    assert_eq!(gone, Reason::NotFound);
    customer.end();
}

#[tokio::test]
async fn every_record_is_read_once_though_others_change_between_the_pages() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    let owner = customer.site.api_user();
    for number in 0..30 {
        let name = format!("Person {number}");
        let person = json!({"lastName": name, "assignedUserId": owner});
        customer.site.seed(Entity::Contact, &person);
        // Ten records a second: times are equal, too.
        customer.site.pass(i64::from(number % 10 == 9));
    }
    customer
        .site
        .seed(Entity::Contact, &json!({"lastName": "Somebody else's"}));
    let since = json!({"updated": {"since": TEN + 1_000}});
    let request = |page: Value| json!({"request": {"owner": "me", "scope": since, "page": page}});

    let first = customer
        .ask("get-my-contacts", request(json!({"size": 7})))
        .await;
    let items = first["items"].as_array().unwrap();
    let read = present(&items[0])["ref"]["id"].as_str().unwrap();
    customer
        .site
        .edit(Entity::Contact, read, &json!({"firstName": "Changed"}));
    let mut names: Vec<Value> = items
        .iter()
        .map(|it| present(it)["family-name"].clone())
        .collect();
    let mut token = first["end"]["next"].clone();
    while !token.is_null() {
        let page = json!({"size": 7, "token": token});
        let next = customer.ask("get-my-contacts", request(page)).await;
        let items = next["items"].as_array().unwrap();
        names.extend(items.iter().map(|it| present(it)["family-name"].clone()));
        token = next["end"]["next"].clone();
    }
    // The twenty of the window, and the changed one once more at its new place.
    let count = names.len();
    let mut unique: Vec<_> = names.iter().map(ToString::to_string).collect();
    unique.sort();
    unique.dedup();
    assert_eq!((count, unique.len()), (21, 20));

    let all = json!({"request": {"owner": "anyone", "scope": "all", "detail": "ids"}});
    assert_eq!(customer.all("get-my-contacts", &all, 11).await.len(), 31);
    customer.end();
}

#[tokio::test]
async fn an_email_is_logged_and_found_whether_or_not_its_message_id_is_kept() {
    let field = [("key-field", "cBrightsyncKey")];
    let options = || Options {
        import_access: true,
        custom: vec![(Entity::Email, "cBrightsyncKey")],
        ..Options::default()
    };
    for customer in [
        Customer::with_key(options(), &[]).await,
        Customer::with_key(options(), &field).await,
        Customer::with_password(options()).await,
    ] {
        let acme = customer
            .site
            .seed(Entity::Account, &json!({"name": "Acme"}));
        let about = json!([{"kind": "account", "id": acme}]);
        let new = email(&about);
        let key = json!({"key": new["key"]});
        assert_eq!(customer.ask("find-email", key.clone()).await, json!([]));
        let written = customer.ask("create-email", json!({"email": new})).await;
        assert_eq!(written["incomplete"], json!([]));
        assert_eq!(
            customer.ask("find-email", key.clone()).await,
            json!([written["id"]])
        );

        let edits = json!([["to", {"add": {"address": "eve@acme.example"}}], ["about", "clear"]]);
        let arguments = json!({"id": written["id"], "patch": {"edits": edits}});
        customer.ask("update-email", arguments).await;
        let id = written["id"].as_str().unwrap();
        let record = customer.site.record(Entity::Email, id).unwrap();
        assert_eq!(record["to"], "ann@acme.example;eve@acme.example");
        assert_eq!(
            (&record["parentId"], &record["status"]),
            (&Value::Null, &json!("Archived"))
        );

        customer.ask("delete-email", json!({"id": id})).await;
        assert_eq!(customer.ask("find-email", key).await, json!([]));
        customer.end();
    }
}

#[tokio::test]
async fn an_api_user_without_import_may_not_log_the_mail_of_others() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    let refused = customer
        .refused("create-email", json!({"email": email(&json!([]))}))
        .await;
    assert!(matches!(refused, Reason::Forbidden(_)), "{refused:?}");
    assert_eq!(customer.site.records(Entity::Email).len(), 0);
    customer.end();
}

#[tokio::test]
async fn a_lost_answer_leaves_one_email_that_can_be_found() {
    let options = Options {
        import_access: true,
        ..Options::default()
    };
    for fault in [Fault::CloseAfterCommit, Fault::StatusAfterCommit(502)] {
        let customer = Customer::with_key(options.clone(), &[]).await;
        customer.site.fail("POST", fault);
        let new = email(&json!([]));
        let reason = customer
            .refused("create-email", json!({"email": new}))
            .await;
        assert_eq!(reason, Reason::InDoubt(Vec::new()));
        let found = customer.ask("find-email", json!({"key": new["key"]})).await;
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(customer.site.records(Entity::Email).len(), 1);
        customer.end();
    }
}

#[tokio::test]
async fn a_meeting_is_logged_found_and_changed() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    let people = ["Ann", "Eve"].map(|it| {
        customer
            .site
            .seed(Entity::Contact, &json!({"lastName": it}))
    });
    let [ann, eve] = people.map(|id| json!({"party": {"link": {"kind": "contact", "id": id}}}));
    let new = meeting(&json!([ann["party"]["link"]]), &json!([ann]));
    let written = customer
        .ask("create-meeting", json!({"meeting": new}))
        .await;
    let named = written["incomplete"].as_array().unwrap();
    assert_eq!((named.len(), &named[0]["field"]), (1, &json!("subject")));
    let key = json!({"key": new["key"]});
    assert_eq!(
        customer.ask("find-meeting", key.clone()).await,
        json!([written["id"]])
    );

    let edits = json!([
        ["attendees", {"add": eve}], ["attendees", {"remove": ann}], ["status", {"set": "cancelled"}],
    ]);
    let id = written["id"].as_str().unwrap();
    customer
        .ask(
            "update-meeting",
            json!({"id": id, "patch": {"edits": edits}}),
        )
        .await;
    let record = customer.site.record(Entity::Meeting, id).unwrap();
    assert_eq!(record["contactsIds"], json!([eve["party"]["link"]["id"]]));
    assert_eq!(record["usersIds"], json!([customer.site.api_user()]));
    assert_eq!(
        (&record["status"], &record["description"]),
        (&json!("Not Held"), &json!("Location: Room 1\n\nAgenda"))
    );

    customer.ask("delete-meeting", json!({"id": id})).await;
    assert_eq!(customer.ask("find-meeting", key).await, json!([]));
    customer.end();
}

#[tokio::test]
async fn opportunities_come_through_contacts_and_through_accounts() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    let acme = customer
        .site
        .seed(Entity::Account, &json!({"name": "Acme"}));
    let ann = customer
        .site
        .seed(Entity::Contact, &json!({"lastName": "Ann"}));
    let roles = Map::from_iter([(ann.clone(), json!({"role": "Evaluator"}))]);
    customer.site.seed(
        Entity::Opportunity,
        &json!({
            "name": "Deal", "accountId": acme, "contactsIds": [ann], "contactsColumns": roles,
            "stage": "Closed Won", "amount": 1200.5, "amountCurrency": "EUR", "closeDate": "2026-05-01",
        }),
    );
    for (function, arguments) in [
        (
            "get-opportunities-for-contacts",
            json!({"contacts": ["none", ann]}),
        ),
        (
            "get-opportunities-for-accounts",
            json!({"accounts": [acme]}),
        ),
    ] {
        let found = customer.all(function, &arguments, 50).await;
        assert_eq!(found.len(), 1, "{function}");
        assert_eq!(found[0]["status"], "won");
        assert_eq!(
            found[0]["amount"],
            json!({"amount": "1200.5", "currency": "EUR"})
        );
        assert_eq!(found[0]["participants"][0]["role"], "Evaluator");
    }
    customer.end();
}

#[tokio::test]
async fn a_key_that_was_taken_back_asks_for_a_new_one() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    customer.site.lock_out(true);
    let reason = customer.refused("get-me", json!({})).await;
    assert_eq!(reason, Reason::Unauthorized);
    assert!(customer.site.requests().len() <= 2);
    customer.end();
}

#[tokio::test]
async fn a_stale_version_of_an_account_is_told_apart() {
    let customer = Customer::with_key(Options::default(), &[]).await;
    let id = customer
        .site
        .seed(Entity::Account, &json!({"name": "Acme"}));
    let account = customer.ask("get-account", json!({"id": id})).await;
    customer
        .site
        .edit(Entity::Account, &id, &json!({"name": "Acme Ltd"}));
    let patch = json!({"edits": [["name", {"set": "Mine"}]], "if-version": account["version"]});
    let reason = customer
        .refused("update-account", json!({"id": id, "patch": patch}))
        .await;
    assert_eq!(reason, Reason::Stale);
    customer.end();
}
