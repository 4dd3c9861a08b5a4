//! Answers what the contract does not allow, or what would never end.

use brightsync_guests::{deed, done};
use brightsync_sdk::page::Offset;
use brightsync_sdk::{
    Account, Change, Connector, Page, PageRequest, ReadRequest, Result, User, Whoami,
};

struct Babbler;

impl Connector for Babbler {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        let id = |id: String| Ok(Whoami::new(id));
        match deed().as_str() {
            "empty id" => id(String::new()),
            "long id" => id("x".repeat(2048)),
            "control characters in an id" => id("a\u{1b}[2Jb".to_owned()),
            "broken JSON" => Ok(Whoami {
                extra: vec![("field".to_owned(), "{".to_owned())],
                ..done()
            }),
            "deep JSON" => Ok(Whoami {
                extra: vec![("field".to_owned(), "[".repeat(100_000))],
                ..done()
            }),
            _ => Ok(done()),
        }
    }

    fn get_users(&self, _page: PageRequest) -> Result<Page<User>> {
        let token = match deed().as_str() {
            "long token" => "x".repeat(17 << 10),
            _ => String::new(),
        };
        Ok(Page::empty().with_next(Some(token)))
    }

    /// Goes on from its own tokens only, as the SDK reads them.
    fn get_users_by_email(&self, _emails: &[String], page: PageRequest) -> Result<Page<User>> {
        Offset::of(&page, 100)?;
        Ok(Page::empty())
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        let place = request.page.token.unwrap_or_default();
        let next = match deed().as_str() {
            "the same token" => "here".to_owned(),
            _ => format!("{place}x"),
        };
        let one = Change::Present(Account::new("1", "One"));
        Ok(Page::last(vec![one]).with_next(Some(next)))
    }
}

brightsync_sdk::export!(Babbler);
