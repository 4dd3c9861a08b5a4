//! Assertions: a client that holds a private key signs which user it stands for (RFC 7523, RFC 7519).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::oauth::client::{ClientAuthentication, Registered};
use crate::oauth::form::Form;
use crate::oauth::key;
use crate::oauth::ledger::Ledger;
use crate::oauth::refusal::Refusal;
use crate::server::App;

/// How far a clock may be off, in seconds.
const LEEWAY: i64 = 60;
/// How far ahead an assertion may expire, in seconds.
const LONGEST: i64 = 60 * 60;

/// The three parts of a JSON Web Token, not verified yet.
struct Assertion<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Returns the client of an assertion: the one that issued it, and that authenticated if it has to.
pub(crate) fn client(
    ledger: &Ledger,
    form: &Form,
    authenticated: Option<Arc<Registered>>,
) -> Result<Arc<Registered>, Refusal> {
    let assertion = Assertion::of(form)?;
    let issuer = assertion.text("iss").unwrap_or_default();
    let unknown = || Refusal::grant("iss is not the id of the client");
    match authenticated {
        Some(client) if client.id == issuer => Ok(client),
        Some(_) => Err(unknown()),
        None => {
            let client = ledger.clients.get(&issuer.to_owned()).ok_or_else(unknown)?;
            if client.client.authentication == ClientAuthentication::None {
                return Ok(Arc::clone(client));
            }
            let message = "the client has to authenticate beside its assertion";
            Err(Refusal::client(message))
        }
    }
}

/// Verifies an assertion, and returns the id of the user that the client stands for.
pub(crate) fn user(
    app: &App,
    ledger: &mut Ledger,
    form: &Form,
    client: &Registered,
    now: i64,
) -> Result<String, Refusal> {
    let assertion = Assertion::of(form)?;
    assertion.verify(client)?;
    let now = now.div_euclid(1000);
    assertion.check_times(now)?;
    let endpoint = format!("{}/oauth/token", app.address);
    let is_meant = match assertion.claims.get("aud") {
        Some(Value::String(audience)) => *audience == endpoint,
        Some(Value::Array(audiences)) => audiences.iter().any(|it| *it == endpoint.as_str()),
        _ => false,
    };
    if !is_meant {
        return Err(Refusal::grant("aud is not the address of this endpoint"));
    }
    let subject = assertion.text("sub").unwrap_or_default();
    let login = app.credentials.user(subject);
    let login = login.ok_or_else(|| Refusal::grant("sub is not the address of a user"))?;
    let number = assertion.text("jti");
    let number = number.filter(|it| (1..=200).contains(&it.len()));
    let number = number.ok_or_else(|| Refusal::grant("jti has 1 to 200 characters"))?;
    if !ledger
        .assertions
        .insert((client.id.clone(), number.to_owned()), ())
    {
        return Err(Refusal::grant("an assertion with this jti came before"));
    }
    Ok(login.id.clone())
}

impl<'a> Assertion<'a> {
    fn of(form: &'a Form) -> Result<Self, Refusal> {
        let text = form.need("assertion", "assertion is missing")?;
        Self::parse(text)
            .ok_or_else(|| Refusal::grant("the assertion is not a signed JSON Web Token"))
    }

    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part| serde_json::from_slice(&key::bytes(part)?).ok();
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed,
            signature: key::bytes(signature)?,
        })
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    fn verify(&self, client: &Registered) -> Result<(), Refusal> {
        if self.header.contains_key("crit") {
            // RFC 7515, section 4.1.11: an extension that is not understood makes it invalid.
            return Err(Refusal::grant("crit names what this server does not know"));
        }
        let header = |name| self.header.get(name).and_then(Value::as_str);
        let algorithm = header("alg").unwrap_or_default();
        if !["RS256", "ES256"].contains(&algorithm) {
            return Err(Refusal::grant("alg takes RS256 or ES256"));
        }
        let mut keys = client.keys.iter().filter(|it| it.is_called(header("kid")));
        let signed = self.signed.as_bytes();
        if keys.any(|it| it.verifies(algorithm, signed, &self.signature)) {
            return Ok(());
        }
        let message = "no registered key of the client made this signature";
        Err(Refusal::grant(message))
    }

    fn check_times(&self, now: i64) -> Result<(), Refusal> {
        let time = |name: &str| match self.claims.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| Refusal::grant("exp, nbf and iat are whole seconds since 1970")),
        };
        let expires = time("exp")?.ok_or_else(|| Refusal::grant("exp is missing"))?;
        if expires <= now.saturating_sub(LEEWAY) {
            return Err(Refusal::grant("the assertion has expired"));
        }
        if now.saturating_add(LONGEST + LEEWAY) < expires {
            return Err(Refusal::grant("exp is more than an hour ahead"));
        }
        for name in ["nbf", "iat"] {
            if time(name)?.is_some_and(|it| now.saturating_add(LEEWAY) < it) {
                return Err(Refusal::grant("nbf or iat is in the future"));
            }
        }
        Ok(())
    }
}
