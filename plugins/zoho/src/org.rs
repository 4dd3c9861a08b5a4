//! What is known of an organisation, and is asked once a day at most: its number, its currency, and the stages of its deals.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{
    Error, Id, OpportunityStatus, Reason, Result, User, Whoami, settings, state, time,
};
use serde_json::Value;

use crate::api::{self, Api};
use crate::map::text;

const DAY: i64 = 86_400_000;

/// The stage of a deal that has none.
const NONE: &str = "-None-";

/// An organisation.
#[derive(Default)]
pub(crate) struct Org {
    /// The number that stands in links.
    number: Option<Id>,
    pub(crate) currency: Option<String>,
}

/// What the records of an answer are read with.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) org: Org,
    /// The custom fields that the tenant wants.
    pub(crate) wanted: Vec<String>,
}

/// What is known of deals.
pub(crate) struct Deals {
    /// The names of a stage, and what it means.
    stages: Vec<([Option<String>; 2], Option<String>)>,
    /// Those fields of deals that not every organisation has.
    pub(crate) columns: Vec<String>,
}

/// Who the connection is.
pub(crate) fn whoami(user: &Response, org: &Response) -> Result<Whoami> {
    let wanted = settings::wanted_fields("user");
    let user = api::first(user, "users", |it| Ok(self::user(it, &wanted)))?;
    keep(org);
    api::first(org, "org", |it| {
        let id = text(it, "zgid").unwrap_or_else(|| it.id("id"));
        Ok(Whoami {
            org_name: text(it, "company_name"),
            user: Some(user.clone()),
            ..Whoami::new(id)
        })
    })
}

pub(crate) fn user(it: Object<'_>, wanted: &[String]) -> User {
    let email = text(it, "email");
    let name = text(it, "full_name").or_else(|| email.clone());
    User {
        timezone: text(it, "time_zone"),
        active: text(it, "status").map(|it| it == "active"),
        emails: Vec::from_iter(email),
        extra: it.pick(wanted),
        ..User::new(it.id("id"), name.unwrap_or_default())
    }
}

impl Scene {
    pub(crate) fn of(api: &Api, object: &str) -> Result<Self> {
        Ok(Self {
            org: org(api)?,
            wanted: settings::wanted_fields(object),
        })
    }

    /// Where a human sees a record.
    pub(crate) fn url(&self, tab: &str, id: &str) -> Option<String> {
        let site = site(&settings::get("api")?)?;
        let number = self.org.number.as_ref()?;
        Some(format!("{site}/crm/org{number}/tab/{tab}/{id}"))
    }
}

/// The site for humans beside the API: `https://www.zohoapis.eu` is for programs what `https://crm.zoho.eu` is for humans.
fn site(api: &str) -> Option<String> {
    let (place, end) = api.strip_prefix("https://")?.split_once(".zohoapis.")?;
    let site = if place == "sandbox" {
        "crmsandbox"
    } else {
        "crm"
    };
    let company = if end == "ca" { "zohocloud" } else { "zoho" };
    Some(format!("https://{site}.{company}.{end}"))
}

fn org(api: &Api) -> Result<Org> {
    if let Some(kept) = state::get::<Value>("org") {
        return Object::read(&kept, |it| Ok(read(it)));
    }
    match api.get("org").send() {
        Ok(answer) => {
            keep(&answer);
            api::first(&answer, "org", |it| Ok(read(it)))
        }
        // Records are worth more than the links to them.
        Err(Error {
            reason: Reason::Forbidden(_),
            ..
        }) => Ok(Org::default()),
        Err(error) => Err(error),
    }
}

/// Keeps what is read of an organisation again, in the words of the answer.
fn keep(answer: &Response) {
    let kept = api::first(answer, "org", |it| {
        let names = ["zgid", "iso_code", "currency_locale", "currency"];
        let put = |body: Body, name: &str| body.with(name, text(it, name));
        Ok(names.into_iter().fold(Body::new(), put))
    });
    if let Ok(kept) = kept {
        // The cache is no loss.
        state::set("org", &kept).unwrap_or_default();
    }
}

