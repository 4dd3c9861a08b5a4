//! What a stand-in would not answer: links of another host, odd refusals, and names of time zones.

use brightsync_sdk::http::Client;
use brightsync_sdk::testing::Exchange;
use brightsync_sdk::{Connector as _, Page, PageRequest, Reason, Result, User};
use serde_json::{Value, json};

use crate::Dataverse;
use crate::odata::{Guid, is_column, parts};
use crate::user::{USERS, iana};

const ID: &str = "60c4e274-0d87-e711-80e5-00155db19e6d";

fn exchange() -> Exchange {
    Exchange::new()
        .setting("organisation", "contoso")
        .setting("region", "crm4")
}

fn first() -> String {
    let columns = USERS.columns;
    format!("systemusers?$select={columns}&$orderby=systemuserid")
}

fn users(page: PageRequest) -> Result<Page<User>> {
    Dataverse::open()?.get_users(page)
}

/// The first page, which has this next link.
fn linked(link: &str) -> Result<Page<User>> {
    let body = json!({"value": [{"systemuserid": ID, "fullname": "Ann"}], "@odata.nextLink": link});
    let asked = exchange().expect(Client::new().get(first()));
    asked.answer(200, body).run(|| users(PageRequest::first(5)))
}

#[test]
fn a_link_is_followed_to_the_same_server_whatever_host_it_names() {
    let rest = "systemusers?$select=a&$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E";
    for host in ["contoso.crm4", "contoso.api.crm4"] {
        let link = format!("https://{host}.dynamics.com/api/data/v9.2/{rest}");
        let token = linked(&link).unwrap().end.next;
        let asked = exchange().expect(
            Client::new()
                .get(rest)
                .header("Prefer", "odata.maxpagesize=5,odata.include-annotations=\"Microsoft.Dynamics.CRM.lookuplogicalname\""),
        );
        let page = asked.answer(200, json!({"value": []})).run(|| {
            let first = PageRequest::first(5);
            users(PageRequest { token, ..first })
        });
        assert_eq!(page.unwrap(), Page::empty());
    }
}

#[test]
fn a_link_to_another_table_or_place_is_not_followed() {
    for link in [
        "https://contoso.crm4.dynamics.com/api/data/v9.2/roles?$select=name",
        "https://contoso.crm4.dynamics.com/api/data/v9.2/systemusers(x)/roles",
        "https://elsewhere.example/systemusers?$select=name",
    ] {
        assert_eq!(linked(link).unwrap_err().reason, Reason::Other, "{link}");
    }
}

#[track_caller]
fn check(status: u16, code: &str, said: &str, expected: Reason) {
    let body = json!({"error": {"code": code, "message": said}});
    let asked = exchange().expect(Client::new().get(first()));
    let error = asked
        .answer(status, body)
        .run(|| users(PageRequest::first(5)))
        .unwrap_err();
    assert_eq!(error.reason, expected);
    assert_eq!(error.code.as_deref(), Some(code));
}

#[test]
fn a_limit_is_a_limit_with_any_status() {
    check(429, "0x80072322", "requests", Reason::RateLimited(None));
    check(403, "0x80072326", "at once", Reason::RateLimited(None));
    check(400, "0x80072321", "time", Reason::RateLimited(None));
}

#[test]
fn a_version_that_is_too_old_begins_anew_with_any_status() {
    check(500, "0x80044352", "full sync", Reason::CursorExpired);
}

#[test]
fn a_table_that_no_app_brought_is_not_supported() {
    let said = "Resource not found for the segment 'opportunities'.";
    check(404, "0x8006088a", said, Reason::Unsupported);
}

#[test]
fn a_table_whose_changes_are_not_tracked_is_known_by_what_is_said() {
    let said = "Entity: contact isn't enabled for Change Tracking.";
    check(500, "0x80072491", said, Reason::Unsupported);
}

#[test]
fn a_link_that_is_refused_begins_anew() {
    let rest = "systemusers?$select=a&$skiptoken=1";
    let link = format!("https://contoso.crm4.dynamics.com/api/data/v9.2/{rest}");
    let token = linked(&link).unwrap().end.next;
    let refusal =
        json!({"error": {"code": "0x0", "message": "Malformed XML in the Paging Cookie"}});
    for status in [400, 404, 410] {
        let asked = exchange().expect(Client::new().get(rest));
        let answered = asked.answer(status, refusal.clone());
        let token = token.clone();
        let first = PageRequest::first(5);
        let refused = answered.run(|| users(PageRequest { token, ..first }));
        assert_eq!(refused.unwrap_err().reason, Reason::CursorExpired);
    }
}

#[test]
fn windows_names_of_time_zones_are_read() {
    assert_eq!(iana("W. Europe Standard Time"), Some("Europe/Berlin"));
    assert_eq!(iana("Pacific Standard Time"), Some("America/Los_Angeles"));
    assert_eq!(iana("UTC"), Some("Etc/UTC"));
    assert_eq!(iana("Coordinated Universal Time"), Some("Etc/UTC"));
    assert_eq!(iana("Middle-earth Standard Time"), None);
}

#[test]
fn only_guids_are_ids_and_only_names_are_columns() {
    let upper = ID.to_ascii_uppercase();
    assert_eq!(Guid::parse(&upper).unwrap().as_str(), ID);
    for wrong in [
        "",
        "{60c4e274-0d87-e711-80e5-00155db19e6d}",
        "60c4e2740d87e71180e500155db19e6d",
        "60c4e274-0d87-e711-80e5-00155db19e6'",
        "６0c4e274-0d87-e711-80e5-00155db19e6d",
    ] {
        assert_eq!(Guid::parse(wrong), None, "{wrong}");
    }
    for (name, expected) in [
        ("new_x1", true),
        ("_new_x_value", true),
        ("1x", false),
        ("a,b", false),
        ("a b", false),
        ("é", false),
        ("", false),
    ] {
        assert_eq!(is_column(name), expected, "{name}");
    }
}

#[test]
fn no_part_of_a_look_up_is_longer_than_a_token_allows() {
    let long: Vec<String> = (0..1_000)
        .map(|n| format!("{n}{}", "'漢".repeat(40)))
        .collect();
    let parts = parts(&long);
    assert_eq!(parts.concat(), long);
    for part in parts {
        let encoded: usize = part
            .iter()
            .map(|it| 3 * Value::from(it.as_str()).to_string().len())
            .sum();
        assert!(encoded < 9_000, "{encoded}");
    }
}
