//! JSON with secrets in it, wiped when it goes.

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

/// An answer that is JSON.
pub(super) struct SecretJson(Value);

impl SecretJson {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().map(Self)
    }

    /// Returns the text or the number at a JSON pointer, as text.
    pub(super) fn text(&self, pointer: &str) -> Option<Zeroizing<String>> {
        match self.0.pointer(pointer)? {
            Value::String(text) => Some(Zeroizing::new(text.clone())),
            Value::Number(number) => Some(Zeroizing::new(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Returns a whole number of seconds at a JSON pointer, which some servers write as a text. Nothing that is not above zero is one.
    pub(super) fn seconds(&self, pointer: &str) -> Option<u32> {
        let text = self.text(pointer)?;
        let whole = text.split('.').next().unwrap_or_default();
        let seconds: u64 = whole.parse().ok()?;
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        (0 < seconds).then_some(seconds)
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(all) => all.iter_mut().for_each(wipe),
        Value::Object(all) => all.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