fn read(it: Object<'_>) -> Org {
    let code = |it: String| {
        let code = it.rsplit(' ').next().unwrap_or_default();
        let is_code = code.len() == 3 && code.bytes().all(|it| it.is_ascii_uppercase());
        is_code.then(|| code.to_owned())
    };
    // The code stands in one member or another, or at the end of `US Dollar - USD`.
    let names = ["iso_code", "currency_locale", "currency"];
    let currency = names
        .into_iter()
        .find_map(|name| text(it, name).and_then(code));
    Org {
        number: text(it, "zgid"),
        currency,
    }
}

impl Deals {
    /// Reads the stages and fields of deals, or what was kept of them today.
    pub(crate) fn of(api: &Api) -> Result<Self> {
        let now = time::now();
        let kept = state::get::<Value>("deals");
        let at = |it: &Value| it.get("at").and_then(Value::as_i64);
        let fresh = |it: &Value| at(it).is_some_and(|at| now - DAY < at && at <= now);
        if let Some(kept) = kept.filter(fresh) {
            return Object::read(&kept, |it| Ok(Self::read(it)));
        }
        match api.get("settings/fields").query("module", "Deals").send() {
            Ok(answer) => answer.read(|it| {
                let body = fields(it).with("at", now);
                state::set("deals", &body)?;
                Object::read(&body.into(), |it| Ok(Self::read(it)))
            }),
            // The stages' usual names and their probability say nearly as much.
            Err(Error {
                reason: Reason::Forbidden(_),
                ..
            }) => Ok(Self {
                stages: Vec::new(),
                columns: Vec::new(),
            }),
            Err(error) => Err(error),
        }
    }

    fn read(it: Object<'_>) -> Self {
        let stage = |it: Object<'_>| {
            let names = [text(it, "actual_value"), text(it, "display_value")];
            (names, text(it, "forecast_type"))
        };
        Self {
            stages: it.each("stages", stage),
            columns: it.list("columns"),
        }
    }

    /// What a stage means and its place among all, by its name and how probable it is that the deal is won.
    pub(crate) fn stage(
        &self,
        name: &str,
        probability: Option<i64>,
    ) -> (OpportunityStatus, Option<u32>) {
        let is_it = |(names, _): &([Option<String>; 2], Option<String>)| {
            names.iter().flatten().any(|it| it == name)
        };
        let place = self.stages.iter().position(is_it);
        let meaning = place.and_then(|it| self.stages.get(it)?.1.as_deref());
        let status = match (meaning.unwrap_or(name), probability) {
            (it, _) if it.ends_with("Won") => OpportunityStatus::Won,
            (it, _) if it.starts_with("Closed Lost") => OpportunityStatus::Lost,
            (_, Some(100)) if meaning.is_none() => OpportunityStatus::Won,
            (_, Some(0)) if meaning.is_none() => OpportunityStatus::Lost,
            ("", None) => OpportunityStatus::Unknown,
            _ => OpportunityStatus::Open,
        };
        (status, place.and_then(|it| it.try_into().ok()))
    }
}

/// What of the fields of deals is kept: the stages, and whether there are pipelines and currencies.
fn fields(it: Object<'_>) -> Body {
    let mut stages: Vec<Value> = Vec::new();
    let mut columns = Vec::new();
    for field in it.items("fields") {
        match field.get("api_name").and_then(Value::as_str) {
            Some("Stage") => {
                let values = field.get("pick_list_values").and_then(Value::as_array);
                let values = values.into_iter().flatten();
                stages.extend(
                    values
                        .filter(|it| it.get("actual_value") != Some(&NONE.into()))
                        .map(stage),
                );
            }
            Some(name @ ("Pipeline" | "Currency")) => columns.push(name),
            _ => {}
        }
    }
    Body::new().with("stages", stages).with("columns", columns)
}

fn stage(value: &Value) -> Value {
    let names = ["actual_value", "display_value", "forecast_type"];
    let text = |name| value.get(name).and_then(Value::as_str);
    let put = |body: Body, name| body.with(name, text(name));
    names.into_iter().fold(Body::new(), put).into()
}
