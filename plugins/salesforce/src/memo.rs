//! What Salesforce has no field for: lines at the head of a description, for people to read, and the text below them.

use brightsync_sdk::patch::{Change, Fields, ListEdits};
use brightsync_sdk::{Attendee, Direction, InvalidField, Party, Result, Timestamp, time};
use serde_json::Value;

/// A line: the contract's field, its label, and how it is read.
pub(crate) type Line = (&'static str, &'static str, Take);

/// Takes the edits of a field, and answers what its line says then; none if the patch leaves it alone.
type Take = fn(&mut Fields, &str, &str) -> Result<Option<String>>;

/// The time stands before the lists, which may be long: the e-mail is found by it.
pub(crate) const OF_EMAILS: [Line; 6] = [
    ("sender", "From", party),
    ("sent-at", "Sent", instant),
    ("direction", "Direction", direction),
    ("to", "To", parties),
    ("cc", "Cc", parties),
    ("bcc", "Bcc", parties),
];

pub(crate) const OF_MEETINGS: [Line; 4] = [
    ("organiser", "Organiser", party),
    ("attendees", "Attendees", attendees),
    ("status", "Status", text),
    ("timezone", "Time zone", text),
];

/// The longest description, in UTF-16 units and with two for the end of a line, so that it fits however Salesforce counts.
const LONGEST: usize = 32_000;

/// A description.
#[derive(Default)]
pub(crate) struct Memo {
    head: Vec<(&'static str, String)>,
    text: String,
}

impl Memo {
    /// Reads a description; one without such lines is all text.
    pub(crate) fn parse(lines: &[Line], description: &str) -> Self {
        let (mut head, mut rest) = (Vec::new(), description);
        while let Some((label, value)) = rest.lines().next().and_then(|it| it.split_once(": ")) {
            let Some((_, label, _)) = lines.iter().find(|it| it.1 == label) else {
                break;
            };
            head.push((*label, value.trim().to_owned()));
            rest = rest.split_once('\n').map_or("", |it| it.1);
        }
        if !head.is_empty() {
            rest = rest.trim_start_matches(['\r', '\n']);
        }
        let text = rest.to_owned();
        Self { head, text }
    }

    /// What a line says; nothing if it is not there.
    pub(crate) fn get(&self, label: &str) -> &str {
        let line = self.head.iter().find(|it| it.0 == label);
        line.map_or("", |it| it.1.as_str())
    }

    /// Takes the edits of what stands here, and answers the new description if there are any, with what had no room in it.
    pub(crate) fn take(
        &mut self,
        lines: &[Line],
        fields: &mut Fields,
    ) -> Result<Option<(String, Option<InvalidField>)>> {
        let (mut head, mut changed) = (Vec::new(), false);
        for (field, label, take) in lines {
            let now = self.get(label);
            let then = take(fields, field, now)?;
            changed |= then.is_some();
            head.push((*label, then.unwrap_or_else(|| now.to_owned())));
        }
        head.retain(|it| !it.1.is_empty());
        self.head = head;
        if let Some(text) = fields.value::<String>("text")? {
            self.text = text.into_option().unwrap_or_default();
            changed = true;
        }
        Ok(changed.then(|| self.write()))
    }

