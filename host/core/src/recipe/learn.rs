//! Settings that answers and callbacks tell: taken only where they are as the manifest says.

use std::collections::BTreeMap;

use super::SecretAnswer;
use super::answer::SecretJson;
use crate::manifest::{Manifest, Recipe};
use crate::rule::Rule;
use crate::setting::{self, SetBy};

/// What was told does not fit the manifest, and nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// It is not where the manifest says, or not of the form.
    #[error("the CRM's answer does not tell the setting `{0}` as the connector expects it")]
    NotThere(String),
    /// It is no value of the setting.
    #[error("what the CRM's answer tells is no value of a setting")]
    Value(#[from] setting::Error),
}

/// Takes settings out of an answer: of a token request or a login, or of the request that tells whom a credential belongs to.
pub fn from_answer(
    manifest: &Manifest,
    recipe: &Recipe,
    set_by: SetBy,
    answer: &SecretAnswer,
) -> Result<BTreeMap<String, String>, LearnError> {
    let json = SecretJson::parse(&answer.body);
    let find = |at: &str| json.as_ref()?.text(at).map(|it| it.to_string());
    learn(manifest, recipe, set_by, find)
}

/// Takes settings out of the parameters that a browser brings back.
pub fn from_callback(
    manifest: &Manifest,
    recipe: &Recipe,
    parameters: &[(String, String)],
) -> Result<BTreeMap<String, String>, LearnError> {
    let find = |at: &str| {
        let mut found = parameters.iter().filter(|(name, _)| name == at);
        found.next().map(|(_, value)| value.clone())
    };
    learn(manifest, recipe, SetBy::Callback, find)
}

fn learn(
    manifest: &Manifest,
    recipe: &Recipe,
    set_by: SetBy,
    find: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, LearnError> {
    let mut all = BTreeMap::new();
    for learned in recipe.learned() {
        let name = learned.setting();
        let Some(setting) = manifest.settings().get(name) else {
            continue;
        };
        if setting.set_by() != set_by {
            continue;
        }
        let may_lack = setting.is_optional() || setting.default_value().is_some();
        let told = match find(learned.at()) {
            Some(told) => told,
            None if may_lack => continue,
            None => return Err(LearnError::NotThere(name.to_string())),
        };
        let value = match learned.value(&told) {
            Some(value) => value.to_owned(),
            None if Rule::LearnedSetting.holds() => {
                return Err(LearnError::NotThere(name.to_string()));
            }
            None => told,
        };
        if Rule::LearnedSetting.holds() {
            setting.check(name, &value)?;
        }
        // One setting may be told in several forms; the last that is there counts.
        all.insert(name.to_string(), value);
    }
    Ok(all)
}
