//! Moving all rows of a vault to its newest master key.

use super::error::VaultError;
use super::{Vault, sealing};

/// How many names are asked for at once.
const PAGE: usize = 256;

/// How often a row is tried that others write to all the time: each time they were faster, and use the newest key soon themselves.
const TRIES: usize = 16;

/// How many reasons for a failure are kept.
const FAILURES: usize = 100;

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The rows that were looked at.
    pub seen: u64,
    /// Those of them that were sealed anew.
    pub resealed: u64,
    /// Those of them that could not be sealed anew. While there are any, no key may be taken away.
    pub failed: u64,
}

/// What a rotation has done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// How far it has come: to the end.
    pub progress: Progress,
    /// The key that is the newest one.
    pub newest: String,
    /// Which rows could not be sealed anew, and why: the first hundred.
    pub failures: Vec<VaultError>,
}

/// What became of one row.
enum Outcome {
    Resealed,
    /// It is under the newest key already, or gone.
    AsItWas,
}

impl Vault {
    /// Reads the keys anew and seals every row's data key under the newest one, and tells how far it is after each row.
    ///
    /// Rows are moved one by one and keep their version, so calls go on meanwhile. A rotation that was stopped, by dropping its future too, is begun again and passes over what was done.
    pub async fn rotate(
        &self,
        mut tell: impl FnMut(Progress) + Send,
    ) -> Result<Rotated, VaultError> {
        let ring = self.0.keys.now().await.map_err(VaultError::Keys)?;
        let mut rotated = Rotated {
            progress: Progress::default(),
            newest: ring.newest().id.to_string(),
            failures: Vec::new(),
        };
        let mut after: Option<String> = None;
        loop {
            let page = self.0.store.slots("", after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(rotated);
            };
            after = Some(last.clone());
            for slot in page {
                rotated.progress.seen += 1;
                match self.reseal(&slot).await {
                    Ok(Outcome::Resealed) => rotated.progress.resealed += 1,
                    Ok(Outcome::AsItWas) => {}
                    // The next row would end the same way.
                    Err(error @ (VaultError::Store(_) | VaultError::Random(_))) => {
                        return Err(error);
                    }
                    Err(error) => {
                        rotated.progress.failed += 1;
                        if rotated.failures.len() < FAILURES {
                            rotated.failures.push(error);
                        }
                    }
                }
                tell(rotated.progress);
            }
        }
    }

    async fn reseal(&self, slot: &str) -> Result<Outcome, VaultError> {
        for _ in 0..TRIES {
            let Some(row) = self.0.store.read(slot).await? else {
                return Ok(Outcome::AsItWas);
            };
            let (ring, id) = self.keys_of(slot, &row).await?;
            let new = ring.newest();
            if id == new.id {
                return Ok(Outcome::AsItWas);
            }
            let old = ring
                .find(&id)
                .ok_or_else(|| VaultError::wrong_key(slot, &id, None))?;
            let resealed = sealing::reseal(old, new, slot, &row.sealed)?;
            if self.0.store.reseal(slot, &row, &resealed).await? {
                return Ok(Outcome::Resealed);
            }
        }
        Err(VaultError::Contended {
            slot: slot.to_owned(),
        })
    }
}
