//! Lists: their options, their pages, and the changes that are tracked.

use serde_json::{Map, Value, json};

use super::filter::{self, Condition};
use super::schema::{Schema, Type};
use super::store::Record;
use super::{Dataverse, ROOT, Refused, refused};
use crate::{Answer, Office, Request};

/// The largest page.
const LARGEST_PAGE: usize = 5_000;
/// How long changes are kept.
const WEEK: i64 = 7 * 86_400_000;

/// What the header `Prefer` asks for.
#[derive(Debug, Default)]
pub(super) struct Preferences {
    pub(super) size: Option<usize>,
    pub(super) tracked: bool,
    pub(super) kinds: bool,
    pub(super) representation: bool,
}

/// What the query asks for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) select: Vec<String>,
    pub(super) filter: Option<Condition>,
    by_time: bool,
    pub(super) expand: Option<Expand>,
    skip: Option<String>,
    delta: Option<String>,
}

/// A navigation property that is expanded, with its columns.
pub(super) type Expand = (String, Vec<String>);

/// Where a page begins.
#[derive(Debug, Default)]
struct Cookie {
    /// The version as of which a tracked list ends.
    until: u64,
    id: String,
    time: i64,
    version: u64,
    /// The deletions come after the rows.
    deletions: bool,
}

impl Preferences {
    pub(super) fn read(request: &Request) -> Result<Self, Refused> {
        let mut preferences = Self::default();
        for preference in quoted_parts(request.header("prefer").unwrap_or_default()) {
            let (name, value) = preference.split_once('=').unwrap_or((&preference, ""));
            match (name, value.trim_matches('"')) {
                ("odata.track-changes", "") => preferences.tracked = true,
                ("odata.maxpagesize", size) => {
                    let size = size.parse().ok();
                    let size = size.filter(|it| (1..=LARGEST_PAGE).contains(it));
                    let wrong = || refused(400, "0x80060888", "The page size is out of range.");
                    preferences.size = Some(size.ok_or_else(wrong)?);
                }
                ("odata.include-annotations", "Microsoft.Dynamics.CRM.lookuplogicalname") => {
                    preferences.kinds = true;
                }
                ("return", "representation") => preferences.representation = true,
                _ => {
                    return Err(Refused::Unknown(format!(
                        "this preference is not known: {preference}"
                    )));
                }
            }
        }
        Ok(preferences)
    }
}

