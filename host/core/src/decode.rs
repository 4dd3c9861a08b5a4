//! Unpacks what a CRM compresses, a piece at a time, and never more of it than may be passed on.
//!
//! The guest may not ask for compression, so that nothing that it gets is packed: what is packed cannot be redacted.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

/// What is asked for, in the order of what packs better at little cost.
pub const ACCEPTED: &str = "gzip, br, zstd";

/// The largest window of zstd: 2 to this power, 8 MiB. RFC 9659 lets no server use a larger one.
const ZSTD_WINDOW: u32 = 23;

/// How much is unpacked at once.
const STEP: usize = 16 * 1024;

/// Why an answer is not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is packed in a way that nobody asked for.
    #[error("the answer is packed in a way that was not asked for")]
    Unknown,
    /// It unpacks to more than may be passed on, or needs too much memory to unpack.
    #[error("the answer unpacks to too much")]
    TooLarge,
    /// It is not packed as it says, or was cut off: these two cannot be told apart.
    #[error("the answer is not packed as it says, or was cut off")]
    Broken,
}

/// How an answer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// By gzip (RFC 1952).
    Gzip,
    /// By Brotli (RFC 7932).
    Brotli,
    /// By Zstandard (RFC 8878).
    Zstd,
}

/// An answer on its way out of its packing.
pub struct Decoder {
    kind: Kind,
    began: bool,
}

enum Kind {
    Plain,
    Gzip(Box<GzDecoder<Room>>),
    Brotli(Box<Brotli>),
    Zstd(Zstd),
}

struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    ended: bool,
}

struct Zstd {
    decoder: ZstdDecoder<'static>,
    /// Whether a frame has begun and not ended.
    open: bool,
}

/// Room for what is unpacked.
#[derive(Default)]
struct Room {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl Encoding {
    /// Reads what the headers say; one packing in another is not unpacked.
    pub fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Self, Error> {
        let mut encoding = Self::Plain;
        for value in values {
            let value = std::str::from_utf8(value).map_err(|_| Error::Unknown)?;
            for name in value.split(',').map(str::trim) {
                let next = match name.to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => return Err(Error::Unknown),
                };
                if encoding != Self::Plain {
                    return Err(Error::Unknown);
                }
                encoding = next;
            }
        }
        Ok(encoding)
    }
}

impl Decoder {
    /// Begins to unpack.
    pub fn new(encoding: Encoding) -> Result<Self, Error> {
        let kind = match encoding {
            Encoding::Plain => Kind::Plain,
            Encoding::Gzip => Kind::Gzip(Box::new(GzDecoder::new(Room::default()))),
            Encoding::Brotli => {
                let alloc = StandardAlloc::default;
                Kind::Brotli(Box::new(Brotli {
                    // The strict one takes no windows of more than 16 MiB.
                    state: BrotliState::new_strict(alloc(), alloc(), alloc()),
                    ended: false,
                }))
            }
            Encoding::Zstd => {
                let mut decoder = ZstdDecoder::new().map_err(|_| Error::Broken)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))
                    .map_err(|_| Error::Broken)?;
                Kind::Zstd(Zstd {
                    decoder,
                    open: false,
                })
            }
        };
        Ok(Self { kind, began: false })
    }

    /// Unpacks some bytes, to at most so many; beyond them the answer is too large.
    pub fn feed(&mut self, packed: &[u8], most: usize) -> Result<Vec<u8>, Error> {
        self.began |= !packed.is_empty();
        let mut room = Room {
            bytes: Vec::new(),
            most,
            full: false,
        };
        let unpacked = match &mut self.kind {
            Kind::Plain => room.write_all(packed),
            Kind::Gzip(decoder) => {
                std::mem::swap(decoder.get_mut(), &mut room);
                let unpacked = decoder.write_all(packed).and_then(|()| decoder.flush());
                std::mem::swap(decoder.get_mut(), &mut room);
                unpacked
            }
            Kind::Brotli(decoder) => decoder.feed(packed, &mut room),
            Kind::Zstd(decoder) => decoder.feed(packed, &mut room),
        };
        match unpacked {
            Ok(()) => Ok(room.bytes),
            Err(_) if room.full => Err(Error::TooLarge),
            Err(_) => Err(Error::Broken),
        }
    }

    /// Says whether all of it was there. An empty body is whole in any packing.
    pub fn finish(self) -> Result<(), Error> {
        let whole = match self.kind {
            _ if !self.began => true,
            Kind::Plain => true,
            Kind::Gzip(mut decoder) => decoder.try_finish().is_ok(),
            Kind::Brotli(decoder) => decoder.ended,
            Kind::Zstd(decoder) => !decoder.open,
        };
        if whole { Ok(()) } else { Err(Error::Broken) }
    }
}

impl Brotli {
    fn feed(&mut self, packed: &[u8], room: &mut Room) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        let (mut left, mut at, mut total) = (packed.len(), 0, 0);
        loop {
            if self.ended {
                return if left == 0 { Ok(()) } else { Err(wrong()) };
            }
            let (mut free, mut written) = (buffer.len(), 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut at,
                packed,
                &mut free,
                &mut written,
                &mut buffer,
                &mut total,
                &mut self.state,
            );
            room.write_all(buffer.get(..written).unwrap_or_default())?;
            match result {
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultFailure => return Err(wrong()),
            }
        }
    }
}