    fn write(&self) -> (String, Option<InvalidField>) {
        let lines = self
            .head
            .iter()
            .map(|(label, it)| format!("{label}: {it}\n"));
        let mut whole: String = lines.collect();
        whole.push_str(if whole.is_empty() { "" } else { "\n" });
        whole.push_str(&self.text);
        let mut room = LONGEST;
        let fits = |it: &char| {
            let size = it.len_utf16() + usize::from(*it == '\n');
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        };
        let kept: String = whole.chars().take_while(fits).collect();
        let reason = "Salesforce keeps 32,000 characters, and the end was cut off";
        let cut = (kept.len() < whole.len()).then(|| InvalidField::new("text", reason));
        (kept, cut)
    }
}

/// Shows when an e-mail was sent.
pub(crate) fn sent(at: Timestamp) -> String {
    time::local(at, 0) + " UTC"
}

/// Makes a text of HTML, for an e-mail that comes with nothing else.
pub(crate) fn plain(html: &str) -> String {
    let (mut text, mut rest) = (String::new(), html);
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        let name = tag.split(|it: char| !it.is_ascii_alphanumeric() && it != '/');
        let name = name.map(str::to_ascii_lowercase).next().unwrap_or_default();
        rest = match name.as_str() {
            // What stands in these is not for people.
            "style" | "script" | "title" => {
                let end = behind.split_once("</").map_or("", |it| it.1);
                end.split_once('>').map_or("", |it| it.1)
            }
            _ => behind,
        };
        if matches!(
            name.as_str(),
            "br" | "br/" | "/p" | "/div" | "/tr" | "/li" | "/h1" | "/h2"
        ) {
            text.push('\n');
        }
    }
    text.push_str(rest);
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
    ];
    let text = known
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&").trim().to_owned()
}

fn text(fields: &mut Fields, field: &str, _: &str) -> Result<Option<String>> {
    Ok(one(
        fields.value_as(field, |it: String| Some(one_line(&it)))?
    ))
}

fn instant(fields: &mut Fields, field: &str, _: &str) -> Result<Option<String>> {
    Ok(one(fields.value_as(field, |it| Some(sent(it)))?))
}

fn direction(fields: &mut Fields, field: &str, _: &str) -> Result<Option<String>> {
    Ok(one(fields.value_as(field, |it: Direction| Some(it))?))
}

fn party(fields: &mut Fields, field: &str, _: &str) -> Result<Option<String>> {
    Ok(one(fields.value_as(field, |it| Some(shown(&it)))?))
}

fn parties(fields: &mut Fields, field: &str, now: &str) -> Result<Option<String>> {
    let edits = fields.list_as(field, |it| Some(shown(&it)))?;
    Ok(edits.map(|it| list(now, it)))
}

fn attendees(fields: &mut Fields, field: &str, now: &str) -> Result<Option<String>> {
    let edits = fields.list_as(field, |it: Attendee| {
        let response = it.response.map(|it| format!(" ({})", one_line(&it)));
        Some(shown(&it.party) + &response.unwrap_or_default())
    })?;
    Ok(edits.map(|it| list(now, it)))
}

fn one(change: Option<Change<Value>>) -> Option<String> {
    let value = change?.into_option().unwrap_or_default();
    Some(value.as_str().unwrap_or_default().to_owned())
}

fn list(now: &str, edits: ListEdits<Value>) -> String {
    let now = now.split("; ").filter(|it| !it.is_empty());
    let then = edits.apply(now.map(Value::from).collect(), |a, b| key(a) == key(b));
    let then: Vec<&str> = then.iter().filter_map(Value::as_str).collect();
    then.join("; ")
}

/// What tells people apart: the address, else the name.
fn key(shown: &Value) -> String {
    let shown = shown.as_str().unwrap_or_default();
    let address = shown.split_once('<').and_then(|it| it.1.split_once('>'));
    address.map_or(shown, |it| it.0).to_lowercase()
}

/// Shows somebody as mail programs do.
fn shown(it: &Party) -> String {
    let name = it.name.as_deref().map(one_line).unwrap_or_default();
    match it.address.as_deref().map(one_line) {
        Some(address) => format!("{name} <{address}>").trim_start().to_owned(),
        None => name,
    }
}

/// A text that ends neither its line nor its place in a list.
fn one_line(text: &str) -> String {
    let kept = |it: char| match it {
        ';' | '<' | '>' => ' ',
        it if it.is_control() => ' ',
        it => it,
    };
    text.chars().map(kept).collect::<String>().trim().to_owned()
}
