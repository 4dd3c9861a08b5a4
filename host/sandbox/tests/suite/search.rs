//! Look-ups find what was meant, all of it, and nothing else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, expect, id_of, ids_of, refusal};

/// Looks contacts up by one parameter of a search, and returns their names.
async fn names(client: &Client, search: Value) -> Vec<String> {
    let page = expect(
        client
            .request(Method::POST, "/contacts/search")
            .json(&search),
        200,
    )
    .await;
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["full_name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn addresses_are_matched_literally() {
    let client = Client::empty().await;
    for (name, address) in [
        ("quote", "o'brien@example.com"),
        ("double", "a\"b@example.com"),
        ("percent", "100%@example.com"),
        ("under", "a_b@example.com"),
        ("letter", "axb@example.com"),
        ("plus", "ada+news@example.com"),
        ("backslash", "a\\b@example.com"),
        ("idn", "info@bücher.example"),
    ] {
        client.contact(name, address).await;
    }
    for (search, expected) in [
        ("o'brien@example.com", vec!["quote"]),
        ("O'BRIEN@EXAMPLE.COM", vec!["quote"]),
        ("a\"b@example.com", vec!["double"]),
        ("100%@example.com", vec!["percent"]),
        ("%@example.com", vec![]),
        ("a_b@example.com", vec!["under"]),
        ("a\\b@example.com", vec!["backslash"]),
        ("ada@example.com", vec![]),
        ("ada+news@example.com", vec!["plus"]),
        ("info@xn--bcher-kva.example", vec!["idn"]),
        ("' OR '1'='1", vec![]),
        ("'); DROP TABLE record; --", vec![]),
        ("*", vec![]),
        ("\0", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(
            names(&client, json!({"email": search})).await,
            expected,
            "{search}"
        );
        let request = client
            .request(Method::GET, "/contacts")
            .query(&[("email", search)]);
        assert_eq!(
            ids_of(&expect(request, 200).await).len(),
            expected.len(),
            "{search} in the address"
        );
    }
}

#[tokio::test]
async fn many_addresses_are_looked_up_at_once() {
    let client = Client::empty().await;
    let mut addresses = Vec::new();
    for number in 0..150 {
        addresses.push(format!("person{number}@example.com"));
    }
    for address in addresses.iter().take(120) {
        client.contact("Person", address).await;
    }
    let both = json!({"full_name": "Two", "emails": [{"address": "person0@example.com"}, {"address": "person1@example.com"}]});
    client.post("/contacts?duplicates=allow", &both).await;
    let found = names(&client, json!({"email": addresses, "limit": 200})).await;
    assert_eq!(
        found.len(),
        121,
        "every match, and one that matches twice is there once"
    );
    let query: Vec<_> = addresses.iter().take(100).map(|it| ("email", it)).collect();
    let found = expect(
        client
            .request(Method::GET, "/contacts?limit=200")
            .query(&query),
        200,
    )
    .await;
    assert_eq!(ids_of(&found).len(), 101);
    let query: Vec<_> = addresses.iter().take(101).map(|it| ("email", it)).collect();
    let request = client.request(Method::GET, "/contacts").query(&query);
    assert_eq!(refusal(request, 400).await, "too_many_values");
    let many: Vec<_> = (0..1001).map(|it| format!("x{it}@example.com")).collect();
    let request = client
        .request(Method::POST, "/contacts/search")
        .json(&json!({"email": many}));
    assert_eq!(refusal(request, 400).await, "too_many_values");
}

#[tokio::test]
async fn a_domain_is_its_own_host_and_no_other() {
    let client = Client::empty().await;
    for (name, domain) in [
        ("Plain", "example.com"),
        ("Longer", "notexample.com"),
        ("Below", "sub.example.com"),
        ("Above", "example.com.evil.example"),
        ("Foreign", "bücher.example"),
    ] {
        client
            .post("/accounts", &json!({"name": name, "domains": [domain]}))
            .await;
        client.contact(name, &format!("info@{domain}")).await;
    }
    for (domain, expected) in [
        ("example.com", Some("Plain")),
        ("EXAMPLE.com.", Some("Plain")),
        ("sub.example.com", Some("Below")),
        ("notexample.com", Some("Longer")),
        ("xn--bcher-kva.example", Some("Foreign")),
        ("com", None),
        ("%.com", None),
        ("e_ample.com", None),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(
            names(&client, json!({"email_domain": domain})).await,
            expected,
            "{domain}"
        );
        let request = client
            .request(Method::GET, "/accounts")
            .query(&[("domain", domain)]);
        let accounts = expect(request, 200).await;
        let found: Vec<_> = accounts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected, "{domain}");
    }
}

#[tokio::test]
async fn names_are_whole_names_without_case_and_accents() {
    let client = Client::empty().await;
    for name in [
        "José Álvarez",
        "Jose Alvarez-Ruiz",
        "100% O'Neill_Partners \"Ltd\"",
        "山田 太郎",
    ] {
        client.post("/contacts", &json!({"full_name": name})).await;
    }
    let found = |search: Value| names(&client, search);
    assert_eq!(
        found(json!({"name": "jose alvarez"})).await,
        ["José Álvarez"]
    );
    assert_eq!(found(json!({"name": "山田 太郎"})).await, ["山田 太郎"]);
    assert_eq!(found(json!({"name": "山田"})).await, [""; 0]);
    assert_eq!(
        found(json!({"name_contains": "ALVÁREZ"})).await,
        ["José Álvarez", "Jose Alvarez-Ruiz"]
    );
    assert_eq!(
        found(json!({"name_contains": "%"})).await,
        ["100% O'Neill_Partners \"Ltd\""]
    );
    assert_eq!(
        found(json!({"name_contains": "l_p"})).await,
        ["100% O'Neill_Partners \"Ltd\""]
    );
    assert_eq!(found(json!({"name_contains": "é_á"})).await, [""; 0]);
}

#[tokio::test]
async fn owners_are_me_somebody_or_anyone() {
    let client = Client::empty().await;
    let users = client.server.credentials().users.clone();
    for login in &users[..2] {
        let request = client
            .bare(Method::POST, "/contacts")
            .bearer_auth(&login.token);
        expect(request.json(&json!({"full_name": login.email})), 201).await;
    }
    client
        .post("/contacts", &json!({"full_name": "nobody's"}))
        .await;
    let count = async |query: &str| {
        let request = client
            .bare(Method::GET, &format!("/contacts{query}"))
            .bearer_auth(&users[0].token);
        ids_of(&expect(request, 200).await).len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?owner=me").await, 1);
    assert_eq!(count(&format!("?owner={}", users[1].id)).await, 1);
    assert_eq!(count(&format!("?owner={}&owner=me", users[1].id)).await, 2);
    assert_eq!(count("?owner=usr_0").await, 0);
}

#[tokio::test]
async fn users_are_found_by_any_of_their_addresses() {
    let client = Client::empty().await;
    let users = client.get("/users").await;
    for address in users["data"][1]["emails"].as_array().unwrap() {
        let request = client
            .request(Method::GET, "/users")
            .query(&[("email", address.as_str().unwrap().to_uppercase())]);
        assert_eq!(
            ids_of(&expect(request, 200).await),
            [id_of(&users["data"][1])]
        );
    }
}

#[tokio::test]
async fn records_are_read_by_their_ids_in_one_request() {
    let client = Client::empty().await;
    let one = client.contact("One", "one@example.com").await;
    let two = client.contact("Two", "two@example.com").await;
    client.contact("Three", "three@example.com").await;
    let page = client
        .get(&format!("/contacts?id={two}&id={one}&id=con_0"))
        .await;
    assert_eq!(ids_of(&page), [one.clone(), two]);
    let page = client.get(&format!("/contacts?view=ids&id={one}")).await;
    assert_eq!(
        page["data"],
        json!([{"id": one, "version": "1", "modified_at": page["data"][0]["modified_at"]}])
    );
}

#[tokio::test]
async fn opportunities_are_found_by_many_contacts_and_many_accounts() {
    let client = Client::empty().await;
    let ada = client.contact("Ada", "ada@example.com").await;
    let bob = client.contact("Bob", "bob@example.com").await;
    let account = id_of(&client.post("/accounts", &json!({"name": "A"})).await);
    let deal = |name: &str, participants: Value, account: Option<&str>| json!({"name": name, "status": "open", "participants": participants, "account": account});
    let both = json!([{"contact": ada, "role": "Buyer"}, {"contact": bob}]);
    let first = id_of(
        &client
            .post("/opportunities", &deal("1", both, Some(&account)))
            .await,
    );
    let second = id_of(
        &client
            .post(
                "/opportunities",
                &deal("2", json!([{"contact": bob}]), None),
            )
            .await,
    );
    assert_eq!(
        client
            .ids(&format!("/opportunities?contact={ada}&contact={bob}"))
            .await,
        [first.clone(), second.clone()]
    );
    assert_eq!(
        client.ids(&format!("/opportunities?contact={ada}")).await,
        [first.as_str()]
    );
    assert_eq!(
        client
            .ids(&format!("/opportunities?account={account}&account=acc_0"))
            .await,
        [first]
    );
    assert_eq!(
        client
            .ids(&format!("/opportunities?contact={bob}&status=won"))
            .await,
        [""; 0]
    );
}
