//! What passes the check of requests is sent as it was read: to the same host, the same path, with no second meaning.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use brightsync_core::grant::{Ceiling, Grant};
use brightsync_core::manifest::Manifest;
use brightsync_core::origin::Origin;
use brightsync_core::policy::Policy;
use brightsync_core::request::{self, Ask, Base, Caps, Checked, Reserved};
use brightsync_core::setting::Settings;
use url::Url;

use crate::address::assert_dialled;
use crate::spelling::aton;

const BASE: &str = "https://crm.example.com/api/v1/";

const RESERVED: Reserved<'static> = Reserved {
    headers: &["X-Own-Key"],
    parameters: &["own_token"],
};

/// Of a connector to one CRM, of which the tenant has granted the API and not the files.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let text = r#"
        [connector]
        name = "one"
        title = "One"
        version = "1.0.0"
        publisher = "Tests"
        contract = "0.1"
        [http]
        base = "https://crm.example.com/api/v1/"
        [[hosts]]
        origin = "https://crm.example.com"
        why = "the API"
        [[hosts]]
        origin = "https://files.example.com"
        why = "the files"
        [functions]
        users = ["get-me"]
    "#;
    let manifest = Manifest::parse(text).unwrap();
    let settings = Settings::check(&manifest, BTreeMap::new()).unwrap();
    let grant = Grant {
        hosts: ["https://crm.example.com".parse().unwrap()].into(),
        ..Grant::default()
    };
    Policy::resolve(&manifest, &settings, &grant, &Ceiling::any(), &[], None).unwrap()
});

/// Panics if a property of requests does not hold.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ran_out = asked(&mut input);
    let _ran_out = endpoint(&mut input);
}

fn asked(input: &mut Unstructured<'_>) -> Result<()> {
    const METHODS: [&str; 8] = [
        "GET", "POST", "DELETE", "PATCH", "get", "CONNECT", "TRACE", "GET ",
    ];
    const NAMES: [&str; 22] = [
        "accept",
        "Accept",
        "X",
        "-",
        "_",
        ".",
        "x_own_key",
        "X-Own",
        "Key",
        "Host",
        "cookie",
        "Authorization",
        "Transfer",
        "Encoding",
        "content",
        "length",
        "connection",
        "X-Forwarded",
        "For",
        "Range",
        "proxy",
        " ",
    ];
    const VALUES: [&str; 12] = [
        "a",
        "\r\n",
        "\n",
        "\t",
        " ",
        "\0",
        "bytes=0-1",
        "records=0-50",
        "\u{e9}",
        ":",
        ",",
        "\u{7f}",
    ];
    let url = address(input)?;
    let mut headers = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        headers.push((
            super::text(input, &NAMES, 4)?,
            super::text(input, &VALUES, 3)?,
        ));
    }
    let ask = Ask {
        method: input.choose(&METHODS)?,
        url: &url,
        headers: &headers,
        body_len: *input.choose(&[None, None, Some(0), Some(1), Some(1 << 30)])?,
    };
    let base = Base::parse(BASE).unwrap();
    let Ok(checked) = request::check(ask, &base, &RESERVED, &Caps::default()) else {
        return Ok(());
    };
    sent_as_it_was_read(&checked, &url);
    query(&checked.url);
    for (name, value) in &checked.headers {
        header(name, value);
    }
    let names: HashSet<_> = checked
        .headers
        .iter()
        .map(|it| it.0.replace('_', "-"))
        .collect();
    assert_eq!(names.len(), checked.headers.len(), "{headers:?}");
    // Checked once more, it is the same.
    let again = Ask {
        method: checked.method.as_str(),
        url: checked.url.as_str(),
        headers: &checked.headers,
        body_len: ask.body_len,
    };
    assert_eq!(
        request::check(again, &base, &RESERVED, &Caps::default()),
        Ok(checked)
    );
    Ok(())
}

