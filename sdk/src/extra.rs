//! Custom fields: JSON values by the CRM's own names, which the contract carries as texts.

use serde_json::{Map, Value};

use crate::{Error, Extra, Result, json};

/// Takes the named members of a record, those that it has: `extra::pick(&record, &settings::wanted_fields("contact"))`.
pub fn pick(record: &Map<String, Value>, names: &[String]) -> Extra {
    let mut extra = Extra::new();
    for name in names {
        if let Some(value) = record.get(name) {
            extra.push((name.clone(), json::text(value)));
        }
    }
    extra
}

/// Turns JSON members into custom fields, all of them.
pub fn from_map(members: &Map<String, Value>) -> Extra {
    let mut extra = Extra::new();
    for (name, value) in members {
        extra.push((name.clone(), json::text(value)));
    }
    extra
}

/// Reads the custom fields of a record that is to be written; of a name that occurs twice, the last one counts.
///
/// Names that begin with `brightsync.` are the contract's own and are left out.
pub fn to_map(extra: &Extra) -> Result<Map<String, Value>> {
    let mut members = Map::new();
    for (name, json) in extra {
        if !name.starts_with("brightsync.") {
            members.insert(name.clone(), value_of(name, json)?);
        }
    }
    Ok(members)
}

fn value_of(name: &str, text: &str) -> Result<Value> {
    json::parse(text.as_bytes())
        .map_err(|error| Error::invalid(format!("extra.{name}"), format!("no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{pick, to_map};

    #[test]
    fn only_what_is_wanted_and_there_is_picked() {
        let record = json!({"vip": true, "tier": null, "name": "Ann"});
        let names = ["vip", "tier", "region"].map(str::to_owned);
        let expected =
            [("vip", "true"), ("tier", "null")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(pick(record.as_object().unwrap(), &names), expected);
    }

    #[test]
    fn the_last_of_two_equal_names_counts_and_the_contracts_own_do_not() {
        let extra = [("a", "1"), ("a", "[2]"), ("brightsync.x", "3")];
        let extra = extra.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        assert_eq!(json!(to_map(&extra).unwrap()), json!({"a": [2]}));
        assert!(to_map(&vec![("a".to_owned(), "{".to_owned())]).is_err());
    }
}
