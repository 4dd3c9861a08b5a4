//! Reads the ways to authenticate.

mod carrier;
mod login;
mod oauth2;

use std::collections::BTreeMap;

use toml::Spanned;

use super::{Reader, text};
use crate::manifest::recipe::{Learned, TroubleRule};
use crate::manifest::{
    Carrier, Endpoint, Error, GrantType, Host, Mold, Recipe, RecipeKind, Signing, Source,
    is_secret, raw,
};
use crate::name::{FieldName, RecipeName, SettingName};
use crate::origin::Template;
use crate::setting::{SetBy, Setting};

/// What recipes are read against.
type Settings = BTreeMap<SettingName, Setting>;

impl Reader<'_> {
    pub(super) fn recipe(
        &self,
        name: &RecipeName,
        raw: &raw::Recipe,
        settings: &Settings,
        hosts: &[Host],
    ) -> Result<Recipe, Error> {
        let key = &format!("auth.{name}");
        let kind: RecipeKind = self.word(&raw.kind, &format!("{key}.kind"))?;
        self.only_its_own(key, kind, raw)?;
        let source = match (&raw.oauth2, &raw.login) {
            (Some(oauth2), _) => Source::OAuth2(Box::new(self.oauth2(key, oauth2, settings)?)),
            (None, Some(login)) => Source::Login(Box::new(self.login(key, login, settings)?)),
            (None, None) => Source::Given,
        };
        let carriers = self.carriers(key, kind, raw)?;
        let signing = raw
            .sign
            .as_ref()
            .map(|it| self.signing(key, it.get_ref()))
            .transpose()?;
        let identify = raw
            .identify
            .as_ref()
            .map(|it| self.request(&format!("{key}.identify"), it, settings))
            .transpose()?;
        let mut recipe = Recipe {
            title: self.prose(&raw.title, &format!("{key}.title"), text::TITLE)?,
            help: self.optional_prose(raw.help.as_ref(), &format!("{key}.help"))?,
            kind,
            learned: self.learned(key, raw, &source, settings)?,
            troubles: self.troubles(key, raw, &source)?,
            source,
            carriers,
            signing,
            identify,
            audience: Vec::new(),
            fields: Vec::new(),
        };
        recipe.fields = fields(&recipe, settings);
        if recipe.fields.iter().all(|it| !is_secret(it.as_str())) && recipe.is_given() {
            let problem = "nothing secret is sent, since a user's name is not secret; use another name for what is";
            return Err(self.wrong(&raw.kind, key, problem));
        }
        recipe.audience = self.audience(key, &raw.audience, hosts, &recipe.endpoints())?;
        Ok(recipe)
    }

    /// Checks that a kind has what it needs and nothing of another kind.
    fn only_its_own(&self, key: &str, kind: RecipeKind, raw: &raw::Recipe) -> Result<(), Error> {
        use RecipeKind::{Basic, Header, Hmac, Login, OAuth2, Query};
        let at = |it: &raw::Text| it.span();
        type Key<'a> = (
            &'static str,
            Option<std::ops::Range<usize>>,
            &'a [RecipeKind],
            Option<(RecipeKind, &'static str)>,
        );
        let keys: [Key<'_>; 11] = [
            (
                "header",
                raw.header.as_ref().map(at),
                &[Header, OAuth2],
                Some((Header, "the name of the header; add header = \"X-Api-Key\"")),
            ),
            (
                "parameter",
                raw.parameter.as_ref().map(at),
                &[Query, OAuth2],
                Some((
                    Query,
                    "the name of the parameter; add parameter = \"api_token\"",
                )),
            ),
            (
                "value",
                raw.value.as_ref().map(at),
                &[Header, Query, OAuth2],
                None,
            ),
            (
                "encode",
                raw.encode.as_ref().map(at),
                &[Header, Query, Hmac, OAuth2, Login],
                None,
            ),
            ("user", raw.user.as_ref().map(at), &[Basic], None),
            ("password", raw.password.as_ref().map(at), &[Basic], None),
            (
                "headers",
                raw.headers.as_ref().map(Spanned::span),
                &[Hmac, Login],
                Some((
                    Hmac,
                    "headers for the signature; add headers = { X-Signature = \"{signature}\" }",
                )),
            ),
            (
                "cookies",
                raw.cookies.as_ref().map(Spanned::span),
                &[Login],
                None,
            ),
            (
                "sign",
                raw.sign.as_ref().map(Spanned::span),
                &[Hmac],
                Some((
                    Hmac,
                    "what is signed; add sign = { message = \"{method} /{path}\" }",
                )),
            ),
            (
                "oauth2",
                raw.oauth2.as_ref().map(Spanned::span),
                &[OAuth2],
                Some((OAuth2, "its endpoints; add [auth.….oauth2]")),
            ),
            (
                "login",
                raw.login.as_ref().map(Spanned::span),
                &[Login],
                Some((Login, "its request; add [auth.….login]")),
            ),
        ];
        for (name, span, kinds, needed) in keys {
            match (span, needed) {
                (Some(span), _) if !kinds.contains(&kind) => {
                    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                    let problem = format!("only kind {} has it; remove it", kinds.join(", "));
                    return Err(self.error(span, format!("{key}.{name}"), problem));
                }
                (None, Some((needs, what))) if needs == kind => {
                    let problem = format!("kind \"{kind}\" needs {what}");
                    return Err(self.wrong(&raw.kind, key, problem));
                }
                (Some(_) | None, _) => {}
            }
        }
        Ok(())
    }

    pub(super) fn mold(&self, key: &str, text: &raw::Text) -> Result<Mold, Error> {
        Mold::parse(text.get_ref()).map_err(|problem| self.wrong(text, key, problem))
    }

    /// Reads a mold of settings, in which nothing secret can stand.
    fn settings_mold(
        &self,
        key: &str,
        text: &raw::Text,
        settings: &Settings,
    ) -> Result<Mold, Error> {
        let mold = self.mold(key, text)?;
        let unknown = |it: &&&FieldName| !is_setting(it, settings);
        if let Some(name) = mold.names().iter().find(unknown) {
            let problem = format!("there is no setting `{name}`; add [settings.{name}]");
            return Err(self.wrong(text, key, problem));
        }
        Ok(mold)
    }

    fn endpoint(
        &self,
        key: &str,
        text: &raw::Text,
        settings: &Settings,
    ) -> Result<Endpoint, Error> {
        let endpoint =
            Endpoint::parse(text.get_ref()).map_err(|problem| self.wrong(text, key, problem))?;
        self.placeholders(text, key, endpoint.origin(), settings)?;
        for name in endpoint.path_settings() {
            self.plain_setting(text, key, name, settings)?;
        }
        Ok(endpoint)
    }

    fn learned(
        &self,
        key: &str,
        raw: &raw::Recipe,
        source: &Source,
        settings: &Settings,
    ) -> Result<Vec<Learned>, Error> {
        let one = |(position, it): (usize, &raw::Learned)| {
            let key = format!("{key}.sets[{position}]");
            let setting: SettingName = self.parsed(&it.setting, &format!("{key}.setting"))?;
            let set_by = self
                .declared(&it.setting, &format!("{key}.setting"), &setting, settings)?
                .set_by();
            let has_code =
                matches!(source, Source::OAuth2(it) if it.grant() == GrantType::AuthorizationCode);
            let is_there = match set_by {
                SetBy::Tenant => false,
                SetBy::TokenAnswer => *source != Source::Given,
                SetBy::Callback => has_code,
                SetBy::Identify => raw.identify.is_some(),
            };
            if !is_there {
                let problem = format!(
                    "setting `{setting}` is set by {set_by}, which this way to authenticate does not have; write set-by in [settings.{setting}], or remove this"
                );
                return Err(self.wrong(&it.setting, key, problem));
            }
            let at = it.at.get_ref();
            if set_by != SetBy::Callback && !at.starts_with('/') {
                let problem = format!("{at:?} is no JSON pointer; write it as \"/instance_url\"");
                return Err(self.wrong(&it.at, format!("{key}.at"), problem));
            }
            let around = it.like.as_ref().map_or_else(
                || Ok((String::new(), String::new())),
                |like| match like.get_ref().split_once("{}") {
                    Some((before, behind)) if !behind.contains("{}") => {
                        Ok((before.to_owned(), behind.to_owned()))
                    }
                    Some(_) | None => {
                        let problem =
                            "the value stands in one {}; write it as \"https://{}.example.com\"";
                        Err(self.wrong(like, format!("{key}.like"), problem))
                    }
                },
            )?;
            Ok(Learned {
                setting,
                at: at.clone(),
                around,
            })
        };
        raw.sets.iter().enumerate().map(one).collect()
    }

    fn troubles(
        &self,
        key: &str,
        raw: &raw::Recipe,
        source: &Source,
    ) -> Result<Vec<TroubleRule>, Error> {
        let one = |(position, it): (usize, &raw::Trouble)| {
            let key = format!("{key}.refusals[{position}]");
            if *source == Source::Given {
                let problem =
                    "nobody refuses anything here, since the host asks for no token; remove it";
                return Err(self.wrong(&it.error, key, problem));
            }
            Ok(TroubleRule {
                error: it.error.get_ref().clone(),
                begins: it.begins.as_ref().map(|it| it.get_ref().clone()),
                means: self.word(&it.means, &format!("{key}.means"))?,
            })
        };
        raw.refusals.iter().enumerate().map(one).collect()
    }

    /// Reads where the credential may go: hosts of the connector, and the recipe's own endpoints, all of which have to be there.
    fn audience(
        &self,
        key: &str,
        raw: &Spanned<Vec<raw::Text>>,
        hosts: &[Host],
        endpoints: &[&Endpoint],
    ) -> Result<Vec<Template>, Error> {
        let mut audience: Vec<Template> = Vec::new();
        let is_host = |origin: &Template| hosts.iter().any(|it| it.origin == *origin);
        for (position, text) in raw.get_ref().iter().enumerate() {
            let key = format!("{key}.audience[{position}]");
            let origin =
                Template::parse(text.get_ref()).map_err(|error| self.wrong(text, &key, error))?;
            if !is_host(&origin) && !endpoints.iter().any(|it| *it.origin() == origin) {
                let problem =
                    format!("\"{origin}\" is not among the hosts; add [[hosts]] with that origin");
                return Err(self.wrong(text, key, problem));
            }
            if audience.contains(&origin) {
                return Err(self.wrong(
                    text,
                    key,
                    format!("\"{origin}\" is listed twice; remove one"),
                ));
            }
            audience.push(origin);
        }
        if !audience.iter().any(is_host) {
            let problem = "no origin is listed, so the credential could go nowhere; list those of the hosts that need it";
            return Err(self.wrong(raw, format!("{key}.audience"), problem));
        }
        if let Some(missing) = endpoints.iter().find(|it| !audience.contains(it.origin())) {
            let problem = format!(
                "{missing} gets secrets, so that its origin has to be in the audience; add \"{}\"",
                missing.origin()
            );
            return Err(self.wrong(raw, format!("{key}.audience"), problem));
        }
        Ok(audience)
    }

    fn signing(&self, key: &str, raw: &raw::Sign) -> Result<Signing, Error> {
        let key = format!("{key}.sign");
        let digest = raw.digest.as_ref();
        let encoding = raw.encoding.as_ref();
        Ok(Signing {
            digest: digest.map_or(Ok(crate::manifest::Digest::Sha256), |it| {
                self.word(it, &format!("{key}.digest"))
            })?,
            encoding: encoding.map_or(Ok(crate::manifest::Encoding::Hex), |it| {
                self.word(it, &format!("{key}.encoding"))
            })?,
            message: self.mold(&format!("{key}.message"), &raw.message)?,
        })
    }
}

