//! Looks for patterns in a text of which any character may be escaped, in one pass, whatever the text is.
//!
//! One automaton (Aho-Corasick) knows all patterns of an alphabet. Where an escape begins there is more than one way to read on, so the search may be in several states at once: one in which the escape is plain text, and one for each way to read it, which goes on behind it. States that meet become one, so their number does not depend on the text.

use std::fmt;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::{Builder, NFA};
use aho_corasick::{Anchored, MatchKind};
use zeroize::Zeroizing;

use super::Unsearchable;
use super::pattern::Pattern;
use super::spelling::{LONGEST, Reading, readings_before};

/// How many blanks may stand between two characters where lines are wrapped: the end of a line and an indentation.
pub(super) const BLANKS: usize = 4;

/// All patterns of one alphabet.
pub(super) struct Alphabet {
    automaton: NFA,
    start: StateID,
    /// From bytes to what the automaton knows them as. It counts them in the order in which they come, so that what is left of it in memory tells no letters.
    symbols: Zeroizing<[u8; 256]>,
    patterns: Vec<Pattern>,
    /// Whether the text may be wrapped in lines.
    pub(super) wraps: bool,
    longest: usize,
}

/// Where a search of one alphabet is.
#[derive(Default)]
pub(super) struct Lanes {
    here: Vec<Lane>,
    next: Vec<Lane>,
    /// Where escapes end, and how the search goes on there.
    ahead: Vec<(usize, Lane)>,
}

/// One way to have read the text so far.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lane {
    state: StateID,
    blanks: usize,
}

impl Alphabet {
    /// Takes patterns, and which bytes are one character.
    pub(super) fn new(
        patterns: Vec<Pattern>,
        wraps: bool,
        same: impl Fn(u8) -> u8,
    ) -> Result<Self, Unsearchable> {
        let mut symbols = Zeroizing::new([0; 256]);
        let mut used = 0_u8;
        for byte in patterns.iter().flat_map(|it| it.characters.iter()) {
            if let Some(symbol) = symbols.get_mut(usize::from(*byte))
                && *symbol == 0
            {
                // UTF-8 has no more than 243 different bytes.
                used = used.saturating_add(1);
                *symbol = used;
            }
        }
        for byte in 0..=u8::MAX {
            let symbol = symbols.get(usize::from(same(byte))).copied();
            if let (Some(place), Some(symbol)) = (symbols.get_mut(usize::from(byte)), symbol) {
                *place = symbol;
            }
        }
        let disguised = patterns.iter().map(|it| {
            let bytes = it.characters.iter();
            let symbols = bytes.map(|it| symbols.get(usize::from(*it)).copied().unwrap_or(0));
            Zeroizing::new(symbols.collect::<Vec<_>>())
        });
        let disguised: Vec<_> = disguised.collect();
        let automaton = Builder::new()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(disguised.iter().map(|it| it.as_slice()))
            .map_err(|_| Unsearchable)?;
        let lengths = patterns.iter().map(|it| it.characters.len() + 1);
        Ok(Self {
            start: automaton
                .start_state(Anchored::No)
                .map_err(|_| Unsearchable)?,
            automaton,
            longest: lengths.max().unwrap_or(0),
            symbols,
            patterns,
            wraps,
        })
    }

    /// The most bytes that a pattern can take in a text.
    pub(super) fn reach(&self) -> usize {
        let each = if self.wraps { 1 + BLANKS } else { 1 };
        self.longest * each * LONGEST
    }

    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Says whether two bytes are one character here.
    pub(super) fn is_same(&self, one: u8, other: u8) -> bool {
        self.symbol(one) == self.symbol(other) && self.symbol(one) != 0
    }

    fn symbol(&self, byte: u8) -> u8 {
        self.symbols
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }

    fn walk(&self, state: StateID, bytes: &[u8]) -> StateID {
        bytes.iter().fold(state, |state, byte| {
            self.automaton
                .next_state(Anchored::No, state, self.symbol(*byte))
        })
    }

