//! No known secret gets through in any encoding however the text is split, and without one the text is as it was.

use arbitrary::{Result, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use brightsync_core::redact::{MARK, Redactor, Secrets};

/// Panics if a property of redaction does not hold.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ran_out = encoded(&mut input);
    let _ran_out = near(&mut input);
    let _ran_out = foreign(&mut input);
}

/// Whatever real encoders make of a secret is cut out, wherever it stands.
fn encoded(input: &mut Unstructured<'_>) -> Result<()> {
    let secret = secret(input)?;
    let redactor = redactor(&[&secret]);
    let chunks: Vec<u8> = input.arbitrary()?;
    let text = format!(
        "{}{}{}",
        surroundings(input)?,
        encode(input, &secret)?.0,
        surroundings(input)?
    );
    let (out, cuts) = through(&redactor, text.as_bytes(), &chunks);
    let out = String::from_utf8(out).expect("what is left of a text is text");
    assert!(0 < cuts, "{secret:?} passed in {text:?}");
    assert!(!out.contains(&secret), "{secret:?} is left in {out:?}");
    // A mark that stood there before may have lost a character that is the secret's, too.
    assert!(
        usize::try_from(cuts).unwrap() <= out.matches(MARK).count(),
        "{out:?}"
    );
    // Nothing is left to be cut, and the split makes no difference.
    let left = out.replace(MARK, "\u{1}");
    assert_eq!(redactor.text(&left).cuts, 0, "{text:?} became {out:?}");
    assert_eq!(redactor.text(&text).text, out, "{text:?} in {chunks:?}");
    Ok(())
}

/// Another value that differs in one character passes in every encoding.
fn near(input: &mut Unstructured<'_>) -> Result<()> {
    let secret = letters(input)?;
    let redactor = redactor(&[&secret]);
    let chunks: Vec<u8> = input.arbitrary()?;
    // Not the first one: the last digit of its escape could take its place.
    let at = input.int_in_range(1..=secret.len() - 1)?;
    let other = *input.choose(b"abcdefghijklmnopqrstuvwxyz0123456789")?;
    let mut value = secret.clone().into_bytes();
    if value[at] == other {
        return Ok(());
    }
    value[at] = other;
    let value = String::from_utf8(value).unwrap();
    let (text, packed) = encode(input, &value)?;
    let text = format!("<{text}>");
    // The digits of `3333` are threes: one value's form may be another value as it stands. And what stands around the value may make it the secret.
    if text.contains(&secret) || holds(&packed, secret.as_bytes()) {
        return Ok(());
    }
    let (out, cuts) = through(&redactor, text.as_bytes(), &chunks);
    assert_eq!(
        (out, cuts),
        (text.clone().into_bytes(), 0),
        "{secret} in {text}"
    );
    Ok(())
}

/// Of any bytes, what is cut out is the secret by another decoder's understanding, too.
fn foreign(input: &mut Unstructured<'_>) -> Result<()> {
    const SECRET: &str = "s3cretKey0815";
    const PIECES: [&str; 22] = [
        "s3cret",
        "Key0815",
        "s3cretKey0815",
        "s3cretKey081",
        "3cretKey0815",
        "%73",
        "%2573",
        "\\u0073",
        "&#115;",
        "&#x73;",
        "czNjcmV0S2V5MDgxNQ",
        "M2NyZXRLZXkwODE1",
        "NjcmV0S2V5",
        "MDgxNQ",
        "733363726574",
        "4b657930383135",
        "\r\n",
        "\\n",
        "%",
        "=",
        "\\",
        MARK,
    ];
    let redactor = redactor(&[SECRET]);
    let chunks: Vec<u8> = input.arbitrary()?;
    let mut text = Vec::new();
    while !input.is_empty() && text.len() < 4096 {
        if input.arbitrary()? {
            text.extend_from_slice(input.choose(&PIECES)?.as_bytes());
        } else {
            let length = input.int_in_range(0..=16)?.min(input.len());
            text.extend_from_slice(input.bytes(length)?);
        }
    }
    let (out, cuts) = through(&redactor, &text, &chunks);
    let (whole, same) = through(&redactor, &text, &[]);
    assert_eq!((&out, cuts), (&whole, same), "{chunks:?}");
    if cuts == 0 {
        assert_eq!(out, text);
        assert!(!holds(&text, SECRET.as_bytes()));
    }
    if cuts == 1
        && let Some(place) = place_of(&out, &text)
    {
        assert!(
            is_made_of(place, SECRET),
            "{place:?} was cut out of {text:?}"
        );
    }
    let nothing = Redactor::new(&Secrets::default()).unwrap();
    assert_eq!(through(&nothing, &text, &chunks), (text, 0));
    Ok(())
}