impl Dataverse {
    /// Reads the options of a query; `allowed` are those that this place takes.
    pub(super) fn options(
        &self,
        schema: &'static Schema,
        request: &Request,
        allowed: &[&str],
    ) -> Result<Options, Refused> {
        let length = request.origin.len() + request.path.len() + request.raw_query.len();
        if 32_768 < length {
            return Err(refused(414, "0x0", "The request URL is too long."));
        }
        let mut names: Vec<&str> = request.query.iter().map(|it| it.0.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() != request.query.len() {
            let said = "Query option was specified more than once.";
            return Err(refused(400, "0x80060888", said));
        }
        let is_allowed = |it: &&&str| it.starts_with('@') || allowed.contains(it);
        if let Some(wrong) = names.iter().find(|it| !is_allowed(it)) {
            return Err(Refused::Unknown(format!(
                "the option {wrong} is not expected here"
            )));
        }
        let custom = self.custom(schema);
        let select = match request.param("$select") {
            // Whoever leaves it out gets all columns, which no connector should.
            None => return Err(Refused::Unknown("$select is missing".to_owned())),
            Some(select) => self.selected(schema, select)?,
        };
        let filter = request.param("$filter");
        let aliases: Vec<_> = (request.query.iter())
            .filter(|it| it.0.starts_with('@'))
            .cloned()
            .collect();
        let filter = filter
            .map(|it| filter::parse(it, &aliases, schema, &custom))
            .transpose()
            .map_err(|said| refused(400, "0x80060888", &said))?;
        let by_time = match request.param("$orderby") {
            None => false,
            Some(order) if order == schema.id => false,
            Some(order) if order == format!("modifiedon,{}", schema.id) => true,
            Some(order) => {
                return Err(Refused::Unknown(format!(
                    "rows of one value of {order} have no order, and pages would lose some"
                )));
            }
        };
        Ok(Options {
            select,
            filter,
            by_time,
            expand: request
                .param("$expand")
                .map(|it| self.expanded(schema, it))
                .transpose()?,
            skip: request.param("$skiptoken").map(str::to_owned),
            delta: request.param("$deltatoken").map(str::to_owned),
        })
    }

    fn selected(&self, schema: &Schema, select: &str) -> Result<Vec<String>, Refused> {
        let custom = self.custom(schema);
        let names: Vec<String> = select.split(',').map(str::to_owned).collect();
        for name in &names {
            if schema.property(name).is_none() && !custom.contains(name) {
                return Err(no_property(schema, name));
            }
        }
        Ok(names)
    }

    fn expanded(&self, schema: &Schema, expand: &str) -> Result<Expand, Refused> {
        let wrong = || refused(400, "0x80060888", "The $expand expression is not valid.");
        let (name, rest) = expand.split_once('(').ok_or_else(wrong)?;
        let columns = rest
            .strip_prefix("$select=")
            .and_then(|it| it.strip_suffix(')'))
            .ok_or_else(wrong)?;
        let known: &[&str] = match name {
            "transactioncurrencyid" if schema.set == "opportunities" => &["isocurrencycode"],
            name if schema.parties.is_some_and(|it| it.0 == name) => {
                &["_partyid_value", "addressused", "participationtypemask"]
            }
            name => return Err(no_property(schema, name)),
        };
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        if let Some(wrong) = columns.iter().find(|it| !known.contains(&it.as_str())) {
            return Err(no_property(schema, wrong));
        }
        Ok((name.to_owned(), columns))
    }

    /// Answers a page of a list.
    pub(super) fn list(
        &mut self,
        schema: &'static Schema,
        request: &Request,
    ) -> Result<Answer, Refused> {
        let preferences = Preferences::read(request)?;
        let allowed = [
            "$select",
            "$filter",
            "$orderby",
            "$expand",
            "$skiptoken",
            "$deltatoken",
        ];
        let options = self.options(schema, request, &allowed)?;
        self.last_filter.clone_from(&options.filter);
        let target = format!("{}?{}", request.path, request.raw_query);
        let is_link = options.skip.is_some() || options.delta.is_some();
        if is_link && !self.links.contains(&target) {
            return Err(refused(
                400,
                "0x80060888",
                "The token is malformed, or the link was changed.",
            ));
        }
        let goes_on = |it: &String| it.contains("istracking=\"True\"");
        let is_tracking = preferences.tracked
            || options.delta.is_some()
            || options.skip.as_ref().is_some_and(goes_on);
        if is_tracking {
            self.may_track(schema, request)?;
        }
        let size = preferences.size.unwrap_or(LARGEST_PAGE);
        let cookie = match (&options.skip, &options.delta) {
            (Some(skip), _) => Cookie::read(skip)?,
            (None, Some(delta)) => self.since(delta)?,
            (None, None) => Cookie {
                until: self.version,
                ..Cookie::default()
            },
        };
        let is_delta = options.delta.is_some() || cookie.version > 0;
        let (values, next) = if is_delta {
            self.changes(schema, &options, &preferences, size, &cookie)
        } else {
            self.page(schema, &options, &preferences, size, &cookie)
        };
        let context = format!("{}{ROOT}$metadata#{}", request.origin, schema.set);
        let mut body = Map::from_iter([("@odata.context".to_owned(), context.into())]);
        let base = without_tokens(&request.raw_query);
        if let Some(next) = next {
            let link = format!(
                "{}?{base}&$skiptoken={}",
                request.path,
                next.write(is_tracking)
            );
            self.links.insert(link.clone());
            body.insert(
                "@odata.nextLink".to_owned(),
                format!("{}{link}", request.origin).into(),
            );
        } else if is_tracking {
            let time = Office::format(self.office.now, "%m%%2f%d%%2f%Y%%20%H%%3a%M%%3a%S");
            let token = format!("{}%21{time}", cookie.until);
            let link = format!("{}?{base}&$deltatoken={token}", request.path);
            self.links.insert(link.clone());
            body.insert(
                "@odata.deltaLink".to_owned(),
                format!("{}{link}", request.origin).into(),
            );
        }
        body.insert("value".to_owned(), values.into());
        Ok(Answer::json(200, &Value::Object(body)))
    }

    /// What does not go with tracked changes, and who may not have them.
    fn may_track(&self, schema: &Schema, request: &Request) -> Result<(), Refused> {
        for option in ["filter", "orderby", "expand", "top"] {
            if request.param(&format!("${option}")).is_some() {
                let said = format!(
                    "The \"${option}\" query parameter isn't supported when Change Tracking is enabled."
                );
                return Err(refused(400, "0x80060888", &said));
            }
        }
        if !schema.tracked {
            let said = format!("Entity: {} isn't enabled for change tracking.", schema.name);
            return Err(refused(400, "0x80072491", &said));
        }
        if !self.tracking {
            let said = format!(
                "Principal user is missing prvRead{} privilege at the level of the organization.",
                schema.name
            );
            return Err(refused(403, "0x80040220", &said));
        }
        Ok(())
    }

    fn page(
        &self,
        schema: &Schema,
        options: &Options,
        preferences: &Preferences,
        size: usize,
        cookie: &Cookie,
    ) -> (Vec<Value>, Option<Cookie>) {
        let store = self.store(schema);
        let rows: Box<dyn Iterator<Item = &Record>> = if options.by_time {
            Box::new(store.later(cookie.time, &cookie.id))
        } else {
            Box::new(store.after(&cookie.id))
        };
        let is_met = |row: &&Record| options.filter.as_ref().is_none_or(|it| it.is_met(row));
        let mut met = rows.filter(is_met).peekable();
        let mut values = Vec::new();
        let mut last = None;
        while let Some(row) = met.next_if(|_| values.len() < size) {
            values.push(self.answered(schema, row, options, preferences));
            last = Some(row);
        }
        let more = met.peek().is_some();
        let next = last.filter(|_| more).map(|row| Cookie {
            until: cookie.until,
            id: row.id.clone(),
            time: row.modified,
            ..Cookie::default()
        });
        (values, next)
    }

    /// What changed since a version: rows in the order of their versions, then deletions.
    fn changes(
        &self,
        schema: &Schema,
        options: &Options,
        preferences: &Preferences,
        size: usize,
        cookie: &Cookie,
    ) -> (Vec<Value>, Option<Cookie>) {
        let store = self.store(schema);
        let mut values = Vec::new();
        let mut at = (cookie.version, cookie.deletions);
        let start: u64 = cookie.id.parse().unwrap_or(cookie.version);
        let next = |version, deletions| {
            Some(Cookie {
                until: cookie.until,
                version,
                deletions,
                id: start.to_string(),
                ..Cookie::default()
            })
        };
        if !cookie.deletions {
            for row in store.since(cookie.version) {
                if cookie.until < row.version {
                    break;
                }
                if values.len() == size {
                    return (values, next(at.0, false));
                }
                values.push(self.answered(schema, row, options, preferences));
                at.0 = row.version;
            }
            at = (start, true);
        }
        let range = (
            std::ops::Bound::Excluded(at.0),
            std::ops::Bound::Included(cookie.until.max(at.0)),
        );
        if at.0 < cookie.until {
            for (version, id) in store.deleted.range(range) {
                if values.len() == size {
                    return (values, next(at.0, true));
                }
                let set = schema.set;
                values.push(json!({
                    "@odata.context": format!("https://{}.crm4.dynamics.com{ROOT}$metadata#{set}/$deletedEntity", self.name),
                    "id": id,
                    "reason": "deleted",
                }));
                at.0 = *version;
            }
        }
        (values, None)
    }

    /// Where a delta link begins.
    fn since(&self, delta: &str) -> Result<Cookie, Refused> {
        let malformed = || refused(400, "0x80060888", "The delta token is malformed.");
        let (version, time) = delta.split_once('!').ok_or_else(malformed)?;
        let version = version.parse().map_err(|_| malformed())?;
        let time = chrono::NaiveDateTime::parse_from_str(time, "%m/%d/%Y %H:%M:%S");
        let time = time.map_err(|_| malformed())?.and_utc().timestamp_millis();
        if WEEK < self.office.now - time {
            let said =
                "Version stamp associated with the client has expired. Please perform a full sync.";
            return Err(refused(400, "0x80044352", said));
        }
        Ok(Cookie {
            until: self.version,
            version,
            ..Cookie::default()
        })
    }

    /// A row as it is answered, with what is expanded.
    pub(super) fn answered(
        &self,
        schema: &Schema,
        row: &Record,
        options: &Options,
        preferences: &Preferences,
    ) -> Value {
        let mut json = row.json(schema, &options.select, preferences.kinds);
        match &options.expand {
            Some((name, _)) if name == "transactioncurrencyid" => {
                let currency = row.value("_transactioncurrencyid_value");
                let code = currency.as_str().and_then(|it| self.currencies.get(it));
                let code = code.map(|it| json!({ "isocurrencycode": it }));
                json.insert(name.clone(), code.unwrap_or_default());
            }
            Some((name, columns)) => {
                let parties = row.parties.iter().map(|party| {
                    let mut json = Map::new();
                    for column in columns {
                        let value = match column.as_str() {
                            "addressused" => party.address.clone().into(),
                            "participationtypemask" => party.part.into(),
                            _ => party.row.as_ref().map(|it| it.1.clone()).into(),
                        };
                        json.insert(column.clone(), value);
                    }
                    if let Some((kind, _)) = party.row.as_ref().filter(|_| preferences.kinds) {
                        let name = "_partyid_value@Microsoft.Dynamics.CRM.lookuplogicalname";
                        json.insert(name.to_owned(), (*kind).into());
                    }
                    Value::Object(json)
                });
                json.insert(name.clone(), parties.collect());
            }
            None => {}
        }
        Value::Object(json)
    }
}

impl Cookie {
    fn write(&self, tracked: bool) -> String {
        let place = format!(
            "{}.{}.{}.{}.{}",
            self.until, self.id, self.time, self.version, self.deletions
        );
        let tracked = if tracked { "True" } else { "False" };
        format!(
            "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22{place}%22%20istracking=%22{tracked}%22%20/%3E"
        )
    }

