//! Reads what people will see of a manifest: names, versions, titles and explanations.

use semver::Version;
use url::Url;

use super::Reader;
use crate::manifest::{Error, raw};
use crate::origin::Origin;

/// The longest title, in characters.
pub(super) const TITLE: usize = 80;
/// The longest sentence, in characters.
pub(super) const SENTENCE: usize = 300;
/// The longest explanation, in characters.
const EXPLANATION: usize = 2000;

impl Reader<'_> {
    /// Reads a line that people will see.
    pub(super) fn prose(&self, text: &raw::Text, key: &str, most: usize) -> Result<String, Error> {
        self.visible(text, key, most, |it| it == '\n')
    }

    /// Reads an explanation, which may have more than one line.
    pub(super) fn optional_prose(
        &self,
        text: Option<&raw::Text>,
        key: &str,
    ) -> Result<Option<String>, Error> {
        text.map(|text| self.visible(text, key, EXPLANATION, |_| false))
            .transpose()
    }

    /// Refuses what would show as something else than it is where a person decides about a grant.
    fn visible(
        &self,
        text: &raw::Text,
        key: &str,
        most: usize,
        refuse: impl Fn(char) -> bool,
    ) -> Result<String, Error> {
        let value = text.get_ref();
        let count = value.chars().count();
        if value.trim().is_empty() {
            return Err(self.wrong(
                text,
                key,
                "the text is empty; write what people should read",
            ));
        }
        if count > most {
            return Err(self.wrong(
                text,
                key,
                format!("the text has {count} characters; shorten it to {most}"),
            ));
        }
        match value
            .chars()
            .find(|it| refuse(*it) || (it.is_control() && *it != '\n') || is_unseen(*it))
        {
            Some(bad) => {
                let problem = format!(
                    "the text has the character {} in it, which does not show; remove it",
                    bad.escape_unicode()
                );
                Err(self.wrong(text, key, problem))
            }
            None => Ok(value.clone()),
        }
    }

    pub(super) fn version(&self, text: &raw::Text) -> Result<Version, Error> {
        let wrong = |problem: String| self.wrong(text, "connector.version", problem);
        let version = Version::parse(text.get_ref()).map_err(|error| {
            wrong(format!(
                "{:?} is no semantic version ({error}); write it as \"1.2.3\"",
                text.get_ref()
            ))
        })?;
        if text.get_ref().len() > 64 {
            return Err(wrong(
                "the version is longer than 64 characters; shorten it".to_owned(),
            ));
        }
        Ok(version)
    }

    pub(super) fn homepage(&self, text: &raw::Text) -> Result<String, Error> {
        let plain = |it: &&String| it.len() <= 300 && it.is_ascii() && it.starts_with("https://");
        let address = Some(text.get_ref())
            .filter(plain)
            .and_then(|it| Url::parse(it).ok());
        match address {
            Some(address) if Origin::of(&address).is_ok() => Ok(address.into()),
            Some(_) | None => {
                let problem = format!(
                    "{:?} is no https address of a page; write it as \"https://…\"",
                    text.get_ref()
                );
                Err(self.wrong(text, "connector.homepage", problem))
            }
        }
    }
}

/// Puts what the reader of TOML says on one line.
pub(super) fn one_line(message: &str) -> String {
    message
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// Tells whether a character has no width or turns the direction of writing, by Unicode's list of
/// default ignorable and bidirectional control characters.
fn is_unseen(it: char) -> bool {
    matches!(
        it,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}
