//! Texts, lists and pairs: what lies in memory of its own.

use super::{Abi, Argument, Sink, Source, larger, low};

impl Abi for String {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;

    fn write(self, to: &mut Sink) {
        self.into_bytes().write(to);
    }
}

impl Argument for String {
    fn read(from: &mut Source<'_>) -> Self {
        // The host has checked that it is UTF-8.
        Self::from_utf8(Vec::read(from)).unwrap_or_default()
    }
}

impl Abi for Vec<u8> {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;

    fn write(self, to: &mut Sink) {
        let length = self.len();
        put(self.leak().as_ptr().expose_provenance(), length, to);
    }
}

impl Argument for Vec<u8> {
    fn read(from: &mut Source<'_>) -> Self {
        let (address, length) = place(from);
        owned(address, length)
    }
}

/// Elements of a list; bytes are none, they are copied as a whole.
pub(super) trait Element: Abi {}

impl<T: Element> Abi for Vec<T> {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;

    fn write(self, to: &mut Sink) {
        let length = self.len();
        let mut sink = Sink::new(length * T::SIZE);
        let mut elements = self.into_iter();
        for element in elements.by_ref() {
            element.write(&mut sink);
        }
        // All are gone, and the code that would free the rest is not needed.
        std::mem::forget(elements);
        put(sink.address(), length, to);
    }
}

impl<T: Element + Argument> Argument for Vec<T> {
    fn read(from: &mut Source<'_>) -> Self {
        let (address, length) = place(from);
        let mut elements = Source::memory(bytes(address, length * T::SIZE));
        let mut all = Self::with_capacity(length);
        for _ in 0..length {
            all.push(T::read(&mut elements));
        }
        all
    }
}

impl Element for String {}

impl<A: Abi, B: Abi> Element for (A, B) {}

impl<A: Abi, B: Abi> Abi for (A, B) {
    const ALIGN: usize = larger(A::ALIGN, B::ALIGN);
    const SIZE: usize =
        (A::SIZE.next_multiple_of(B::ALIGN) + B::SIZE).next_multiple_of(Self::ALIGN);
    const FLAT: usize = A::FLAT + B::FLAT;

    fn write(self, to: &mut Sink) {
        to.align(Self::ALIGN);
        self.0.write(to);
        self.1.write(to);
        to.align(Self::ALIGN);
    }
}

impl<A: Argument, B: Argument> Argument for (A, B) {
    fn read(from: &mut Source<'_>) -> Self {
        from.align(Self::ALIGN);
        let pair = (A::read(from), B::read(from));
        from.align(Self::ALIGN);
        pair
    }
}

fn place(from: &mut Source<'_>) -> (usize, usize) {
    let mut word = || low(from.number(4)) as usize;
    (word(), word())
}

fn put(address: usize, length: usize, to: &mut Sink) {
    to.number(4, address as u64);
    to.number(4, length as u64);
}

/// What the host has put there for this call.
pub(super) fn bytes(address: usize, length: usize) -> &'static [u8] {
    if length == 0 {
        return &[];
    }
    #[expect(
        unsafe_code,
        reason = "arguments come as addresses; the host has allocated them with `cabi_realloc` and nothing frees them"
    )]
    unsafe {
        std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), length)
    }
}

/// The same, as memory that is ours from here on.
fn owned(address: usize, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    #[expect(
        unsafe_code,
        reason = "`cabi_realloc` has allocated exactly this length with alignment 1, and the host hands each argument over once"
    )]
    unsafe {
        Vec::from_raw_parts(
            std::ptr::with_exposed_provenance_mut(address),
            length,
            length,
        )
    }
}
