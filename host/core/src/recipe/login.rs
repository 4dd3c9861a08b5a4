//! What the answer to a login holds.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::answer::SecretJson;
use super::token::sendable;
use super::trouble::{Reason, Trouble};
use super::{Issued, SecretAnswer};
use crate::crm::Timestamp;
use crate::manifest::{Login, Recipe, Take};

/// Reads the answer to a login: whatever the manifest takes out of it has to be there.
pub fn session(
    recipe: &Recipe,
    login: &Login,
    answer: &SecretAnswer,
    now: Timestamp,
) -> Result<Issued, Trouble> {
    let json = SecretJson::parse(&answer.body);
    let refused = || Trouble::of_answer(recipe, answer, json.as_ref(), false, now);
    if !(200..=299).contains(&answer.status) {
        return Err(refused());
    }
    let mut values = BTreeMap::new();
    for (name, take) in login.takes() {
        let found = match take {
            Take::Body(pointer) => json.as_ref().and_then(|it| it.text(pointer)),
            Take::Cookie(name) => cookie(answer, name),
            Take::Header(name) => answer.header(name).map(|it| Zeroizing::new(it.to_owned())),
        };
        let Some(found) = found.filter(|it| !it.is_empty()) else {
            // Some say with status 200 that the password is wrong.
            let trouble = refused();
            return Err(if trouble.reason() == Reason::Unreadable {
                let what =
                    format!("the answer to the login has no `{name}` where the manifest says");
                Trouble::new(Reason::Unreadable).with("", &what)
            } else {
                trouble
            });
        };
        values.insert(name.to_string(), sendable(found)?);
    }
    let told = login
        .lifetime_at()
        .and_then(|it| json.as_ref()?.seconds(it));
    Ok(Issued {
        values,
        lifetime: told.or(login.lifetime()),
    })
}

/// Returns the value of a cookie that an answer sets, RFC 6265, section 5.2; the last one counts, and one that is set to be forgotten is none.
fn cookie(answer: &SecretAnswer, name: &str) -> Option<Zeroizing<String>> {
    let set = answer.headers.iter().filter(|(it, _)| it == "set-cookie");
    let mut found = set.filter_map(|(_, value)| {
        let text = std::str::from_utf8(value).ok()?;
        let pair = text.split(';').next()?;
        let (it, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let fits =
            |it: u8| matches!(it, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~');
        (it.trim() == name && value.bytes().all(fits)).then(|| Zeroizing::new(value.to_owned()))
    });
    found.next_back()
}
