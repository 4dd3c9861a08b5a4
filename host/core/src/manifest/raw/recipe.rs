//! Ways to authenticate as they are typed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use toml::Spanned;

use super::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Recipe {
    pub(in crate::manifest) title: Text,
    pub(in crate::manifest) help: Option<Text>,
    pub(in crate::manifest) kind: Text,
    pub(in crate::manifest) audience: Spanned<Vec<Text>>,
    pub(in crate::manifest) header: Option<Text>,
    pub(in crate::manifest) parameter: Option<Text>,
    pub(in crate::manifest) value: Option<Text>,
    pub(in crate::manifest) encode: Option<Text>,
    pub(in crate::manifest) user: Option<Text>,
    pub(in crate::manifest) password: Option<Text>,
    pub(in crate::manifest) headers: Option<Spanned<BTreeMap<Text, Text>>>,
    pub(in crate::manifest) cookies: Option<Spanned<BTreeMap<Text, Text>>>,
    pub(in crate::manifest) sign: Option<Spanned<Sign>>,
    pub(in crate::manifest) oauth2: Option<Spanned<OAuth2>>,
    pub(in crate::manifest) login: Option<Spanned<Login>>,
    pub(in crate::manifest) identify: Option<Request>,
    #[serde(default)]
    pub(in crate::manifest) sets: Vec<Learned>,
    #[serde(default)]
    pub(in crate::manifest) refusals: Vec<Trouble>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Sign {
    pub(in crate::manifest) message: Text,
    pub(in crate::manifest) digest: Option<Text>,
    pub(in crate::manifest) encoding: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::manifest) struct OAuth2 {
    pub(in crate::manifest) grant: Text,
    pub(in crate::manifest) authorize: Option<Text>,
    pub(in crate::manifest) token: Text,
    pub(in crate::manifest) revoke: Option<Text>,
    pub(in crate::manifest) client: Option<Text>,
    pub(in crate::manifest) format: Option<Text>,
    #[serde(default)]
    pub(in crate::manifest) scopes: Vec<Text>,
    pub(in crate::manifest) scope_separator: Option<Text>,
    #[serde(default)]
    pub(in crate::manifest) authorize_parameters: BTreeMap<Text, Text>,
    #[serde(default)]
    pub(in crate::manifest) token_parameters: BTreeMap<Text, Text>,
    pub(in crate::manifest) lifetime_seconds: Option<NonZeroU32>,
    pub(in crate::manifest) assertion: Option<Spanned<Assertion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::manifest) struct Assertion {
    pub(in crate::manifest) algorithm: Text,
    pub(in crate::manifest) issuer: Text,
    pub(in crate::manifest) subject: Text,
    pub(in crate::manifest) audience: Option<Text>,
    pub(in crate::manifest) key_id: Option<Text>,
    pub(in crate::manifest) lifetime_seconds: Option<Spanned<NonZeroU32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::manifest) struct Login {
    pub(in crate::manifest) request: Request,
    pub(in crate::manifest) takes: Spanned<BTreeMap<Text, Take>>,
    pub(in crate::manifest) lifetime_seconds: Option<NonZeroU32>,
    pub(in crate::manifest) lifetime_at: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Take {
    pub(in crate::manifest) at: Option<Text>,
    pub(in crate::manifest) cookie: Option<Text>,
    pub(in crate::manifest) header: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Request {
    pub(in crate::manifest) url: Text,
    pub(in crate::manifest) method: Option<Text>,
    pub(in crate::manifest) append: Option<Text>,
    pub(in crate::manifest) form: Option<BTreeMap<Text, Text>>,
    pub(in crate::manifest) json: Option<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Learned {
    pub(in crate::manifest) setting: Text,
    pub(in crate::manifest) at: Text,
    pub(in crate::manifest) like: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Trouble {
    pub(in crate::manifest) error: Text,
    pub(in crate::manifest) begins: Option<Text>,
    pub(in crate::manifest) means: Text,
}
