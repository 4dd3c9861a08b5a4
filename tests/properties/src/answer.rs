//! Of an answer, a connector sees what it may and no more: headers from a list, a body that was whole, within its size.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use arbitrary::{Result, Unstructured};
use brightsync_core::decode::{Decoder, Encoding, Error};
use brightsync_core::manifest::Manifest;
use brightsync_core::quota::Heard;
use brightsync_core::response::{Allowed, Caps};
use brightsync_core::retry::{Meaning, Seen, retry_after};
use url::Url;

/// A connector that declares what answers of its CRM mean.
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    let text = include_str!("../../fuzz/seeds/manifest/answers.toml");
    Manifest::parse(text).unwrap()
});

/// Panics if a property of answers does not hold.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ran_out = packed(&mut input);
    let _ran_out = headers(&mut input);
    let _ran_out = meaning(&mut input);
    foreign(data);
}

/// No header is shown that carries a credential, leads elsewhere, or is more than one line.
fn headers(input: &mut Unstructured<'_>) -> Result<()> {
    const NAMES: [&str; 20] = [
        "content-type",
        "Location",
        "location",
        "Set-Cookie",
        "set-cookie",
        "set_cookie",
        "x-page",
        "X-RateLimit-",
        "x-ratelimit-",
        "cookie",
        "authorization",
        "www-authenticate",
        "date",
        "etag",
        "link",
        "x-api-key",
        "secret",
        " ",
        "-",
        "",
    ];
    const VALUES: [&str; 20] = [
        "https://x.example/a",
        "https://x.example",
        "//evil.example/",
        "/a",
        "\\\\evil.example",
        ":443",
        ":8443",
        "http:",
        "https:",
        "user:word@",
        "a",
        "\r\n",
        "\0",
        "\u{1b}[2J",
        "\t",
        " ",
        "\u{e9}",
        "\u{202e}",
        "@",
        "#",
    ];
    let asked = Url::parse("https://x.example/api/Contact").unwrap();
    let mut headers = Vec::new();
    for _ in 0..input.int_in_range(0..=8)? {
        let name = super::text(input, &NAMES, 2)?;
        let value = if input.arbitrary()? {
            super::text(input, &VALUES, 3)?.into_bytes()
        } else {
            input.bytes(input.len().min(12))?.to_vec()
        };
        headers.push((name, value));
    }
    let caps = Caps {
        headers: input.int_in_range(0..=6)?,
        value_bytes: input.int_in_range(0..=40)?,
        total_bytes: input.int_in_range(0..=120)?,
    };
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    let shown = Allowed::default().filter(pairs, &asked, &caps);
    assert!(shown.headers.len() <= caps.headers);
    let total: usize = shown
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(total <= caps.total_bytes);
    for (name, value) in &shown.headers {
        assert!(value.len() <= caps.value_bytes);
        assert!(
            http::HeaderName::try_from(name).is_ok_and(|it| it.as_str() == name),
            "{name}"
        );
        for part in ["cookie", "authorization", "api-key", "secret"] {
            assert!(!name.contains(part), "{name}");
        }
        assert!(
            !name.ends_with("-authenticate") || name.starts_with("x-"),
            "{name}"
        );
        assert!(
            !value.contains(|it: char| it.is_control() && it != '\t'),
            "{value:?}"
        );
        if name == "location" {
            // As the least careful client resolves it.
            let there = asked.join(&value.replace('\\', "/")).unwrap();
            assert_eq!(there.origin(), asked.origin(), "{value}");
            assert_eq!((there.username(), there.password()), ("", None), "{value}");
        }
        let is_one_of_them = headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
        assert!(is_one_of_them, "{name} came from nowhere");
    }
    Ok(())
}

