//! Secrets that a CRM mints in its answers, and that nobody knows before: cut where they stand.
//!
//! A manifest marks a path of the API and JSON pointers into its answers. The path is compared as the most forgiving
//! server would read it, and from its end, so that no other spelling of it leads around the mark.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::MARK;

/// The answers of one path of an API, and what is cut out of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    path: Path,
    pointers: Vec<Pointer>,
}

/// The end of a path, such as `App/user`; a `*` stands for any one segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Path(Vec<String>);

/// A JSON pointer (RFC 6901) in which a `*` stands for each element of an array.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Pointer(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Each,
    // Invariant: not `*`.
    Name(String),
}

/// Tells that an answer of a marked path is not JSON, so that nobody can say what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON, but a place in it is marked as secret")]
pub struct NotJson;

impl Place {
    pub(crate) fn new(path: Path, pointers: Vec<Pointer>) -> Self {
        Self { path, pointers }
    }

    /// Returns the path that it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what is cut out of its answers.
    pub fn pointers(&self) -> &[Pointer] {
        &self.pointers
    }

    /// Says whether it is about the answers of an address.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let path = decoded(url.path());
        let mut segments = path.rsplit(['/', '\\']).filter_map(|it| {
            // What stands behind a semicolon is a parameter (RFC 3986, section 3.3), which servers pass over.
            let name = it.split(';').next().unwrap_or_default();
            (!matches!(name, "" | ".")).then(|| name.to_ascii_lowercase())
        });
        let mut wanted = self.path.0.iter().rev();
        wanted.all(|it| {
            segments
                .next()
                .is_some_and(|segment| it == "*" || it.eq_ignore_ascii_case(&segment))
        })
    }
}

/// Cuts what is marked out of an answer, and answers how many values that were.
pub fn cut(pointers: &[&Pointer], body: &[u8]) -> Result<(Vec<u8>, u32), NotJson> {
    if body.trim_ascii().is_empty() {
        return Ok((body.to_vec(), 0));
    }
    let text = std::str::from_utf8(body).map_err(|_| NotJson)?;
    let whole: &RawValue = serde_json::from_str(text).map_err(|_| NotJson)?;
    let mut found = Vec::new();
    for pointer in pointers {
        find(whole, &pointer.0, &mut found)?;
    }
    let mut ranges: Vec<_> = found.iter().map(|it| range(text, it)).collect();
    // The outer one of two that lie in one another comes first.
    ranges.sort_unstable_by_key(|it| (it.start, usize::MAX - it.end));
    let (mut out, mut cuts, mut settled) = (Vec::with_capacity(body.len()), 0, 0);
    for Range { start, end } in ranges {
        if start < settled {
            continue;
        }
        out.extend_from_slice(body.get(settled..start).unwrap_or_default());
        out.extend_from_slice(format!("\"{MARK}\"").as_bytes());
        settled = end;
        cuts += 1;
    }
    out.extend_from_slice(body.get(settled..).unwrap_or_default());
    Ok((out, cuts))
}

fn find<'a>(value: &'a RawValue, steps: &[Step], found: &mut Vec<&'a str>) -> Result<(), NotJson> {
    let text = value.get();
    match (steps.split_first(), text.as_bytes().first()) {
        (None, _) if text == "null" => {}
        (None, _) => found.push(text),
        (Some((Step::Each, rest)), Some(b'[')) => {
            for element in elements(text)? {
                find(element, rest, found)?;
            }
        }
        (Some((Step::Name(name), rest)), Some(b'[')) => {
            let index: Option<usize> = name.parse().ok();
            let elements = elements(text)?;
            if let Some(element) = index.and_then(|it| elements.get(it)) {
                find(element, rest, found)?;
            }
        }
        (Some((Step::Name(name), rest)), Some(b'{')) => {
            // A name may be there twice, and which one counts is the reader's choice.
            let members: Members<'a> = serde_json::from_str(text).map_err(|_| NotJson)?;
            for (_, member) in members.0.iter().filter(|it| it.0 == *name) {
                find(member, rest, found)?;
            }
        }
        (Some(_), _) => {}
    }
    Ok(())
}

fn elements(text: &str) -> Result<Vec<&RawValue>, NotJson> {
    serde_json::from_str(text).map_err(|_| NotJson)
}

fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}

/// The members of an object in their order, those of the same name included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Decodes for as long as there is something to decode, as a chain of servers would.
fn decoded(path: &str) -> String {
    let mut path = path.to_owned();
    for _ in 0..3 {
        let next = decoded_once(path.as_bytes());
        if next == path {
            break;
        }
        path = next;
    }
    path
}

fn decoded_once(path: &[u8]) -> String {
    let hex = |it: Option<&u8>| char::from(*it?).to_digit(16);
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let pair = (hex(after.first()), hex(after.get(1)));
        if let (b'%', (Some(high), Some(low))) = (*first, pair) {
            out.extend(u8::try_from(high * 16 + low));
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Path {
    /// Reads a path; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let plain = |it: &str| {
            let fits = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
            it == "*" || (!it.is_empty() && it.bytes().all(fits) && it.bytes().any(|it| it != b'.'))
        };
        if text.split('/').all(plain) {
            return Ok(Self(text.split('/').map(str::to_owned).collect()));
        }
        Err(format!(
            "{text:?} is no path of the API; write its segments as in \"App/user\", with \"*\" for any one"
        ))
    }
}

