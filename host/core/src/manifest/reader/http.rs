//! Reads what a manifest says of requests.

use std::collections::BTreeMap;

use super::Reader;
use crate::header;
use crate::manifest::{BaseAddress, CarrierPlace, Error, HeaderName, Host, Recipe, raw};
use crate::name::{RecipeName, SettingName};
use crate::setting::Setting;

impl Reader<'_> {
    pub(super) fn base(
        &self,
        raw: &raw::Text,
        settings: &BTreeMap<SettingName, Setting>,
        hosts: &[Host],
    ) -> Result<BaseAddress, Error> {
        let key = "http.base";
        let base =
            BaseAddress::parse(raw.get_ref()).map_err(|problem| self.wrong(raw, key, problem))?;
        if !hosts.iter().any(|host| host.origin == *base.origin()) {
            let problem = format!(
                "\"{}\" is not among the hosts; add [[hosts]] with that origin",
                base.origin()
            );
            return Err(self.wrong(raw, key, problem));
        }
        for name in base.path_settings() {
            self.plain_setting(raw, key, name, settings)?;
        }
        for name in base.origin().settings().chain(base.path_settings()) {
            let may_be_missing = |it: &Setting| it.is_optional() && it.default_value().is_none();
            if settings.get(name).is_some_and(may_be_missing) {
                let problem = format!(
                    "setting `{name}` is optional, but every address needs it; give it a default or remove `optional`"
                );
                return Err(self.wrong(raw, key, problem));
            }
        }
        Ok(base)
    }

    /// Reads the name of a header that the host fills; it must be nobody else's.
    pub(super) fn idempotency_header(
        &self,
        raw: &raw::Text,
        recipes: &BTreeMap<RecipeName, Recipe>,
    ) -> Result<HeaderName, Error> {
        let key = "http.idempotency-header";
        let text = raw.get_ref();
        let steers = header::carries_credential(text)
            || header::belongs_to_host(text)
            || header::overrides_method(text);
        let is_a_recipes = |name: &HeaderName| {
            let mut carriers = recipes.values().flat_map(Recipe::carriers);
            carriers.any(|it| matches!(it.place(), CarrierPlace::Header(header) if header == name))
        };
        let name = HeaderName::parse(text)
            .ok()
            .filter(|name| !steers && !is_a_recipes(name));
        name.ok_or_else(|| {
            let problem = format!(
                "{text:?} is no header that only tells requests apart; write the one that the CRM documents for it, as in \"Idempotency-Key\""
            );
            self.wrong(raw, key, problem)
        })
    }
}
