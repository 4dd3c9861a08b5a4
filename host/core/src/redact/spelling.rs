//! How one character may be written: percent, JSON and HTML escapes, and escapes of escapes.

use super::bytes::Short;

/// The most bytes in which a character is recognised.
pub(super) const LONGEST: usize = 40;

/// How many escapes may be wrapped around one another: an address in JSON in a log line in JSON.
const DEPTH: usize = 3;

/// One way to read what stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// How many bytes it is written in.
    pub(super) length: usize,
    /// What it stands for: a character in UTF-8, or one byte of it.
    pub(super) bytes: Short,
}

/// Says whether a byte may begin something that stands for something else.
pub(super) fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'+')
}

/// Returns every way to read the escape at the head of a text, besides as it stands.
pub(super) fn readings(text: &[u8]) -> impl Iterator<Item = Reading> {
    let first = text.first().copied().unwrap_or_default();
    let mut found: [Option<Reading>; DEPTH + 1] = [None; DEPTH + 1];
    if first == b'+' {
        found = [Some(Reading::new(1, Short::of(b' '))), None, None, None];
    } else if is_escape(first) {
        let mut before = None;
        for (place, depth) in found.iter_mut().zip(1..=DEPTH) {
            let reading = escape(text, depth);
            // What is no escape of an escape reads the same at every depth.
            if reading != before {
                *place = reading;
                before = reading;
            }
            // Only what reads as the beginning of an escape may be one of a greater depth.
            if reading.is_some_and(|it| !it.bytes.single().is_some_and(is_escape)) {
                break;
            }
        }
        // A plus that was escaped may still be the space of a form, in JSON as in another form: `%2B`.
        if let Some(plus) = found.iter().flatten().find(|it| it.bytes.is(b'+')) {
            found[DEPTH] = Some(Reading::new(plus.length, Short::of(b' ')));
        }
    }
    found.into_iter().flatten()
}

/// Returns every way to read what ends at a place of a text, as it stands included.
pub(super) fn readings_before(text: &[u8], end: usize) -> impl Iterator<Item = Reading> {
    let last = end.checked_sub(1).and_then(|it| text.get(it)).copied();
    let plain = last.map(|it| Reading::new(1, Short::of(it)));
    let escaped = (1..=LONGEST.min(end)).flat_map(move |length| {
        let rest = text.get(end - length..).unwrap_or_default();
        let begins = rest.first().is_some_and(|it| is_escape(*it));
        let all = begins.then(|| readings(rest)).into_iter().flatten();
        all.filter(move |it| it.length == length)
    });
    plain.into_iter().chain(escaped)
}

impl Reading {
    fn new(length: usize, bytes: Short) -> Self {
        Self { length, bytes }
    }
}

/// Reads an escape whose own characters may be written in escapes of one depth less.
fn escape(text: &[u8], depth: usize) -> Option<Reading> {
    let mut rest = Units {
        text,
        at: 0,
        depth: depth - 1,
    };
    let bytes = match rest.next()? {
        b'%' => Short::of(rest.hex(2)?.try_into().ok()?),
        b'\\' => match rest.next()? {
            b'u' => Short::char(rest.utf16()?),
            same @ (b'/' | b'"' | b'\\' | b'\'') => Short::of(same),
            b'b' => Short::of(8),
            b't' => Short::of(b'\t'),
            b'n' => Short::of(b'\n'),
            b'f' => Short::of(12),
            b'r' => Short::of(b'\r'),
            _ => return None,
        },
        b'&' => Short::char(rest.entity()?),
        _ => return None,
    };
    (rest.at <= LONGEST).then(|| Reading::new(rest.at, bytes))
}

