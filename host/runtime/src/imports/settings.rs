//! The connection's settings for connectors. Nothing secret is among them.

use brightsync_core::setting::Value;

use crate::bindings::settings::Host;
use crate::store::Running;

impl Host for Running {
    async fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let _in_host = self.enter()?;
        let Ok(name) = name.parse() else {
            return Ok(None);
        };
        Ok(self.call.settings.get(&name).map(Value::to_string))
    }

    async fn wanted_fields(&mut self, object: String) -> wasmtime::Result<Vec<String>> {
        let _in_host = self.enter()?;
        let wanted = &self.call.link.options.wanted_fields;
        Ok(wanted.get(&object).cloned().unwrap_or_default())
    }
}