fn is_setting(name: &FieldName, settings: &Settings) -> bool {
    settings.keys().any(|it| it.as_str() == name.as_str())
}

/// Collects what a person has to give: whatever is needed and comes from nowhere else.
fn fields(recipe: &Recipe, settings: &Settings) -> Vec<FieldName> {
    let mut needed: Vec<&str> = Vec::new();
    let mut made: Vec<&str> = Vec::new();
    match &recipe.source {
        Source::Given => {}
        Source::OAuth2(it) => {
            needed.extend(it.needs());
            made.push("token");
        }
        Source::Login(it) => {
            needed.extend(it.request().names().iter().map(|it| it.as_str()));
            made.extend(it.takes().iter().map(|(name, _)| name.as_str()));
        }
    }
    if let Some(signing) = &recipe.signing {
        needed.extend(signing.message().names().iter().map(|it| it.as_str()));
        made.extend(crate::manifest::recipe::OF_A_REQUEST);
        made.push("signature");
    }
    let carried = recipe.carriers.iter().map(Carrier::value);
    needed.extend(carried.flat_map(Mold::names).map(FieldName::as_str));
    needed.extend(recipe.signing.iter().map(|_| "secret"));
    let identify = recipe.identify.iter().flat_map(|it| it.names());
    needed.extend(identify.map(FieldName::as_str));
    let mut fields: Vec<FieldName> = Vec::new();
    for name in needed {
        let Ok(field) = name.parse::<FieldName>() else {
            continue;
        };
        if !made.contains(&name) && !is_setting(&field, settings) && !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}
