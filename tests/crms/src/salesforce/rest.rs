//! The resources of the API, and what each of them takes and answers.

use serde_json::{Map, Value, json};

use super::schema::{self, Object};
use super::wrong::{Wrong, wrong};
use super::{INSTANCE, Salesforce, evaluate, map, soql};
use crate::{Answer, Request};

impl Salesforce {
    /// Answers what is below `/services/oauth2/`.
    pub(super) fn sign_in(&mut self, request: &Request, resource: &str) -> Answer {
        match (request.method.as_str(), resource) {
            ("GET", "authorize") => self.oauth.authorize(&mut self.office, request),
            ("POST", "token") => match self.oauth.token(&mut self.office, request) {
                Ok(mut issued) => {
                    // How long it is good depends on the session settings of the org, and is not told.
                    issued.members.remove("expires_in");
                    let instance = format!("https://{INSTANCE}.my.salesforce.com");
                    let id = format!(
                        "https://login.salesforce.com/id/{}/{}",
                        self.org(),
                        self.store.me
                    );
                    issued
                        .members
                        .insert("instance_url".to_owned(), instance.into());
                    issued.members.insert("id".to_owned(), id.into());
                    issued
                        .members
                        .insert("issued_at".to_owned(), self.office.now.to_string().into());
                    issued
                        .members
                        .insert("signature".to_owned(), "c2lnbmF0dXJl".into());
                    Answer::json(200, &Value::Object(issued.members))
                }
                Err(refusal) => refusal,
            },
            ("POST", "revoke") => Answer::empty(200),
            ("GET", "userinfo") if !self.is_known(request) => Answer {
                status: 403,
                headers: vec![(
                    "content-type".to_owned(),
                    "text/html;charset=UTF-8".to_owned(),
                )],
                body: b"Bad_OAuth_Token".to_vec(),
            },
            ("GET", "userinfo") => {
                let me = self.fields(&self.store.me);
                let mine = |name: &str| me.get(name).cloned().unwrap_or_default();
                Answer::json(
                    200,
                    &json!({
                        "sub": format!("https://login.salesforce.com/id/{}/{}", self.org(), self.store.me),
                        "user_id": self.store.me, "organization_id": self.org(),
                        "preferred_username": mine("Username"), "name": mine("Name"), "email": mine("Email"),
                        "zoneinfo": mine("TimeZoneSidKey"), "utcOffset": 3_600_000, "locale": "de_DE",
                        "language": "en_US", "user_type": "STANDARD", "active": true,
                    }),
                )
            }
            _ => self.unknown(request),
        }
    }

    pub(super) fn is_known(&self, request: &Request) -> bool {
        let token = request.credential("Bearer");
        !self.office.revoked
            && token.is_some_and(|it| self.office.tokens.iter().any(|token| token == it))
    }

    pub(super) fn unknown(&mut self, request: &Request) -> Answer {
        let (method, path) = (&request.method, &request.path);
        self.office
            .violation(format!("{method} {path}: no such resource"));
        wrong(404, "NOT_FOUND", "The requested resource does not exist").answer()
    }