    /// Reads on at a place of the text, where these escapes begin. `found` is told of each pattern, and of where it ends.
    pub(super) fn step(
        &self,
        lanes: &mut Lanes,
        (byte, escapes): (u8, &[Reading]),
        at: usize,
        found: &mut impl FnMut(usize, usize),
    ) {
        let Lanes { here, next, ahead } = lanes;
        if !ahead.is_empty() {
            ahead.retain(|(place, lane)| {
                if *place == at {
                    add(here, *lane);
                }
                at < *place
            });
        }
        if here.is_empty() {
            here.push(Lane {
                state: self.start,
                blanks: 0,
            });
        }
        for reading in escapes {
            let end = at + reading.length;
            let bytes = reading.bytes.as_slice();
            for lane in here.iter() {
                self.go(
                    *lane,
                    bytes,
                    |lane| ahead.push((end, lane)),
                    |it| found(it, end),
                );
            }
        }
        for lane in here.iter() {
            self.go(
                *lane,
                &[byte],
                |lane| add(next, lane),
                |it| {
                    found(it, at + 1);
                },
            );
        }
        here.clear();
        std::mem::swap(here, next);
    }

    /// All ways to go on from a lane, if a character stands for these bytes.
    fn go(&self, lane: Lane, bytes: &[u8], mut to: impl FnMut(Lane), mut found: impl FnMut(usize)) {
        let state = self.walk(lane.state, bytes);
        if state != self.start {
            to(Lane { state, blanks: 0 });
            if self.automaton.is_match(state) {
                for index in 0..self.automaton.match_len(state) {
                    found(self.automaton.match_pattern(state, index).as_usize());
                }
            }
        }
        if self.wraps && is_blank(bytes) && lane.state != self.start && lane.blanks < BLANKS {
            to(Lane {
                blanks: lane.blanks + 1,
                ..lane
            });
        }
    }

    /// Finds where a pattern begins that ends here; none if what stands before it does not fit.
    pub(super) fn begin(&self, pattern: usize, text: &[u8], end: usize) -> Option<usize> {
        let Pattern { lead, characters } = self.patterns.get(pattern)?;
        if let Some(begin) = self.begin_unescaped(pattern, text, end) {
            return Some(begin);
        }
        // How many characters are still to come, and where they end: the furthest first, each once.
        let total = characters.len() + usize::from(lead.is_some());
        let mut open = std::collections::BTreeSet::from([(total, end, BLANKS)]);
        let mut first = None;
        while let Some((left, end, blanks)) = open.pop_last() {
            if left == 0 {
                first = Some(first.map_or(end, |it: usize| it.min(end)));
                continue;
            }
            for reading in readings_before(text, end) {
                let bytes = reading.bytes.as_slice();
                let before = end - reading.length;
                if self.wraps && 0 < blanks && left < total && is_blank(bytes) {
                    open.insert((left, before, blanks - 1));
                }
                let fits = match (lead, left) {
                    (Some(lead), 1) => reading.bytes.single().is_some_and(|it| lead.fits(it)),
                    _ => {
                        let upto = left - usize::from(lead.is_some());
                        let wanted = upto
                            .checked_sub(bytes.len())
                            .and_then(|it| characters.get(it..upto));
                        wanted.is_some_and(|wanted| {
                            let mut pairs = wanted.iter().zip(bytes);
                            pairs.all(|(one, other)| self.is_same(*one, *other))
                        })
                    }
                };
                if fits && let Some(left) = left.checked_sub(bytes.len()) {
                    open.insert((left, before, BLANKS));
                }
            }
        }
        first
    }
}

impl Alphabet {
    /// Finds where a pattern begins that ends here, if it is there as it is.
    fn begin_unescaped(&self, pattern: usize, text: &[u8], end: usize) -> Option<usize> {
        let Pattern { lead, characters } = self.patterns.get(pattern)?;
        let begin = end.checked_sub(characters.len())?;
        let mut pairs = text.get(begin..end)?.iter().zip(characters.iter());
        if !pairs.all(|(one, other)| self.is_same(*one, *other)) {
            return None;
        }
        let Some(lead) = lead else {
            return Some(begin);
        };
        let before = begin.checked_sub(1)?;
        lead.fits(*text.get(before)?).then_some(before)
    }
}

impl Lanes {
    /// Says whether no pattern has begun.
    pub(super) fn are_idle(&self) -> bool {
        self.here.is_empty() && self.ahead.is_empty()
    }

    /// Counts places from a later one on.
    pub(super) fn rebase(&mut self, by: usize) {
        for (place, _) in &mut self.ahead {
            *place = place.saturating_sub(by);
        }
    }
}

/// Says whether a character may be part of a line's end.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\r' | b'\n' | b' ' | b'\t'])
}

fn add(lanes: &mut Vec<Lane>, lane: Lane) {
    if !lanes.contains(&lane) {
        lanes.push(lane);
    }
}

impl fmt::Debug for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alphabet(…)")
    }
}