fn redactor(values: &[&str]) -> Redactor {
    let mut secrets = Secrets::default();
    for value in values {
        secrets.add(value);
    }
    Redactor::new(&secrets).unwrap()
}

/// The text as it comes out, and how often it was cut, if it goes in with chunks of these lengths, over and over.
fn through(redactor: &Redactor, text: &[u8], chunks: &[u8]) -> (Vec<u8>, u32) {
    let mut out = Vec::new();
    let mut stream = redactor.stream();
    let mut lengths = chunks.iter().cycle();
    let mut rest = text;
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |it| usize::from(*it));
        let (chunk, after) = rest.split_at(length.clamp(1, rest.len()));
        stream.push(chunk, &mut out);
        rest = after;
    }
    let cuts = stream.finish(&mut out);
    (out, cuts)
}

fn letters(input: &mut Unstructured<'_>) -> Result<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut secret = String::new();
    for _ in 0..input.int_in_range(12..=40)? {
        secret.push(char::from(*input.choose(LETTERS)?));
    }
    Ok(secret)
}

fn secret(input: &mut Unstructured<'_>) -> Result<String> {
    if input.arbitrary()? {
        return letters(input);
    }
    let mut secret = String::new();
    while secret.len() < 12 {
        match input.int_in_range(0..=2)? {
            0 => secret
                .push(*input.choose(&['%', '\\', '&', '+', '/', '"', '#', ';', ' ', 'u', '4'])?),
            1 => secret.push(char::from(input.int_in_range(b' '..=b'~')?)),
            _ => secret.extend(Some(input.arbitrary::<char>()?).filter(|it| !it.is_control())),
        }
        if input.is_empty() {
            secret.push('z');
        }
    }
    Ok(secret)
}

/// What may stand around a secret, to lead the search astray.
fn surroundings(input: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: [&str; 20] = [
        "%",
        "%4",
        "%25",
        "\\",
        "\\u",
        "\\u00",
        "\\\\",
        "&",
        "&#",
        "&#x4",
        "&amp",
        "\n",
        "+",
        "=",
        "\r\n",
        "{\"a\":\"",
        "\"}",
        "a",
        "0",
        MARK,
    ];
    super::text(input, &PIECES, 4)
}

/// A value in what real programs make of it, and what they were given with it: perhaps packed in base64 or hexadecimal, and then escaped up to three times.
fn encode(input: &mut Unstructured<'_>, value: &str) -> Result<(String, Vec<u8>)> {
    let bytes = value.as_bytes();
    let mut packed = bytes.to_vec();
    let mut text = match input.int_in_range(0..=5)? {
        0 => {
            let before: [u8; 5] = input.arbitrary()?;
            let before = &before[..input.int_in_range(0..=5)?];
            let after: [u8; 3] = input.arbitrary()?;
            let engine =
                *input.choose(&[&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD])?;
            packed = [before, bytes, &after].concat();
            wrap(input, &engine.encode(&packed))?
        }
        1 => wrap(input, &STANDARD.encode(bytes))?,
        2 => {
            let digits: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
            wrap(input, &digits)?
        }
        3 => bytes.iter().map(|it| format!("{it:02X}")).collect(),
        _ => value.to_owned(),
    };
    for _ in 0..input.int_in_range(0..=3)? {
        text = match input.int_in_range(0..=4)? {
            0 => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            1 => percent(&text),
            2 => json(&text),
            3 => text
                .chars()
                .map(|it| match it {
                    '&' => "&amp;".to_owned(),
                    '<' => "&lt;".to_owned(),
                    '>' => "&gt;".to_owned(),
                    '"' => "&quot;".to_owned(),
                    '\'' => "&#39;".to_owned(),
                    other => other.to_string(),
                })
                .collect(),
            _ => {
                let mut units = [0; 2];
                text.chars()
                    .map(|it| match it {
                        ' '..='~' if !matches!(it, '"' | '\\' | '&' | '/') => it.to_string(),
                        other => other
                            .encode_utf16(&mut units)
                            .iter()
                            .map(|unit| format!("\\u{unit:04x}"))
                            .collect(),
                    })
                    .collect()
            }
        };
    }
    Ok((text, packed))
}

