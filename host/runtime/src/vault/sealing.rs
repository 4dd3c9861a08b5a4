//! The seal of a row: a data key of its own around the content, the master key around the data key.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | length of the master key's name |
//! | 1 to 32 | the master key's name |
//! | 24, 48 | nonce, and the data key with its tag |
//! | 24, the rest | nonce, and the content with its tag of 16 |
//!
//! Both are XChaCha20-Poly1305: its nonces are long enough to be drawn at random for as many rows as there will ever be.
//! The associated data of both begin with what is sealed and the format, and end with the slot; the data key's have the master key's name between. The content's have nothing that a rotation changes.

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::error::VaultError;
use super::key::{KEY, KeyBytes, KeyId, MasterKey, random_key};

/// The largest content: many times what a CRM gives out as a token, and little enough to be held many times over.
pub(super) const LARGEST_CONTENT: usize = 1 << 20;

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
const WRAPPED: usize = KEY + TAG;

/// Why a row does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The first byte is of no format that is known.
    #[error("its format is {0}, and this version knows format 1 only")]
    Format(u8),
    /// It is too short for its format.
    #[error("it is cut short")]
    Length,
    /// The name of its master key is none.
    #[error("the id of its key is not valid")]
    KeyId,
    /// The data key does not open.
    #[error(
        "its data key does not open: it was changed, or moved from another slot, or sealed by another key of the same id"
    )]
    DataKey,
    /// The content does not open.
    #[error("its content does not open: it was changed, or moved from another row")]
    Content,
}

/// A row's parts.
struct Parts<'a> {
    id: KeyId,
    data_key: Sealed<'a>,
    content: Sealed<'a>,
}

/// A ciphertext with its tag, and the nonce that it was made with.
#[derive(Clone, Copy)]
struct Sealed<'a> {
    nonce: &'a [u8; NONCE],
    ciphertext: &'a [u8],
}

/// Seals the content of a slot under a data key of its own.
pub(super) fn seal(key: &MasterKey, slot: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    if LARGEST_CONTENT < plain.len() {
        return Err(VaultError::TooLarge);
    }
    let data_key = random_key()?;
    let mut row = wrap(key, slot, &data_key)?;
    encrypt(&data_key, &content_data(slot), plain, &mut row)?;
    Ok(row)
}

/// The name of the master key that a row is sealed under.
pub(super) fn key_id(row: &[u8]) -> Result<KeyId, Damage> {
    Ok(Parts::of(row)?.id)
}

