//! Master keys: what the data keys of the rows are sealed with, and the text that lists them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The length of every key in bytes.
pub(super) const KEY: usize = 32;

/// A key in memory: it stays where it is, so that no copy is left behind where it was moved from.
pub(super) type KeyBytes = Box<Zeroizing<[u8; KEY]>>;

/// The longest name of a key.
const LONGEST_ID: usize = 32;

/// Names a master key: 1 to 32 characters of `[A-Za-z0-9._-]`. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

/// A master key and its name.
pub(super) struct MasterKey {
    pub(super) id: KeyId,
    pub(super) key: KeyBytes,
}

/// The master keys, newest first; there is at least one.
pub(super) struct Ring {
    newest: MasterKey,
    older: Vec<MasterKey>,
}

/// What is wrong with a list of keys; never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A line is not a key.
    #[error("line {line} {problem}")]
    Line {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// There is no key.
    #[error("there is no key; write one a line, as ID:KEY with the base64 of 32 random bytes")]
    Empty,
    /// It is no text.
    #[error("it is not UTF-8 text")]
    NoText,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// It has no colon.
    #[error("is not of the form ID:KEY")]
    Form,
    /// The name is no name.
    #[error("has no valid id; use 1 to 32 characters of A-Z a-z 0-9 . _ -")]
    Id,
    /// The key is no key.
    #[error("has no valid key; write the base64 of exactly 32 bytes")]
    Key,
    /// The name stands on an earlier line.
    #[error("has the id of an earlier line; give each key an id of its own")]
    SameId,
    /// The key stands on an earlier line.
    #[error("has the key of an earlier line under another id; make a new one")]
    SameKey,
}

impl KeyId {
    /// Returns the name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it is, in the one byte that a sealed row has for it.
    pub(super) fn length(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = LineProblem;

    fn from_str(text: &str) -> Result<Self, LineProblem> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || LONGEST_ID < text.len() || !text.chars().all(fits) {
            return Err(LineProblem::Id);
        }
        Ok(Self(text.to_owned()))
    }
}

impl MasterKey {
    /// A fresh key under a fresh name.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let name = getrandom::u32()?;
        Ok(Self {
            id: KeyId(format!("key-{name:08x}")),
            key: random_key()?,
        })
    }

    /// Its line in a list of keys.
    pub(super) fn line(&self) -> Zeroizing<String> {
        // Room for all of it from the start: a text that grows leaves copies behind.
        let mut line = Zeroizing::new(String::with_capacity(LONGEST_ID + 2 * KEY));
        line.push_str(&self.id.0);
        line.push(':');
        STANDARD.encode_string(self.key.as_slice(), &mut line);
        line.push('\n');
        line
    }

    fn parse(line: &str) -> Result<Self, LineProblem> {
        let (id, text) = line.split_once(':').ok_or(LineProblem::Form)?;
        let id = id.trim().parse()?;
        let mut key = KeyBytes::default();
        let length = STANDARD.decode_slice(text.trim(), key.as_mut_slice());
        match length {
            Ok(KEY) => Ok(Self { id, key }),
            _ => Err(LineProblem::Key),
        }
    }
}

impl Ring {
    /// One fresh key.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        Ok(Self {
            newest: MasterKey::random()?,
            older: Vec::new(),
        })
    }

    /// Reads a list of keys.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ListError> {
        let text = std::str::from_utf8(text).map_err(|_| ListError::NoText)?;
        let mut keys: Vec<MasterKey> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = MasterKey::parse(line).and_then(|key| {
                if keys.iter().any(|it| it.id == key.id) {
                    return Err(LineProblem::SameId);
                }
                if keys.iter().any(|it| it.key == key.key) {
                    return Err(LineProblem::SameKey);
                }
                Ok(key)
            });
            keys.push(key.map_err(|problem| ListError::Line {
                line: at + 1,
                problem,
            })?);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(ListError::Empty)?;
        Ok(Self {
            newest,
            older: keys.collect(),
        })
    }

    /// The key that is sealed with from now on.
    pub(super) fn newest(&self) -> &MasterKey {
        &self.newest
    }

    /// The names of all, newest first.
    pub(super) fn ids(&self) -> impl Iterator<Item = &KeyId> {
        std::iter::once(&self.newest)
            .chain(&self.older)
            .map(|key| &key.id)
    }

    /// The key of this name.
    pub(super) fn find(&self, id: &KeyId) -> Option<&MasterKey> {
        let mut keys = std::iter::once(&self.newest).chain(&self.older);
        keys.find(|it| it.id == *id)
    }
}

/// A fresh key.
pub(super) fn random_key() -> Result<KeyBytes, getrandom::Error> {
    let mut key = KeyBytes::default();
    getrandom::fill(key.as_mut_slice())?;
    Ok(key)
}
