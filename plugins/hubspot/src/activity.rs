//! What e-mails and meetings have in common: what they are about, and how they are found again.

use brightsync_sdk::patch::{Fields, ListChange};
use brightsync_sdk::{Error, Id, InvalidField, Reason, Ref, Result, Timestamp, Written, log, time};
use serde_json::Value;

use crate::HubSpot;
use crate::api::{COMPANY, CONTACT, DEAL, Kind, is_id};
use crate::link::{self, Change};
use crate::record::{ids_of, property};
use crate::search::{Group, packed};
use crate::write::Properties;

/// The property that keeps the host's key: where an activity came from, in the words of the program that logged it.
const KEY: &str = "hs_engagement_source_id";

/// The most records that are answered as found.
const MOST_FOUND: usize = 100;

/// What can be linked with an activity.
const LINKED: [(&str, &Kind); 3] = [
    ("contact", &CONTACT),
    ("account", &COMPANY),
    ("opportunity", &DEAL),
];

/// A kind of activity.
pub(crate) struct Activity {
    pub(crate) kind: &'static Kind,
    /// HubSpot's types of its links, in the order of [`LINKED`].
    pub(crate) types: [&'static [u32]; 3],
    pub(crate) subject: &'static str,
    pub(crate) time: &'static str,
    /// What else is compared.
    pub(crate) further: &'static [&'static str],
}

/// What an activity is known by.
pub(crate) struct Known<'a> {
    pub(crate) key: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) subject: &'a str,
    /// A property with an id of its own that HubSpot fills, and its possible values.
    pub(crate) id: Option<(&'static str, Vec<String>)>,
}

impl HubSpot {
    /// Logs an activity with its key; if HubSpot should not take that, without.
    pub(crate) fn log(
        &self,
        activity: &Activity,
        key: &str,
        mut properties: Properties,
        about: Vec<Ref>,
    ) -> Result<Written> {
        let mut links = Vec::new();
        for (place, ids) in by_kind(about, &mut properties).into_iter().enumerate() {
            let types = activity.types.get(place).copied().unwrap_or_default();
            links.extend(ids.iter().map(|it| Value::from(link::inline(it, types))));
        }
        let keyed = properties.body.clone().with(KEY, key);
        let answer = match self.api.create(activity.kind, &keyed, links.clone()).send() {
            Err(error) if refuses_key(&error) => {
                log::warn(
                    "HubSpot does not keep the key of what is logged, so it is known by time and subject",
                );
                self.api
                    .create(activity.kind, &properties.body, links)
                    .send()?
            }
            answer => answer?,
        };
        self.written(activity.kind, &answer, properties.incomplete)
    }

    /// Reads how the links of an activity are to change.
    pub(crate) fn relinked(
        &self,
        activity: &Activity,
        id: &str,
        fields: &mut Fields,
        properties: &mut Properties,
    ) -> Result<Vec<Change>> {
        let Some(edits) = fields.list::<Ref>("about")? else {
            return Ok(Vec::new());
        };
        let (add, remove) = match edits.sum(Ref::eq) {
            ListChange::Parts { add, remove } => {
                (by_kind(add, properties), by_kind(remove, properties))
            }
            ListChange::Whole(list) => {
                let add = by_kind(list, properties);
                let mut remove = [const { Vec::new() }; 3];
                for ((gone, kept), (_, to)) in remove.iter_mut().zip(&add).zip(LINKED) {
                    let links = self.links(activity.kind, to, &[id.to_owned()])?;
                    *gone = links.ids();
                    gone.retain(|it| !kept.contains(it));
                }
                (add, remove)
            }
        };
        let mut changes = Vec::new();
        for (((add, remove), types), (_, to)) in
            add.into_iter().zip(remove).zip(activity.types).zip(LINKED)
        {
            changes.push(Change {
                to,
                add: add.into_iter().map(|it| (it, types)).collect(),
                remove,
            });
        }
        Ok(changes)
    }

    /// Finds an activity by the key that it was logged with, by an id of its own, or by time and subject where it has another origin.
    pub(crate) fn find_logged(
        &self,
        activity: &Activity,
        known: &Known<'_>,
        is_same: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Id>> {
        let mut groups = vec![
            Group::default().is(KEY, known.key),
            Group::default().at(activity.time, known.time),
        ];
        if let Some((name, values)) = &known.id {
            groups.extend(values.iter().map(|it| Group::default().is(name, it)));
        }
        let mut properties = vec![KEY, activity.time, activity.subject];
        properties.extend_from_slice(activity.further);
        let mut ids: Vec<Id> = Vec::new();
        for search in packed("key", groups)? {
            let mut records = self.all_found(activity.kind, search.with(&properties))?;
            records.retain(|it| known.is_certain(it) || known.is(activity, it) && is_same(it));
            ids.extend(ids_of(&records));
        }
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MOST_FOUND);
        Ok(ids)
    }
}

impl Known<'_> {
    /// Whether a record has the key, or the id of its own.
    fn is_certain(&self, record: &Value) -> bool {
        let same =
            |one: Option<&str>, other: &str| one.is_some_and(|it| it.eq_ignore_ascii_case(other));
        let id = self
            .id
            .as_ref()
            .is_some_and(|(name, values)| values.iter().any(|it| same(property(record, name), it)));
        id || same(property(record, KEY), self.key)
    }

    /// Whether a record without a key has the same time and subject.
    fn is(&self, activity: &Activity, record: &Value) -> bool {
        let text = |name: &str| property(record, name).unwrap_or_default().trim();
        let has_key = !text(KEY).is_empty();
        let same_time = time::parse(text(activity.time)).is_ok_and(|it| it == self.time);
        !has_key && same_time && text(activity.subject) == self.subject.trim()
    }
}

/// Sorts references by kind; what cannot be linked is named.
pub(crate) fn by_kind(refs: Vec<Ref>, properties: &mut Properties) -> [Vec<Id>; 3] {
    let mut ids = [const { Vec::new() }; 3];
    for it in refs {
        let place = LINKED.iter().position(|known| known.0 == it.kind);
        match place.and_then(|place| ids.get_mut(place)) {
            Some(ids) if is_id(&it.id) => {
                if !ids.contains(&it.id) {
                    ids.push(it.id);
                }
            }
            Some(_) | None => {
                let reason = format!("HubSpot has nothing to link with for {} {}", it.kind, it.id);
                properties.leave("about", reason);
            }
        }
    }
    ids
}

fn refuses_key(error: &Error) -> bool {
    let is_key = |it: &InvalidField| {
        let name = it.field.as_deref().and_then(|it| it.strip_prefix("extra."));
        name == Some(KEY)
    };
    matches!(&error.reason, Reason::Invalid(fields) if fields.iter().any(is_key))
}