/// What an answer means is one thing, and no wait that it asks for is longer than the host grants.
fn meaning(input: &mut Unstructured<'_>) -> Result<()> {
    const VALUES: [&str; 16] = [
        "0",
        "1",
        "-1",
        "+5",
        "99999999999999999999",
        "api-usage=",
        "18/5000",
        "/",
        "=",
        ";",
        ",",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "1e9",
        ".5",
        "\u{1}",
    ];
    const BODIES: [&str; 12] = [
        "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]",
        "[",
        "]",
        "{\"code\":",
        "\"slow\"",
        "}",
        "1",
        "null",
        "\"",
        ",",
        "{\"a\":",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];
    let status = *input.choose(&[
        200, 201, 400, 401, 403, 408, 425, 429, 500, 502, 503, 504, 999,
    ])?;
    let wait = super::text(input, &VALUES, 3)?;
    let usage = super::text(input, &VALUES, 4)?;
    let body = super::text(input, &BODIES, 6)?;
    let headers = [
        ("retry-after", wait.as_bytes()),
        ("sforce-limit-info", usage.as_bytes()),
        ("x-ratelimit-remaining", usage.as_bytes()),
        ("x-ratelimit-reset", wait.as_bytes()),
    ];
    let seen = Seen {
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    let meaning = Meaning::of(seen, MANIFEST.answers());
    if MANIFEST.answers().iter().all(|it| it.status() != status) {
        assert_eq!(meaning, Meaning::of_status(status));
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(input.arbitrary::<u32>()?.into());
    let heard = Heard::read(seen, meaning, MANIFEST.limits(), now);
    assert!(
        heard.wait().is_none_or(|it| it <= 5 * 60 * 1000),
        "{heard:?}"
    );
    let cap = Duration::from_secs(input.int_in_range(0..=600)?);
    assert!(retry_after(&wait, now, cap).is_none_or(|it| it <= cap));
    Ok(())
}

/// What real packers make of a body comes out as it was, in any pieces; what is cut off does not pass for whole.
fn packed(input: &mut Unstructured<'_>) -> Result<()> {
    let unit: Vec<u8> = input.arbitrary()?;
    let body = unit.repeat(input.int_in_range(0..=64)?);
    let piece = input.int_in_range(1..=300)?;
    let (encoding, packed) = match input.int_in_range(0..=3)? {
        0 => (Encoding::Plain, body.clone()),
        1 => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&body).unwrap();
            (Encoding::Gzip, packer.finish().unwrap())
        }
        2 => (
            Encoding::Zstd,
            zstd::encode_all(body.as_slice(), 1).unwrap(),
        ),
        _ => {
            let mut packed = Vec::new();
            let mut packer = brotli::CompressorWriter::new(&mut packed, 4096, 2, 18);
            packer.write_all(&body).unwrap();
            drop(packer);
            (Encoding::Brotli, packed)
        }
    };
    assert_eq!(
        unpack(encoding, &packed, piece, body.len()),
        Ok(body.clone())
    );
    if let Some(less) = body.len().checked_sub(1) {
        assert_eq!(unpack(encoding, &packed, piece, less), Err(Error::TooLarge));
    }
    let cut = input.choose_index(packed.len().max(1))?;
    if 0 < cut && encoding != Encoding::Plain {
        let part = &packed[..cut.min(packed.len() - 1)];
        let unpacked = unpack(encoding, part, piece, body.len());
        assert!(
            part.is_empty() || unpacked == Err(Error::Broken),
            "{encoding:?}"
        );
    }
    Ok(())
}

/// Any bytes unpack to something within the size, or to nothing, and the pieces make no difference.
fn foreign(data: &[u8]) {
    const MOST: usize = 256 << 10;
    for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
        let whole = unpack(encoding, data, data.len().max(1), MOST);
        assert!(whole.as_ref().is_ok_and(|it| it.len() <= MOST) || whole.is_err());
        let split = unpack(encoding, data, 7, MOST);
        assert_eq!(
            whole.is_ok(),
            split.is_ok(),
            "{encoding:?}: {whole:?}, {split:?}"
        );
        if let (Ok(whole), Ok(split)) = (whole, split) {
            assert_eq!(whole, split, "{encoding:?}");
        }
    }
    let names = data.split(|it| *it == b'\n').take(4);
    let _known_or_not = Encoding::of(names);
}

/// Unpacks in pieces of this size, to at most so many bytes in all.
fn unpack(
    encoding: Encoding,
    packed: &[u8],
    piece: usize,
    most: usize,
) -> std::result::Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(encoding)?;
    let mut out = Vec::new();
    for piece in packed.chunks(piece) {
        let left = most - out.len();
        let unpacked = decoder.feed(piece, left)?;
        assert!(unpacked.len() <= left);
        out.extend(unpacked);
    }
    decoder.finish().map(|()| out)
}
