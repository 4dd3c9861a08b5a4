//! The examples of the README are true: they are sent in their order, and every answer is compared.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

use crate::client::Client;

/// The ids that the examples call by a name.
type Names = BTreeMap<String, String>;

#[tokio::test]
async fn the_examples_of_the_readme_are_true() {
    let client = Client::empty().await;
    let mut names = Names::new();
    let text = include_str!("../../README.md");
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
    let mut sent = client.request(method, &filled(path, names));
    for line in head {
        let (name, value) = line.split_once(": ").unwrap();
        sent = sent.header(name, value);
    }
    let response = sent.body(filled(body, names)).send().await.unwrap();
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
        (Value::String(text), Value::String(_)) if text == "…" => {}
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
