//! Where a search may begin at all: two bytes decide, so that what has nothing to do with a secret is passed over fast.

use super::search::{Alphabet, is_blank};
use super::spelling::is_escape;

/// Every two bytes with which a secret may begin, in any of its spellings.
#[derive(Clone, Default)]
pub(super) struct Starts(Vec<u64>);

impl Starts {
    pub(super) fn of(alphabets: &[Alphabet]) -> Self {
        let mut starts = Self(vec![0; 1024]);
        let all = || 0..=u8::MAX;
        let begins = |byte| {
            alphabets.iter().any(|alphabet| {
                let mut firsts = alphabet
                    .patterns()
                    .iter()
                    .filter_map(|it| it.characters.first());
                firsts.any(|it| alphabet.is_same(*it, byte))
            })
        };
        for alphabet in alphabets {
            let pairs = alphabet
                .patterns()
                .iter()
                .filter_map(|it| Some((*it.characters.first()?, *it.characters.get(1)?)));
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort_unstable();
            pairs.dedup();
            for (first, second) in pairs {
                for one in all().filter(|it| alphabet.is_same(*it, first)) {
                    for other in all() {
                        if alphabet.is_same(other, second)
                            || is_escape(other)
                            || (alphabet.wraps && is_blank(&[other]))
                        {
                            starts.mark(one, other);
                        }
                    }
                }
            }
        }
        // An escape of an escape may go on with any other one.
        let escapes: Vec<u8> = all().filter(|it| is_escape(*it)).collect();
        for (one, others) in [
            (b'%', b"0123456789abcdefABCDEF".as_slice()),
            (b'\\', b"u\\"),
            (b'&', b"#alqgALQG"),
        ] {
            for other in others.iter().chain(&escapes) {
                starts.mark(one, *other);
            }
        }
        for (written, read) in [(b'/', b'/'), (b'"', b'"'), (b'\'', b'\'')]
            .into_iter()
            .chain([(b'b', 8), (b't', 9), (b'n', 10), (b'f', 12), (b'r', 13)])
        {
            if begins(read) {
                starts.mark(b'\\', written);
            }
        }
        if begins(b' ') {
            all().for_each(|it| starts.mark(b'+', it));
        }
        starts
    }

    fn mark(&mut self, one: u8, other: u8) {
        let pair = usize::from(one) << 8 | usize::from(other);
        if let Some(word) = self.0.get_mut(pair >> 6) {
            *word |= 1 << (pair & 63);
        }
    }

    /// Returns the first place at which a secret may begin, or the end.
    pub(super) fn next(&self, text: &[u8], from: usize, end: usize) -> usize {
        let rest = text.get(from..).unwrap_or_default();
        let pairs = rest.iter().zip(rest.iter().skip(1));
        let skipped = pairs
            .take(end - from)
            .position(|(one, other)| {
                let pair = usize::from(*one) << 8 | usize::from(*other);
                let word = self.0.get(pair >> 6).copied().unwrap_or(u64::MAX);
                word >> (pair & 63) & 1 == 1
            })
            .unwrap_or(end - from);
        from + skipped
    }
}
