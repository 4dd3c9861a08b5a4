//! Names of what may carry a credential: headers, parameters, cookies.

use serde::Serialize;

/// Names a header that may carry a credential: a token of RFC 9110 that steers nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
// Invariant: lower case, and `parse` accepts it.
pub struct HeaderName(String);

/// Names a parameter of a query in characters that need no escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ParameterName(String);

impl HeaderName {
    /// Reads the name of a header; the error says what is wrong with it.
    pub(in crate::manifest) fn parse(text: &str) -> Result<Self, &'static str> {
        let is_token = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_token) {
            return Err(
                "is not the name of a header; write letters, digits and hyphens, as in \"X-Api-Key\"",
            );
        }
        let name = text.to_ascii_lowercase();
        let steers = matches!(
            name.as_str(),
            "accept"
                | "accept-encoding"
                | "connection"
                | "cookie"
                | "cookie2"
                | "date"
                | "expect"
                | "forwarded"
                | "host"
                | "keep-alive"
                | "max-forwards"
                | "origin"
                | "range"
                | "referer"
                | "set-cookie"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "user-agent"
                | "via"
        ) || [
            "content-",
            "if-",
            "proxy-",
            "sec-",
            "x-forwarded-",
            "x-http-method",
        ]
        .iter()
        .any(|it| name.starts_with(it));
        if steers {
            return Err(
                "steers the request itself and cannot carry a credential; write the header that the CRM documents for its key",
            );
        }
        Ok(Self(name))
    }

    /// Returns the name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ParameterName {
    /// Reads the name of a parameter; the error says what is wrong with it.
    pub(in crate::manifest) fn parse(text: &str) -> Result<Self, &'static str> {
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_plain) {
            return Err("is not the name of a parameter; write letters, digits and any of - . _ ~");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, ParameterName};

    #[track_caller]
    fn check(header: &str, valid: bool) {
        assert_eq!(HeaderName::parse(header).is_ok(), valid, "{header:?}");
    }

    #[test]
    fn a_header_that_steers_the_request_carries_no_credential() {
        check("X-Api-Key", true);
        check("Authorization", true);
        check("Api_Token", true);
        for header in [
            "",
            "Host",
            "hOST",
            "Cookie",
            "Content-Length",
            "Content-Type",
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Proxy-Authorization",
            "X Api",
            "X-Api:",
            "X-Api\r\nHost",
            "Schlüssel",
            "X-HTTP-Method-Override",
        ] {
            check(header, false);
        }
    }

    #[test]
    fn a_parameter_needs_no_escape() {
        for (parameter, valid) in [
            ("api_token", true),
            ("", false),
            ("a=b", false),
            ("a&b", false),
            ("a%20", false),
        ] {
            assert_eq!(
                ParameterName::parse(parameter).is_ok(),
                valid,
                "{parameter:?}"
            );
        }
    }
}
