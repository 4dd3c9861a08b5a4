//! Reads the settings that a manifest declares.

use toml::Spanned;

use super::{Reader, text};
use crate::manifest::{Error, raw};
use crate::name::SettingName;
use crate::setting::{Kind, MAX_VALUE, Pattern, SetBy, Setting};

impl Reader<'_> {
    pub(super) fn setting(&self, name: &SettingName, raw: &raw::Setting) -> Result<Setting, Error> {
        let key = &format!("settings.{name}");
        let kind = match raw.kind.get_ref().as_str() {
            "origin" => {
                self.absent(raw.pattern.as_ref(), key, "pattern", "text")?;
                self.absent(raw.values.as_ref(), key, "values", "choice")?;
                self.absent(raw.default.as_ref(), key, "default", "text and choice")?;
                Kind::Origin
            }
            "text" => {
                self.absent(raw.values.as_ref(), key, "values", "choice")?;
                let pattern = raw
                    .pattern
                    .as_ref()
                    .map(|it| self.pattern(key, it))
                    .transpose()?;
                Kind::Text {
                    pattern,
                    default: self.default_value(raw),
                }
            }
            "choice" => {
                self.absent(raw.pattern.as_ref(), key, "pattern", "text")?;
                Kind::Choice {
                    values: self.values(key, raw)?,
                    default: self.default_value(raw),
                }
            }
            other => {
                let problem =
                    format!("{other:?} is no kind of setting; write one of origin, text, choice");
                return Err(self.wrong(&raw.kind, format!("{key}.kind"), problem));
            }
        };
        let setting = Setting {
            title: self.prose(&raw.title, &format!("{key}.title"), text::TITLE)?,
            help: self.optional_prose(raw.help.as_ref(), &format!("{key}.help"))?,
            optional: raw.optional,
            set_by: self.set_by(key, raw)?,
            kind,
        };
        if let Some(default) = &raw.default
            && let Err(error) = setting.check(name, default.get_ref())
        {
            return Err(self.wrong(default, format!("{key}.default"), error));
        }
        Ok(setting)
    }

    fn absent<T>(
        &self,
        value: Option<&Spanned<T>>,
        key: &str,
        field: &str,
        kinds: &str,
    ) -> Result<(), Error> {
        match value {
            None => Ok(()),
            Some(value) => {
                let problem = format!("only settings of kind {kinds} have it; remove it");
                Err(self.wrong(value, format!("{key}.{field}"), problem))
            }
        }
    }

    fn pattern(&self, key: &str, text: &raw::Text) -> Result<Pattern, Error> {
        Pattern::parse(text.get_ref())
            .map_err(|error| self.wrong(text, format!("{key}.pattern"), error))
    }

    fn default_value(&self, raw: &raw::Setting) -> Option<String> {
        raw.default.as_ref().map(|it| it.get_ref().clone())
    }

    fn values(&self, key: &str, raw: &raw::Setting) -> Result<Vec<String>, Error> {
        let key = format!("{key}.values");
        let Some(values) = &raw.values else {
            let problem = "kind \"choice\" needs its values; add values = [\"one\", \"two\"]";
            return Err(self.wrong(&raw.kind, key, problem));
        };
        let mut seen: Vec<String> = Vec::new();
        for value in values.get_ref() {
            let text = value.get_ref();
            if text.is_empty()
                || text.len() > MAX_VALUE
                || text.chars().any(char::is_control)
                || seen.contains(text)
            {
                let problem = format!(
                    "{text:?} is empty, too long, there twice, or has control characters; mend or remove it"
                );
                return Err(self.wrong(value, key, problem));
            }
            seen.push(text.clone());
        }
        if seen.is_empty() {
            return Err(self.wrong(
                values,
                key,
                "there is no value to choose; list at least one",
            ));
        }
        Ok(seen)
    }

    fn set_by(&self, key: &str, raw: &raw::Setting) -> Result<SetBy, Error> {
        let Some(text) = &raw.set_by else {
            return Ok(SetBy::Tenant);
        };
        let set_by = match text.get_ref().as_str() {
            "tenant" => SetBy::Tenant,
            "token-answer" => SetBy::TokenAnswer,
            "callback" => SetBy::Callback,
            "identify" => SetBy::Identify,
            other => {
                let problem = format!(
                    "nobody is called {other:?}; write one of tenant, token-answer, callback, identify"
                );
                return Err(self.wrong(text, format!("{key}.set-by"), problem));
            }
        };
        // An answer that sets the address of the server could send everything that follows elsewhere.
        if set_by != SetBy::Tenant && raw.kind.get_ref() == "origin" {
            let problem = "only a person sets the address of a server; remove it, or use kind \"text\" with a pattern in a host with a fixed end";
            return Err(self.wrong(text, format!("{key}.set-by"), problem));
        }
        Ok(set_by)
    }
}
