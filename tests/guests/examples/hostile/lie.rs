//! Answers that break the contract's promises.

use brightsync_guests::done;
use brightsync_sdk::{
    Account, Change, Contact, ContactPoint, Error, Page, ReadRequest, Ref, Result, Whoami,
};

/// Who the user is, or what passes for it.
pub(crate) fn about_me(deed: &str) -> Result<Whoami> {
    let id = |id: String| Ok(Whoami::new(id));
    match deed {
        "empty id" => id(String::new()),
        "long id" => id("x".repeat(2048)),
        "id that steers a terminal" => id("a\u{1b}[2Jb".to_owned()),
        "text for JSON" => Ok(Whoami {
            extra: vec![("field".to_owned(), "{".to_owned())],
            ..done()
        }),
        "deep JSON" => Ok(Whoami {
            extra: vec![("field".to_owned(), "[".repeat(100_000))],
            ..done()
        }),
        "no text" => Ok(Whoami {
            org_name: Some(not_utf8()),
            ..done()
        }),
        "endless name" => Ok(Whoami {
            org_name: Some("x".repeat(48 << 20)),
            ..done()
        }),
        "error" => Err(Error::other(
            brightsync_sdk::settings::get("words").unwrap_or_default(),
        )),
        _ => Ok(done()),
    }
}

/// Where the next page is.
pub(crate) fn token(deed: &str) -> Option<String> {
    (deed == "long token").then(|| "x".repeat(17 << 10))
}

/// A read that goes on and on.
pub(crate) fn endless(deed: &str, request: ReadRequest) -> Page<Change<Account>> {
    let place = request.page.token.unwrap_or_default();
    let next = match deed {
        "in a circle" if place.len() < 200 => {
            if place == "here" { "there" } else { "here" }.to_owned()
        }
        _ => format!("{place}x"),
    };
    let one = Change::Present(Account::new("1", "One"));
    Page::last(vec![one]).with_next(Some(next))
}

/// Not the contact that was asked for.
pub(crate) fn of_somebody_else() -> Page<Contact> {
    let mut contact = Contact::new(Ref::contact("1"));
    contact.emails = vec![ContactPoint::primary("somebody.else@example.org")];
    Page::last(vec![contact])
}

fn not_utf8() -> String {
    #[expect(unsafe_code, reason = "no safe code makes a text that is none")]
    // SAFETY: nothing in here reads it as text; it is handed to the host, which has to look.
    unsafe {
        String::from_utf8_unchecked(vec![0xff, 0xfe, 0xc0, 0x80])
    }
}