impl Pointer {
    /// Reads a pointer; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no JSON pointer; write it as in \"/token\" or \"/list/*/key\", with \"~1\" for a slash and \"~0\" for a tilde"
            )
        };
        let steps = text.strip_prefix('/').ok_or_else(wrong)?;
        let step = |it: &str| {
            let plain = it.replace("~1", "/").replace("~0", "~");
            let escaped = plain.replace('~', "~0").replace('/', "~1");
            match it {
                "*" => Ok(Step::Each),
                _ if escaped == it => Ok(Step::Name(plain)),
                _ => Err(wrong()),
            }
        };
        steps
            .split('/')
            .map(step)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Each => f.write_str("/*"),
            Step::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
        })
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.to_string()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pointers: &[&str], body: &str, expected: Expect) {
        let pointers: Vec<_> = pointers
            .iter()
            .map(|it| Pointer::parse(it).unwrap())
            .collect();
        let all: Vec<_> = pointers.iter().collect();
        let told = match cut(&all, body.as_bytes()) {
            Ok((out, cuts)) => format!("{cuts}: {}", String::from_utf8(out).unwrap()),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&told);
    }

    fn covers(path: &str, url: &str) -> bool {
        let path = Path::parse(path).unwrap();
        Place::new(path, Vec::new()).covers(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_marked_value_is_cut_and_everything_else_stays_byte_for_byte() {
        check(
            &["/token"],
            r#"{ "user": {"token":"kept"}, "token" : "abc" , "n": 1.0e+2}"#,
            expect![[r#"1: { "user": {"token":"kept"}, "token" : "[redacted]" , "n": 1.0e+2}"#]],
        );
        check(
            &["/list/*/key", "/list/*"],
            r#"{"list":[{"key":1,"id":2}]}"#,
            expect![[r#"1: {"list":["[redacted]"]}"#]],
        );
        check(
            &["/*/key"],
            r#"[{"key":{"a":["b"]}},{"id":2},{"key":null},{"key":[]}]"#,
            expect![[r#"2: [{"key":"[redacted]"},{"id":2},{"key":null},{"key":"[redacted]"}]"#]],
        );
        check(
            &["/a~1b/1"],
            r#"{"a/b":["x","y"]}"#,
            expect![[r#"1: {"a/b":["x","[redacted]"]}"#]],
        );
        check(&["/token"], r#"["token"]"#, expect![[r#"0: ["token"]"#]]);
        check(&["/token"], " ", expect!["0:  "]);
    }

    #[test]
    fn a_name_that_is_there_twice_or_escaped_is_cut_each_time() {
        check(
            &["/token"],
            r#"{"token":"a","\u0074oken":"b","token":"c"}"#,
            expect![[
                r#"3: {"token":"[redacted]","\u0074oken":"[redacted]","token":"[redacted]"}"#
            ]],
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_passed_on() {
        for body in [
            "<token>abc</token>",
            "callback({\"token\":\"abc\"})",
            "{\"token\":\"abc\"",
            "{\"token\":\"abc\"}}",
            "\u{feff}{\"token\":\"abc\"}",
            "{'token':'abc'}",
        ] {
            check(
                &["/token"],
                body,
                expect!["the answer is no JSON, but a place in it is marked as secret"],
            );
        }
    }

    #[test]
    fn a_path_is_known_in_every_spelling() {
        for url in [
            "https://x.example/api/v1/App/user",
            "https://x.example/api/v1/App/user?x=1#y",
            "https://x.example/api/v1/app/USER/",
            "https://x.example/api/v1/App//user",
            "https://x.example/api/v1/App/./user",
            "https://x.example/index.php/App%2fuser",
            "https://x.example/App/%75ser",
            "https://x.example/App/%2575ser",
            "https://x.example/App;a=b/user;c",
            "https://x.example/App\\user",
        ] {
            assert!(covers("App/user", url), "{url}");
        }
        for url in [
            "https://x.example/App/user/5",
            "https://x.example/user",
            "https://x.example/",
            "https://x.example/App/users",
            "https://x.example/?App/user",
        ] {
            assert!(!covers("App/user", url), "{url}");
        }
        assert!(covers("User/*", "https://x.example/api/v1/User/5"));
        assert!(!covers("User/*", "https://x.example/api/v1/User"));
    }

    #[test]
    fn a_path_and_a_pointer_are_written_in_one_way() {
        for text in [
            "",
            "/",
            "/App",
            "App/",
            "App//user",
            "a b",
            "a?b",
            "..",
            "a/../b",
            "%41",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        for text in ["", "token", "#/token", "/a~b", "/a~2", "/~"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
        for text in ["/token", "/", "/*/a~1b/~0/0", "/list/*/*"] {
            assert_eq!(Pointer::parse(text).unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>, text in "[\\[\\]{}\":,a0-9 *]{0,40}") {
            let pointer = Pointer::parse("/*/a").unwrap();
            for body in [&body, text.as_bytes()] {
                if let Ok((out, 0)) = cut(&[&pointer], body) {
                    prop_assert_eq!(out, body);
                }
            }
        }
    }
}
