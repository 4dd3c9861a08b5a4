//! That no form of a secret gets through, and that nothing else is touched.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::manifest::Manifest;

const SECRET: &str = "s3cr/t+k\"y Zoë&";

fn redactor(secret: &str) -> Redactor {
    let mut secrets = Secrets::default();
    secrets.add(secret);
    Redactor::new(&secrets).unwrap()
}

/// The text as it comes out if it goes in with these lengths of chunks, over and over.
fn through(redactor: &Redactor, text: &str, chunks: &[usize]) -> (String, u32) {
    let mut out = Vec::new();
    let mut stream = redactor.stream();
    let mut rest = text.as_bytes();
    let mut lengths = chunks.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |it| *it.min(&rest.len()));
        let (chunk, after) = rest.split_at(length.max(1));
        stream.push(chunk, &mut out);
        rest = after;
    }
    let cuts = stream.finish(&mut out);
    (String::from_utf8(out).unwrap(), cuts)
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    let redacted = redactor(SECRET).text(text);
    expected.assert_eq(&redacted.text);
    assert_eq!(redacted.cuts > 0, redacted.text.contains(MARK));
}

#[test]
fn a_secret_is_cut_as_it_is_and_escaped() {
    check(&format!("<{SECRET}>"), expect!["<[redacted]>"]);
    check(
        "a=s3cr%2Ft%2bk%22y+Zo%C3%AB%26&b=1",
        expect!["a=[redacted]&b=1"],
    );
    check(
        r#"{"a":"s3cr\/t+k\"y Zo\u00eb&"}"#,
        expect![[r#"{"a":"[redacted]"}"#]],
    );
    check(
        "<p>s3cr/t+k&quot;y Zo&#235;&amp;</p>",
        expect!["<p>[redacted]</p>"],
    );
    check(
        r#""{\"a\":\"s3cr\\\/t+k\\\"y Zo\\u00eb\\u0026\"}""#,
        expect![[r#""{\"a\":\"[redacted]\"}""#]],
    );
    // A form in a form: of a blank it makes a plus, and then an escaped one.
    check(
        "a=s3cr%252Ft%252bk%2522y%2BZo%25C3%25AB%2526&b=1",
        expect!["a=[redacted]&b=1"],
    );
    check("x%7333cr/t", expect!["x%7333cr/t"]);
}

#[test]
fn a_secret_is_cut_out_of_base64_wherever_it_begins() {
    for before in ["", "a", "ab", "abc"] {
        let text = GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new())
            .encode(format!("{before}{SECRET}, and more"));
        let redacted = redactor(SECRET).text(&text);
        assert_eq!(redacted.cuts, 1, "{text}");
        let left = redacted.text.replace(MARK, "");
        // What the secret shares a character with goes along.
        assert!(left.len() <= text.len() - SECRET.len() * 4 / 3, "{left}");
    }
}

#[test]
fn another_value_is_left_in_base64_though_it_shares_almost_all_characters() {
    let secret = "a-secret-of-acme";
    let redactor = redactor(secret);
    let others = (b' '..=b'~').map(char::from);
    for other in others.filter(|it| !"ae".contains(*it)) {
        for near in [
            format!("{other}{}", &secret[1..]),
            format!("{}{other}", &secret[..15]),
        ] {
            for before in ["", "x", "xy"] {
                for after in ["", "x", "xy"] {
                    let text = in_base64(format!("{before}{near}{after}").as_bytes(), false, true);
                    assert_eq!(redactor.text(&text).text, text, "{before}{near}{after}");
                }
            }
        }
    }
}

#[test]
fn a_short_secret_is_looked_for_in_composed_form_only() {
    let manifest = Manifest::parse(include_str!("tests/connector.toml")).unwrap();
    let redact = |recipe: &str, fields: &[(&str, &'static str)], text: &str| {
        let recipe = &manifest.recipes()[&recipe.parse().unwrap()];
        let values = fields.iter().copied().collect();
        let redactor = Redactor::new(&Secrets::of(recipe, &values)).unwrap();
        redactor.text(text).text.into_owned()
    };
    let basic = [("user", "ann"), ("password", "blue")];
    expect!["ann has a blue car; [redacted]; Basic [redacted]"].assert_eq(&redact(
        "basic",
        &basic,
        "ann has a blue car; ann:blue; Basic YW5uOmJsdWU=",
    ));
    let tiny = [("user", "a"), ("password", "b")];
    expect!["a:b; YTpi; [redacted]"].assert_eq(&redact("basic", &tiny, "a:b; YTpi; Basic YTpi"));
    expect!["token; [redacted]"].assert_eq(&redact(
        "bearer",
        &[("token", "token")],
        "token; Bearer token",
    ));
    expect!["key; [redacted]"].assert_eq(&redact("key", &[("key", "key")], "key; x-api-key: key"));
    expect!["key; ?[redacted]"].assert_eq(&redact(
        "parameter",
        &[("key", "key")],
        "key; ?api_token=key",
    ));
    let long = [("user", "ann"), ("password", "correct-horse")];
    expect!["[redacted]; ann; [redacted]; Basic [redacted]"].assert_eq(&redact(
        "basic",
        &long,
        "correct-horse; ann; ann:correct-horse; Basic YW5uOmNvcnJlY3QtaG9yc2U=",
    ));
}

#[test]
fn secrets_that_overlap_are_all_cut() {
    let mut secrets = Secrets::default();
    secrets.add("user:password");
    secrets.add("password-and-more");
    let redactor = Redactor::new(&secrets).unwrap();
    let text = "<user:password-and-more><password-and-more>";
    assert_eq!(redactor.text(text).text, "<[redacted]><[redacted]>");
}

#[test]
fn a_secret_that_repeats_within_itself_is_cut_once() {
    let redactor = redactor(&"a".repeat(12));
    let text = "a".repeat(100_000);
    assert_eq!(redactor.text(&text).text, MARK);
    assert_eq!(redactor.text(&"a".repeat(11)).text, "a".repeat(11));
    for unit in ["61", "YWFh", "%61", r"\u0061", "%2561"] {
        let redacted = redactor.text(&unit.repeat(20_000)).text.into_owned();
        assert!(redacted.len() < 40, "{redacted}");
    }
}

#[test]
fn what_is_held_back_is_bounded_by_the_secret() {
    let secret = "abcdefgh".repeat(4);
    let redactor = redactor(&secret);
    for unit in [
        "abcdefgh",
        "abcdefg",
        "\\",
        "%",
        "%25",
        "&#",
        "YWJjZGVm\r\n",
        "6\n1\n6\n2\n",
        "\n",
    ] {
        let mut out = Vec::new();
        let mut stream = redactor.stream();
        for _ in 0..20_000 {
            stream.push(unit.as_bytes(), &mut out);
            assert!(stream.held() < 40_000, "{unit}: {}", stream.held());
        }
    }
}

#[test]
fn nothing_is_looked_for_where_nothing_is_secret() {
    let redactor = Redactor::new(&Secrets::default()).unwrap();
    assert!(redactor.is_empty());
    assert_eq!(
        through(&redactor, "any text", &[1]),
        ("any text".to_owned(), 0)
    );
}

#[test]
fn secrets_and_redactors_do_not_print() {
    let mut secrets = Secrets::default();
    secrets.add(SECRET);
    let redactor = Redactor::new(&secrets).unwrap();
    expect!["Secrets(…) Redactor(…)"].assert_eq(&format!("{secrets:?} {redactor:?}"));
}

#[test]
fn secrets_of_more_than_64_kib_are_refused() {
    let mut secrets = Secrets::default();
    secrets.add(&"x".repeat(65_536));
    assert!(Redactor::new(&secrets).is_ok());
    secrets.add("one more secret");
    assert_eq!(Redactor::new(&secrets).unwrap_err(), Unsearchable);
}

/// One character in one of its spellings.
fn spell(it: char, how: u8) -> String {
    let mut utf8 = [0; 4];
    let utf8 = it.encode_utf8(&mut utf8).as_bytes();
    let percent = |upper: bool| -> String {
        let byte = |it: &u8| match upper {
            true => format!("%{it:02X}"),
            false => format!("%{it:02x}"),
        };
        utf8.iter().map(byte).collect()
    };
    let json = |backslash: &str| -> String {
        let mut units = [0; 2];
        let unit = |it: &u16| format!("{backslash}u{it:04x}");
        it.encode_utf16(&mut units).iter().map(unit).collect()
    };
    match how {
        0 => percent(true),
        1 => percent(false),
        2 => json("\\"),
        3 => json("\\").to_uppercase().replace("\\U", "\\u"),
        4 => format!("&#{};", u32::from(it)),
        5 => format!("&#x{:X};", u32::from(it)),
        6 => percent(true).replace('%', "%25"),
        7 => json("\\\\"),
        8 => percent(true).replace('%', "\\u0025"),
        9 => format!("&#{};", u32::from(it)).replace('&', "&amp;"),
        10 => format!("&#{};", u32::from(it)).replace('&', "\\u0026"),
        11 if it == ' ' => "+".to_owned(),
        12 if it == '/' => "\\/".to_owned(),
        13 if it == '"' => "\\\"".to_owned(),
        14 if it == '"' => "&quot;".to_owned(),
        15 if it == '&' => "&amp;".to_owned(),
        _ => it.to_string(),
    }
}

fn spelled(text: &str, how: &[u8]) -> String {
    let mut how = how.iter().cycle();
    text.chars()
        .map(|it| spell(it, how.next().copied().unwrap_or(99)))
        .collect()
}

fn in_base64(text: &[u8], url: bool, padded: bool) -> String {
    let alphabet = if url {
        alphabet::URL_SAFE
    } else {
        alphabet::STANDARD
    };
    let config = GeneralPurposeConfig::new().with_encode_padding(padded);
    GeneralPurpose::new(&alphabet, config).encode(text)
}

fn wrapped(text: &str, width: usize, end: &str) -> String {
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(width)
        .map(|it| std::str::from_utf8(it).unwrap())
        .collect();
    lines.join(end)
}

/// One text in which the secret is encoded somehow.
#[derive(Clone, Debug)]
enum Form {
    Spelled(Vec<u8>),
    Base64 {
        before: Vec<u8>,
        after: Vec<u8>,
        url: bool,
        padded: bool,
        width: usize,
        end: &'static str,
        how: Vec<u8>,
    },
    Hexadecimal {
        upper: bool,
        width: usize,
        end: &'static str,
        how: Vec<u8>,
    },
}

impl Form {
    fn of(&self, secret: &str) -> String {
        match self {
            Self::Spelled(how) => spelled(secret, how),
            Self::Base64 {
                before,
                after,
                url,
                padded,
                width,
                end,
                how,
            } => {
                let bytes = [before.as_slice(), secret.as_bytes(), after].concat();
                let lines = wrapped(&in_base64(&bytes, *url, *padded), *width, "\n");
                let lines: Vec<_> = lines.lines().map(|it| spelled(it, how)).collect();
                lines.join(end)
            }
            Self::Hexadecimal {
                upper,
                width,
                end,
                how,
            } => {
                let digit = |it: u8| match upper {
                    true => format!("{it:02X}"),
                    false => format!("{it:02x}"),
                };
                let text: String = secret.bytes().map(digit).collect();
                let lines = wrapped(&text, *width, "\n");
                let lines: Vec<_> = lines.lines().map(|it| spelled(it, how)).collect();
                lines.join(end)
            }
        }
    }
}

fn form() -> impl Strategy<Value = Form> {
    // Mostly as they are, or nothing but escapes would be tried.
    let how = || prop::collection::vec(prop_oneof![2 => Just(99_u8), 1 => 0..16_u8], 1..20);
    let end = || {
        prop::sample::select(vec![
            "\n", "\r\n", "\r\n ", "\\n", "\\r\\n", "%0D%0A", "&#10;",
        ])
    };
    prop_oneof![
        how().prop_map(Form::Spelled),
        (
            prop::collection::vec(any::<u8>(), 0..7),
            prop::collection::vec(any::<u8>(), 0..7),
            any::<bool>(),
            any::<bool>(),
            prop_oneof![Just(1000_usize), 1..80_usize],
            end(),
        )
            .prop_map(|(before, after, url, padded, width, end)| Form::Base64 {
                before,
                after,
                url,
                padded,
                width,
                end,
                how: vec![99],
            }),
        (
            prop::collection::vec(any::<u8>(), 0..7),
            how(),
            any::<bool>(),
        )
            .prop_map(|(before, how, url)| Form::Base64 {
                before,
                after: Vec::new(),
                url,
                padded: true,
                width: 1000,
                end: "\n",
                how,
            }),
        (
            any::<bool>(),
            prop_oneof![Just(1000_usize), 1..80_usize],
            end(),
            how()
        )
            .prop_map(|(upper, width, end, how)| Form::Hexadecimal {
                upper,
                width,
                end,
                how
            }),
    ]
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_-]{12,40}",
        "[ -~]{12,30}",
        "[ab]{12,20}",
        "[%\\\\&+41u#;a]{12,20}",
        "\\PC{12,20}",
    ]
}

/// What may stand around a secret, to lead the search astray.
fn surroundings() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,8}",
        "\\PC{0,4}",
        prop::sample::select(vec![
            "%", "%4", "%25", "\\", "\\u", "\\u00", "\\\\", "&", "&#", "&#x4", "&amp", "\n", "+",
            "=", "\r\n",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|it| it.concat())
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![3 => 1..4_usize, 1 => 1..100_usize], 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_form_of_a_secret_gets_through_however_it_is_split(
        secret in secret(), form in form(), before in surroundings(), after in surroundings(), chunks in chunks(),
    ) {
        let redactor = redactor(&secret);
        let encoded = form.of(&secret);
        let text = format!("{before}{encoded}{after}");
        let (out, cuts) = through(&redactor, &text, &chunks);
        prop_assert!(0 < cuts, "{text} passed");
        // What is left has nothing more to be cut, and what stands around is left but for what could be part of it.
        prop_assert_eq!(redactor.text(&out.replace(MARK, "\u{1}")).cuts, 0, "{} became {}", text, out);
        prop_assert_eq!(through(&redactor, &text, &[usize::MAX]), (out, cuts));
    }

    #[test]
    fn what_stands_around_a_secret_is_left(
        // Not a digit first: the last one of its escape is the digit itself, and then what stands before that may be left.
        secret in "[A-Za-z_-][A-Za-z0-9_-]{11,39}", how in prop::collection::vec(prop_oneof![Just(99_u8), 0..16_u8], 1..20), chunks in chunks(),
        before in "[ <>\"':,{}]{0,30}", after in "[ <>\"':,{}]{0,30}",
    ) {
        let text = format!("{before}{}{after}", spelled(&secret, &how));
        let (out, cuts) = through(&redactor(&secret), &text, &chunks);
        prop_assert_eq!((out, cuts), (format!("{before}{MARK}{after}"), 1));
    }

    #[test]
    fn a_text_without_the_secret_passes_as_it_is(
        // Characters that spell escapes could happen to make the secret after all.
        secret in "[A-Za-z0-9_-]{12,40}", form in form(), at in any::<prop::sample::Index>(), other in "[A-Za-z0-9]",
        before in "[A-Za-z0-9 <>\"=:,{}]{0,30}", after in surroundings(), chunks in chunks(),
    ) {
        // Another value than the secret, by one character only, in all the same forms.
        let mut characters: Vec<char> = secret.chars().collect();
        // Not the first one: the last digit of its escape could take its place, and then the secret would be there.
        let at = 1 + at.index(characters.len() - 1);
        let other = other.chars().next().unwrap();
        prop_assume!(characters[at] != other);
        characters[at] = other;
        let near: String = characters.into_iter().collect();
        let text = format!("{before}{}{after}", form.of(&near));
        prop_assert_eq!(through(&redactor(&secret), &text, &chunks), (text, 0));
    }

    #[test]
    fn any_text_passes_as_it_is(secret in secret(), text: String, chunks in chunks()) {
        prop_assume!(!text.contains(&secret));
        prop_assert_eq!(through(&redactor(&secret), &text, &chunks), (text, 0));
    }

    #[test]
    fn no_text_makes_it_panic(secret in secret(), pieces in prop::collection::vec((surroundings(), any::<prop::sample::Index>()), 0..20), chunks in chunks()) {
        let characters: Vec<char> = secret.chars().collect();
        let text: String = pieces
            .iter()
            .map(|(piece, at)| format!("{piece}{}", characters[at.index(characters.len())..].iter().collect::<String>()))
            .collect();
        let redactor = redactor(&secret);
        prop_assert_eq!(through(&redactor, &text, &chunks), through(&redactor, &text, &[usize::MAX]));
    }
}
