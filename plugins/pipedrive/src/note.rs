//! The note of a logged activity: Pipedrive has fields for little of what makes up a message, so the rest stands in lines above the text.
//!
//! The last line is a mark with the host's key, by which the activity is found again.
//! Only lines of ours may stand before it, so that no message can pass for another one.

use brightsync_sdk::{Attendee, Party};

/// Most bytes of a note; how many Pipedrive takes is not said, and columns for texts end at 64 KiB.
pub(crate) const LONGEST: usize = 60_000;

/// The lines, in their order.
const LINES: [&str; 9] = [
    "Direction",
    "From",
    "To",
    "Cc",
    "Bcc",
    "Files",
    "Organiser",
    "Attendees",
    "Status",
];

/// A note, taken apart.
#[derive(Default)]
pub(crate) struct Note {
    /// The host's key; empty if nobody has marked the note, or somebody has removed the mark.
    pub(crate) key: String,
    lines: Vec<(&'static str, String)>,
    /// HTML.
    pub(crate) text: String,
}

impl Note {
    pub(crate) fn line(&self, name: &str) -> &str {
        let line = self.lines.iter().find(|it| it.0 == name);
        line.map_or("", |it| &it.1)
    }

    /// Sets a line; an empty one is left out.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.lines.retain(|it| it.0 != name);
        if !value.is_empty() {
            self.lines.push((name, value.replace(['\r', '\n'], " ")));
        }
    }

    /// Writes the note, and says whether all of it has room.
    pub(crate) fn html(&self, mark: &str) -> (String, bool) {
        let mut html = String::new();
        if !self.key.is_empty() {
            let lines = LINES.iter().filter(|it| !self.line(it).is_empty());
            let lines = lines.map(|it| format!("{it}: {}<br>", escaped(self.line(it))));
            let lines = lines.collect::<String>();
            html = format!("<p>{lines}{mark}{}</p>", self.key);
        }
        let text = cut(&self.text, LONGEST.saturating_sub(html.len()));
        html.push_str(text);
        (html, text.len() == self.text.len())
    }

    /// Reads what [`html`](Self::html) wrote, also after Pipedrive has written it in its own way; another note is all text.
    pub(crate) fn parse(mark: &str, html: &str) -> Self {
        Self::marked(mark, html).unwrap_or_else(|| Self {
            text: html.to_owned(),
            ..Self::default()
        })
    }

    fn marked(mark: &str, html: &str) -> Option<Self> {
        // At the beginning of a line: in one of ours there is no `>`.
        let mut marks = html.match_indices(mark).map(|it| html.split_at(it.0));
        let (head, rest) = marks.find(|it| it.0.trim_end().ends_with('>'))?;
        let rest = rest.strip_prefix(mark)?;
        let end = rest.find(|it| !is_of_key(it)).unwrap_or(rest.len());
        let (key, rest) = rest.split_at_checked(end)?;
        let text = match rest.strip_prefix("</") {
            Some(rest) => rest.split_once('>').map_or("", |it| it.1),
            None => rest,
        };
        let mut note = Self {
            key: key.to_owned(),
            text: text.to_owned(),
            ..Self::default()
        };
        // What stands between two tags is a line.
        for line in head.split('<') {
            let line = unescaped(line.split_once('>').map_or(line, |it| it.1));
            if let Some((name, value)) = line.trim().split_once(": ") {
                note.set(LINES.iter().find(|it| **it == name)?, value);
            } else if !line.trim().is_empty() {
                return None;
            }
        }
        Some(note)
    }
}

/// Writes somebody as a line has them; of whom nothing is known has no place in it.
pub(crate) fn person(party: Party) -> Option<String> {
    let plain = |it: Option<String>| it.map(|it| plain(&it)).filter(|it| !it.is_empty());
    match (plain(party.name), plain(party.address)) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => address.or(name),
    }
}

/// Writes somebody with what they said to an invitation.
pub(crate) fn attendee(it: Attendee) -> Option<String> {
    let said: Vec<String> = [it.response, it.role].into_iter().flatten().collect();
    let who = person(it.party)?;
    Some(match said.is_empty() {
        true => who,
        false => format!("{who} ({})", plain(&said.join(", "))),
    })
}

/// By what somebody in a line is known: the address if there is one.
pub(crate) fn address(person: &str) -> String {
    let person = person.split(" (").next().unwrap_or(person);
    let address = person.split_once('<').map_or(person, |it| it.1);
    address.trim_end_matches('>').trim().to_lowercase()
}

/// Writes a text as HTML.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let text = text.replace('>', "&gt;").replace("\r\n", "\n");
    text.replace('\n', "<br>")
}

/// Whether a text is a key of the host.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(is_of_key)
}

fn is_of_key(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-')
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&nbsp;", " ").replace("&#39;", "'");
    let text = text.replace("&quot;", "\"").replace("&lt;", "<");
    text.replace("&gt;", ">").replace("&amp;", "&")
}

/// A name or an address without what would end it in a line.
fn plain(text: &str) -> String {
    let is_kept = |it: char| !it.is_control() && !"<>;()".contains(it);
    let kept = |it: char| if is_kept(it) { it } else { ' ' };
    text.chars().map(kept).collect::<String>().trim().to_owned()
}

/// The beginning of HTML that fits, without a tag that is cut in two.
fn cut(html: &str, room: usize) -> &str {
    let fits = html.floor_char_boundary(room);
    let cut = html.get(..fits).unwrap_or_default();
    match cut.rfind('<').filter(|_| fits < html.len()) {
        Some(tag) if !cut.get(tag..).unwrap_or_default().contains('>') => {
            cut.get(..tag).unwrap_or_default()
        }
        _ => cut,
    }
}