    fn read(text: &str) -> Result<Self, Refused> {
        let read = || {
            let (_, rest) = text.split_once("pagingcookie=\"")?;
            let (place, _) = rest.split_once('"')?;
            let parts: Vec<&str> = place.split('.').collect();
            let [until, id, time, version, deletions] = parts.as_slice() else {
                return None;
            };
            Some(Self {
                until: until.parse().ok()?,
                id: (*id).to_owned(),
                time: time.parse().ok()?,
                version: version.parse().ok()?,
                deletions: *deletions == "true",
            })
        };
        read().ok_or_else(|| refused(400, "0x80060888", "Malformed XML in the Paging Cookie"))
    }
}

pub(super) fn no_property(schema: &Schema, name: &str) -> Refused {
    let entity = schema.name;
    let said = format!(
        "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{entity}'."
    );
    refused(400, "0x80060888", &said)
}

/// The query without the tokens of an earlier link.
fn without_tokens(query: &str) -> String {
    let is_kept = |it: &&str| !it.starts_with("$skiptoken=") && !it.starts_with("$deltatoken=");
    let parts: Vec<&str> = query.split('&').filter(is_kept).collect();
    parts.join("&")
}

/// The parts between commas that do not stand in quotes.
fn quoted_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for it in text.chars() {
        is_quoted ^= it == '"';
        match parts.last_mut() {
            Some(part) if is_quoted || it != ',' => part.push(it),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|it| !it.is_empty());
    parts.iter().map(|it| it.trim().to_owned()).collect()
}

/// Whether a value fits a column.
pub(super) fn fits(kind: Type, value: &Value) -> bool {
    let time = |it: &str| Office::parse(it).is_some();
    match (kind, value) {
        (_, Value::Null) | (Type::Flag, Value::Bool(_)) | (Type::Money, Value::Number(_)) => true,
        (Type::Text(_), Value::String(_)) => true,
        (Type::Number, Value::Number(it)) => it.is_i64() || it.is_u64(),
        (Type::Time, Value::String(it)) => time(it),
        (Type::Day, Value::String(it)) => time(&format!("{it}T00:00:00Z")),
        _ => false,
    }
}
