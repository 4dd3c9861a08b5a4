//! What a connector's HTTP request has to satisfy before any policy looks at it.
//!
//! The result of [`check`] is what is sent, letter for letter, so that nothing that reads the request later (policy,
//! log, dialler, server) can understand it differently from the check. Whatever two readers are known to understand
//! differently is refused rather than repaired. Whether the host may be talked to at all is not decided here.

mod method;

use url::Url;

use crate::escape::escape;
use crate::header;
use crate::rule::Rule;

pub use method::Method;

/// What a connector asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// An absolute address, or one to be appended to the base.
    pub url: &'a str,
    /// Names and values, in the order in which they are to be sent.
    pub headers: &'a [(String, String)],
    /// The length of the body in bytes, if there is one.
    pub body_len: Option<usize>,
}

/// A request of which every reader has the same understanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The method.
    pub method: Method,
    /// The absolute address, in exactly the form that is to be sent.
    pub url: Url,
    /// Names in lower case, each at most once, and values.
    pub headers: Vec<(String, String)>,
}

/// The most that one request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of the absolute address. Salesforce takes 16,384 for address and headers together.
    pub url_bytes: usize,
    /// Number of headers.
    pub headers: usize,
    /// Bytes of all names and values together.
    pub header_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            url_bytes: 16 * 1024,
            headers: 64,
            header_bytes: 16 * 1024,
            body_bytes: 8 * 1024 * 1024,
        }
    }
}

/// The names that the connection's own recipe injects, so that the connector may not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reserved<'a> {
    /// Names of headers, in any case.
    pub headers: &'a [&'a str],
    /// Names of query parameters, in any case.
    pub parameters: &'a [&'a str],
}

/// The address to which a connector's relative addresses are appended; it ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(Url);

impl Base {
    /// Reads an absolute address that ends in `/` and has no query.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let url = absolute(text)?;
        if url.query().is_some() {
            return Err(Fault::Base("has a query"));
        }
        if !text.ends_with('/') {
            return Err(Fault::Base("does not end in /"));
        }
        Ok(Self(url))
    }

    /// Returns the address.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// Why a request is not even considered.
///
/// The texts name headers and parameters but never show a value or an address, since either may hold personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The method is not on the list.
    #[error(
        "the method {0:?} is not allowed; use GET, HEAD, POST, PUT, PATCH or DELETE, in capitals"
    )]
    Method(String),
    /// The address has a character that has to be percent-encoded, or never belongs in one.
    #[error(
        "the address has the character {what} at byte {at}; percent-encode what belongs to a value and leave out the rest"
    )]
    Character {
        /// The character, escaped.
        what: String,
        /// Where it stands.
        at: usize,
    },
    /// The address cannot be read, or two readers would read it differently.
    #[error("the address {0}")]
    Address(&'static str),
    /// The base cannot be one.
    #[error("the base address {0}")]
    Base(&'static str),
    /// The address has a path that climbs or hides what it is.
    #[error("the path {0}; write the path in its plain form, below the base")]
    Path(&'static str),
    /// The address carries a name and password.
    #[error("the address has a user name in it; leave it out, the host adds the credential")]
    UserInfo,
    /// The query has a parameter that is the host's.
    #[error("the query parameter {0:?} is set by the host; leave it out")]
    Parameter(String),
    /// The request asks for another method behind the method.
    #[error("{0:?} would change the method; send the method itself")]
    MethodOverride(String),
    /// A header's name is no token.
    #[error(
        "the header name {0:?} has characters that no header name has; use letters, digits and hyphens"
    )]
    HeaderName(String),
    /// A header's value has a character that would end it, or that servers read differently.
    #[error(
        "the value of the header {0:?} has a character outside printable ASCII or white space at an end; encode or trim it"
    )]
    HeaderValue(String),
    /// The header is the host's.
    #[error("the header {0:?} is set by the host; leave it out")]
    Header(String),
    /// The header stands there twice.
    #[error("the header {0:?} is there more than once; join the values with a comma")]
    Repeated(String),
    /// The header asks for a piece of an answer by bytes.
    #[error("a range of bytes is not allowed; ask for pages of records")]
    ByteRange,
    /// A `GET` or `HEAD` has a body.
    #[error(
        "a {0} request cannot have a body; use POST, and mark it as repeatable if it only reads"
    )]
    Body(&'static str),
    /// Something is too large.
    #[error("the {what} has {size}, at most {limit} are allowed; ask for less at a time")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
}

