//! Pages of lists, and the tokens that lead from one to the next.
//!
//! A token is made by the connector and handed back unread, maybe days later and to another instance.
//! [`Offset`], [`Number`] and [`Cursor`] make and read the tokens of the usual kinds of paging; [`to_token`] and [`from_token`] those of any other.
//! A token that does not read any more is `cursor-expired`, and the host starts the read again.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json::{self, Body, FromJson, Object};
use crate::{Error, Id, PageEnd, PageRequest, Result, Skipped, Timestamp, Token, Window};

/// A page of a list: what is on it, and how it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries, in any order that stays the same from page to page.
    pub items: Vec<T>,
    /// How the page ends.
    pub end: PageEnd,
}

/// Paging by the number of records to pass over (`offset`, `skip`, `start`).
///
/// ```
/// use brightsync_sdk::{PageRequest, page::Offset};
///
/// let first = Offset::of(&PageRequest::first(50), 200)?;
/// assert_eq!((first.start, first.size), (0, 50));
///
/// // The CRM answered 50 of 60 records.
/// let token = first.next(50, Some(60));
/// let second = Offset::of(&PageRequest { token, ..PageRequest::first(50) }, 200)?;
/// assert_eq!(second.start, 50);
/// assert_eq!(second.next(10, Some(60)), None);
/// # Ok::<(), brightsync_sdk::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// How many records to pass over.
    pub start: u64,
    /// How many to ask for.
    pub size: u32,
}

/// Paging by the number of the page, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// The page to ask for.
    pub number: u64,
    /// The size of all pages of this list.
    pub size: u32,
}

/// Paging by a cursor or a next link that the CRM gives out.
///
/// ```
/// use brightsync_sdk::{Page, PageRequest, User, page::Cursor};
/// use serde_json::json;
///
/// let at = Cursor::of(&PageRequest::first(50), 200)?;
/// assert_eq!((at.place.as_deref(), at.size), (None, 50));
///
/// // What the CRM answered.
/// let (people, next) = ([json!({"id": "1", "name": "Ann"})], Some("abc".to_owned()));
/// let user = |it: brightsync_sdk::json::Object<'_>| Ok(User::new(it.id("id"), it.need::<String>("name")));
/// let page = Page::read(&people, "id", user).with_next(Cursor::next(next));
///
/// let second = Cursor::of(&PageRequest { token: page.end.next, ..PageRequest::first(50) }, 200)?;
/// assert_eq!(second.place.as_deref(), Some("abc"));
/// # Ok::<(), brightsync_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// What the CRM gave out with the page before; none for the first page.
    pub place: Option<String>,
    /// How many to ask for.
    pub size: u32,
    /// When the first page was read, if that is not this one.
    began: Option<Timestamp>,
    window: Option<Window>,
}

impl<T> Page<T> {
    /// A page without entries, and the last one.
    pub fn empty() -> Self {
        Self::last(Vec::new())
    }

    /// A page after which nothing comes.
    pub fn last(items: Vec<T>) -> Self {
        Self {
            items,
            end: PageEnd::default(),
        }
    }

