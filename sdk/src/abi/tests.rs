//! What stands here by hand, compared with `wit/`.

use std::collections::BTreeMap;

use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind, TypeId};

use super::Abi;
use super::contract::{RECORDS, VARIANTS};
use crate::{
    Account, Attachment, Attendee, Change, Contact, Departure, Edit, EmailKey, Error, InvalidField,
    MeetingKey, Moment, NewAccount, NewContact, NewEmail, NewMeeting, Opportunity, Page, PageEnd,
    PageRequest, Party, Patch, ReadRequest, Reason, Scope, User, Whoami, Written,
};

/// The contract, and its types by name; a name that several interfaces have is `INTERFACE.NAME`.
struct Contract {
    resolve: Resolve,
    sizes: SizeAlign,
    types: BTreeMap<String, TypeId>,
}

fn contract() -> Contract {
    let mut resolve = Resolve::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/wit");
    resolve.push_dir(folder).unwrap();
    let mut sizes = SizeAlign::default();
    sizes.fill(&resolve);
    let mut types = BTreeMap::new();
    for (_, interface) in resolve.interfaces.iter() {
        for (name, id) in &interface.types {
            // A `use` of another interface's type is no type of its own.
            if matches!(
                resolve.types[*id].kind,
                TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_)
            ) {
                let of = interface.name.as_deref().unwrap();
                types.insert(format!("{of}.{name}"), *id);
                types.insert(name.clone(), *id);
            }
        }
    }
    Contract {
        resolve,
        sizes,
        types,
    }
}

#[track_caller]
fn check<T: Abi>(contract: &Contract, name: &str) {
    let ty = Type::Id(contract.types[name]);
    let mut storage = [WasmType::I32; 64];
    let mut flat = FlatTypes::new(&mut storage);
    assert!(contract.resolve.push_flat(&ty, &mut flat));
    let theirs = (
        contract.sizes.size(&ty).size_wasm32(),
        contract.sizes.align(&ty).align_wasm32(),
        flat.to_vec().len(),
    );
    assert_eq!((T::SIZE, T::ALIGN, T::FLAT), theirs, "{name}");
}

#[test]
fn every_type_is_as_large_as_the_contract_says() {
    let it = &contract();
    check::<Account>(it, "account");
    check::<Attachment>(it, "attachment");
    check::<Attendee>(it, "attendee");
    check::<Change<Account>>(it, "accounts.change");
    check::<Change<Contact>>(it, "contacts.change");
    check::<Contact>(it, "contact");
    check::<Departure>(it, "departure");
    check::<Edit>(it, "edit");
    check::<EmailKey>(it, "email-key");
    check::<Error>(it, "error");
    check::<InvalidField>(it, "invalid-field");
    check::<MeetingKey>(it, "meeting-key");
    check::<Moment>(it, "moment");
    check::<NewAccount>(it, "new-account");
    check::<NewContact>(it, "new-contact");
    check::<NewEmail>(it, "new-email");
    check::<NewMeeting>(it, "new-meeting");
    check::<Opportunity>(it, "opportunity");
    check::<Page<Change<Account>>>(it, "account-page");
    check::<Page<Opportunity>>(it, "opportunity-page");
    check::<Page<User>>(it, "user-page");
    check::<PageEnd>(it, "page-end");
    check::<PageRequest>(it, "page-request");
    check::<Party>(it, "party");
    check::<Patch>(it, "patch");
    check::<ReadRequest>(it, "read-request");
    check::<Reason>(it, "reason");
    check::<Scope>(it, "scope");
    check::<Whoami>(it, "whoami");
    check::<Written>(it, "written");
}

#[test]
fn fields_and_cases_come_in_the_order_of_the_contract() {
    let contract = contract();
    for (name, ours) in RECORDS.iter().chain(VARIANTS) {
        let theirs = match *name {
            "Page" => "account-page".to_owned(),
            "OpportunityStatus" => "status".to_owned(),
            name => kebab(name),
        };
        let kind = &contract.resolve.types[contract.types[&theirs]].kind;
        let names: Vec<&str> = match kind {
            TypeDefKind::Record(it) => it.fields.iter().map(|it| it.name.as_str()).collect(),
            TypeDefKind::Variant(it) => it.cases.iter().map(|it| it.name.as_str()).collect(),
            TypeDefKind::Enum(it) => it.cases.iter().map(|it| it.name.as_str()).collect(),
            other => panic!("{theirs} is {other:?}"),
        };
        let ours: Vec<_> = ours.iter().map(|it| kebab(it)).collect();
        assert_eq!(ours, names, "{theirs}");
    }
}

/// A name of Rust as one of WIT.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.trim_end_matches('_').chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        match letter {
            '_' => kebab.push('-'),
            letter => kebab.extend(letter.to_lowercase()),
        }
    }
    kebab
}
