//! The redactor of a connection: made at its first call, kept for the next ones.

use std::sync::{Arc, Mutex, PoisonError};

use brightsync_core::manifest::RecipeKind;
use brightsync_core::redact::{Redactor, Secrets, Unsearchable};

use crate::connection::Link;
use crate::connector::Connector;
use crate::end::{End, Trap, TrapKind};
use crate::report::Meter;

/// The redactor that was made last, and the kind of recipe that it is for.
#[derive(Default)]
pub(crate) struct Cached(Mutex<Option<(RecipeKind, Arc<Redactor>)>>);

impl Link {
    /// The redactor that knows what a connector's recipe makes of the credential.
    pub(crate) fn redactor(&self, connector: &Connector) -> Result<Arc<Redactor>, Unsearchable> {
        let credential = self.options.credential.as_ref();
        let recipes = connector.manifest().recipes();
        let Some((credential, recipe)) =
            credential.and_then(|it| Some((it, recipes.get(it.recipe())?)))
        else {
            return Ok(Arc::default());
        };
        let mut cached = self.cached();
        if let Some((kind, redactor)) = cached.as_ref()
            && kind == recipe.kind()
        {
            return Ok(redactor.clone());
        }
        let field = |name: &str| credential.field(name).map(|it| it.reveal());
        let redactor = Arc::new(Redactor::new(&Secrets::of(recipe.kind(), field))?);
        *cached = Some((recipe.kind().clone(), redactor.clone()));
        Ok(redactor)
    }

    /// The redactor of the last call that was admitted.
    fn last_redactor(&self) -> Arc<Redactor> {
        let cached = self.cached();
        cached.as_ref().map(|it| it.1.clone()).unwrap_or_default()
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, Option<(RecipeKind, Arc<Redactor>)>> {
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
