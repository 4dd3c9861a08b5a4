//! Records are created, found by everything that they may be found by, changed and cleared.

use brightsync_core::crm::error::Reason;
use brightsync_runtime::JsonCallError;
use serde_json::{Value, json};

use super::reads::overlap;
use super::{Story, asking, crowd, label, labels, person, reason};
use crate::scene::Scene;

/// A company and a person in it are created over the connection, and found in every way.
pub async fn create_and_find(scene: &dyn Scene) {
    let mut story = Story::of(scene);
    // Not every CRM gives what is created to who creates it.
    let me = scene.me().await;
    let account = json!({"account": {
        "name": "Umbrella O'Neill", "domains": ["umbrella.example"], "owner": me,
    }});
    let account = story.tell("create-account", account).await["id"].clone();
    let contact = json!({"contact": {
        "given-name": "Zoë", "family-name": "d'Arc",
        "emails": [{"value": "zoe@umbrella.example", "primary": true}],
        "phones": [{"value": "+49 30 1234", "primary": true}],
        "accounts": [{"account": account, "primary": true}], "title": "Buyer", "owner": me,
    }});
    let contact = story.tell("create-contact", contact).await["id"].clone();
    scene.pass(overlap(scene));
    story.tell("get-account", json!({"id": account})).await;
    story.tell("get-accounts", json!({"ids": [account]})).await;
    let by_name = json!({"name": "UMBRELLA o'neill"});
    story.tell("get-accounts-by-name", by_name).await;
    story
        .tell(
            "get-accounts-by-domain",
            json!({"domain": "umbrella.example"}),
        )
        .await;
    story
        .tell("get-my-accounts", json!({"request": {"owner": "me"}}))
        .await;
    let read = story.tell("get-contact", json!({"id": contact})).await;
    story.line(format!(
        "its address is {}, its account the one: {}, and it has a page: {}",
        read.pointer("/emails/0/value").unwrap_or(&Value::Null),
        read.pointer("/accounts/0/account") == Some(&account),
        read.get("url").is_some_and(Value::is_string),
    ));
    story.tell("get-contacts", json!({"ids": [contact]})).await;
    story
        .tell("get-contacts-by-name", json!({"name": "zoë D'ARC"}))
        .await;
    let address = json!({"emails": ["ZOE@umbrella.example", "nobody@umbrella.example"]});
    story.tell("get-contacts-by-email", address).await;
    let domain = json!({"domain": "umbrella.example"});
    story.tell("get-contacts-by-email-domain", domain).await;
    story
        .tell("get-my-contacts", json!({"request": {"owner": "me"}}))
        .await;
    story
        .tell("get-contacts-by-name", json!({"name": "Zoë Nobody"}))
        .await;
    story.is(r#"
        create-account: written
        create-contact: written
        get-account: Umbrella O'Neill
        get-accounts: [Umbrella O'Neill]
        get-accounts-by-name: [Umbrella O'Neill]
        get-accounts-by-domain: [Umbrella O'Neill]
        get-my-accounts: [Umbrella O'Neill]
        get-contact: Zoë d'Arc
        its address is "zoe@umbrella.example", its account the one: true, and it has a page: true
        get-contacts: [Zoë d'Arc]
        get-contacts-by-name: [Zoë d'Arc]
        get-contacts-by-email: [Zoë d'Arc]
        get-contacts-by-email-domain: [Zoë d'Arc]
        get-my-contacts: [Zoë d'Arc]
        get-contacts-by-name: []
    "#);
}

/// One field is changed, another one emptied, and everything else stays.
pub async fn update_and_clear(scene: &dyn Scene) {
    let mut story = Story::of(scene);
    let account = json!({"account": {"name": "First Name", "domains": ["first.example"]}});
    let account = story.tell("create-account", account).await["id"].clone();
    let contact = json!({"contact": {
        "given-name": "Ann", "family-name": "Lee",
        "emails": [{"value": "ann@first.example", "primary": true}],
        "phones": [{"value": "+49 30 1", "primary": true}],
        "accounts": [{"account": account, "primary": true}],
    }});
    let contact = story.tell("create-contact", contact).await["id"].clone();
    let patch = |edits: Value| json!({"id": contact, "patch": {"edits": edits}});
    scene.pass(1_000);
    let renamed = json!({"id": account, "patch": {"edits": [["name", {"set": "Second Name"}]]}});
    story.tell("update-account", renamed).await;
    story.tell("get-account", json!({"id": account})).await;
    let married = patch(json!([["full-name", {"set": "Ann O'Hara"}]]));
    story.tell("update-contact", married).await;
    let read = story.tell("get-contact", json!({"id": contact})).await;
    story.line(kept(&read));
    story
        .tell("update-contact", patch(json!([["phones", "clear"]])))
        .await;
    let read = story.tell("get-contact", json!({"id": contact})).await;
    story.line(kept(&read));
    let nobody = json!({"id": NOBODY, "patch": {"edits": [["family-name", {"set": "Ghost"}]]}});
    story.tell("update-contact", nobody).await;
    story.is(r#"
        create-account: written
        create-contact: written
        update-account: written
        get-account: Second Name
        update-contact: written
        get-contact: Ann O'Hara
        address "ann@first.example", 1 phones, 1 accounts
        update-contact: written
        get-contact: Ann O'Hara
        address "ann@first.example", 0 phones, 1 accounts
        update-contact: refused, NotFound
    "#);
}

/// An id that no CRM has, and that some cannot even have.
const NOBODY: &str = "99999999";

fn kept(contact: &Value) -> String {
    let address = contact.pointer("/emails/0/value").unwrap_or(&Value::Null);
    let count = |name: &str| {
        let list = contact.get(name).and_then(Value::as_array);
        list.map_or(0, Vec::len)
    };
    format!(
        "address {address}, {} phones, {} accounts",
        count("phones"),
        count("accounts")
    )
}

/// A thousand addresses at once: everybody who is there is found, in any case, and nobody else.
pub async fn look_ups(scene: &dyn Scene) {
    let people = scene.add_people(crowd(950)).await;
    scene.pass(overlap(scene));
    let addresses: Vec<String> = (50..1_050)
        .map(|n| match n % 2 {
            0 => format!("{n}@crowd.example"),
            _ => format!("{n}@CROWD.example"),
        })
        .collect();
    let customer = scene.customer();
    let found = customer
        .all("get-contacts-by-email", &asking("emails", addresses), 200)
        .await;
    let mut names: Vec<String> = found.iter().map(label).collect();
    names.sort();
    let expected = (50..950).map(|n| format!("Anybody Of {n:05}"));
    assert_eq!(names, expected.collect::<Vec<_>>());
    let some = people.get(..900).unwrap_or_default().to_vec();
    let some = customer.ask("get-contacts", asking("ids", some)).await;
    assert_eq!(some["items"].as_array().map(Vec::len), Some(900));
    let none = customer
        .ask("get-contacts-by-email", json!({"emails": []}))
        .await;
    assert_eq!(none["items"], json!([]));
}

/// Family names that mean something in one query language or another.
const NAMES: [&str; 11] = [
    "O'Brien",
    r"back\slash",
    "per%cent",
    "under_score",
    r#"quo"te"#,
    "semi;colon) OR 1 --",
    "ünïcode 漢字",
    "and or not null",
    "star*fish",
    "[bracket] {brace}",
    "a&b#c?d/e+f",
];

/// Texts that would find everybody if they were put into a query as they are, or end it too soon.
const TRAPS: [&str; 12] = [
    "'",
    "\"",
    "\\",
    "%",
    "_",
    "*",
    "' OR '1'='1",
    "\\' OR Name LIKE '%",
    "') or startswith(lastname,'",
    "x\ny",
    "\u{0}\u{7f}",
    "\u{202e}",
];

/// Whatever stands in a name, an address or a domain is looked for, and never read as a part of the query.
pub async fn injection(scene: &dyn Scene) {
    let people = NAMES.iter().enumerate();
    let people = people.map(|(n, it)| person("Mallory", it, &format!("m{n}@trap.example")));
    scene.add_people(people.collect()).await;
    let addresses = [
        "o'brien@quote.example",
        "a%b_c@quote.example",
        "x+y@quote.example",
    ];
    let people = addresses.iter().enumerate();
    let people = people.map(|(n, it)| person("Quentin", &format!("Quote {n}"), it));
    scene.add_people(people.collect()).await;
    scene.pass(overlap(scene));

    let customer = scene.customer();
    for name in NAMES {
        let whole = format!("Mallory {name}");
        let found = customer
            .ask("get-contacts-by-name", json!({"name": whole}))
            .await;
        let names = labels(&found);
        assert_eq!(names, [whole], "{}", customer.world.story());
    }
    for (n, address) in addresses.iter().enumerate() {
        let found = customer
            .ask("get-contacts-by-email", json!({"emails": [address]}))
            .await;
        let names = labels(&found);
        assert_eq!(names, [format!("Quentin Quote {n}")], "{address}");
    }
    let million = "x'%\\\"".repeat(200_000);
    for trap in TRAPS.into_iter().chain([million.as_str()]) {
        for (function, arguments) in [
            ("get-contacts-by-name", json!({"name": trap})),
            ("get-accounts-by-name", json!({"name": trap})),
            ("get-contacts-by-email", json!({"emails": [trap]})),
            ("get-users-by-email", json!({"emails": [trap]})),
            (
                "get-contacts",
                json!({"ids": [trap.get(..500).unwrap_or(trap)]}),
            ),
        ] {
            let before = customer.world.reports().len();
            let answer = customer.call(function, arguments).await;
            let begin = trap.get(..30).unwrap_or(trap);
            match answer {
                Ok(answer) => assert_eq!(answer["items"], json!([]), "{function} {begin:?}"),
                // The host itself refuses what can be no address and no id.
                Err(error) => assert!(
                    matches!(
                        reason(&error),
                        Some(Reason::Invalid(_) | Reason::Unsupported) | None
                    ) && !broken(&error),
                    "{function} {begin:?}: {error:?}"
                ),
            }
            let reports = customer.world.reports();
            let wrong: u32 = reports.iter().skip(before).map(|it| it.mismatches).sum();
            assert!(
                wrong <= 3,
                "{function} {begin:?} found {wrong} that it did not mean"
            );
        }
    }
}

/// Whether a call came to an end that no input may lead to.
fn broken(error: &JsonCallError) -> bool {
    match error {
        JsonCallError::Call(error) => {
            let end = error.end.to_string();
            [
                "trap",
                "limit of",
                "the connector failed",
                "the host failed",
            ]
            .iter()
            .any(|it| end.contains(it))
        }
        JsonCallError::Argument { .. } => false,
    }
}