    /// Answers what is below `/services/data/vXX.X/`.
    pub(super) fn data(&mut self, request: &Request, resource: &[&str]) -> Result<Answer, Wrong> {
        let (method, now) = (request.method.as_str(), self.now());
        if let ("POST" | "PATCH" | "DELETE", ["sobjects", name, ..]) = (method, resource)
            && self.read_only.contains(name)
        {
            let message = format!("entity type cannot be written: {name}");
            return Err(wrong(400, "INVALID_TYPE_FOR_OPERATION", message));
        }
        match (method, resource) {
            ("GET", ["query" | "queryAll"]) => {
                only(request, &["q"])?;
                let text = request.param("q").unwrap_or_default();
                let query = soql::parse(text).map_err(|it| wrong(400, "MALFORMED_QUERY", it))?;
                let everywhere = resource == ["queryAll"];
                let found = evaluate::find(&self.store, &query, everywhere)?;
                Ok(self.list(found))
            }
            ("GET", ["query" | "queryAll", cursor]) => {
                only(request, &[])?;
                let rest = self.store.go_on(cursor);
                let rest = rest
                    .ok_or_else(|| wrong(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?;
                Ok(self.list(rest))
            }
            ("GET", ["sobjects", name]) => {
                only(request, &[])?;
                let object = self.resource(name)?;
                let may = !self.read_only.contains(&object.name);
                let describe = json!({
                    "name": object.name, "keyPrefix": object.prefix, "queryable": true,
                    "createable": may, "updateable": may, "deletable": may,
                });
                let about = json!({"objectDescribe": describe, "recentItems": []});
                Ok(Answer::json(200, &about))
            }
            ("POST", ["sobjects", name]) => {
                only(request, &[])?;
                let object = self.resource(name)?;
                let id = self.store.create(object, &body(request)?, now)?;
                let created = json!({"id": id, "success": true, "errors": []});
                Ok(Answer::json(201, &created)
                    .with_header("location", format!("{}/{id}", request.path)))
            }
            ("GET", ["sobjects", name, id]) => {
                only(request, &["fields"])?;
                let object = self.resource(name)?;
                let row = self.store.existing(object, &self.id(id)?)?;
                let names = request
                    .param("fields")
                    .unwrap_or("Id")
                    .split(',')
                    .map(str::to_owned);
                let fields = evaluate::fields(&self.store, object, &names.collect::<Vec<_>>())?;
                let record = evaluate::record(&self.store, object, row, &fields);
                Ok(Answer::json(200, &Value::Object(record)))
            }
            ("PATCH", ["sobjects", name, id]) => {
                only(request, &[])?;
                let (object, id) = (self.resource(name)?, self.id(id)?);
                self.store.update(object, &id, &body(request)?, now)?;
                Ok(Answer::empty(204))
            }
            ("DELETE", ["sobjects", name, id]) => {
                only(request, &[])?;
                let (object, id) = (self.resource(name)?, self.id(id)?);
                self.store.delete(object, &id, now)?;
                Ok(Answer::empty(204))
            }
            ("POST", ["composite", "sobjects", name]) => {
                only(request, &[])?;
                let object = self.resource(name)?;
                self.retrieve(object, &body(request)?)
            }
            ("POST", ["composite", "sobjects"]) => {
                only(request, &[])?;
                self.create_all(&body(request)?, now)
            }
            _ => Ok(self.unknown(request)),
        }
    }

    fn resource(&self, name: &str) -> Result<&'static Object, Wrong> {
        let object = self.store.object(name).ok().filter(|it| it.name == name);
        object.ok_or_else(|| wrong(404, "NOT_FOUND", "The requested resource does not exist"))
    }

    fn id(&self, text: &str) -> Result<String, Wrong> {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {text}");
        schema::id(text).ok_or_else(|| wrong(404, "NOT_FOUND", message))
    }

    /// A list of records, the rest of which is kept for later if there are too many.
    fn list(&self, mut records: Vec<Value>) -> Answer {
        let total = records.len();
        let rest = records.split_off(self.at_once.min(total));
        let next = self.store.kept(rest);
        Answer::json(200, &evaluate::list(total, records, next))
    }

    fn retrieve(
        &self,
        object: &'static Object,
        wish: &Map<String, Value>,
    ) -> Result<Answer, Wrong> {
        let texts = |name: &str| -> Option<Vec<String>> {
            let list = wish.get(name)?.as_array()?.iter();
            list.map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let malformed = || {
            wrong(
                400,
                "JSON_PARSER_ERROR",
                "ids and fields are lists of texts",
            )
        };
        let (ids, names) = texts("ids").zip(texts("fields")).ok_or_else(malformed)?;
        if ids.is_empty() || 2_000 < ids.len() || wish.len() != 2 {
            return Err(wrong(
                400,
                "LIMIT_EXCEEDED",
                "1 to 2000 records can be retrieved at once",
            ));
        }
        let fields = evaluate::fields(&self.store, object, &names)?;
        let record = |it: &String| {
            let id = schema::id(it)?;
            let row = self.store.table(object.name).live(&id)?;
            Some(Value::Object(evaluate::record(
                &self.store,
                object,
                row,
                &fields,
            )))
        };
        let records = ids.iter().map(|it| record(it).unwrap_or_default());
        Ok(Answer::json(200, &Value::Array(records.collect())))
    }

    fn create_all(&mut self, wish: &Map<String, Value>, now: i64) -> Result<Answer, Wrong> {
        let records = wish
            .get("records")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if records.is_empty()
            || 200 < records.len()
            || wish.get("allOrNone") != Some(&Value::Bool(false))
        {
            return Err(wrong(
                400,
                "INVALID_FIELD",
                "1 to 200 records, each for itself",
            ));
        }
        let mut results = Vec::new();
        for record in records {
            let record = map(record);
            let name = record
                .get("attributes")
                .and_then(|it| it.get("type")?.as_str())
                .unwrap_or_default();
            let created = self.store.object(name);
            let created = created.and_then(|object| self.store.create(object, &record, now));
            results.push(match created {
                Ok(id) => json!({"id": id, "success": true, "errors": []}),
                Err(refusal) => refusal.result(),
            });
        }
        Ok(Answer::json(200, &Value::Array(results)))
    }
}

/// Refuses parameters that a resource does not have.
fn only(request: &Request, known: &[&str]) -> Result<(), Wrong> {
    match request.unknown_param(known) {
        None => Ok(()),
        Some(name) => Err(wrong(
            400,
            "INVALID_PARAMETER",
            format!("unknown parameter {name}"),
        )),
    }
}

fn body(request: &Request) -> Result<Map<String, Value>, Wrong> {
    if request.media_type() != Some("application/json") {
        return Err(wrong(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type header specified in HTTP request is not supported",
        ));
    }
    match request.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(wrong(
            400,
            "JSON_PARSER_ERROR",
            "the body is no JSON object",
        )),
    }
}
