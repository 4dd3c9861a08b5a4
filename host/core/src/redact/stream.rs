//! A text that comes in chunks, and what is passed on of it.

use super::search::{BLANKS, Lanes};
use super::spelling::{LONGEST, Reading, is_escape, readings};
use super::{MARK, Redactor};

/// How much is read before what is settled is passed on.
const STEP: usize = 64 * 1024;

/// What is held back behind a place at which nothing has begun: the character that a secret may share with what stands before it.
const LEAD: usize = (1 + BLANKS) * LONGEST;

/// A text on its way through.
pub struct Stream<'a> {
    redactor: &'a Redactor,
    lanes: Vec<Lanes>,
    /// What is held back, and what has not been read.
    text: Vec<u8>,
    /// How far the text was read.
    read: usize,
    /// How far it was passed on or cut out.
    settled: usize,
    /// Where the last cut ended.
    cut: Option<usize>,
    found: Vec<(usize, usize)>,
    /// Where each pattern was found last.
    last: Vec<Vec<Option<usize>>>,
    /// How what stands at the place can be read besides as it stands.
    escapes: Vec<Reading>,
    cuts: u32,
    reach: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        let alphabets = &redactor.alphabets;
        Self {
            lanes: alphabets.iter().map(|_| Lanes::default()).collect(),
            last: alphabets
                .iter()
                .map(|it| vec![None; it.patterns().len()])
                .collect(),
            reach: alphabets.iter().map(|it| it.reach()).max().unwrap_or(0),
            redactor,
            text: Vec::new(),
            read: 0,
            settled: 0,
            cut: None,
            found: Vec::new(),
            escapes: Vec::new(),
            cuts: 0,
        }
    }

    /// Takes a chunk, and passes on what is settled.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.redactor.is_empty() {
            out.extend_from_slice(chunk);
            return;
        }
        for piece in chunk.chunks(STEP) {
            self.text.extend_from_slice(piece);
            // A character near the end may not be whole yet.
            let end = self.text.len().saturating_sub(LONGEST);
            self.read_to(end);
            let held = if self.is_idle() {
                LEAD
            } else {
                LEAD + self.reach
            };
            self.settle(self.read.saturating_sub(held), out);
            self.forget();
        }
    }

    /// Passes on the rest, and answers how many places were cut.
    pub fn finish(mut self, out: &mut Vec<u8>) -> u32 {
        let end = self.text.len();
        self.read_to(end);
        self.settle(end, out);
        self.cuts
    }

    /// How many bytes are held back.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.text.len() - self.settled
    }

    fn is_idle(&self) -> bool {
        self.lanes.iter().all(Lanes::are_idle)
    }

    fn read_to(&mut self, end: usize) {
        while self.read < end {
            if self.is_idle() {
                self.read = self.redactor.starts.next(&self.text, self.read, end);
                if self.read == end {
                    return;
                }
            }
            self.step();
            self.read += 1;
        }
    }

    fn step(&mut self) {
        let (text, found) = (&self.text, &mut self.found);
        let rest = text.get(self.read..).unwrap_or_default();
        let Some(byte) = rest.first().copied() else {
            return;
        };
        self.escapes.clear();
        if is_escape(byte) {
            self.escapes.extend(readings(rest));
        }
        let character = (byte, self.escapes.as_slice());
        let alphabets = self.redactor.alphabets.iter().zip(&mut self.lanes);
        for ((alphabet, lanes), last) in alphabets.zip(&mut self.last) {
            alphabet.step(lanes, character, self.read, &mut |pattern, end| {
                let Some(last) = last.get_mut(pattern) else {
                    return;
                };
                let length = alphabet
                    .patterns()
                    .get(pattern)
                    .map_or(0, |it| it.characters.len());
                // A secret that repeats within itself would be found at every place of a text that repeats it: this one lies in the last one, or hangs together with it.
                let begin = match *last {
                    Some(before) if end < before + length => before.min(end).checked_sub(1),
                    _ => alphabet.begin(pattern, text, end),
                };
                if let Some(begin) = begin {
                    *last = Some(end.max(last.unwrap_or(0)));
                    note(found, begin, end);
                }
            });
        }
    }

    /// Passes on everything before a place, but for what was found.
    fn settle(&mut self, upto: usize, out: &mut Vec<u8>) {
        self.found.sort_unstable();
        let mut later = Vec::new();
        for (begin, end) in std::mem::take(&mut self.found) {
            if upto < begin {
                later.push((begin, end));
                continue;
            }
            if end <= self.settled {
                continue;
            }
            let goes_on = self.cut == Some(self.settled) && begin < self.settled;
            if !goes_on {
                out.extend_from_slice(self.text.get(self.settled..begin).unwrap_or_default());
                out.extend_from_slice(MARK.as_bytes());
                self.cuts = self.cuts.saturating_add(1);
            }
            self.settled = end;
            self.cut = Some(end);
        }
        self.found = later;
        if self.settled < upto {
            out.extend_from_slice(self.text.get(self.settled..upto).unwrap_or_default());
            self.settled = upto;
        }
    }

    /// Drops what is passed on, once it is more than what is left.
    fn forget(&mut self) {
        let held = if self.is_idle() {
            LEAD
        } else {
            LEAD + self.reach
        };
        let by = self.settled.min(self.read.saturating_sub(held));
        if by < self.text.len() / 2 || by < STEP / 4 {
            return;
        }
        self.text.drain(..by);
        self.read -= by;
        self.settled -= by;
        self.cut = self.cut.and_then(|it| it.checked_sub(by));
        for lanes in &mut self.lanes {
            lanes.rebase(by);
        }
        for (begin, end) in &mut self.found {
            *begin = begin.saturating_sub(by);
            *end = end.saturating_sub(by);
        }
        for last in self.last.iter_mut().flatten() {
            *last = last.and_then(|it| it.checked_sub(by));
        }
    }
}

/// Adds what was found, to the one before it if they overlap.
fn note(found: &mut Vec<(usize, usize)>, begin: usize, end: usize) {
    if let Some(last) = found.last_mut()
        && last.0 <= begin
        && begin < last.1
    {
        last.1 = last.1.max(end);
        return;
    }
    found.push((begin, end));
}