    /// Maps the records of an answer, each for itself: one that does not read is reported in `skipped`, and the others are delivered.
    ///
    /// `id` is the member that holds a record's id, by which a skipped one is named.
    ///
    /// ```
    /// use brightsync_sdk::{Page, User};
    /// use serde_json::json;
    ///
    /// let records = vec![json!({"id": "1", "name": "Ann"}), json!({"id": "2", "name": null})];
    /// let page = Page::read(&records, "id", |it| Ok(User::new(it.id("id"), it.need::<String>("name"))));
    /// assert_eq!(page.items.len(), 1);
    /// assert_eq!(page.end.skipped[0].id.as_deref(), Some("2"));
    /// ```
    pub fn read(records: &[Value], id: &str, map: impl Fn(Object<'_>) -> Result<T>) -> Self {
        // One loop for each type of record, and not for each way to read it.
        Self::read_each(records, id, &map)
    }

    fn read_each(records: &[Value], id: &str, map: &dyn Fn(Object<'_>) -> Result<T>) -> Self {
        let mut page = Self::empty();
        for record in records {
            let id = record.get(id).and_then(json::text_of);
            page.push(id, Object::read(record, map));
        }
        page
    }

    /// Adds an entry, or reports that it could not be read.
    pub fn push(&mut self, id: Option<Id>, entry: Result<T>) {
        match entry {
            Ok(entry) => self.items.push(entry),
            Err(error) => self.end.skipped.push(Skipped {
                id,
                reason: error.message,
            }),
        }
    }

    /// Adds the entries of another part of the same page, and what was skipped of it.
    pub fn append(&mut self, part: Self) {
        self.items.extend(part.items);
        self.end.skipped.extend(part.end.skipped);
    }

    /// Says where the next page begins; none if this is the last one.
    #[must_use]
    pub fn with_next(mut self, next: Option<Token>) -> Self {
        self.end.next = next;
        self
    }

    /// Says from where a later read by token goes on, where the CRM has such a thing.
    #[must_use]
    pub fn with_resume(mut self, resume: Option<Token>) -> Self {
        self.end.resume = resume;
        self
    }

    /// Says before which instant all changes are in this read, if that is not the end of the window.
    #[must_use]
    pub fn with_complete_until(mut self, time: Option<Timestamp>) -> Self {
        self.end.complete_until = time;
        self
    }

    /// Says how the page ends, and keeps what was skipped.
    #[must_use]
    pub fn with_end(mut self, end: PageEnd) -> Self {
        let skipped = std::mem::take(&mut self.end.skipped);
        self.end = PageEnd { skipped, ..end };
        self
    }

    /// Maps the entries and keeps the end.
    pub fn map<U>(self, mut map: impl FnMut(T) -> U) -> Page<U> {
        let mut items = Vec::with_capacity(self.items.len());
        for item in self.items {
            items.push(map(item));
        }
        Page {
            items,
            end: self.end,
        }
    }
}

impl Offset {
    /// Reads where a request begins; `largest` is the CRM's largest page.
    pub fn of(request: &PageRequest, largest: u32) -> Result<Self> {
        let size = request.size_within(largest);
        let start = match &request.token {
            Some(token) => member(token, "offset")?,
            None => 0,
        };
        Ok(Self { start, size })
    }

    /// The token of the next page, after the CRM answered this many records of this total, if it says one.
    ///
    /// Without a total, a page that is not full is the last one.
    pub fn next(&self, answered: usize, total: Option<u64>) -> Option<Token> {
        let answered = answered as u64;
        let offset = self.start + answered;
        let more = match total {
            Some(total) => offset < total,
            None => answered >= u64::from(self.size),
        };
        // A page without records would repeat itself for ever.
        (more && answered > 0).then(|| to_token(&Body::new().with("offset", offset)))
    }
}

impl Number {
    /// Reads which page is asked for; `largest` is the CRM's largest page.
    pub fn of(request: &PageRequest, largest: u32) -> Result<Self> {
        match &request.token {
            // With another size, the same number would be another place.
            Some(token) => Ok(Self {
                number: member(token, "page")?,
                size: member(token, "size")?,
            }),
            None => Ok(Self {
                number: 1,
                size: request.size_within(largest),
            }),
        }
    }

    /// The token of the next page, if the CRM says that there is one.
    pub fn next(&self, more: bool) -> Option<Token> {
        let next = Body::new()
            .with("page", self.number + 1)
            .with("size", self.size);
        more.then(|| to_token(&next))
    }
}

impl Cursor {
    /// Reads which page is asked for; `largest` is the CRM's largest page.
    pub fn of(request: &PageRequest, largest: u32) -> Result<Self> {
        let size = request.size_within(largest);
        let (place, began) = match &request.token {
            Some(token) => (Some(member(token, "cursor")?), member(token, "began")?),
            None => (None, None),
        };
        Ok(Self {
            place,
            size,
            began,
            window: None,
        })
    }

    /// Says of which window a read by time is; none for other reads.
    #[must_use]
    pub fn within(self, window: Option<Window>) -> Self {
        Self { window, ..self }
    }

    /// The token of the next page, made of what the CRM gave out; an empty text is none.
    pub fn next(place: Option<String>) -> Option<Token> {
        let cursor = place.filter(|it| !it.is_empty())?;
        Some(to_token(&Body::new().with("cursor", cursor)))
    }

    /// The end of a page, made of what the CRM gave out and of its time when it answered.
    ///
    /// A read by time is complete up to when its first page was read, since later pages may miss what changed after that; so that time travels in the token.
    /// Where the CRM does not tell its time, [`time::now`](crate::time::now) before the request stands in.
    pub fn end(&self, place: Option<String>, now: Timestamp) -> PageEnd {
        let began = self.began.unwrap_or(now);
        let cursor = place.filter(|it| !it.is_empty());
        let token = |cursor: String| {
            let place = Body::new().with("cursor", cursor).with("began", began);
            to_token(&place)
        };
        PageEnd {
            next: cursor.map(token),
            complete_until: self
                .window
                .map(|it| it.until.map_or(began, |until| until.min(began))),
            ..PageEnd::default()
        }
    }
}

/// The version of the form of tokens, before the dot in each.
const VERSION: &str = "1";

/// Makes a token of any value: its JSON in base64url, after a version.
///
/// It must hold nothing secret, since the host stores it, and be at most 16 KiB long.
pub fn to_token(place: &impl Serialize) -> Token {
    // A value that JSON cannot hold becomes a token that does not read: `cursor-expired`, and no panic.
    let json = json::write(place).unwrap_or_default();
    format!(
        "{VERSION}.{}",
        Base64UrlUnpadded::encode_string(json.as_bytes())
    )
}

/// Reads the token of [`to_token`]; one of another form or version is `cursor-expired`.
pub fn from_token<T: DeserializeOwned>(token: &str) -> Result<T> {
    T::deserialize(place_of(token)?).map_err(|_| expired())
}

/// Reads one member of a token that was made of a [`Body`].
pub fn member<T: FromJson>(token: &str, name: &str) -> Result<T> {
    let read = Object::read(&place_of(token)?, |it| Ok(it.need(name)));
    read.map_err(|_| expired())
}

fn place_of(token: &str) -> Result<Value> {
    let read = || {
        let (version, text) = token.split_once('.')?;
        if version != VERSION {
            return None;
        }
        json::parse(&Base64UrlUnpadded::decode_vec(text).ok()?).ok()
    };
    read().ok_or_else(expired)
}

fn expired() -> Error {
    Error::cursor_expired("this token is not one of this connector: begin the read again")
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Number, Offset, Page, from_token, to_token};
    use crate::{Error, PageEnd, PageRequest, Reason, Window};

    #[track_caller]
    fn check_expired(token: &str) {
        let request = PageRequest {
            token: Some(token.to_owned()),
            ..PageRequest::first(10)
        };
        let error = Offset::of(&request, 100).unwrap_err();
        assert_eq!(error.reason, Reason::CursorExpired);
    }

    #[test]
    fn a_foreign_token_is_expired_and_no_first_page() {
        check_expired("");
        check_expired("1.");
        check_expired("1.!!");
        check_expired("2.eyJvZmZzZXQiOjF9");
        check_expired(&Cursor::next(Some("abc".to_owned())).unwrap());
    }

    #[test]
    fn a_page_number_keeps_the_size_of_its_list() {
        let token = Number::of(&PageRequest::first(50), 100).unwrap().next(true);
        let second = Number::of(
            &PageRequest {
                token,
                ..PageRequest::first(70)
            },
            100,
        )
        .unwrap();
        assert_eq!(
            second,
            Number {
                number: 2,
                size: 50
            }
        );
    }

    #[test]
    fn an_empty_page_is_the_last_one_whatever_the_total_says() {
        let at = Offset { start: 10, size: 5 };
        assert_eq!(at.next(0, Some(100)), None);
        assert_eq!(at.next(4, None), None);
        assert!(at.next(5, None).is_some());
        assert_eq!(Cursor::next(Some(String::new())), None);
    }

    #[test]
    fn a_size_stays_between_one_and_the_largest_page() {
        assert_eq!(Offset::of(&PageRequest::first(0), 200).unwrap().size, 1);
        assert_eq!(Offset::of(&PageRequest::first(900), 200).unwrap().size, 200);
    }

    #[test]
    fn a_read_by_time_is_complete_up_to_when_its_first_page_was_read() {
        let first = Cursor::of(&PageRequest::first(10), 100).unwrap();
        let window = Window::since(0);
        let end = first.within(Some(window)).end(Some("abc".to_owned()), 5);
        assert_eq!(end.complete_until, Some(5));
        let request = PageRequest {
            token: end.next,
            ..PageRequest::first(10)
        };
        let second = Cursor::of(&request, 100).unwrap();
        assert_eq!(second.end(None, 9).complete_until, None);
        let end = second.clone().within(Some(window)).end(None, 9);
        assert_eq!((end.next, end.complete_until), (None, Some(5)));
        let until = Some(3);
        let end = second.within(Some(Window { until, ..window })).end(None, 9);
        assert_eq!(end.complete_until, until);
    }

    #[test]
    fn an_end_keeps_what_was_skipped() {
        let mut page = Page::<()>::empty();
        page.push(None, Err(Error::other("no name")));
        let end = PageEnd {
            next: Cursor::next(Some("abc".to_owned())),
            ..PageEnd::default()
        };
        let page = page.with_end(end.clone());
        assert_eq!((page.end.next, page.end.skipped.len()), (end.next, 1));
    }

    #[test]
    fn any_value_makes_a_token() {
        let token = to_token(&("2026-01-01", 7));
        assert_eq!(
            from_token::<(String, u8)>(&token).unwrap(),
            ("2026-01-01".to_owned(), 7)
        );
    }
}
