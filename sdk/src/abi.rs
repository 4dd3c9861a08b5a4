//! How values cross the border of a component: the canonical ABI of the Component Model, for the types of the contract.
//!
//! wit-bindgen writes the layout of an answer into every function that gives it.
//! Here each type has its layout once, and the thirty functions of a connector share it, which takes a fifth off a component.
//! It is laid out as [the specification](https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md) says (read in November 2026); a test compares every type with `wit/`.
//!
//! Nothing is freed: an instance serves one call, and all its memory goes with it.

mod contract;
mod list;

/// A type that functions answer.
pub trait Abi: Sized {
    /// Bytes that it takes in memory.
    const SIZE: usize;
    /// What its address is a multiple of.
    const ALIGN: usize;
    /// Core values that it takes as an argument.
    const FLAT: usize;

    /// Puts it into the answer.
    fn write(self, to: &mut Sink);
}

/// One that functions take.
pub trait Argument: Abi {
    /// Takes one from the arguments of a call.
    fn read(from: &mut Source<'_>) -> Self;
}

/// Where arguments come from: core values one behind the other, or a place in memory.
pub struct Source<'a> {
    from: From<'a>,
    at: usize,
}

enum From<'a> {
    Values(&'a [u64]),
    Memory(&'a [u8]),
}

/// A place in memory that is being filled.
pub struct Sink {
    // In words, so that its address is a multiple of any alignment.
    words: Vec<u64>,
    at: usize,
}

impl<'a> Source<'a> {
    /// The arguments of a function that takes few.
    pub fn values(values: &'a [u64]) -> Self {
        Self {
            from: From::Values(values),
            at: 0,
        }
    }

    /// What lies in memory.
    fn memory(bytes: &'a [u8]) -> Self {
        Self {
            from: From::Memory(bytes),
            at: 0,
        }
    }

    /// Takes a number of so many bytes.
    fn number(&mut self, size: usize) -> u64 {
        match self.from {
            From::Values(values) => {
                let value = values.get(self.at).copied().unwrap_or_default();
                self.at += 1;
                value
            }
            From::Memory(bytes) => {
                self.align(size);
                let mut value = [0; 8];
                let there = bytes.get(self.at..self.at + size).unwrap_or_default();
                for (to, byte) in value.iter_mut().zip(there) {
                    *to = *byte;
                }
                self.at += size;
                u64::from_le_bytes(value)
            }
        }
    }

    /// Goes on at the next address of this alignment; core values have none.
    fn align(&mut self, align: usize) {
        if let From::Memory(_) = self.from {
            self.at = self.at.next_multiple_of(align);
        }
    }

    /// Passes over what a shorter case of a variant leaves unused.
    fn finish(&mut self, start: usize, size: usize, flat: usize) {
        self.at = start
            + match self.from {
                From::Values(_) => flat,
                From::Memory(_) => size,
            };
    }
}

impl Sink {
    fn new(size: usize) -> Self {
        Self {
            words: vec![0; size.div_ceil(8)],
            at: 0,
        }
    }

    fn number(&mut self, size: usize, value: u64) {
        self.align(size);
        if let Some(word) = self.words.get_mut(self.at / 8) {
            *word |= value << (self.at % 8 * 8);
        }
        self.at += size;
    }

    fn align(&mut self, align: usize) {
        self.at = self.at.next_multiple_of(align);
    }

    fn finish(&mut self, start: usize, size: usize) {
        self.at = start + size;
    }

    /// Where it lies, for good.
    fn address(self) -> usize {
        self.words.leak().as_ptr().expose_provenance()
    }
}

/// The address of an answer.
pub(crate) fn answer<T: Abi>(value: T) -> usize {
    let mut sink = Sink::new(T::SIZE);
    value.write(&mut sink);
    sink.address()
}

/// Takes the next argument of a function.
pub fn next<T: Argument>(from: &mut Source<'_>) -> T {
    T::read(from)
}

/// Takes the argument of a function that takes more than 16 core values: the one value is where they lie.
pub fn all<T: Argument>(from: &mut Source<'_>) -> T {
    let address = low(from.number(4)) as usize;
    T::read(&mut Source::memory(list::bytes(address, T::SIZE)))
}

/// Types that are one number.
macro_rules! numbers {
    ($($number:ident: $size:literal, $read:expr, $write:expr;)*) => {$(
        impl Abi for $number {
            const SIZE: usize = $size;
            const ALIGN: usize = $size;
            const FLAT: usize = 1;

            fn write(self, to: &mut Sink) {
                to.number($size, $write(self));
            }
        }

        impl Argument for $number {
            fn read(from: &mut Source<'_>) -> Self {
                $read(from.number($size))
            }
        }
    )*};
}

numbers! {
    bool: 1, |it| it != 0, u64::from;
    u32: 4, low, u64::from;
    u64: 8, |it| it, |it| it;
    i64: 8, u64::cast_signed, i64::cast_unsigned;
}

/// A core value of 32 bits, which may have come with a sign.
fn low(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl<T: Abi> Abi for Option<T> {
    const SIZE: usize = (T::ALIGN + T::SIZE).next_multiple_of(T::ALIGN);
    const ALIGN: usize = T::ALIGN;
    const FLAT: usize = 1 + T::FLAT;

    fn write(self, to: &mut Sink) {
        to.align(Self::ALIGN);
        let start = to.at;
        to.number(1, u64::from(self.is_some()));
        if let Some(value) = self {
            to.align(Self::ALIGN);
            value.write(to);
        }
        to.finish(start, Self::SIZE);
    }
}

impl<T: Argument> Argument for Option<T> {
    fn read(from: &mut Source<'_>) -> Self {
        from.align(Self::ALIGN);
        let start = from.at;
        let value = (from.number(1) != 0).then(|| T::read(from));
        from.finish(start, Self::SIZE, Self::FLAT);
        value
    }
}

impl<T: Abi, E: Abi> Abi for Result<T, E> {
    const ALIGN: usize = larger(T::ALIGN, E::ALIGN);
    const SIZE: usize = (Self::ALIGN + larger(T::SIZE, E::SIZE)).next_multiple_of(Self::ALIGN);
    const FLAT: usize = 1 + larger(T::FLAT, E::FLAT);

    fn write(self, to: &mut Sink) {
        to.number(1, u64::from(self.is_err()));
        to.align(Self::ALIGN);
        match self {
            Ok(value) => value.write(to),
            Err(error) => error.write(to),
        }
    }
}

impl Abi for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const FLAT: usize = 0;

    fn write(self, _: &mut Sink) {}
}

const fn larger(one: usize, other: usize) -> usize {
    if one < other { other } else { one }
}

#[cfg(test)]
mod tests;
