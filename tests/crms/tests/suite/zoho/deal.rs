//! Deals.

use brightsync_crms::zoho::{Ways, Zoho};
use brightsync_crms::{Company, Crm as _, Deal, Outcome};
use brightsync_sdk::{Connector as _, Moment, OpportunityStatus, PageRequest};
use serde_json::json;

use super::{Connected, all, assert_sound, call, desk, person, with};

#[test]
fn deals_say_how_they_stand_and_who_takes_part() {
    let mut crm = Zoho::with_token("good");
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let acme = crm.add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let deal = |name: &str, amount: &str, outcome| Deal {
        name: name.to_owned(),
        company: Some(acme.clone()),
        person: Some(zoe.clone()),
        amount: amount.to_owned(),
        outcome,
    };
    let open_deal = crm.add_deal(&deal("Open", "1234567.89", Outcome::Open));
    crm.add_deal(&deal("Won", "0.10", Outcome::Won));
    crm.add_deal(&deal("Lost", "5", Outcome::Lost));
    crm.give_role(&open_deal, &zoe, "Decision Maker");
    crm.give_role(&open_deal, "5725767000000000077", "User");
    let desk = desk(crm);
    let contacts = [zoe.clone(), "no id".to_owned()];
    let found = call(&desk, |it| {
        it.get_opportunities_for_contacts(&contacts, PageRequest::first(10))
    })
    .unwrap();
    let shown: Vec<_> = found
        .items
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.status,
                it.stage_order,
                it.amount.as_ref().unwrap().amount.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Open", OpportunityStatus::Open, Some(0), "1234567.89"),
            ("Won", OpportunityStatus::Won, Some(2), "0.1"),
            ("Lost", OpportunityStatus::Lost, Some(5), "5"),
        ]
    );
    let first = &found.items[0];
    assert_eq!(
        (first.account.as_deref(), first.kind.as_deref()),
        (Some(acme.as_str()), Some("Standard"))
    );
    assert_eq!(
        first.amount.as_ref().unwrap().currency.as_deref(),
        Some("EUR")
    );
    assert_eq!(
        (first.closes.clone(), first.closed.clone()),
        (Some(Moment::On("2026-02-28".to_owned())), None)
    );
    let people: Vec<_> = first
        .participants
        .iter()
        .map(|it| (it.primary, it.role.as_deref()))
        .collect();
    assert_eq!(
        people,
        [
            (Some(true), Some("Decision Maker")),
            (Some(false), Some("User"))
        ]
    );
    assert!(
        first
            .url
            .as_deref()
            .unwrap()
            .ends_with(&format!("/tab/Potentials/{open_deal}"))
    );
    let (found, pages) = all(
        &desk,
        2,
        |it, page| it.get_opportunities_for_accounts(std::slice::from_ref(&acme), page),
        |_| {},
    );
    assert_eq!((found.len(), pages.len()), (3, 2));
    // The organisation and the stages are asked for once a day.
    desk.crm().office().forget();
    let accounts = [acme];
    desk.run(|| {
        for _ in 0..3 {
            let deals = Connected::open()
                .and_then(|it| it.get_opportunities_for_accounts(&accounts, PageRequest::first(1)));
            assert_eq!(deals.unwrap().items.len(), 1);
        }
    });
    let asked = |path: &str| {
        desk.crm()
            .office()
            .seen()
            .iter()
            .filter(|it| it.path.ends_with(path))
            .count()
    };
    assert_eq!(
        (asked("/org"), asked("/settings/fields"), asked("/coql")),
        (1, 1, 3)
    );
    assert_sound(&desk);
}

#[test]
fn an_amount_has_the_currency_of_its_deal_where_there_are_several() {
    let mut crm = with(Ways {
        currencies: true,
        ..Ways::default()
    });
    let acme = crm.add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    crm.put(
        "Deals",
        json!({
            "Deal_Name": "Abroad", "Stage": "Identify Decision Makers", "Amount": 1250.10,
            "Currency": "USD", "Account_Name": {"id": acme},
        }),
    );
    let desk = desk(crm);
    let found = call(&desk, |it| {
        it.get_opportunities_for_accounts(&[acme], PageRequest::first(10))
    });
    let deal = found.unwrap().items.remove(0);
    let amount = deal.amount.unwrap();
    assert_eq!(amount.amount, "1250.1");
    assert_eq!(amount.currency.as_deref(), Some("USD"));
    assert_eq!(deal.status, OpportunityStatus::Open);
    assert_eq!(deal.stage_order, Some(1));
    assert_sound(&desk);
}