impl Fault {
    /// Returns the word by which a connector or a metric tells the faults apart, which never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Method(_) => "method",
            Self::Character { .. } | Self::Address(_) => "address",
            Self::Base(_) => "base",
            Self::Path(_) => "path",
            Self::UserInfo => "user-info",
            Self::Parameter(_) => "parameter",
            Self::MethodOverride(_) => "method-override",
            Self::HeaderName(_) => "header-name",
            Self::HeaderValue(_) => "header-value",
            Self::Header(_) => "header",
            Self::Repeated(_) => "header-repeated",
            Self::ByteRange => "byte-range",
            Self::Body(_) => "body",
            Self::TooLarge { .. } => "too-large",
        }
    }
}

/// Checks a request and returns what is to be sent.
pub fn check(
    ask: Ask<'_>,
    base: &Base,
    reserved: &Reserved<'_>,
    caps: &Caps,
) -> Result<Checked, Fault> {
    let method: Method = ask.method.parse()?;
    let body = ask.body_len.unwrap_or(0);
    if Rule::ReadBody.refuses(body > 0 && method.is_safe()) {
        return Err(Fault::Body(method.as_str()));
    }
    within("body", body, caps.body_bytes)?;
    // Before parsing, so that an endless address costs nothing.
    within("address", ask.url.len(), caps.url_bytes)?;
    let url = resolve(ask.url, base)?;
    within("address", url.as_str().len(), caps.url_bytes)?;
    check_query(&url, reserved)?;
    let headers = check_headers(ask.headers, reserved, caps)?;
    Ok(Checked {
        method,
        url,
        headers,
    })
}

/// Says whether an address is an endpoint of a recipe, or below it, for the least careful server.
///
/// Such a server decodes more than once, ignores case, empty segments and parameters behind `;`, and hands what follows a
/// script's name to the script. A connector that reached the token endpoint in any such spelling would be given tokens.
/// A path that is encoded more than eight times over reaches everything.
#[must_use]
pub fn reaches(url: &Url, endpoint: &Url) -> bool {
    let (Some(segments), Some(wanted)) = (plain_segments(url), plain_segments(endpoint)) else {
        return true;
    };
    let below = if wanted.is_empty() {
        segments.is_empty()
    } else {
        segments.starts_with(&wanted)
    };
    below
        && url.host() == endpoint.host()
        && url.port_or_known_default() == endpoint.port_or_known_default()
}

/// Says whether a path has a step up or a stay in it for a server that decodes more than once, so that nobody can say what it is below.
///
/// For one that decodes once, [`check`] has refused it already.
pub(crate) fn climbs(path: &str) -> bool {
    const ROUNDS: usize = 8;
    let mut path = path.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        let mut segments = path.split(|it| matches!(it, b'/' | b'\\'));
        if segments.any(|it| matches!(name_of(it), b"." | b"..")) {
            return true;
        }
        let next = decode(&path);
        if next == path {
            return false;
        }
        path = next;
    }
    true
}

/// Returns a segment without its parameters (RFC 3986, section 3.3).
fn name_of(segment: &[u8]) -> &[u8] {
    segment.split(|it| *it == b';').next().unwrap_or_default()
}

/// Makes an absolute address of what a connector wrote.
fn resolve(text: &str, base: &Base) -> Result<Url, Fault> {
    check_characters(text)?;
    if has_scheme(text) {
        return absolute(text);
    }
    if text.starts_with("//") {
        return Err(Fault::Address(
            "begins with // and so names a host without a scheme; write https:// or one /",
        ));
    }
    // Appended rather than resolved as RFC 3986 has it: `/App/user` has to keep the base's path.
    let url = absolute(&format!(
        "{}{}",
        base.0,
        text.strip_prefix('/').unwrap_or(text)
    ))?;
    let leaves = url.origin() != base.0.origin() || !url.path().starts_with(base.0.path());
    if Rule::BelowBase.refuses(leaves) {
        return Err(Fault::Path("leaves the base"));
    }
    Ok(url)
}

