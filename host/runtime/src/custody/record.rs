//! What the vault keeps of a connection: what was given, what was issued, and whether that still works.

use std::collections::BTreeMap;

use brightsync_core::crm::Timestamp;
use brightsync_core::recipe::{Due, Issued, Trouble, due};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::credential::Secret;

/// One connection's secrets.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Record {
    /// What the tenant or the operator gave.
    pub(crate) fields: BTreeMap<String, Kept>,
    /// What an authorization server or a login issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Session>,
    /// When a request for a new session went out of which no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unanswered: Option<Timestamp>,
    /// Why nothing is tried any more until somebody connects the account again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<Broken>,
    /// What the operator gave for all connections, which is kept elsewhere.
    #[serde(skip)]
    pub(crate) shared: BTreeMap<String, Kept>,
}

/// A connection that only a person can mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Broken {
    /// Why.
    pub trouble: Trouble,
    /// Since when.
    pub since: Timestamp,
}

/// What was issued.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) values: BTreeMap<String, Kept>,
    pub(crate) obtained: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
}

/// A secret that may be written into the vault, and nowhere else.
pub(crate) struct Kept(Zeroizing<String>);

impl Record {
    /// A record of what was given.
    pub(crate) fn given(fields: &BTreeMap<String, Secret>) -> Self {
        let keep = |(name, secret): (&String, &Secret)| (name.clone(), secret.into());
        Self {
            fields: fields.iter().map(keep).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn read(plain: &[u8]) -> Option<Self> {
        serde_json::from_slice(plain).ok()
    }

    pub(crate) fn write(&self) -> Zeroizing<Vec<u8>> {
        // With room for all of it, escaped at the worst, so that it never moves.
        let length = |(name, it): (&String, &Kept)| 6 * (name.len() + it.reveal().len()) + 8;
        let issued = self.session.iter().flat_map(|it| &it.values);
        let capacity = self.fields.iter().chain(issued).map(length).sum::<usize>() + 4096;
        let mut plain = Zeroizing::new(Vec::with_capacity(capacity));
        // Texts and numbers go into memory, which does not fail.
        if serde_json::to_writer(&mut *plain, self).is_err() {
            plain.clear();
        }
        plain
    }

    /// A copy, to be changed and written in place of this one.
    pub(crate) fn again(&self) -> Self {
        let again = |all: &BTreeMap<String, Kept>| {
            let again = |(name, it): (&String, &Kept)| (name.clone(), Kept::new(it.reveal()));
            all.iter().map(again).collect()
        };
        Self {
            fields: again(&self.fields),
            session: self.session.as_ref().map(|it| Session {
                values: again(&it.values),
                obtained: it.obtained,
                expires: it.expires,
            }),
            unanswered: self.unanswered,
            broken: self.broken.clone(),
            shared: again(&self.shared),
        }
    }

    /// How good the session is; there may be none yet.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        self.session
            .as_ref()
            .map_or(Due::Now, |it| due(it.obtained, it.expires, now))
    }

    /// The value of a name: of the session first, since that is the newer.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let issued = self.session.as_ref().and_then(|it| it.values.get(name));
        let given = || self.fields.get(name).or_else(|| self.shared.get(name));
        issued.or_else(given).map(Kept::reveal)
    }

    /// The names of all that is kept in the connection's own slot.
    pub(crate) fn own(&self) -> impl Iterator<Item = &str> {
        let issued = self.session.iter().flat_map(|it| it.values.keys());
        self.fields.keys().chain(issued).map(String::as_str)
    }

    /// All values by their names.
    pub(crate) fn values(&self) -> BTreeMap<&str, &str> {
        let issued = self.session.iter().flat_map(|it| &it.values);
        let all = self.shared.iter().chain(&self.fields).chain(issued);
        all.map(|(name, it)| (name.as_str(), it.reveal())).collect()
    }
}

impl Session {
    /// What was issued; a refresh token that was not issued anew is still the old one (RFC 6749, section 6).
    pub(crate) fn of(issued: Issued, before: Option<&Self>, now: Timestamp) -> Self {
        const REFRESH: &str = "refresh-token";
        let mut values: BTreeMap<String, Kept> = issued
            .values
            .into_iter()
            .map(|(name, value)| (name, Kept(value)))
            .collect();
        if let Some(refresh) = before.and_then(|it| it.values.get(REFRESH)) {
            values
                .entry(REFRESH.to_owned())
                .or_insert_with(|| Kept::new(refresh.reveal()));
        }
        let expires = issued
            .lifetime
            .map(|it| now.saturating_add(i64::from(it).saturating_mul(1000)));
        Self {
            values,
            obtained: now,
            expires,
        }
    }
}

impl Kept {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&Secret> for Kept {
    fn from(secret: &Secret) -> Self {
        Self::new(secret.reveal())
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|it| Self(Zeroizing::new(it)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::default();
        record
            .fields
            .insert("client-secret".to_owned(), Kept::new("s3cr\"t"));
        let issued = |token: &str, refresh: Option<&str>| Issued {
            values: [("token", Some(token)), ("refresh-token", refresh)]
                .into_iter()
                .filter_map(|(name, it)| Some((name.to_owned(), Zeroizing::new(it?.to_owned()))))
                .collect(),
            lifetime: Some(60),
        };
        let first = Session::of(issued("one", Some("again")), None, 1_000);
        record.session = Some(Session::of(issued("two", None), Some(&first), 2_000));
        let read = Record::read(&record.write()).unwrap();
        assert_eq!(read.values(), record.values());
        assert_eq!(read.value("token"), Some("two"));
        assert_eq!(read.value("refresh-token"), Some("again"));
        assert_eq!(read.due(31_999), Due::Not);
        assert_eq!(read.due(32_000), Due::Soon);
        assert_eq!(read.due(62_000), Due::Now);
        assert!(Record::read(b"{\"fields\":{},\"other\":1}").is_none());
    }
}
