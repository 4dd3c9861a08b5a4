//! The JSON form of the contract's records, as far as patches carry them.
//!
//! Objects have kebab-case names, none is `null` or absent, a case without payload is a text, one with payload is `{"case": payload}`, bytes are base64, and `extra` is an object.

use serde_json::Value;

use crate::json::{FromJson, Notes};
use crate::{Affiliation, Attendee, ContactPoint, Direction, Moment, Money, Party, Ref};

impl FromJson for ContactPoint {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            value: it.need("value"),
            primary: it.get("primary").unwrap_or_default(),
            label: it.get("label"),
        }
    }
}

impl FromJson for Affiliation {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            account: it.need("account"),
            primary: it.get("primary").unwrap_or_default(),
            role: it.get("role"),
        }
    }
}

impl FromJson for Ref {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            kind: it.need("kind"),
            id: it.need("id"),
        }
    }
}

impl FromJson for Party {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            address: it.get("address"),
            name: it.get("name"),
            link: it.get("link"),
            extra: it.extra("extra"),
        }
    }
}

impl FromJson for Attendee {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            party: it.need("party"),
            response: it.get("response"),
            role: it.get("role"),
        }
    }
}

impl FromJson for Money {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            amount: it.need("amount"),
            currency: it.get("currency"),
        }
    }
}

impl FromJson for Moment {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        match it.get("at") {
            Some(time) => Self::At(time),
            None => Self::On(it.need("on")),
        }
    }
}

impl FromJson for Direction {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        match value.as_str() {
            Some("incoming") => Self::Incoming,
            Some("outgoing") => Self::Outgoing,
            _ => {
                notes.unfit("`incoming` or `outgoing`", value);
                Self::Incoming
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::json::{FromJson, Notes};
    use crate::{Attendee, ContactPoint, Direction, Moment, Money, Party, Ref};

    fn typed<T: FromJson>(value: &Value) -> Option<T> {
        let notes = Notes::default();
        let read = T::from_json(value, &notes);
        notes.end().is_none().then_some(read)
    }

    #[track_caller]
    fn check<T: FromJson + PartialEq + std::fmt::Debug>(json: Value, value: T) {
        assert_eq!(typed::<T>(&json).unwrap(), value);
    }

    #[test]
    fn records_have_the_form_of_the_contract() {
        check(
            json!({"value": "a@b.example", "primary": true}),
            ContactPoint::primary("a@b.example"),
        );
        check(json!({"at": 5}), Moment::At(5));
        check(
            json!({"on": "2026-01-31"}),
            Moment::On("2026-01-31".to_owned()),
        );
        check(json!("incoming"), Direction::Incoming);
        check(
            json!({"amount": "-1.50", "currency": null}),
            Money {
                amount: "-1.50".to_owned(),
                currency: None,
            },
        );
        let party = Party {
            link: Some(Ref::contact("7")),
            extra: vec![("x".to_owned(), "[1]".to_owned())],
            ..Party::new("a@b.example")
        };
        check(
            json!({
                "party": {
                    "address": "a@b.example", "link": {"kind": "contact", "id": "7"}, "extra": {"x": [1]}
                },
                "role": "chair",
            }),
            Attendee {
                party,
                response: None,
                role: Some("chair".to_owned()),
            },
        );
    }

    #[test]
    fn null_is_none_and_an_absent_mark_is_false() {
        check(
            json!({"value": "1", "label": null}),
            ContactPoint::further("1"),
        );
    }

    #[test]
    fn another_form_is_an_error() {
        assert!(typed::<Direction>(&json!("sideways")).is_none());
        assert!(typed::<Moment>(&json!({})).is_none());
        assert!(typed::<Ref>(&json!(["contact", "7"])).is_none());
    }
}