/// An address as a connector may write it, to lead one reader elsewhere than another.
fn address(input: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: [&str; 56] = [
        "https://",
        "http://",
        "HTTPS://",
        "//",
        "/",
        "/",
        "\\",
        "..",
        ".",
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "%252e",
        "%00",
        "%0d%0a",
        "%",
        ";",
        "?",
        "&",
        "=",
        "#",
        "@",
        "%40",
        ":",
        ":443",
        ":80",
        ":0443",
        ":65536",
        ":0",
        "crm.example.com",
        "CRM.Example.COM",
        "files.example.com",
        "evil.example",
        "crm",
        "example",
        "com",
        "xn--",
        "\u{ff0e}",
        "\u{3002}",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "[",
        "]",
        "api/v1/",
        "\t",
        " ",
        "\u{200b}",
        "own_token",
        "own.token",
        "access_token",
        "_method",
    ];
    match input.int_in_range(0..=3)? {
        0 => super::text(input, &PIECES, 12),
        1 => Ok(format!("https://{}", super::text(input, &PIECES, 8)?)),
        2 => Ok(format!(
            "https://crm.example.com{}",
            super::text(input, &PIECES, 8)?
        )),
        _ => {
            let bytes = input.bytes(input.len().min(64))?;
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

/// What is sent is what was written, what the policy saw is what is dialled, and nothing climbs.
fn sent_as_it_was_read(checked: &Checked, text: &str) {
    let url = &checked.url;
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
    assert_eq!(url.fragment(), None);
    assert_eq!((url.username(), url.password()), ("", None));
    // A host that cannot be looked up is nowhere granted, and so never dialled.
    let Ok(origin) = Origin::of(url) else {
        assert!(POLICY.check(checked.method, url).is_err(), "{text}");
        return;
    };
    let dialled: http::Uri = url.as_str().parse().expect("the HTTP client reads it");
    assert_dialled(&origin, &dialled);
    match POLICY.check(checked.method, url) {
        Ok(permit) => {
            assert_dialled(&permit.origin, &dialled);
            assert_eq!(dialled.host(), Some("crm.example.com"), "{text}");
            assert_eq!(dialled.port_u16().unwrap_or(443), 443, "{text}");
        }
        Err(refusal) => assert!(!url.as_str().starts_with(BASE), "{text}: {refusal}"),
    }
    let sent = dialled.path_and_query().map(|it| it.as_str());
    assert_eq!(sent, Some(&url[url::Position::BeforePath..]), "{text}");
    // The plainest reader of an address: RFC 3986 with nothing forgiven.
    let plain = text
        .split_once("://")
        .filter(|(scheme, _)| !scheme.contains(['/', '?', ':']));
    let path = match plain {
        Some((_, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let host = match authority.rsplit_once(':') {
                Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
                _ => authority,
            };
            assert_host(host, dialled.host().unwrap());
            path
        }
        None => {
            assert!(url.as_str().starts_with(BASE), "{text} left the base");
            text
        }
    };
    let path = path.split('?').next().unwrap();
    let names = |path: &str| -> Vec<_> {
        let decoded = decode(path.as_bytes());
        let names = decoded.split(|it| matches!(it, b'/' | b'\\'));
        names.map(<[u8]>::to_vec).collect()
    };
    for name in names(url.path()) {
        let plain = name.split(|it| *it == b';').next().unwrap();
        assert!(!matches!(plain, b"." | b".."), "{text} climbs");
    }
    let written = names(path.strip_prefix('/').unwrap_or(path));
    assert!(names(url.path()).ends_with(&written), "{text} became {url}");
}

fn assert_host(written: &str, dialled: &str) {
    let lower = written.to_ascii_lowercase();
    let inside = |it: &str| {
        let it = it.strip_prefix('[')?.strip_suffix(']')?;
        it.parse::<std::net::Ipv6Addr>().ok()
    };
    let is_same = lower == dialled
        || (inside(&lower).is_some() && inside(&lower) == inside(dialled))
        || (aton(&lower).is_some() && aton(&lower) == dialled.parse().ok());
    assert!(is_same, "{written} is dialled as {dialled}");
}

/// No form decoder finds a parameter that is the host's.
fn query(url: &Url) {
    for (name, _) in url.query_pairs() {
        let name = name.to_lowercase();
        assert!(
            !matches!(
                &*name,
                "own_token" | "access_token" | "_method" | "api_key" | "apikey" | "password"
            ),
            "{url}"
        );
    }
}

/// A header is one line and none of those that frame, address or authenticate a message.
fn header(name: &str, value: &str) {
    assert!(http::HeaderName::try_from(name).is_ok(), "{name}");
    assert!(http::HeaderValue::try_from(value).is_ok(), "{value:?}");
    assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
    assert_eq!(name, name.to_ascii_lowercase());
    let read = name.replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    assert!(
        !matches!(
            &*read,
            "host"
                | "authorization"
                | "proxy-authorization"
                | "cookie"
                | "content-length"
                | "transfer-encoding"
                | "connection"
                | "upgrade"
                | "te"
                | "trailer"
                | "expect"
                | "x-own-key"
                | "accept-encoding"
                | "x-forwarded-for"
        ),
        "{name}"
    );
    assert!(read != "range" || !value.contains("bytes"), "{value}");
}

/// A recipe's endpoint is known however often it is encoded, and whatever stands between its segments.
fn endpoint(input: &mut Unstructured<'_>) -> Result<()> {
    let segments = input.int_in_range(1..=3)?;
    let mut plain = String::from("https://x.example");
    let mut disguised = plain.clone();
    for _ in 0..segments {
        let segment = *input.choose(&["oauth", "token.php", "a", "Login"])?;
        plain.push('/');
        plain.push_str(segment);
        disguised.push_str(input.choose(&["/", "//", "/./", "%2f", "%5C", "/%252f", "/%2e/"])?);
        for it in segment.bytes() {
            let mut spelled = match input.int_in_range(0..=2)? {
                0 => format!("%{it:02x}"),
                1 => char::from(it).to_ascii_uppercase().to_string(),
                _ => char::from(it).to_string(),
            };
            for _ in 0..input.int_in_range(0..=2)? {
                spelled = spelled.replace('%', "%25");
            }
            disguised.push_str(&spelled);
        }
        disguised.push_str(input.choose(&["", "", ";a=b", "%3Bx"])?);
    }
    disguised.push_str(input.choose(&["", "/", "/more", "?query"])?);
    let plain = Url::parse(&plain).unwrap();
    if let Ok(url) = Url::parse(&disguised) {
        assert!(request::reaches(&url, &plain), "{disguised} is {plain}");
    }
    Ok(())
}

/// Decodes percent-encoding once.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let pair = text
            .get(at + 1..at + 3)
            .and_then(|it| std::str::from_utf8(it).ok());
        let byte = pair.and_then(|it| u8::from_str_radix(it, 16).ok());
        match byte {
            Some(byte) if text[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}