/// The text as an encoder writes it that leaves nothing but letters and digits.
fn percent(text: &str) -> String {
    let byte = |it: u8| match it.is_ascii_alphanumeric() {
        true => char::from(it).to_string(),
        false => format!("%{it:02x}"),
    };
    text.bytes().map(byte).collect()
}

/// The text inside of a JSON string.
fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The text in lines, as MIME and PEM have it.
fn wrap(input: &mut Unstructured<'_>, text: &str) -> Result<String> {
    let width = *input.choose(&[1000, 76, 64, 10, 3])?;
    let end = *input.choose(&["\r\n", "\n"])?;
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(width)
        .map(|it| std::str::from_utf8(it).unwrap())
        .collect();
    Ok(lines.join(end))
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}

/// What was cut out, if the one mark in the output is the one that was put there.
fn place_of<'a>(out: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    let marks: Vec<_> = (0..out.len())
        .filter(|at| out[*at..].starts_with(MARK.as_bytes()))
        .collect();
    let [at] = marks.as_slice() else { return None };
    let after = out.len() - at - MARK.len();
    text.get(*at..text.len() - after)
}

/// Says whether a place is the secret, or two of it that share characters, as base64 may with what stands before it.
fn is_made_of(place: &[u8], secret: &str) -> bool {
    let begins = |end: &usize| is_secret(&place[..*end], secret);
    let ends = |end: usize| (0..=end).any(|begin| is_secret(&place[begin..], secret));
    is_secret(place, secret) || (1..place.len()).filter(begins).any(ends)
}

/// Says whether a place is the secret, escaped or packed: decoded over and over, since letters do not decode to others.
fn is_secret(place: &[u8], secret: &str) -> bool {
    let mut text = place.to_vec();
    for _ in 0..4 {
        text = unescape(&text);
    }
    if text == secret.as_bytes() {
        return true;
    }
    let packed: Vec<u8> = text
        .iter()
        .copied()
        .filter(|it| !it.is_ascii_whitespace())
        .collect();
    let digits = std::str::from_utf8(&packed).unwrap_or_default();
    let bytes = (0..digits.len()).step_by(2).map(|at| {
        let pair = digits.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    if bytes.collect::<Option<Vec<u8>>>().as_deref() == Some(secret.as_bytes()) {
        return true;
    }
    let standard = digits.replace('-', "+").replace('_', "/");
    (0..4).any(|before| {
        let mut whole = "A".repeat(before) + &standard;
        while !whole.len().is_multiple_of(4) {
            whole.push('A');
        }
        STANDARD
            .decode(whole)
            .is_ok_and(|it| holds(&it, secret.as_bytes()))
    })
}

/// Takes one layer of each kind of escape away.
fn unescape(text: &[u8]) -> Vec<u8> {
    let percent = replace(text, |rest| {
        let digits = rest.strip_prefix(b"%")?.get(..2)?;
        Some((number(digits, 16)?, 3))
    });
    let json = replace(&percent, |rest| {
        let rest = rest.strip_prefix(b"\\")?;
        if let Some(digits) = rest.strip_prefix(b"u").and_then(|it| it.get(..4)) {
            return Some((number(digits, 16)?, 6));
        }
        match rest.first()? {
            b'n' => Some((u32::from(b'\n'), 2)),
            b'r' => Some((u32::from(b'\r'), 2)),
            b't' => Some((u32::from(b'\t'), 2)),
            other @ (b'"' | b'\\' | b'/') => Some((u32::from(*other), 2)),
            _ => None,
        }
    });
    replace(&json, |rest| {
        let rest = rest.strip_prefix(b"&")?;
        let end = rest.iter().take(10).position(|it| *it == b';')?;
        let code = match &rest[..end] {
            b"amp" => u32::from(b'&'),
            b"quot" => u32::from(b'"'),
            b"lt" => u32::from(b'<'),
            b"gt" => u32::from(b'>'),
            [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
            [b'#', digits @ ..] => number(digits, 10)?,
            _ => return None,
        };
        Some((code, end + 2))
    })
}

fn replace(text: &[u8], read: impl Fn(&[u8]) -> Option<(u32, usize)>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match read(&text[at..]).and_then(|(code, length)| Some((u8::try_from(code).ok()?, length)))
        {
            Some((byte, length)) => {
                out.push(byte);
                at += length;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, radix).ok()
}
