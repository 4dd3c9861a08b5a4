//! Reads where a secret is put into requests.

use super::super::Reader;
use crate::manifest::{
    Carrier, CarrierPlace, Error, HeaderName, Mold, ParameterName, RecipeKind, is_secret, raw,
};

impl Reader<'_> {
    pub(super) fn carriers(
        &self,
        key: &str,
        kind: RecipeKind,
        raw: &raw::Recipe,
    ) -> Result<Vec<Carrier>, Error> {
        let carriers = match kind {
            RecipeKind::Bearer => vec![self.authorization(key, raw, "Bearer {token}")?],
            RecipeKind::Basic => {
                let part = |text: Option<&raw::Text>, field: &str| {
                    text.map_or_else(
                        || self.default_mold(raw, key, &format!("{{{field}}}")),
                        |text| self.mold(&format!("{key}.{field}"), text),
                    )
                };
                let user = part(raw.user.as_ref(), "user")?;
                let password = part(raw.password.as_ref(), "password")?;
                vec![Carrier {
                    place: CarrierPlace::Header(self.authorization_header(raw, key)?),
                    value: user.then(":", password).in_base64("Basic "),
                }]
            }
            RecipeKind::Header | RecipeKind::Query => vec![self.one(key, raw, "{key}")?],
            RecipeKind::OAuth2 => match (&raw.header, &raw.parameter) {
                (None, None) => {
                    let value = raw.value.as_ref().map(|it| it.get_ref().as_str());
                    vec![self.authorization(key, raw, value.unwrap_or("Bearer {token}"))?]
                }
                (Some(_), Some(both)) => {
                    let problem = "the token is sent in a header or in a parameter; remove one";
                    return Err(self.wrong(both, format!("{key}.parameter"), problem));
                }
                (Some(_), None) | (None, Some(_)) => vec![self.one(key, raw, "{token}")?],
            },
            RecipeKind::Hmac | RecipeKind::Login => self.several(key, raw)?,
        };
        let secret = |it: &Carrier| it.value.names().iter().any(|it| is_secret(it.as_str()));
        if carriers.iter().any(secret) {
            return Ok(carriers);
        }
        let problem =
            "nothing secret is sent: write the name of a value in braces, as in \"{key}\"";
        Err(self.wrong(&raw.kind, key, problem))
    }

    /// The one header or parameter that is named.
    fn one(&self, key: &str, raw: &raw::Recipe, default: &str) -> Result<Carrier, Error> {
        let place = match (&raw.header, &raw.parameter) {
            (Some(name), _) => CarrierPlace::Header(self.header(&format!("{key}.header"), name)?),
            (None, Some(name)) => {
                CarrierPlace::Query(self.parameter(&format!("{key}.parameter"), name)?)
            }
            (None, None) => CarrierPlace::Header(self.authorization_header(raw, key)?),
        };
        let value = match &raw.value {
            Some(text) => self.mold(&format!("{key}.value"), text)?,
            None => self.default_mold(raw, key, default)?,
        };
        self.encoded(key, raw, Carrier { place, value })
    }

    /// The headers and cookies of a signature or a session.
    fn several(&self, key: &str, raw: &raw::Recipe) -> Result<Vec<Carrier>, Error> {
        let mut carriers = Vec::new();
        for (name, value) in raw.headers.iter().flat_map(|it| it.get_ref()) {
            let key = format!("{key}.headers.{}", name.get_ref());
            let place = CarrierPlace::Header(self.header(&key, name)?);
            let value = self.mold(&key, value)?;
            carriers.push(self.encoded(&key, raw, Carrier { place, value })?);
        }
        for (name, value) in raw.cookies.iter().flat_map(|it| it.get_ref()) {
            let key = format!("{key}.cookies.{}", name.get_ref());
            let place = CarrierPlace::Cookie(self.parameter(&key, name)?);
            let value = self.mold(&key, value)?;
            carriers.push(Carrier { place, value });
        }
        Ok(carriers)
    }

    fn encoded(&self, key: &str, raw: &raw::Recipe, carrier: Carrier) -> Result<Carrier, Error> {
        match &raw.encode {
            None => Ok(carrier),
            Some(text) if text.get_ref() == "base64" => Ok(Carrier {
                value: carrier.value.in_base64(""),
                ..carrier
            }),
            Some(text) => {
                let problem = format!(
                    "{:?} is no way to write a value; write \"base64\"",
                    text.get_ref()
                );
                Err(self.wrong(text, format!("{key}.encode"), problem))
            }
        }
    }

    fn authorization(&self, key: &str, raw: &raw::Recipe, value: &str) -> Result<Carrier, Error> {
        let carrier = Carrier {
            place: CarrierPlace::Header(self.authorization_header(raw, key)?),
            value: self.default_mold(raw, key, value)?,
        };
        self.encoded(key, raw, carrier)
    }

    fn authorization_header(&self, raw: &raw::Recipe, key: &str) -> Result<HeaderName, Error> {
        HeaderName::parse("authorization").map_err(|problem| self.wrong(&raw.kind, key, problem))
    }

    fn default_mold(&self, raw: &raw::Recipe, key: &str, text: &str) -> Result<Mold, Error> {
        Mold::parse(text).map_err(|problem| self.wrong(&raw.kind, key, problem))
    }

    fn header(&self, key: &str, name: &raw::Text) -> Result<HeaderName, Error> {
        HeaderName::parse(name.get_ref())
            .map_err(|problem| self.wrong(name, key, format!("{:?} {problem}", name.get_ref())))
    }

    fn parameter(&self, key: &str, name: &raw::Text) -> Result<ParameterName, Error> {
        ParameterName::parse(name.get_ref())
            .map_err(|problem| self.wrong(name, key, format!("{:?} {problem}", name.get_ref())))
    }
}