/// The characters of a text, each of which may be escaped itself.
struct Units<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Units<'_> {
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..).filter(|_| self.at <= LONGEST)?;
        let first = *rest.first()?;
        let escaped = (is_escape(first) && first != b'+')
            .then(|| (1..=self.depth).rev().find_map(|it| escape(rest, it)))
            .flatten()
            .and_then(|it| Some((it.bytes.single()?, it.length)));
        let (byte, length) = escaped.unwrap_or((first, 1));
        self.at += length;
        Some(byte)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |sum, _| {
            Some(sum * 16 + char::from(self.next()?).to_digit(16)?)
        })
    }

    /// Reads what stands behind `\u`: four digits, or two times four of a surrogate pair.
    fn utf16(&mut self) -> Option<char> {
        let first = self.hex(4)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        let second = (self.next()? == b'\\' && self.next()? == b'u')
            .then(|| self.hex(4))
            .flatten()
            .filter(|it| (0xdc00..0xe000).contains(it))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    /// Reads what stands behind `&`: the numbers, and the five names that XML has, too.
    fn entity(&mut self) -> Option<char> {
        let mut name = Vec::new();
        loop {
            match self.next()? {
                b';' => break,
                _ if name.len() == 10 => return None,
                it => name.push(it.to_ascii_lowercase()),
            }
        }
        match name.as_slice() {
            b"amp" => Some('&'),
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"quot" => Some('"'),
            b"apos" => Some('\''),
            [b'#', b'x', digits @ ..] => number(digits, 16),
            [b'#', digits @ ..] => number(digits, 10),
            _ => None,
        }
    }
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let number = digits.iter().try_fold(0_u32, |sum, it| {
        let digit = char::from(*it).to_digit(radix)?;
        sum.checked_mul(radix)?.checked_add(digit)
    })?;
    (!digits.is_empty())
        .then(|| char::from_u32(number))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let found: Vec<_> = readings(text.as_bytes())
            .map(|it| {
                let bytes = String::from_utf8_lossy(it.bytes.as_slice()).into_owned();
                (it.length, bytes)
            })
            .collect();
        let found: Vec<_> = found.iter().map(|(n, it)| (*n, it.as_str())).collect();
        assert_eq!(found, expected, "{text}");
        for (length, bytes) in expected {
            let mut before = readings_before(text.as_bytes(), *length);
            assert!(
                before.any(|it| it.length == *length && it.bytes.as_slice() == bytes.as_bytes())
            );
        }
    }

    #[test]
    fn a_character_is_read_in_every_spelling() {
        check("A", &[]);
        check("%41", &[(3, "A")]);
        check("%2fx", &[(3, "/")]);
        check("+", &[(1, " ")]);
        check(r"\/", &[(2, "/")]);
        check(r#"\""#, &[(2, "\"")]);
        check(r"\u0041", &[(6, "A")]);
        check(r"\u00E9", &[(6, "é")]);
        check(r"\ud83d\ude00", &[(12, "😀")]);
        check("&#65;", &[(5, "A")]);
        check("&#x0041;", &[(8, "A")]);
        check("&amp;", &[(5, "&")]);
        check(r"\u002b", &[(6, "+"), (6, " ")]);
        check("%2B", &[(3, "+"), (3, " ")]);
        check("%252B", &[(3, "%"), (5, "+"), (5, " ")]);
    }

    #[test]
    fn an_escape_of_an_escape_is_read_at_every_depth() {
        check("%2541", &[(3, "%"), (5, "A")]);
        check("%252541", &[(3, "%"), (5, "%"), (7, "A")]);
        check(r"\\u0041", &[(2, "\\"), (7, "A")]);
        check(r#"\\\""#, &[(2, "\\"), (4, "\"")]);
        check(r"\u002541", &[(6, "%"), (8, "A")]);
        check(r"\u0026amp;", &[(6, "&"), (10, "&")]);
        check(r"%5Cu0041", &[(3, "\\"), (8, "A")]);
        check("&#37;41", &[(5, "%"), (7, "A")]);
    }

    #[test]
    fn what_only_looks_like_an_escape_is_none() {
        for text in [
            "%",
            "%4",
            "%4g",
            "%%41",
            r"\",
            r"\x41",
            r"\u004",
            r"\ud83d",
            r"\ud83dx",
            "&",
            "&#;",
            "&#x;",
            "&#65",
            "&nosuch;",
            "&#xd800;",
            "&#99999999999;",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_flood_of_escapes_ends() {
        for unit in [
            "\\", "%", "&", "&#", "%25", "\\u005c", "&amp;", "%5C", "\\\\u",
        ] {
            let text = unit.repeat(10_000);
            for at in 0..unit.len() {
                let _read = readings(&text.as_bytes()[at..]).count();
            }
        }
    }
}
