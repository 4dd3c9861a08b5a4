//! What a secret looks like in one alphabet: the characters that it certainly has there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// A run of characters to look for.
pub(super) struct Pattern {
    /// What has to stand before it. It is part of the secret, too.
    pub(super) lead: Option<Lead>,
    pub(super) characters: Zeroizing<Vec<u8>>,
}

/// A character of base64 of which the secret determines the low bits only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lead {
    mask: u8,
    bits: u8,
}

/// The secret as it is.
pub(super) fn plain(secret: &[u8]) -> Pattern {
    Pattern {
        lead: None,
        characters: Zeroizing::new(secret.to_vec()),
    }
}

/// The secret in hexadecimal digits of lower case.
pub(super) fn hexadecimal(secret: &[u8]) -> Pattern {
    let digit = |it: u8| b"0123456789abcdef".get(usize::from(it)).copied();
    let digits = secret
        .iter()
        .flat_map(|it| [digit(it >> 4), digit(it & 15)]);
    Pattern {
        lead: None,
        characters: Zeroizing::new(digits.flatten().collect()),
    }
}

/// The secret somewhere in base64: it may begin at each of three places in a group of four characters.
///
/// A character that the secret shares with what stands before it is the lead, of one shared with what comes behind there is a pattern for each form that it may have. So a pattern is found if and only if the whole secret is there.
pub(super) fn base64(secret: &[u8]) -> impl Iterator<Item = Pattern> {
    (0..3).flat_map(|before| {
        let bytes = Zeroizing::new([vec![0; before].as_slice(), secret].concat());
        let text = Zeroizing::new(STANDARD_NO_PAD.encode(bytes.as_slice()).into_bytes());
        let high = secret.first().copied().unwrap_or_default();
        let (first, lead) = match before {
            0 => (0, None),
            1 => (
                2,
                Some(Lead {
                    mask: 15,
                    bits: high >> 4,
                }),
            ),
            _ => (
                3,
                Some(Lead {
                    mask: 3,
                    bits: high >> 6,
                }),
            ),
        };
        // The encoder fills what is open with zeros.
        let open = match bytes.len() % 3 {
            0 => 0,
            1 => 4,
            _ => 2,
        };
        let whole = text.len() - usize::from(open > 0);
        let last = text.last().copied().and_then(value).unwrap_or_default();
        (0..1_u8 << open).map(move |tail| {
            let mut characters =
                Zeroizing::new(text.get(first..whole).unwrap_or_default().to_vec());
            if open > 0 {
                characters.extend(character(last | tail));
            }
            Pattern { lead, characters }
        })
    })
}

impl Lead {
    /// Says whether a character may be this one.
    pub(super) fn fits(self, character: u8) -> bool {
        value(character).is_some_and(|it| it & self.mask == self.bits)
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The character of base64 that base64url writes otherwise.
pub(super) fn standard(character: u8) -> u8 {
    match character {
        b'-' => b'+',
        b'_' => b'/',
        same => same,
    }
}

fn value(character: u8) -> Option<u8> {
    let place = ALPHABET.iter().position(|it| *it == standard(character))?;
    u8::try_from(place).ok()
}

fn character(value: u8) -> Option<u8> {
    ALPHABET.get(usize::from(value)).copied()
}
