//! A row opens where it was sealed, as it was sealed, under the key that it was sealed under, and nowhere else.

use futures::executor::block_on;
use proptest::prelude::*;

use super::{keys, line, slot};
use crate::vault::{Damage, MemoryStore, Row, Store as _, Vault, VaultError};

/// A vault with one row, and its store.
struct Sealed {
    vault: Vault,
    store: MemoryStore,
    row: Row,
}

impl Sealed {
    fn new(plain: &[u8]) -> Self {
        let store = MemoryStore::new();
        let vault = Vault::new(store.clone(), block_on(keys(&line("first", 1))));
        block_on(vault.write(&slot("acme"), None, plain)).unwrap();
        let text = slot("acme").to_string();
        let row = block_on(store.read(&text)).unwrap().unwrap();
        Self { vault, store, row }
    }

    /// What the vault says when other bytes stand in a slot.
    fn open(&self, tenant: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let text = slot(tenant).to_string();
        block_on(async {
            let before = self.store.read(&text).await.unwrap();
            let expected = before.map(|it| it.version);
            self.store
                .write(&text, expected, sealed)
                .await
                .unwrap()
                .unwrap();
            let opened = self.vault.read(&slot(tenant)).await?;
            Ok(opened.unwrap().plain().to_vec())
        })
    }

    #[track_caller]
    fn refuses(&self, tenant: &str, sealed: &[u8], what: &str) {
        match self.open(tenant, sealed) {
            Err(VaultError::Damaged { .. } | VaultError::WrongKey { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
    }

    #[track_caller]
    fn is_damaged(&self, tenant: &str, sealed: &[u8], expected: Damage) {
        match self.open(tenant, sealed) {
            Err(VaultError::Damaged { damage, .. }) => assert_eq!(damage, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

/// Where the parts of a row begin, by the table of the format: a name of five letters.
const WRAPPED: usize = 2 + 5 + 24;
const CONTENT: usize = WRAPPED + 48 + 24;

#[test]
fn a_row_has_the_parts_of_its_format() {
    let sealed = Sealed::new(b"a secret");
    let row = &sealed.row.sealed;
    assert_eq!(row[..7], *b"\x01\x05first");
    assert_eq!(row.len(), CONTENT + 8 + 16);
    assert_eq!(sealed.open("acme", row).unwrap(), b"a secret");
}

#[test]
fn no_bit_of_a_row_can_be_another() {
    let sealed = Sealed::new(b"a secret");
    let row = &sealed.row.sealed;
    for bit in 0..8 * row.len() {
        let mut changed = row.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        sealed.refuses("acme", &changed, &format!("bit {bit}"));
    }
}

#[test]
fn a_row_has_no_other_length() {
    let sealed = Sealed::new(b"a secret");
    let row = &sealed.row.sealed;
    for length in 0..row.len() {
        sealed.refuses("acme", &row[..length], &format!("{length} bytes"));
        sealed.refuses(
            "acme",
            &row[row.len() - length..],
            &format!("last {length}"),
        );
    }
    for more in 1..40 {
        let longer = [&row[..], &vec![0; more]].concat();
        sealed.refuses("acme", &longer, &format!("{more} bytes more"));
    }
}

#[test]
fn every_damage_is_told_by_what_it_is() {
    let sealed = Sealed::new(b"a secret");
    let row = &sealed.row.sealed;
    let changed = |at: usize, to: u8| {
        let mut changed = row.clone();
        changed[at] = to;
        changed
    };
    sealed.is_damaged("acme", &[], Damage::Length);
    sealed.is_damaged("acme", &row[..CONTENT + 15], Damage::Length);
    sealed.is_damaged("acme", &changed(0, 2), Damage::Format(2));
    sealed.is_damaged("acme", &changed(1, 0), Damage::KeyId);
    sealed.is_damaged("acme", &changed(2, b'/'), Damage::KeyId);
    sealed.is_damaged("acme", &changed(2, 0xff), Damage::KeyId);
    sealed.is_damaged("acme", &changed(WRAPPED, !row[WRAPPED]), Damage::DataKey);
    sealed.is_damaged("acme", &changed(CONTENT, !row[CONTENT]), Damage::Content);
    sealed.is_damaged("another", row, Damage::DataKey);
}

#[test]
fn the_parts_of_two_rows_do_not_mix() {
    let (one, two) = (Sealed::new(b"a secret"), Sealed::new(b"a secret"));
    let mixed = [
        &one.row.sealed[..WRAPPED + 48],
        &two.row.sealed[WRAPPED + 48..],
    ]
    .concat();
    one.is_damaged("acme", &mixed, Damage::Content);
}

#[test]
fn a_key_of_another_name_or_of_other_bytes_opens_nothing() {
    let sealed = Sealed::new(b"a secret");
    let text = slot("acme").to_string();
    let open = |list: &str| {
        let vault = Vault::new(sealed.store.clone(), block_on(keys(list)));
        block_on(vault.read(&slot("acme"))).map(|it| it.unwrap().plain().to_vec())
    };
    match open(&line("second", 1)) {
        Err(VaultError::WrongKey { slot, id, problem }) => {
            assert_eq!((slot, &*id, problem.is_none()), (text, "first", true));
        }
        other => panic!("{other:?}"),
    }
    match open(&line("first", 2)) {
        Err(VaultError::Damaged { damage, .. }) => assert_eq!(damage, Damage::DataKey),
        other => panic!("{other:?}"),
    }
    let both = line("second", 2) + &line("first", 1);
    assert_eq!(open(&both).unwrap(), b"a secret");
}

#[test]
fn the_same_content_is_never_sealed_alike() {
    let (one, two) = (Sealed::new(b"a secret"), Sealed::new(b"a secret"));
    let (one, two) = (one.row.sealed, two.row.sealed);
    for part in [
        7..WRAPPED,
        WRAPPED..WRAPPED + 48,
        WRAPPED + 48..CONTENT,
        CONTENT..one.len(),
    ] {
        assert_ne!(one[part.clone()], two[part.clone()], "{part:?}");
    }
}

#[test]
fn what_is_no_credential_by_its_size_is_refused() {
    let vault = Vault::in_memory().unwrap();
    let mut content = vec![7; 1 << 20];
    block_on(vault.write(&slot("acme"), None, &content)).unwrap();
    content.push(7);
    let refused = block_on(vault.write(&slot("other"), None, &content));
    assert!(matches!(refused, Err(VaultError::TooLarge)));
    assert!(block_on(vault.read(&slot("other"))).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_content_comes_back_and_no_change_of_its_row_does(
        plain in proptest::collection::vec(any::<u8>(), 0..300),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let sealed = Sealed::new(&plain);
        let row = sealed.row.sealed.clone();
        prop_assert_eq!(sealed.open("acme", &row).unwrap(), plain);
        sealed.refuses("acme", &row[..cut.index(row.len())], "cut");
        let mut changed = row.clone();
        for (at, flip) in flips {
            changed[at.index(row.len())] ^= flip;
        }
        if changed != row {
            sealed.refuses("acme", &changed, "changed");
        }
    }

    #[test]
    fn bytes_that_nobody_has_sealed_open_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300), begins_well: bool) {
        let sealed = Sealed::new(b"a secret");
        let bytes = if begins_well { [b"\x01\x05first", &bytes[..]].concat() } else { bytes };
        sealed.refuses("acme", &bytes, "of nobody");
    }
}
