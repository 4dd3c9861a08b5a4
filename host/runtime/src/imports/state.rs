//! The connection's compartment of kept values for connectors.

use brightsync_core::rule::Rule;

use crate::bindings::state::{Host, Refusal};
use crate::connection::ConnectionKey;
use crate::state::{self, Compartment};
use crate::store::Running;

impl Running {
    fn compartment(&self) -> Compartment {
        let shared = || ConnectionKey::new("everybody", "everything").ok();
        let shared = (!Rule::StateOwner.holds()).then(shared).flatten();
        let connection = shared.unwrap_or_else(|| self.call.link.key.clone());
        Compartment {
            connection,
            connector: self.call.link.options.connector.clone(),
            publisher: self.call.connector.manifest().publisher().to_string(),
        }
    }
}

impl Host for Running {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let _in_host = self.enter()?;
        Ok(self.call.shared.state.get(&self.compartment(), &key))
    }

    async fn set(
        &mut self,
        key: String,
        value: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<(), Refusal>> {
        let _in_host = self.enter()?;
        let kept = self.call.shared.state.set(&self.compartment(), &key, value);
        Ok(kept.map_err(|refusal| match refusal {
            state::Refusal::InvalidKey => Refusal::InvalidKey,
            state::Refusal::Full => Refusal::Full,
            state::Refusal::Other(problem) => Refusal::Other(problem),
        }))
    }
}