impl Zstd {
    fn feed(&mut self, packed: &[u8], room: &mut Room) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        let mut input = InBuffer::around(packed);
        loop {
            let mut output = OutBuffer::around(buffer.as_mut_slice());
            let before = input.pos();
            let missing = self
                .decoder
                .run(&mut input, &mut output)
                .inspect_err(|error| {
                    // The crate has no type for this one.
                    room.full |= error.to_string().contains("too much memory");
                })?;
            let (written, is_full) = (output.pos(), output.pos() == output.capacity());
            // Between two frames it asks for more, although none has begun.
            if before < input.pos() || 0 < written {
                self.open = missing != 0;
            }
            room.write_all(buffer.get(..written).unwrap_or_default())?;
            if input.pos() == packed.len() && !is_full {
                return Ok(());
            }
        }
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.most - self.bytes.len().min(self.most) < bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wrong() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unpacks in pieces of this size.
    fn unpack(encoding: Encoding, packed: &[u8], piece: usize) -> Result<Vec<u8>, Error> {
        let mut decoder = Decoder::new(encoding)?;
        let mut out = Vec::new();
        for piece in packed.chunks(piece) {
            out.extend(decoder.feed(piece, 1 << 20)?);
        }
        decoder.finish().map(|()| out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, 9, 22);
        encoder.write_all(bytes).unwrap();
        drop(encoder);
        packed
    }

    #[track_caller]
    fn check(encoding: Encoding, packed: &[u8], text: &[u8]) {
        for piece in [1, 2, 7, packed.len()] {
            let unpacked = unpack(encoding, packed, piece);
            assert!(unpacked.as_deref() == Ok(text), "{encoding:?} in {piece}");
            // Whatever is missing at the end, and whatever stands behind it, is told.
            for missing in 1..packed.len().min(40) {
                let cut = &packed[..packed.len() - missing];
                assert_eq!(
                    unpack(encoding, cut, piece),
                    Err(Error::Broken),
                    "{encoding:?} {missing}"
                );
            }
            let behind = [packed, b"\0garbage"].concat();
            assert_eq!(
                unpack(encoding, &behind, piece),
                Err(Error::Broken),
                "{encoding:?}"
            );
        }
        assert_eq!(unpack(encoding, b"", 1), Ok(Vec::new()));
        assert_eq!(unpack(encoding, b"{\"plain\": 1}", 5), Err(Error::Broken));
    }

    #[test]
    fn what_is_packed_is_unpacked_whole_or_not_at_all() {
        let text: Vec<u8> = (0..100_000_u32)
            .flat_map(|it| (it / 7).to_le_bytes())
            .collect();
        for text in [b"hello hello hello hello".as_slice(), b"", &text[..40_000]] {
            check(Encoding::Gzip, &gzip(text), text);
            check(Encoding::Zstd, &zstd(text), text);
            check(Encoding::Brotli, &brotli(text), text);
        }
    }

    #[test]
    fn a_damaged_answer_is_told_by_its_checksum() {
        let mut packed = gzip(b"hello hello hello hello");
        let at = packed.len() - 6;
        packed[at] ^= 1;
        assert_eq!(unpack(Encoding::Gzip, &packed, 5), Err(Error::Broken));
        let mut packed = zstd(b"hello hello hello hello");
        let at = packed.len() - 2;
        packed[at] ^= 1;
        assert_eq!(unpack(Encoding::Zstd, &packed, 5), Err(Error::Broken));
    }

    #[test]
    fn what_unpacks_to_too_much_is_too_large() {
        let zeros = vec![0; 4 << 20];
        assert_eq!(
            unpack(Encoding::Gzip, &gzip(&zeros), 4096),
            Err(Error::TooLarge)
        );
        assert_eq!(
            unpack(Encoding::Zstd, &zstd(&zeros), 4096),
            Err(Error::TooLarge)
        );
        assert_eq!(
            unpack(Encoding::Brotli, &brotli(&zeros), 4096),
            Err(Error::TooLarge)
        );
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        // A frame without a size, whose window is 2 to the power of 10 plus what stands in the upper five bits.
        let frame = |log: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 1, 0, 0];
        assert_eq!(unpack(Encoding::Zstd, &frame(23), 9), Ok(Vec::new()));
        for log in [24, 27, 31] {
            assert_eq!(unpack(Encoding::Zstd, &frame(log), 9), Err(Error::TooLarge));
        }
        // Brotli's large windows announce themselves with 0x11.
        assert_eq!(
            unpack(Encoding::Brotli, &[0x11, 0x1e, 0x03, 0, 0], 5),
            Err(Error::Broken)
        );
    }

    #[test]
    fn one_packing_is_unpacked_and_no_other() {
        let of = |values: &[&str]| Encoding::of(values.iter().map(|it| it.as_bytes()));
        for (value, expected) in [
            ("gzip", Encoding::Gzip),
            ("X-GZIP", Encoding::Gzip),
            (" br ", Encoding::Brotli),
            ("zstd", Encoding::Zstd),
            ("identity", Encoding::Plain),
            ("identity, gzip", Encoding::Gzip),
            ("", Encoding::Plain),
        ] {
            assert_eq!(of(&[value]), Ok(expected), "{value}");
        }
        let unknown = Err(Error::Unknown);
        for values in [
            ["deflate"].as_slice(),
            &["compress"],
            &["gzip, gzip"],
            &["gzip", "br"],
            &["gzip;q=1"],
            &["\u{e9}"],
        ] {
            assert_eq!(of(values), unknown, "{values:?}");
        }
    }
}
