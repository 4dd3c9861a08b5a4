//! Checks where settings stand in hosts and paths: each place takes only what cannot lead out of it.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Reader;
use crate::manifest::{Error, raw};
use crate::name::SettingName;
use crate::origin::{Template, is_label};
use crate::setting::{Kind, Setting};

impl Reader<'_> {
    /// Checks the settings of a host.
    pub(super) fn placeholders(
        &self,
        at: &raw::Text,
        key: &str,
        template: &Template,
        settings: &BTreeMap<SettingName, Setting>,
    ) -> Result<(), Error> {
        if let Some(name) = template.whole() {
            return match self.declared(at, key, name, settings)?.kind() {
                Kind::Origin => Ok(()),
                // A choice of fixed servers, each of which could be listed by itself.
                Kind::Choice { values, .. } => values.iter().try_for_each(|value| {
                    Template::check_fixed(value).map_err(|error| {
                        self.wrong(
                            at,
                            key,
                            format!("setting `{name}` has the value {value:?}: {error}"),
                        )
                    })
                }),
                Kind::Text { .. } => {
                    let problem = format!(
                        "setting `{name}` is a text and cannot be the whole host; make it kind \"origin\", or put it between dots before a fixed domain"
                    );
                    Err(self.wrong(at, key, problem))
                }
            };
        }
        for name in template.settings() {
            self.plain_setting(at, key, name, settings)?;
            if let Some(Kind::Choice { values, .. }) = settings.get(name).map(Setting::kind)
                && let Some(value) = values.iter().find(|value| !is_label(value))
            {
                let problem = format!(
                    "setting `{name}` has the value {value:?}, which is not one part of a host name; mend the values"
                );
                return Err(self.wrong(at, key, problem));
            }
        }
        Ok(())
    }

    /// Checks a setting that stands for one part of a host or a path.
    pub(super) fn plain_setting<T>(
        &self,
        at: &Spanned<T>,
        key: &str,
        name: &SettingName,
        settings: &BTreeMap<SettingName, Setting>,
    ) -> Result<(), Error> {
        let problem = match self.declared(at, key, name, settings)?.kind() {
            Kind::Choice { .. }
            | Kind::Text {
                pattern: Some(_), ..
            } => return Ok(()),
            Kind::Text { pattern: None, .. } => {
                format!(
                    "setting `{name}` stands in an address but has no pattern; add one, as in pattern = \"[a-z0-9-]{{1,63}}\""
                )
            }
            Kind::Origin => {
                format!(
                    "setting `{name}` is a whole address and cannot be a part of one; write \"{{{name}}}\" alone"
                )
            }
        };
        Err(self.wrong(at, key, problem))
    }

    pub(super) fn declared<'s, T>(
        &self,
        at: &Spanned<T>,
        key: &str,
        name: &SettingName,
        settings: &'s BTreeMap<SettingName, Setting>,
    ) -> Result<&'s Setting, Error> {
        settings.get(name).ok_or_else(|| {
            self.wrong(
                at,
                key,
                format!("there is no setting `{name}`; add [settings.{name}]"),
            )
        })
    }
}