/// Reads an absolute address of which there is only one reading.
fn absolute(text: &str) -> Result<Url, Fault> {
    check_characters(text)?;
    // The `url` crate also takes `https:host` and `https:///host`, and other readers take those for something else.
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|it| text.get(..it.len()).filter(|head| head.eq_ignore_ascii_case(it)).and(text.get(it.len()..)))
        .ok_or(Fault::Address("begins with neither https:// nor http://; a relative one with a colon needs a / in front"))?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if Rule::UserInfo.refuses(authority.contains('@')) {
        return Err(Fault::UserInfo);
    }
    let odd = authority.is_empty() || authority.contains('%') || authority.ends_with(':');
    if Rule::PlainHost.refuses(odd) {
        return Err(Fault::Address(
            "has no host, an encoded one or an empty port; write the host in plain letters",
        ));
    }
    check_path(
        rest.get(authority.len()..)
            .unwrap_or_default()
            .split('?')
            .next()
            .unwrap_or_default(),
    )?;
    let url =
        Url::parse(text).map_err(|_| Fault::Address("has a host or port that cannot be read"))?;
    // A dot at the end or an empty label names the same server under a name that no rule was written for.
    if url
        .host_str()
        .is_none_or(|it| it.split('.').any(str::is_empty))
    {
        return Err(Fault::Address(
            "has a host with an empty label or a dot at the end; leave the dot out",
        ));
    }
    Ok(url)
}

/// Refuses what readers strip, encode, cut off or turn around.
///
/// The `url` crate drops tabs and line ends, takes `\` for `/`, and maps letters of other scripts to ASCII in a host.
fn check_characters(text: &str) -> Result<(), Fault> {
    for (at, it) in text.char_indices() {
        if Rule::Characters.refuses(!it.is_ascii_graphic() || matches!(it, '\\' | '#')) {
            return Err(Fault::Character {
                what: shown(it.encode_utf8(&mut [0; 4])),
                at,
            });
        }
    }
    // `%%32%65` and the like: one reader leaves the stray sign alone, the next decodes around it.
    let stray = text.split('%').skip(1).any(|it| {
        it.get(..2)
            .is_none_or(|it| !it.bytes().all(|it| it.is_ascii_hexdigit()))
    });
    if stray {
        Err(Fault::Address(
            "has a % that is not followed by two hexadecimal digits; write %25",
        ))
    } else {
        Ok(())
    }
}

/// Refuses a path that a server could read as another one.
fn check_path(path: &str) -> Result<(), Fault> {
    let decoded = decode(path.as_bytes());
    let hidden = |it: &u8| it.is_ascii_control() || *it == b'\\';
    if Rule::PlainPath.refuses(decoded.iter().any(hidden)) {
        return Err(Fault::Path("has an encoded control character or backslash"));
    }
    // `..%2f` is a step up for a server that decodes first, and `..;x` for one that drops parameters (Tomcat).
    let climbs = decoded
        .split(|it| *it == b'/')
        .any(|it| matches!(name_of(it), b"." | b".."));
    if Rule::PlainPath.refuses(climbs) {
        Err(Fault::Path("has a . or .. segment"))
    } else {
        Ok(())
    }
}

/// Refuses parameters that carry credentials.
///
/// The guest has none of the customer's; but with one of its own it would send the customer's data to its own account
/// at a CRM that the grant allows. Only names that mean a credential everywhere are on the list: `token`, `key`, `code`
/// and `session` mean pages, fields and other things too, and are refused only where the recipe injects them.
fn check_query(url: &Url, reserved: &Reserved<'_>) -> Result<(), Fault> {
    const CREDENTIALS: [&str; 22] = [
        "accesskey",
        "accesstoken",
        "apikey",
        "apitoken",
        "authtoken",
        "authorization",
        "bearertoken",
        "clientsecret",
        "dolapikey",
        "hapikey",
        "idtoken",
        "jwt",
        "oauthconsumerkey",
        "oauthsignature",
        "oauthtoken",
        "password",
        "refreshtoken",
        "sessiontoken",
        "subscriptionkey",
        "xapikey",
        "zapikey",
        "authkey",
    ];
    // Some servers also split at `;`.
    for pair in url.query().unwrap_or_default().split(['&', ';']) {
        let raw = pair.split('=').next().unwrap_or_default();
        let name = String::from_utf8_lossy(&decode(raw.as_bytes())).to_lowercase();
        // Rails, Symfony and Laravel; Salesforce; Google.
        let overrides = matches!(
            name.trim(),
            "_method" | "_httpmethod" | "x-http-method-override" | "$httpmethod"
        );
        if Rule::MethodOverride.refuses(overrides) {
            return Err(Fault::MethodOverride(shown(&name)));
        }
        // PHP reads `access.token`, `access[token` and ` access_token` as `access_token`.
        let is_credential = CREDENTIALS.contains(&packed(&name).as_str());
        if Rule::CredentialParameter.refuses(is_credential)
            || Rule::RecipeParameter.refuses(is_reserved(pair, reserved))
        {
            return Err(Fault::Parameter(shown(&name)));
        }
    }
    Ok(())
}

