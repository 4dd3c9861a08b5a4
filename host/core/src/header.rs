//! The names of HTTP headers, and which of them belong to the host rather than to a connector.

use std::collections::HashSet;

/// Says whether a text is a `token` of RFC 9110, section 5.6.2, which a header's name has to be.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it))
}

/// Returns a header's name as the least careful server would read it: lower case, every sign a hyphen.
///
/// CGI, WSGI and PHP hand `X_Forwarded_For` and `X-Forwarded-For` to a program under the same name.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

/// Says whether a name is one under which credentials travel, in a request or in an answer.
///
/// It is a guess by parts of names, and it may guess wide: a connector never needs such a header, because the host sets
/// it. Words that also mean harmless things (`token`, `key`, `session`, `signature`) are left out, since `x-page-token`
/// and `idempotency-key` are honest.
#[must_use]
pub fn carries_credential(name: &str) -> bool {
    const PARTS: [&str; 22] = [
        "accesskey",
        "accesstoken",
        "apikey",
        "apitoken",
        "authentication",
        "authkey",
        "authorization",
        "authtoken",
        "bearer",
        "cgiauth",
        "cookie",
        "credential",
        "csrf",
        "jwt",
        "password",
        "privatetoken",
        "secret",
        "securitytoken",
        "sessionid",
        "sessiontoken",
        "subscriptionkey",
        "xsrf",
    ];
    let packed: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    PARTS.iter().any(|it| packed.contains(it))
        || matches!(
            packed.as_str(),
            "wwwauthenticate"
                | "proxyauthenticate"
                | "xauth"
                | "auth"
                | "xtoken"
                | "xusertoken"
                | "xsubjecttoken"
        )
}

/// Says whether a request header asks the server for another method than the one that was checked.
#[must_use]
pub fn overrides_method(name: &str) -> bool {
    matches!(
        folded(name).as_str(),
        "x-http-method-override" | "x-http-method" | "x-method-override" | "x-original-method"
    )
}

/// Says whether a request header is the host's own: framing, routing and compression.
#[must_use]
pub fn belongs_to_host(name: &str) -> bool {
    let folded = folded(name);
    matches!(
        folded.as_str(),
        // The connection's own (RFC 9110, section 7.6.1; RFC 9113, section 8.2.2).
        "connection" | "keep-alive" | "te" | "trailer" | "trailers" | "transfer-encoding" | "upgrade" | "http2-settings"
        // What frames and addresses the message: a second opinion on it smuggles requests.
        | "host" | "content-length" | "expect" | "max-forwards" | "early-data" | "alt-used"
        // A byte range of a compressed or redacted answer would let a secret out in pieces; see `request::check` on `range`.
        | "accept-encoding" | "if-range"
        // Who is asking, as a proxy would say it: servers trust these for their lists of allowed addresses.
        | "forwarded" | "via" | "x-real-ip" | "true-client-ip" | "client-ip" | "x-client-ip" | "x-cluster-client-ip"
        | "cf-connecting-ip" | "fastly-client-ip" | "x-host" | "x-remote-user" | "remote-user"
        // Another address behind the one that was checked.
        | "x-original-url" | "x-rewrite-url" | "x-original-host" | "x-http-destinationurl" | "destination"
    ) || [
        "proxy-",
        "sec-",
        "x-forwarded",
        "x-envoy-",
        "cf-access-",
        "x-goog-iap-",
        "x-ms-client-principal",
    ]
    .iter()
    .any(|it| folded.starts_with(it))
}

/// Finds the first name that another one before it already is, as the least careful server would read both.
pub fn repeated<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.into_iter().find(|it| !seen.insert(folded(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_headers_are_nobodys_business() {
        for it in [
            "Accept",
            "Content-Type",
            "If-Match",
            "If-Modified-Since",
            "Prefer",
            "Idempotency-Key",
            "Range",
            "Sforce-Query-Options",
            "X-Skip-Duplicate-Check",
            "X-Tryton-Context",
            "X-Request-Id",
            "DOLAPIENTITY",
            "OData-Version",
            "MSCRM.SuppressDuplicateDetection",
            "X-Page-Token",
            "User-Agent",
            "Accept-Language",
        ] {
            assert!(
                !carries_credential(it) && !belongs_to_host(it) && !overrides_method(it),
                "{it}"
            );
        }
    }

    #[test]
    fn a_name_is_known_in_every_spelling() {
        for it in [
            "Authorization",
            "X-API-Key",
            "x_api_key",
            "X.Api.Key",
            "DOLAPIKEY",
            "Espo-Authorization",
            "Cookie2",
            "Set-Cookie",
            "X-Auth-Token",
            "Ocp-Apim-Subscription-Key",
            "X-CSRF-Token",
            "X-XSRF-TOKEN",
            "WWW-Authenticate",
        ] {
            assert!(carries_credential(it), "{it}");
        }
        for it in [
            "Host",
            "TE",
            "Transfer_Encoding",
            "transfer.encoding",
            "X_Forwarded_For",
            "X-Forwarded-Host",
            "Sec-Fetch-Mode",
            "Proxy-Connection",
            "Via",
            "Accept-Encoding",
            "If-Range",
        ] {
            assert!(belongs_to_host(it), "{it}");
        }
    }

    #[test]
    fn a_repeated_name_is_found_in_every_spelling() {
        assert_eq!(repeated(["a", "b", "A"]), Some("A"));
        assert_eq!(repeated(["x-a", "x_a"]), Some("x_a"));
        assert_eq!(repeated(["a", "b"]), None);
    }

    #[test]
    fn a_token_has_no_separator() {
        assert!(is_token("X-Custom_1.a!"));
        for it in [
            "",
            "a b",
            "a:b",
            "a\r\nb",
            "ä",
            "a\0",
            "(a)",
            "a\"",
            "a/b",
            ":authority",
        ] {
            assert!(!is_token(it), "{it}");
        }
    }
}
