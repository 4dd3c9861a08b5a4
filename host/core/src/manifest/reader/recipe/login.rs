//! Reads requests that the host makes for a recipe, and what a login answers.

use toml::{Spanned, Value};

use super::super::Reader;
use super::Settings;
use crate::manifest::{Error, JsonMold, Login, Mold, RecipeBody, RecipeRequest, Take, raw};
use crate::name::FieldName;
use crate::request::Method;

/// How deep JSON may be nested.
const DEEPEST: usize = 8;

impl Reader<'_> {
    pub(super) fn login(
        &self,
        key: &str,
        raw: &Spanned<raw::Login>,
        settings: &Settings,
    ) -> Result<Login, Error> {
        let key = &format!("{key}.login");
        let raw = raw.get_ref();
        let mut takes = Vec::new();
        for (name, take) in raw.takes.get_ref() {
            let key = format!("{key}.takes.{}", name.get_ref());
            let field: FieldName = self.parsed(name, &key)?;
            let take = match (&take.at, &take.cookie, &take.header) {
                (Some(at), None, None) if at.get_ref().starts_with('/') => {
                    Take::Body(at.get_ref().clone())
                }
                (None, Some(cookie), None) => Take::Cookie(cookie.get_ref().clone()),
                (None, None, Some(header)) => Take::Header(header.get_ref().to_ascii_lowercase()),
                _ => {
                    let problem = "it stands in one place; write one of at = \"/pointer\", cookie = \"name\", header = \"name\"";
                    return Err(self.wrong(name, key, problem));
                }
            };
            takes.push((field, take));
        }
        if takes.is_empty() {
            let problem = "nothing is taken out of the answer; add token = { at = \"/token\" }";
            return Err(self.wrong(&raw.takes, format!("{key}.takes"), problem));
        }
        if let Some(at) = raw
            .lifetime_at
            .as_ref()
            .filter(|it| !it.get_ref().starts_with('/'))
        {
            let problem = format!(
                "{:?} is no JSON pointer; write it as \"/expires_in\"",
                at.get_ref()
            );
            return Err(self.wrong(at, format!("{key}.lifetime-at"), problem));
        }
        Ok(Login {
            request: self.request(&format!("{key}.request"), &raw.request, settings)?,
            takes,
            lifetime: raw.lifetime_seconds,
            lifetime_at: raw.lifetime_at.as_ref().map(|it| it.get_ref().clone()),
        })
    }

    pub(super) fn request(
        &self,
        key: &str,
        raw: &raw::Request,
        settings: &Settings,
    ) -> Result<RecipeRequest, Error> {
        let method = match raw.method.as_ref().map(|it| (it, it.get_ref().as_str())) {
            None | Some((_, "POST")) => Method::Post,
            Some((_, "GET")) => Method::Get,
            Some((text, _)) => {
                let problem = "a request of a recipe is GET or POST; write one of them";
                return Err(self.wrong(text, format!("{key}.method"), problem));
            }
        };
        let body = match (&raw.form, &raw.json) {
            (None, None) => RecipeBody::None,
            (Some(form), None) => RecipeBody::Form(
                form.iter()
                    .map(|(name, value)| {
                        let key = format!("{key}.form.{}", name.get_ref());
                        Ok((name.get_ref().clone(), self.mold(&key, value)?))
                    })
                    .collect::<Result<_, Error>>()?,
            ),
            (None, Some(json)) => {
                let read = object(json.get_ref(), DEEPEST);
                let json = read.map_err(|problem| self.wrong(json, format!("{key}.json"), problem));
                RecipeBody::Json(json?)
            }
            (Some(_), Some(json)) => {
                let problem = "`form` and `json` exclude each other; remove one";
                return Err(self.wrong(json, format!("{key}.json"), problem));
            }
        };
        if method == Method::Get && body != RecipeBody::None {
            let problem = "a GET has no body; remove `form` or `json`, or write method = \"POST\"";
            return Err(self.wrong(&raw.url, key, problem));
        }
        let append = raw.append.as_ref();
        Ok(RecipeRequest {
            method,
            endpoint: self.endpoint(&format!("{key}.url"), &raw.url, settings)?,
            append: append
                .map(|it| self.mold(&format!("{key}.append"), it))
                .transpose()?,
            body,
        })
    }
}

fn object(table: &toml::Table, depth: usize) -> Result<JsonMold, String> {
    let pair = |(name, value): (&String, &Value)| Ok((name.clone(), json(value, depth)?));
    let pairs: Result<_, String> = table.iter().map(pair).collect();
    Ok(JsonMold::Object(pairs?))
}

fn json(value: &Value, depth: usize) -> Result<JsonMold, String> {
    let Some(below) = depth.checked_sub(1) else {
        return Err(format!("it is nested deeper than {DEEPEST}; flatten it"));
    };
    match value {
        Value::String(text) => Mold::parse(text).map(JsonMold::Text),
        Value::Integer(number) => Ok(JsonMold::Fixed((*number).into())),
        Value::Float(number) => Ok(JsonMold::Fixed((*number).into())),
        Value::Boolean(is_true) => Ok(JsonMold::Fixed((*is_true).into())),
        Value::Datetime(_) => Err("JSON has no dates; write a text".to_owned()),
        Value::Array(all) => {
            let all: Result<_, String> = all.iter().map(|it| json(it, below)).collect();
            all.map(JsonMold::List)
        }
        Value::Table(table) => object(table, below),
    }
}
