//! The JSON form of the contract's records, as far as patches and custom fields carry them.
//!
//! Objects have kebab-case names, none is `null` or absent, a case without payload is a text, one with payload is `{"case": payload}`, bytes are base64, and `extra` is an object.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Affiliation, Attendee, ContactPoint, Date, Direction, Extra, Id, Moment, Money, Party, Ref,
    Timestamp, extra,
};

/// Gives a type of the contract the JSON form of a private twin.
macro_rules! json_form {
    ($($contract:ident),* $(,)?) => {$(
        impl Serialize for $contract {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                twin::$contract::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $contract {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                twin::$contract::deserialize(deserializer)
            }
        }
    )*};
}

json_form! {
    Affiliation,
    Attendee,
    ContactPoint,
    Direction,
    Moment,
    Money,
    Party,
    Ref,
}

mod twin {
    //! The same fields once more, for serde's derive.
    use super::{Date, Deserialize, Extra, Id, Serialize, Timestamp, extra};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::ContactPoint", rename_all = "kebab-case")]
    pub(super) struct ContactPoint {
        value: String,
        #[serde(default)]
        primary: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Affiliation", rename_all = "kebab-case")]
    pub(super) struct Affiliation {
        account: Id,
        #[serde(default)]
        primary: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Ref", rename_all = "kebab-case")]
    pub(super) struct Ref {
        kind: String,
        id: Id,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Party", rename_all = "kebab-case")]
    pub(super) struct Party {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<super::Ref>,
        #[serde(default, with = "extra::form", skip_serializing_if = "Vec::is_empty")]
        extra: Extra,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Attendee", rename_all = "kebab-case")]
    pub(super) struct Attendee {
        party: super::Party,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Money", rename_all = "kebab-case")]
    pub(super) struct Money {
        amount: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Moment", rename_all = "kebab-case")]
    pub(super) enum Moment {
        At(Timestamp),
        On(Date),
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "super::Direction", rename_all = "kebab-case")]
    pub(super) enum Direction {
        Incoming,
        Outgoing,
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::{Attendee, ContactPoint, Direction, Moment, Party, Ref};

    #[track_caller]
    fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, json: &str) {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(serde_json::from_str::<T>(json).unwrap(), value);
    }

    #[test]
    fn records_have_the_form_of_the_contract() {
        check(
            ContactPoint::primary("a@b.example"),
            r#"{"value":"a@b.example","primary":true}"#,
        );
        check(Moment::At(5), r#"{"at":5}"#);
        check(
            Moment::On("2026-01-31".to_owned()),
            r#"{"on":"2026-01-31"}"#,
        );
        check(Direction::Incoming, r#""incoming""#);
        let party = Party {
            link: Some(Ref::contact("7")),
            extra: vec![("x".to_owned(), "[1]".to_owned())],
            ..Party::new("a@b.example")
        };
        check(
            Attendee {
                party,
                response: None,
                role: Some("chair".to_owned()),
            },
            r#"{"party":{"address":"a@b.example","link":{"kind":"contact","id":"7"},"extra":{"x":[1]}},"role":"chair"}"#,
        );
    }

    #[test]
    fn null_is_none_and_an_absent_mark_is_false() {
        let point: ContactPoint = serde_json::from_str(r#"{"value":"1","label":null}"#).unwrap();
        assert_eq!(point, ContactPoint::further("1"));
    }
}
