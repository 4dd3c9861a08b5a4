//! Up to four bytes, as one character takes in UTF-8.

/// Up to four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    bytes: [u8; 4],
    count: usize,
}

impl Short {
    pub(super) fn of(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            count: 1,
        }
    }

    pub(super) fn char(it: char) -> Self {
        let mut bytes = [0; 4];
        let count = it.encode_utf8(&mut bytes).len();
        Self { bytes, count }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    pub(super) fn single(self) -> Option<u8> {
        match self.as_slice() {
            [byte] => Some(*byte),
            _ => None,
        }
    }

    pub(super) fn is(self, byte: u8) -> bool {
        self.single() == Some(byte)
    }
}
