//! The JSON form of the contract's records, as far as patches carry them, or CRMs tend to have the same.
//!
//! Objects have kebab-case names, none is `null` or absent, a case without payload is a text, one with payload is `{"case": payload}`, bytes are base64, and `extra` is an object.

use serde_json::Value;

use crate::json::{Body, FromJson, Notes};
use crate::{
    Affiliation, Attendee, ContactPoint, Direction, Moment, Money, OpportunityStatus, Participant,
    Party, Ref,
};

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

impl FromJson for Participant {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        Self {
            contact: it.need("contact"),
            primary: it.get("primary"),
            role: it.get("role"),
        }
    }
}

/// Another text is a state that the contract has no word for.
impl FromJson for OpportunityStatus {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        match String::from_json(value, notes).as_str() {
            "open" => Self::Open,
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => Self::Unknown,
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

impl From<ContactPoint> for Value {
    fn from(it: ContactPoint) -> Self {
        let body = Body::new()
            .with("value", it.value)
            .with("primary", it.primary);
        body.with_some("label", it.label).into()
    }
}

impl From<Affiliation> for Value {
    fn from(it: Affiliation) -> Self {
        let body = Body::new()
            .with("account", it.account)
            .with("primary", it.primary);
        body.with_some("role", it.role).into()
    }
}

impl From<Ref> for Value {
    fn from(it: Ref) -> Self {
        let body = Body::new().with("kind", it.kind).with("id", it.id);
        body.into()
    }
}

/// Without `extra`, which is empty today.
impl From<Party> for Value {
    fn from(it: Party) -> Self {
        let body = Body::new()
            .with_some("address", it.address)
            .with_some("name", it.name)
            .with_some("link", it.link);
        body.into()
    }
}

impl From<Attendee> for Value {
    fn from(it: Attendee) -> Self {
        let body = Body::new()
            .with("party", it.party)
            .with_some("response", it.response)
            .with_some("role", it.role);
        body.into()
    }
}

impl From<Moment> for Value {
    fn from(it: Moment) -> Self {
        let body = match it {
            Moment::At(time) => Body::new().with("at", time),
            Moment::On(date) => Body::new().with("on", date),
        };
        body.into()
    }
}

impl From<Direction> for Value {
    fn from(it: Direction) -> Self {
        Self::from(match it {
            Direction::Incoming => "incoming",
            Direction::Outgoing => "outgoing",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::json::{FromJson, Notes};
    use crate::{
        Affiliation, Attendee, ContactPoint, Direction, Moment, Money, OpportunityStatus, Party,
        Ref,
    };

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
    fn what_is_written_is_read_again() {
        fn check<T: FromJson + Into<Value> + Clone + PartialEq + std::fmt::Debug>(value: T) {
            let json: Value = value.clone().into();
            assert_eq!(typed::<T>(&json), Some(value));
        }
        check(ContactPoint::primary("a@b.example"));
        check(Affiliation::primary("7"));
        check(Moment::At(5));
        check(Moment::On("2026-01-31".to_owned()));
        check(Direction::Incoming);
        check(Direction::Outgoing);
        let party = Party {
            link: Some(Ref::contact("7")),
            ..Party::new("a@b.example")
        };
        check(Attendee {
            party,
            response: Some("accepted".to_owned()),
            role: None,
        });
    }

    #[test]
    fn a_state_of_the_crms_own_is_unknown_and_none_is_an_error() {
        check(json!("won"), OpportunityStatus::Won);
        check(json!("frozen"), OpportunityStatus::Unknown);
        assert!(typed::<OpportunityStatus>(&json!(null)).is_none());
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
