//! What HubSpot says when it refuses.

use serde_json::{Value, json};

use crate::{Answer, Office, Request};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// There is no such path, or not with this method.
    NoPath,
    /// No credential came along, or a wrong one of an app.
    NoCredential,
    /// The credential is no longer good.
    Expired,
    /// The app lacks a scope.
    MissingScope,
    /// The body is not what its header says.
    MediaType,
    /// There is no such record.
    NotFound,
    /// There is such a contact already.
    Exists(String),
    /// Properties have wrong values: names, codes and sentences.
    Properties(Vec<(String, &'static str, String)>),
    /// Something else about the request is wrong.
    Invalid(String),
    /// No connector should ask for this.
    Unknown(String),
}

/// The scope that a connection lacks once it lacks one.
pub(super) const LACKING: &str = "crm.objects.contacts.read";

impl Refused {
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown(what.into())
    }

    /// Answers, and writes down what no connector should have asked.
    pub(super) fn answer(self, office: &mut Office, request: &Request) -> Answer {
        let at = format!("{} {}", request.method, request.path);
        match self {
            Self::NoPath => {
                office.violation(format!("{at}: there is no such path"));
                Answer::html(404, "Resource not found")
            }
            Self::NoCredential => error(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            ),
            Self::Expired => error(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired 7 second(s) ago.",
            ),
            Self::MissingScope => {
                let mut body = body(
                    "MISSING_SCOPES",
                    "This app hasn't been granted all required scopes to make this call.",
                );
                body["errors"] = json!([{
                    "message": "One or more of the following scopes are required.",
                    "context": { "requiredGranularScopes": [LACKING] },
                }]);
                Answer::json(403, &body)
            }
            Self::MediaType => {
                office.violation(format!("{at}: the body is not of the right type"));
                error(415, "VALIDATION_ERROR", "Unsupported media type")
            }
            Self::NotFound => Answer::json(
                404,
                &json!({ "status": "error", "message": "resource not found", "correlationId": CORRELATION }),
            ),
            Self::Exists(id) => {
                let said = format!("Contact already exists. Existing ID: {id}");
                error(409, "CONFLICT", &said)
            }
            Self::Properties(problems) => {
                let told: Vec<Value> = problems
                    .into_iter()
                    .map(|(name, code, said)| {
                        json!({ "isValid": false, "message": said, "error": code, "name": name, "localizedErrorMessage": said })
                    })
                    .collect();
                let said = format!("Property values were not valid: {}", Value::from(told));
                error(400, "VALIDATION_ERROR", &said)
            }
            Self::Invalid(said) => error(400, "VALIDATION_ERROR", &said),
            Self::Unknown(said) => {
                office.violation(format!("{at}: {said}"));
                error(400, "VALIDATION_ERROR", &said)
            }
        }
    }
}

const CORRELATION: &str = "aeb5f871-7f07-4993-9211-075dc63e7cbf";

fn body(category: &str, said: &str) -> Value {
    json!({ "status": "error", "message": said, "correlationId": CORRELATION, "category": category })
}

pub(super) fn error(status: u16, category: &str, said: &str) -> Answer {
    Answer::json(status, &body(category, said))
}

/// The answer to a request over the limit.
pub(super) fn limited() -> Answer {
    Answer::json(
        429,
        &json!({
            "status": "error", "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT", "correlationId": CORRELATION, "policyName": "TEN_SECONDLY_ROLLING",
            "requestId": "632b866a6fc6454f32d5423a1166e92a",
        }),
    )
}

/// Refuses parameters that the path does not have.
pub(super) fn only(request: &Request, known: &[&str]) -> Result<(), Refused> {
    match request.unknown_param(known) {
        Some(name) => Err(Refused::unknown(format!(
            "the parameter {name} is not known"
        ))),
        None => Ok(()),
    }
}

/// The members of a JSON body, none of which is unknown.
pub(super) fn members(
    request: &Request,
    known: &[&str],
) -> Result<serde_json::Map<String, Value>, Refused> {
    only(request, &[])?;
    match request.json() {
        Some(Value::Object(members)) => {
            known_members(&members, known)?;
            Ok(members)
        }
        Some(_) => Err(Refused::unknown("the body is no object")),
        None => Err(Refused::MediaType),
    }
}

pub(super) fn known_members(
    members: &serde_json::Map<String, Value>,
    known: &[&str],
) -> Result<(), Refused> {
    match members.keys().find(|it| !known.contains(&it.as_str())) {
        Some(name) => Err(Refused::unknown(format!("the member {name} is not known"))),
        None => Ok(()),
    }
}
