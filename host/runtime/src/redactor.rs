//! The redactor of a connection: made for each version of its secrets, kept for all who send them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brightsync_core::manifest::Recipe;
use brightsync_core::redact::{Redactor, Secrets, Unsearchable};

use crate::connection::Link;
use crate::custody::Held;
use crate::end::{End, Trap, TrapKind};
use crate::report::Meter;

/// The redactor that was made last.
#[derive(Default)]
pub(crate) struct Cached(Mutex<Option<Made>>);

struct Made {
    recipe: Recipe,
    held: Arc<Held>,
    secrets: Secrets,
    /// Of the version before: they may be good for minutes yet, and be in an answer that is under way.
    before: Option<Secrets>,
    redactor: Arc<Redactor>,
}

impl Link {
    /// The redactor that knows what a recipe makes of what is held, and of what was held before.
    pub(crate) fn redactor(
        &self,
        recipe: &Recipe,
        held: &Arc<Held>,
    ) -> Result<Arc<Redactor>, Unsearchable> {
        let mut cached = self.cached();
        if let Some(made) = cached.as_ref()
            && made.recipe == *recipe
            && (Arc::ptr_eq(&made.held, held) || made.held.is_after(held))
        {
            return Ok(made.redactor.clone());
        }
        let secrets = Secrets::of(recipe, &held.values());
        let before = cached.take().map(|it| it.secrets);
        let redactor = Arc::new(searched(&secrets, &before, None)?);
        *cached = Some(Made {
            recipe: recipe.clone(),
            held: held.clone(),
            secrets,
            before,
            redactor: redactor.clone(),
        });
        Ok(redactor)
    }

    /// The redactor that knows what was made for one request besides.
    pub(crate) fn redactor_with(
        &self,
        made_for_it: Secrets,
    ) -> Result<Arc<Redactor>, Unsearchable> {
        let cached = self.cached();
        let Some(made) = cached.as_ref() else {
            return Redactor::new(&made_for_it).map(Arc::new);
        };
        searched(&made.secrets, &made.before, Some(made_for_it)).map(Arc::new)
    }

    /// The redactor that was made last; one that knows nothing, if the connection has no credential.
    pub(crate) fn last_redactor(&self) -> Arc<Redactor> {
        let cached = self.cached();
        let last = cached.as_ref().map(|it| it.redactor.clone());
        last.unwrap_or_default()
    }

    fn cached(&self) -> MutexGuard<'_, Option<Made>> {
        self.redactor
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection's secrets out of what a guest has a part in, when a call has ended without an answer.
    pub(crate) fn clean(&self, end: &mut End, meter: &Meter) {
        let redactor = self.last_redactor();
        let clean = |text: &mut String| {
            let redacted = redactor.text(text);
            meter.redacted(redacted.cuts);
            let was_cut = 0 < redacted.cuts;
            if was_cut {
                *text = redacted.text.into_owned();
            }
            was_cut
        };
        match end {
            End::Connector(error) => {
                // Every text in it, wherever it is.
                let Ok(mut json) = serde_json::to_string(error) else {
                    return;
                };
                if clean(&mut json) {
                    match serde_json::from_str(&json) {
                        Ok(clean) => *error = clean,
                        // Something else than a text was cut.
                        Err(_) => {
                            error.message = json;
                            error.code = None;
                            error.extra.clear();
                        }
                    }
                }
            }
            End::Trap(Trap { kind, stderr }) => {
                clean(stderr);
                if let TrapKind::Code(text) | TrapKind::Breach(text) = kind {
                    clean(text);
                }
            }
            End::Host(text) => {
                clean(text);
            }
            End::Limit(_) | End::Refused(_) => {}
        }
    }
}

fn searched(
    secrets: &Secrets,
    before: &Option<Secrets>,
    besides: Option<Secrets>,
) -> Result<Redactor, Unsearchable> {
    let mut all = secrets.clone();
    for secrets in before.iter().cloned().chain(besides) {
        all.extend(secrets);
    }
    Redactor::new(&all)
}
