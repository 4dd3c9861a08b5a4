//! What an object reads, and what it notes where a member does not fit.

use serde_json::{Value, json};

use super::{Body, FromJson, Object};
use crate::time;

#[track_caller]
fn check<T: FromJson + PartialEq + std::fmt::Debug>(value: Value, expected: Result<T, &str>) {
    let record = json!({ "it": value });
    let read = Object::read(&record, |it| Ok(it.need::<T>("it")));
    assert_eq!(
        read.as_ref().map_err(|error| error.message.as_str()),
        expected.as_ref().map_err(|it| *it)
    );
}

#[track_caller]
fn check_note<T>(record: &Value, read: impl Fn(Object<'_>) -> T, expected: &str) {
    let error = Object::read(record, |it| Ok(read(it)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.message, expected);
}

#[test]
fn a_value_is_what_is_due_or_an_error_with_its_place() {
    check(json!("a"), Ok("a".to_owned()));
    check::<String>(json!(1), Err("it: a text was due, and there is a number"));
    check::<String>(json!(null), Err("it: a text was due, and there is none"));
    check(json!(-1), Ok(-1_i64));
    check::<i64>(
        json!(1.5),
        Err("it: a whole number was due, and there is a number"),
    );
    check::<u64>(json!(-1), Err("it: a count was due, and there is a number"));
    check::<u32>(
        json!(4_294_967_296_u64),
        Err("it: a count was due, and there is a number"),
    );
    check(json!([1, null]), Ok(vec![Some(1_i64), None]));
    check::<Vec<bool>>(
        json!([true, "x"]),
        Err("it: 1: true or false was due, and there is a text"),
    );
}

#[test]
fn what_is_missing_is_what_is_null() {
    let record = json!({"a": null});
    let read = Object::read(&record, |it| {
        for name in ["a", "b"] {
            assert_eq!(it.get::<String>(name), None);
            assert_eq!(it.list::<String>(name), [""; 0]);
            assert_eq!(it.items(name), &[] as &[Value]);
            assert_eq!(it.time(name), None);
            assert!(it.object(name, drop).is_none());
            assert!(it.extra(name).is_empty());
        }
        Ok(())
    });
    assert_eq!(read, Ok(()));
}

#[test]
fn an_id_is_a_text_or_a_number() {
    let record = json!({"a": "7", "b": 7, "c": [7], "d": u64::MAX});
    let ids = Object::read(&record, |it| Ok(["a", "b", "d"].map(|name| it.id(name))));
    assert_eq!(ids.unwrap(), ["7", "7", "18446744073709551615"]);
    check_note(
        &record,
        |it| it.id("c"),
        "c: an id was due, and there is a list",
    );
    check_note(
        &record,
        |it| it.id("e"),
        "e: an id was due, and there is none",
    );
}

#[test]
fn the_first_thing_that_does_not_fit_is_named_with_its_place() {
    let record = json!({"a": [{"b": {"c": 1}}, {"b": {"c": "x"}}], "t": "yesterday", "l": "x"});
    check_note(
        &record,
        |it| {
            let read = it.each("a", |it| it.need_object("b", |it| it.need::<i64>("c")));
            (read, it.time("t"))
        },
        "a: 1: b: c: a whole number was due, and there is a text",
    );
    check_note(
        &record,
        |it| it.time("t"),
        "t: \"yesterday\" is not an RFC 3339 time",
    );
    check_note(
        &record,
        |it| it.items("l").len(),
        "l: a list was due, and there is a text",
    );
    check_note(
        &record,
        |it| it.object("l", |it| it.id("id")),
        "l: an object was due, and there is a text",
    );
    check_note(
        &record,
        |it| it.fit("l", time::parse_date("x")),
        "l: \"x\" is not a day as YYYY-MM-DD",
    );
}

#[test]
fn what_is_no_object_is_an_error_whatever_is_made_of_it() {
    for value in [json!(null), json!([]), json!("{}")] {
        assert!(Object::read(&value, |_| Ok(())).is_err(), "{value}");
    }
}

#[test]
fn an_amount_is_a_number_or_a_text_without_an_exponent() {
    let record =
        json!({"a": 1200.5, "b": 1200.0, "c": -7, "d": "1.50", "e": "1E+3", "f": "NaN", "g": null});
    let amounts = Object::read(&record, |it| {
        Ok(["a", "b", "c", "d", "e", "f", "g"].map(|name| it.decimal(name)))
    });
    let amounts = amounts.unwrap();
    let amounts = amounts.each_ref().map(Option::as_deref);
    let expected = ["1200.5", "1200", "-7", "1.50", "1000"].map(Some);
    assert_eq!(
        (&amounts[..5], &amounts[5..]),
        (&expected[..], &[None, None][..])
    );
}

#[test]
fn wanted_fields_are_picked_as_they_are() {
    let record = json!({"vip": true, "tier": null});
    let names = ["vip", "tier", "region"].map(str::to_owned);
    let picked = Object::read(&record, |it| Ok(it.pick(&names))).unwrap();
    let expected = [("vip", "true"), ("tier", "null")];
    assert_eq!(picked, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[test]
fn a_body_is_its_json() {
    let body = Body::new().with("a", 1).with_some("b", None::<bool>);
    assert_eq!(body.to_string(), r#"{"a":1}"#);
    assert_eq!((body.get("a"), body.get("b")), (Some(&json!(1)), None));
}
