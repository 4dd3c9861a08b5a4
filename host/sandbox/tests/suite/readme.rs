//! The examples of the READMEs are true: they are sent in their order, and every answer is compared.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

use crate::client::Client;

/// The ids that the examples call by a name.
type Names = BTreeMap<String, String>;

#[tokio::test]
async fn the_examples_of_the_readmes_are_true() {
    let client = Client::empty().await;
    let login = &client.server.credentials().users[0];
    let known = [("login", &login.email), ("password", &login.password)];
    let mut names: Names = known.map(|it| (it.0.to_owned(), it.1.clone())).into();
    let text = concat!(
        include_str!("../../README.md"),
        include_str!("../../src/oauth/README.md")
    );
    let examples: Vec<&str> = text
        .split("```http\n")
        .skip(1)
        .map(|it| it.split("```").next().unwrap())
        .collect();
    assert!(20 < examples.len());
    for example in examples {
        run(&client, example, &mut names).await;
    }
}

async fn run(client: &Client, example: &str, names: &mut Names) {
    let (request, answer) = example.split_once("HTTP/1.1 ").unwrap();
    let (head, body) = request.split_once("\n\n").unwrap();
    let mut head = head.lines();
    let (method, path) = head.next().unwrap().split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let path = filled(path, names);
    let headers: Vec<_> = head.map(|it| it.split_once(": ").unwrap()).collect();
    let mut sent = if headers.iter().any(|it| it.0 == "Authorization") {
        client.bare(method, &path)
    } else {
        client.request(method, &path)
    };
    for (name, value) in headers {
        sent = sent.header(name, filled(value, names));
    }
    let body = filled(body.trim_end(), names);
    let response = sent.body(body).send().await.unwrap();
    let (status, expected) = answer.split_once('\n').unwrap();
    let reason = response.status().canonical_reason().unwrap();
    assert_eq!(
        format!("{} {reason}", response.status().as_u16()),
        status,
        "{example}"
    );
    let text = response.text().await.unwrap();
    if expected.trim().is_empty() {
        assert_eq!(text, "", "{example}");
        return;
    }
    let expected = serde_json::from_str(expected).unwrap();
    compare(
        &expected,
        &serde_json::from_str(&text).unwrap(),
        names,
        example,
    );
}

/// Puts the ids in the place of their names.
fn filled(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("{{{name}}}"), id)
    })
}

/// Compares an answer with the one of the README; a name that is new is learnt.
fn compare(expected: &Value, got: &Value, names: &mut Names, example: &str) {
    match (expected, got) {
        (Value::String(text), Value::String(_) | Value::Number(_)) if text == "…" => {}
        (Value::String(text), Value::String(id)) if text.starts_with('{') => {
            let name = text.trim_matches(['{', '}']);
            let known = names.entry(name.to_owned()).or_insert_with(|| id.clone());
            assert_eq!(known, id, "{name} in {example}");
        }
        (Value::Array(expected), Value::Array(values)) => {
            assert_eq!(expected.len(), values.len(), "{got} in {example}");
            for (expected, value) in expected.iter().zip(values) {
                compare(expected, value, names, example);
            }
        }
        (Value::Object(expected), Value::Object(members)) => {
            let all = |it: &serde_json::Map<String, Value>| {
                let mut names: Vec<_> = it.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(all(expected), all(members), "in {example}");
            for (name, value) in expected {
                compare(value, &members[name], names, example);
            }
        }
        _ => assert_eq!(expected, got, "in {example}"),
    }
}