/// Says whether a pair of a query sets a parameter that is the recipe's.
pub(crate) fn is_reserved(pair: &str, reserved: &Reserved<'_>) -> bool {
    let raw = pair.split('=').next().unwrap_or_default();
    let packed = packed(&String::from_utf8_lossy(&decode(raw.as_bytes())).to_lowercase());
    let mut parameters = reserved.parameters.iter();
    !packed.is_empty() && parameters.any(|it| self::packed(it) == packed)
}

fn check_headers(
    headers: &[(String, String)],
    reserved: &Reserved<'_>,
    caps: &Caps,
) -> Result<Vec<(String, String)>, Fault> {
    within("list of headers", headers.len(), caps.headers)?;
    within(
        "header block",
        headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum(),
        caps.header_bytes,
    )?;
    for (name, value) in headers {
        if !header::is_token(name) {
            return Err(Fault::HeaderName(shown(name)));
        }
        let folded = header::folded(name);
        if Rule::MethodOverride.refuses(header::overrides_method(name)) {
            return Err(Fault::MethodOverride(shown(name)));
        }
        let mut reserved = reserved.headers.iter();
        if Rule::HostHeader.refuses(header::belongs_to_host(name))
            || Rule::CredentialHeader.refuses(header::carries_credential(name))
            || Rule::RecipeHeader.refuses(reserved.any(|it| header::folded(it) == folded))
        {
            return Err(Fault::Header(shown(name)));
        }
        // Bytes over 0x7f are Latin-1 to some servers and UTF-8 to others (RFC 9110, section 5.5), and white space at an
        // end is not part of the value for the one who receives it.
        let odd = value.trim_matches([' ', '\t']) != value
            || !value.bytes().all(|it| matches!(it, b'\t' | b' '..=b'~'));
        if Rule::HeaderValue.refuses(odd) {
            return Err(Fault::HeaderValue(shown(name)));
        }
        // A secret that the server repeats could be fetched a few bytes at a time, below what redaction can know again.
        // Tryton pages with `Range: records=0-50`.
        let by_bytes = folded == "range" && value.to_ascii_lowercase().contains("bytes");
        if Rule::ByteRange.refuses(by_bytes) {
            return Err(Fault::ByteRange);
        }
    }
    if let Some(name) = header::repeated(headers.iter().map(|(name, _)| name.as_str()))
        && Rule::RepeatedHeader.holds()
    {
        return Err(Fault::Repeated(shown(name)));
    }
    Ok(headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect())
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Fault> {
    if Rule::RequestSize.refuses(size > limit) {
        Err(Fault::TooLarge { what, size, limit })
    } else {
        Ok(())
    }
}

/// Says whether a text begins as an absolute address does (RFC 3986, section 3.1).
fn has_scheme(text: &str) -> bool {
    text.split(['/', '?'])
        .next()
        .is_some_and(|it| it.contains(':'))
}

fn packed(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect()
}

/// Returns a path's segments in the plainest spelling, or nothing if it is encoded more often than anybody does honestly.
fn plain_segments(url: &Url) -> Option<Vec<Vec<u8>>> {
    // Each round may take away as little as two bytes, so going on to the end would cost the square of the length.
    const ROUNDS: usize = 8;
    let mut path = url.path().as_bytes().to_vec();
    let mut rounds = 0;
    loop {
        let next = decode(&path);
        if next == path {
            break;
        }
        rounds += 1;
        if rounds > ROUNDS {
            return None;
        }
        path = next;
    }
    path.make_ascii_lowercase();
    let segments = path
        .split(|it| matches!(it, b'/' | b'\\'))
        .map(|it| name_of(it).to_vec())
        .filter(|it| !matches!(it.as_slice(), b"" | b"."))
        .collect();
    Some(segments)
}

/// Decodes percent-encoding once, as servers do.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |it: &u8| {
        char::from(*it)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let byte = match (first, tail) {
            (b'%', [high, low, after @ ..]) => digit(high).zip(digit(low)).map(|(high, low)| {
                rest = after;
                high * 16 + low
            }),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
    }
    out
}

fn shown(text: &str) -> String {
    escape(text, 64).into_owned()
}

#[cfg(test)]
mod tests;
