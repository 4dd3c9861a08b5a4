//! What is looked for arrives in the query as it was meant, whatever is in it.

use brightsync_crms::zoho::{self, Ways, Zoho};
use brightsync_crms::{Company, Crm as _};
use brightsync_sdk::{Connector as _, PageRequest, Reason};
use serde_json::json;

use super::{assert_sound, call, desk, last_query, open, patch, person, with};

const NASTY: [&str; 20] = [
    "O'Brien",
    "''",
    "'",
    "' or id is not null or Last_Name = '",
    "\\",
    "\\'",
    "\\\\' or 'a' = 'a",
    "ends with \\",
    "back\\slash",
    "%",
    "100%",
    "%%%",
    "under_score",
    "quo\"te",
    "select from where order by limit",
    "a) or (id is not null",
    "two\nlines",
    "tab\tbed",
    "漢字 ünïcode 👩‍👩‍👧",
    "-- ; /* */",
];

#[test]
fn whatever_is_looked_for_is_a_value_and_never_a_part_of_the_query() {
    for escapes in [true, false] {
        let crm = with(Ways {
            backslash_escapes: escapes,
            ..Ways::default()
        });
        let desk = desk(crm);
        for text in NASTY {
            let is_sure = !text.contains('\\') || escapes;
            call(&desk, |it| {
                it.get_accounts_by_name(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            match text.contains('\\') {
                false => assert_eq!(query.condition.texts(), [text], "{text:?}"),
                true => assert_eq!(query.condition.texts().len(), 1, "{text:?}"),
            }

            let address = [format!("{text}@x.example")];
            call(&desk, |it| {
                it.get_contacts_by_email(&address, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            let texts = query.condition.texts();
            assert_eq!(texts.len(), 2, "{text:?}");
            assert!(
                !is_sure || texts.iter().all(|it| *it == address[0]),
                "{texts:?}"
            );

            call(&desk, |it| {
                it.get_contacts_by_email_domain(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            let domain = format!("@{}", text.to_lowercase());
            for it in query.condition.texts() {
                assert!(!it.is_empty() && domain.contains(&it), "{text:?}: {it:?}");
            }

            call(&desk, |it| {
                it.get_contacts_by_name(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            for it in query.condition.texts() {
                let part = it.replace("\\\\", "\\");
                assert!(
                    text.to_lowercase().contains(&part.to_lowercase()),
                    "{text:?}: {it:?}"
                );
            }
        }
        assert_sound(&desk);
    }
}

#[test]
fn a_name_is_found_whatever_is_in_it() {
    for escapes in [true, false] {
        let mut crm = with(Ways {
            backslash_escapes: escapes,
            ..Ways::default()
        });
        let findable = |it: &&&str| escapes || !it.trim_matches('\\').is_empty();
        let names: Vec<&str> = NASTY.iter().filter(findable).copied().collect();
        for name in &names {
            crm.add_company(&Company {
                name: (*name).to_owned(),
                ..Company::default()
            });
            crm.add_person(&person("Mal", name, "mal@x.example"));
        }
        crm.add_person(&person("Somebody", "Else", "else@x.example"));
        let desk = desk(crm);
        for name in names {
            let page = PageRequest::first(200);
            let found = call(&desk, |it| {
                it.get_accounts_by_name(&name.to_uppercase(), page.clone())
            })
            .unwrap();
            assert!(found.items.iter().any(|it| it.name == *name), "{name:?}");
            let whole = format!("Mal {name}");
            let found = call(&desk, |it| it.get_contacts_by_name(&whole, page)).unwrap();
            let found: Vec<_> = found
                .items
                .iter()
                .filter_map(|it| it.full_name.as_deref())
                .collect();
            assert!(found.contains(&whole.as_str()), "{whole:?}: {found:?}");
            assert!(!found.contains(&"Somebody Else"), "{whole:?}");
        }
        assert_sound(&desk);
    }
}

#[test]
fn a_text_that_no_record_can_hold_is_not_asked_for() {
    let desk = open();
    let million = "x'\\%".repeat(250_000);
    let page = || PageRequest::first(10);
    assert!(
        call(&desk, |it| it.get_contacts_by_name(&million, page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_accounts_by_name(" ", page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_accounts_by_domain(&million, page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_contacts_by_email(
            std::slice::from_ref(&million),
            page()
        ))
        .unwrap()
        .items
        .is_empty()
    );
    let ids = ["' or 1", "", "12345678901234567890", "1/2"].map(str::to_owned);
    assert!(
        call(&desk, |it| it.get_contacts(&ids))
            .unwrap()
            .items
            .is_empty()
    );
    for id in &ids {
        let error = call(&desk, |it| it.delete_contact(id)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
        let error = call(&desk, |it| {
            it.update_email(&format!("Contacts/x{id}"), patch(&[]))
        })
        .unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
    }
    let page = call(&desk, |it| it.get_opportunities_for_contacts(&ids, page())).unwrap();
    assert_eq!(page.items.len() + desk.crm().office().seen().len(), 0);
}

#[test]
fn a_long_name_is_split_at_every_blank_or_found_by_its_end() {
    let mut crm = Zoho::with_token("good");
    let long = (0..15)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    crm.add_person(&person("Maria  del", "Carmen Lopez", "m@x.example"));
    crm.add_person(&person("", "Cher", "c@x.example"));
    crm.put(
        "Contacts",
        json!({"Full_Name": long, "First_Name": "w0", "Last_Name": long[3..]}),
    );
    let desk = desk(crm);
    for name in ["maria  del Carmen Lopez", " Cher ", &long] {
        let found = call(&desk, |it| {
            it.get_contacts_by_name(name, PageRequest::first(10))
        })
        .unwrap();
        assert_eq!(found.items.len(), 1, "{name}");
    }
    assert_sound(&desk);
}
