//! Changes on demand: contacts that are created, updated, deleted and merged at one moment.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::contact::CONTACT;
use crate::merge;
use crate::resource::Resource;
use crate::schema::Body;
use crate::seed::random::{Random, mix};
use crate::store::{Row, Selection, Store};

/// How many contacts to change, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// How many to create.
    pub create: u32,
    /// How many to update: each gets another title.
    pub update: u32,
    /// How many to delete.
    pub delete: u32,
    /// How many to merge into another one.
    pub merge: u32,
}

/// Which contacts have changed; none stands in two lists, but for survivors of two merges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The new ones.
    pub created: Vec<String>,
    /// The ones with another title.
    pub updated: Vec<String>,
    /// The ones that are gone.
    pub deleted: Vec<String>,
    /// The ones that are gone, each with the one it was merged into.
    pub merged: Vec<(String, String)>,
}

/// Carries a script out, in one transaction.
///
/// If there are too few contacts, fewer are changed.
pub(crate) async fn run(store: &Store, script: &Script) -> Result<Changed, sqlx::Error> {
    let contact: &'static Resource = &CONTACT;
    let mut session = store.begin().await?;
    let mut left = session.select(contact, &Selection::default()).await?;
    let newest = left.iter().map(|it| it.number).max().unwrap_or_default();
    let mut random = Random::new(
        mix(store.organisation.seed ^ newest.cast_unsigned())
            .wrapping_add(session.now.cast_unsigned()),
    );
    let mut pick = || -> Option<Row> {
        let index = random.below(left.len())?;
        Some(left.swap_remove(index))
    };
    let mut changed = Changed::default();
    for _ in 0..script.update {
        let Some(mut row) = pick() else { break };
        row.body.insert(
            "title".to_owned(),
            format!("Head of department {}", row.version + 1).into(),
        );
        session.save(contact, &mut row, None).await?;
        changed.updated.push(row.id);
    }
    for _ in 0..script.delete {
        let Some(mut row) = pick() else { break };
        session.remove(contact, &mut row, None).await?;
        changed.deleted.push(row.id);
    }
    for _ in 0..script.merge {
        let (Some(survivor), Some(other)) = (pick(), pick()) else {
            break;
        };
        let gone = other.id.clone();
        let survivor = merge::absorb(&mut session, contact, survivor, other).await?;
        changed.merged.push((gone, survivor.id));
    }
    for number in 0..script.create {
        let name = format!("Newcomer {}", number + 1);
        let address = format!("newcomer-{newest}-{number}@example.net");
        let body: Body = [
            ("full_name", json!(name)),
            ("emails", json!([{"address": address, "primary": true}])),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        changed
            .created
            .push(session.insert(contact, body).await?.id);
    }
    session.commit().await?;
    Ok(changed)
}
