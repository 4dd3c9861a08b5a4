//! What an answer says about whether its request was carried out.

use serde_json::Value;

use super::Meaning;
use crate::manifest::{AnswerRule, Means, Place, Sign};

/// The largest body that is searched for a code: no error is longer.
const LARGEST_BODY: usize = 64 * 1024;

/// An answer as the rules of a manifest look at it: what its connector may see too, so that no rule tells it of a secret.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The status.
    pub status: u16,
    /// Names in any case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, without what was cut out of it.
    pub body: &'a [u8],
}

impl Meaning {
    /// Returns what an answer means: what the manifest's first rule that fits it says, or else what its status means anywhere.
    #[must_use]
    pub fn of(seen: Seen<'_>, rules: &[AnswerRule]) -> Self {
        let mut rules = rules
            .iter()
            .filter(|it| it.status() == seen.status)
            .peekable();
        // Most answers have no rule for their status, and their body is not looked at.
        if rules.peek().is_none() {
            return Self::of_status(seen.status);
        }
        let body = seen.json();
        let fits = |it: &&AnswerRule| it.sign().is_none_or(|sign| seen.has(sign, body.as_ref()));
        match rules.find(fits).map(AnswerRule::means) {
            Some(Means::Throttled) => Self::Throttled,
            Some(Means::Expired) => Self::Expired,
            Some(Means::Unavailable) => Self::Unavailable,
            Some(Means::Final) => Self::Final,
            None => Self::of_status(seen.status),
        }
    }
}

impl<'a> Seen<'a> {
    /// Returns a header's value, if there is one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(it, _)| it.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    fn json(&self) -> Option<Value> {
        (self.body.len() <= LARGEST_BODY)
            .then(|| serde_json::from_slice(self.body).ok())
            .flatten()
    }

    fn has(&self, sign: &Sign, body: Option<&Value>) -> bool {
        match &sign.place {
            Place::Header(name) => self.header(name).is_some_and(|it| sign.fits(it)),
            Place::Body(pointer) => match body.and_then(|it| it.pointer(pointer)) {
                Some(Value::String(text)) => sign.fits(text),
                Some(Value::Number(number)) => sign.fits(&number.to_string()),
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                    false
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::with;
    use proptest::prelude::*;

    #[track_caller]
    fn check(rules: &str, status: u16, headers: &[(&str, &str)], body: &str, expected: Meaning) {
        let manifest = with(rules);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let seen = Seen {
            status,
            headers: &headers,
            body: body.as_bytes(),
        };
        assert_eq!(Meaning::of(seen, manifest.answers()), expected, "{body}");
    }

    #[test]
    fn without_a_rule_the_status_counts() {
        check("", 429, &[], "", Meaning::Throttled);
        check("", 401, &[], "", Meaning::Expired);
        check("", 403, &[], "", Meaning::Final);
    }

    #[test]
    fn a_code_in_the_body_throttles_with_403() {
        // Salesforce, as its REST API answers it.
        let rules = r#"
            [[answers]]
            status = 403
            at = "/0/errorCode"
            is = "REQUEST_LIMIT_EXCEEDED"
            means = "throttled"
        "#;
        let over =
            r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        check(rules, 403, &[], over, Meaning::Throttled);
        for body in [
            r#"[{"errorCode":"INSUFFICIENT_ACCESS"}]"#,
            r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED_NOT"}]"#,
            r#"{"errorCode":"REQUEST_LIMIT_EXCEEDED"}"#,
            r#"[{"errorCode":["REQUEST_LIMIT_EXCEEDED"]}]"#,
            "REQUEST_LIMIT_EXCEEDED",
            "",
        ] {
            check(rules, 403, &[], body, Meaning::Final);
        }
        check(rules, 400, &[], over, Meaning::Final);
    }

    #[test]
    fn a_page_where_json_was_due_throttles_with_403() {
        // Pipedrive, where Cloudflare answers for it.
        let rules = r#"
            [[answers]]
            status = 403
            header = "Content-Type"
            begins = "text/html"
            means = "throttled"
        "#;
        let html = [("content-type", "text/html; charset=UTF-8")];
        check(rules, 403, &html, "<html>", Meaning::Throttled);
        let json = [("content-type", "application/json")];
        check(rules, 403, &json, "{}", Meaning::Final);
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        // A number, as Dataverse's neighbours and Close write it, and BottleCRM, which rejects a token with 403.
        let rules = r#"
            [[answers]]
            status = 403
            at = "/error/code"
            is = "42"
            means = "throttled"
            [[answers]]
            status = 403
            means = "expired"
            [[answers]]
            status = 477
            means = "throttled"
            [[answers]]
            status = 521
            means = "unavailable"
        "#;
        check(
            rules,
            403,
            &[],
            r#"{"error":{"code":42}}"#,
            Meaning::Throttled,
        );
        check(rules, 403, &[], "", Meaning::Expired);
        check(rules, 477, &[], "", Meaning::Throttled);
        check(rules, 521, &[], "", Meaning::Unavailable);
    }

    #[test]
    fn a_missing_scope_is_no_credential_that_has_ended() {
        // Zoho, which says it with 401.
        let rules = r#"
            [[answers]]
            status = 401
            at = "/code"
            is = "OAUTH_SCOPE_MISMATCH"
            means = "final"
        "#;
        check(
            rules,
            401,
            &[],
            r#"{"code":"OAUTH_SCOPE_MISMATCH"}"#,
            Meaning::Final,
        );
        check(
            rules,
            401,
            &[],
            r#"{"code":"INVALID_TOKEN"}"#,
            Meaning::Expired,
        );
    }

    #[test]
    fn a_body_that_is_larger_than_any_error_is_not_searched() {
        let rules = r#"
            [[answers]]
            status = 400
            at = "/code"
            is = "slow"
            means = "throttled"
        "#;
        let padding = " ".repeat(LARGEST_BODY);
        check(rules, 400, &[], r#"{"code":"slow"}"#, Meaning::Throttled);
        check(
            rules,
            400,
            &[],
            &format!(r#"{{"code":"slow"}}{padding}"#),
            Meaning::Final,
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status: u16, name: String, value: Vec<u8>, body: Vec<u8>) {
            let manifest = with("[[answers]]\nstatus = 403\nat = \"/a\"\nis = \"b\"\nmeans = \"throttled\"");
            let headers = [(name.as_str(), value.as_slice())];
            let seen = Seen { status, headers: &headers, body: &body };
            let meaning = Meaning::of(seen, manifest.answers());
            prop_assert_eq!(meaning, Meaning::of_status(status));
        }
    }
}
