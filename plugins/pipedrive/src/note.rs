//! The note of a logged activity: Pipedrive has a field for little of what makes up a message, so the rest stands in lines above the text.
//!
//! The last of these lines is a mark with the host's key, by which the activity is found again.
//! It stands before the text of the message and nothing but lines of ours before it, so that no message can pass for another one.

use brightsync_sdk::{Attendee, Party};

use crate::lookup::lower;

/// Most bytes of a note.
pub(crate) const LONGEST: usize = 60_000;

/// The lines above a text, in their order.
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

/// What an activity stands for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Log {
    Email,
    Meeting,
}

/// A note, taken apart.
pub(crate) struct Note {
    log: Log,
    /// The host's key; empty if nobody has marked the note, or somebody has removed the mark.
    pub(crate) key: String,
    lines: Vec<(&'static str, String)>,
    /// HTML.
    pub(crate) text: String,
}

impl Log {
    fn mark(self) -> &'static str {
        match self {
            Self::Email => "BrightSync e-mail: ",
            Self::Meeting => "BrightSync meeting: ",
        }
    }
}

impl Note {
    pub(crate) fn new(log: Log, key: &str) -> Self {
        Self {
            log,
            key: key.to_owned(),
            lines: Vec::new(),
            text: String::new(),
        }
    }

    pub(crate) fn line(&self, name: &str) -> Option<&str> {
        let line = self.lines.iter().find(|it| it.0 == name)?;
        Some(&line.1)
    }

    /// Sets a line; an empty one is left out.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.lines.retain(|it| it.0 != name);
        let known = LINES.iter().find(|it| **it == name);
        if let Some(name) = known.filter(|_| !value.is_empty()) {
            self.lines.push((name, value.replace(['\r', '\n'], " ")));
        }
    }

    /// Writes the note, and says whether all of the text is in it.
    pub(crate) fn html(&self) -> (String, bool) {
        let mut html = String::new();
        if !self.key.is_empty() {
            html.push_str("<p>");
            for name in LINES {
                if let Some(value) = self.line(name) {
                    html.push_str(&format!("{name}: {}<br>", escaped(value)));
                }
            }
            html.push_str(&format!("{}{}</p>", self.log.mark(), self.key));
        }
        let room = LONGEST.saturating_sub(html.len());
        let text = cut(&self.text, room);
        html.push_str(text);
        (html, text.len() == self.text.len())
    }

    /// Reads what [`html`](Self::html) wrote, also after Pipedrive or a person has written it anew; another note is all text.
    pub(crate) fn parse(log: Log, html: &str) -> Self {
        Self::marked(log, html).unwrap_or_else(|| Self {
            text: html.to_owned(),
            ..Self::new(log, "")
        })
    }

    fn marked(log: Log, html: &str) -> Option<Self> {
        let (head, rest) = html.split_once(log.mark())?;
        let end = rest.find(|it| !is_of_key(it)).unwrap_or(rest.len());
        let (key, rest) = rest.split_at_checked(end)?;
        let mut note = Self::new(log, key);
        let head = head.trim_start();
        // The element that all of it stands in.
        let head = match head.strip_prefix('<') {
            Some(head) if !head.starts_with("br") => head.split_once('>')?.1,
            _ => head,
        };
        for (index, line) in head.split("<br").enumerate() {
            let line = match index {
                0 => line,
                _ => line.split_once('>')?.1,
            };
            let line = unescaped(line);
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(": ")?;
            // Something else before the mark: it is not ours.
            LINES.iter().find(|it| **it == name)?;
            note.set(name, value);
        }
        let text = match rest.strip_prefix("</") {
            Some(rest) => rest.split_once('>').map_or("", |it| it.1),
            None => rest,
        };
        text.clone_into(&mut note.text);
        Some(note)
    }

    /// The people in a line.
    pub(crate) fn parties(&self, name: &str) -> Vec<Party> {
        let mut parties = Vec::new();
        for text in self.line(name).into_iter().flat_map(|it| it.split("; ")) {
            parties.extend(party(text));
        }
        parties
    }

    /// The people in the line of those who attend, with what they said.
    pub(crate) fn attendees(&self) -> Vec<Attendee> {
        let mut attendees = Vec::new();
        for text in self.line("Attendees").into_iter().flat_map(|it| it.split("; ")) {
            let (who, said) = match text.strip_suffix(')').and_then(|it| it.rsplit_once(" (")) {
                Some((who, said)) => (who, said),
                None => (text, ""),
            };
            let mut said = said.split(", ").filter(|it| !it.is_empty());
            if let Some(party) = party(who) {
                attendees.push(Attendee {
                    party,
                    response: said.next().map(str::to_owned),
                    role: said.next().map(str::to_owned),
                });
            }
        }
        attendees
    }
}

/// Writes people as a line has them; those of whom nothing is known have no place in it.
pub(crate) fn named(parties: &[Party]) -> String {
    let names: Vec<String> = parties.iter().filter_map(who).collect();
    names.join("; ")
}

pub(crate) fn attending(attendees: &[Attendee]) -> String {
    let mut names = Vec::new();
    for it in attendees {
        let said = [&it.response, &it.role].into_iter().flatten();
        let said: Vec<String> = said.map(|it| plain(it)).collect();
        names.extend(who(&it.party).map(|who| match said.is_empty() {
            true => who,
            false => format!("{who} ({})", said.join(", ")),
        }));
    }
    names.join("; ")
}

/// Whether two are the same to Pipedrive: by address, or by name where one has none.
pub(crate) fn is_same(one: &Party, other: &Party) -> bool {
    match (&one.address, &other.address) {
        (Some(one), Some(other)) => lower(one) == lower(other),
        _ => one.name.is_some() && one.name == other.name,
    }
}

/// Whether somebody can stand in a line.
pub(crate) fn is_known(party: &Party) -> bool {
    who(party).is_some()
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

fn who(party: &Party) -> Option<String> {
    let plain = |it: &Option<String>| it.as_deref().map(plain).filter(|it| !it.is_empty());
    match (plain(&party.name), plain(&party.address)) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (None, Some(address)) => Some(address),
        (name, None) => name,
    }
}

/// A name or an address without what would end it in a line.
fn plain(text: &str) -> String {
    let kept = |it: char| match it {
        '<' | '>' | ';' | '(' | ')' => ' ',
        it if it.is_control() => ' ',
        it => it,
    };
    text.chars().map(kept).collect::<String>().trim().to_owned()
}

fn party(text: &str) -> Option<Party> {
    let some = |it: &str| Some(it.trim().to_owned()).filter(|it| !it.is_empty());
    let (name, address) = match text.strip_suffix('>').and_then(|it| it.rsplit_once('<')) {
        Some((name, address)) => (some(name), some(address)),
        None if text.contains('@') => (None, some(text)),
        None => (some(text), None),
    };
    let party = Party {
        name,
        address,
        ..Party::default()
    };
    is_known(&party).then_some(party)
}

/// The beginning of HTML that fits, without a tag or a reference that is cut in two.
fn cut(html: &str, room: usize) -> &str {
    if html.len() <= room {
        return html;
    }
    let mut end = room;
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let cut = html.get(..end).unwrap_or_default();
    let broken = [('<', '>'), ('&', ';')].into_iter().filter_map(|(opens, closes)| {
        let opened = cut.rfind(opens)?;
        cut.rfind(closes).is_none_or(|it| it < opened).then_some(opened)
    });
    // A text with a sign that begins nothing is not given up for it.
    let end = broken.filter(|it| end - it < 2_000).min();
    end.and_then(|end| cut.get(..end)).unwrap_or(cut)
}