/// Opens the content of a slot.
pub(super) fn open(key: &MasterKey, slot: &str, row: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damage> {
    let parts = Parts::of(row)?;
    let data_key = unwrap(key, slot, &parts)?;
    decrypt(&data_key, &content_data(slot), parts.content).ok_or(Damage::Content)
}

/// Seals a row's data key anew; the content stays as it is and is not opened.
pub(super) fn reseal(
    old: &MasterKey,
    new: &MasterKey,
    slot: &str,
    row: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let damaged = |damage| VaultError::damaged(slot, damage);
    let parts = Parts::of(row).map_err(damaged)?;
    let data_key = unwrap(old, slot, &parts).map_err(damaged)?;
    let mut resealed = wrap(new, slot, &data_key)?;
    resealed.extend_from_slice(parts.content.nonce);
    resealed.extend_from_slice(parts.content.ciphertext);
    Ok(resealed)
}

impl<'a> Parts<'a> {
    fn of(row: &'a [u8]) -> Result<Self, Damage> {
        let (format, rest) = row.split_first().ok_or(Damage::Length)?;
        if *format != FORMAT {
            return Err(Damage::Format(*format));
        }
        let (length, rest) = rest.split_first().ok_or(Damage::Length)?;
        let (id, rest) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(Damage::Length)?;
        let id = std::str::from_utf8(id).map_err(|_| Damage::KeyId)?;
        let (wrap_nonce, rest) = rest.split_first_chunk().ok_or(Damage::Length)?;
        let (wrapped, rest) = rest.split_at_checked(WRAPPED).ok_or(Damage::Length)?;
        let (nonce, content) = rest.split_first_chunk().ok_or(Damage::Length)?;
        if content.len() < TAG {
            return Err(Damage::Length);
        }
        Ok(Self {
            id: id.parse().map_err(|_| Damage::KeyId)?,
            data_key: Sealed {
                nonce: wrap_nonce,
                ciphertext: wrapped,
            },
            content: Sealed {
                nonce,
                ciphertext: content,
            },
        })
    }
}

/// The beginning of a row: all but its content.
fn wrap(key: &MasterKey, slot: &str, data_key: &KeyBytes) -> Result<Vec<u8>, VaultError> {
    let id = key.id.as_str().as_bytes();
    let mut row = vec![FORMAT, key.id.length()];
    row.extend_from_slice(id);
    let associated = data_key_data(&key.id, slot);
    encrypt(&key.key, &associated, data_key.as_slice(), &mut row)?;
    Ok(row)
}

fn unwrap(key: &MasterKey, slot: &str, parts: &Parts<'_>) -> Result<KeyBytes, Damage> {
    let associated = data_key_data(&parts.id, slot);
    let opened = decrypt(&key.key, &associated, parts.data_key).ok_or(Damage::DataKey)?;
    let mut data_key = KeyBytes::default();
    if opened.len() != KEY {
        return Err(Damage::DataKey);
    }
    data_key.copy_from_slice(&opened);
    Ok(data_key)
}

fn data_key_data(id: &KeyId, slot: &str) -> Vec<u8> {
    let mut data = b"brightsync vault data key".to_vec();
    data.extend([FORMAT, id.length()]);
    data.extend_from_slice(id.as_str().as_bytes());
    data.extend_from_slice(slot.as_bytes());
    data
}

fn content_data(slot: &str) -> Vec<u8> {
    let mut data = b"brightsync vault content".to_vec();
    data.push(FORMAT);
    data.extend_from_slice(slot.as_bytes());
    data
}

/// Appends a fresh nonce and the ciphertext.
fn encrypt(
    key: &KeyBytes,
    associated: &[u8],
    plain: &[u8],
    row: &mut Vec<u8>,
) -> Result<(), VaultError> {
    let mut nonce = XNonce::default();
    getrandom::fill(&mut nonce)?;
    // Room for the tag from the start: a buffer that grows leaves what it held behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + TAG));
    buffer.extend_from_slice(plain);
    let sealed = cipher(key).encrypt_in_place(&nonce, associated, &mut *buffer);
    // The only reason that a cipher has: more than fits under one nonce (RFC 8439, 2.8).
    sealed.map_err(|_| VaultError::TooLarge)?;
    row.extend_from_slice(&nonce);
    row.extend_from_slice(&buffer);
    Ok(())
}

fn decrypt(key: &KeyBytes, associated: &[u8], sealed: Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(sealed.ciphertext.to_vec());
    let nonce = XNonce::from(*sealed.nonce);
    let opened = cipher(key).decrypt_in_place(&nonce, associated, &mut *buffer);
    opened.ok().map(|()| buffer)
}

fn cipher(key: &KeyBytes) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&***key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_bound_to_its_slot_even_with_its_data_key() {
        let key = MasterKey::random().unwrap();
        let row = seal(&key, "one", b"a secret").unwrap();
        assert_eq!(**open(&key, "one", &row).unwrap(), *b"a secret");
        let parts = Parts::of(&row).unwrap();
        let data_key = unwrap(&key, "one", &parts).unwrap();
        let mut moved = wrap(&key, "two", &data_key).unwrap();
        moved.extend_from_slice(parts.content.nonce);
        moved.extend_from_slice(parts.content.ciphertext);
        assert_eq!(open(&key, "two", &moved), Err(Damage::Content));
    }

    #[test]
    fn a_data_key_is_bound_to_the_name_of_its_master_key() {
        let mut key = MasterKey::random().unwrap();
        let row = seal(&key, "one", b"a secret").unwrap();
        let name = key.id.as_str().len();
        key.id = "x".repeat(name).parse().unwrap();
        let renamed = [&row[..2], "x".repeat(name).as_bytes(), &row[2 + name..]].concat();
        assert_eq!(open(&key, "one", &renamed), Err(Damage::DataKey));
    }
}
