//! The text of HTML, as far as a note or a message needs it.

/// What ends a line.
const BREAKS: &[&str] = &[
    "br",
    "p",
    "div",
    "tr",
    "li",
    "h1",
    "h2",
    "h3",
    "table",
    "blockquote",
];
/// What is not shown.
const HIDDEN: &[&str] = &["head", "style", "script", "title"];

/// Returns the text that a reader would see, without layout.
pub(crate) fn to_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(&visible(before));
        let Some((tag, after)) = tag.split_once('>') else {
            rest = "";
            break;
        };
        rest = after;
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if tag.starts_with("!--") {
            rest = format_comment(tag, after);
        } else if HIDDEN.contains(&name.as_str()) && !tag.starts_with('/') {
            rest = past(after, &name);
        } else if BREAKS.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    text.push_str(&visible(rest));
    squeeze(&text)
}

/// The rest behind a comment, which ends with `-->` and not with the first `>`.
fn format_comment<'a>(tag: &str, after: &'a str) -> &'a str {
    if tag.ends_with("--") {
        return after;
    }
    after.split_once("-->").map_or("", |(_, rest)| rest)
}

/// The rest behind the end of an element.
fn past<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once("</") {
        rest = tag;
        if tag
            .get(..name.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(name))
        {
            return tag.split_once('>').map_or("", |(_, rest)| rest);
        }
    }
    ""
}

/// The characters that a piece of text between tags stands for.
fn visible(piece: &str) -> String {
    let mut text = String::new();
    let mut rest = piece;
    while let Some((before, reference)) = rest.split_once('&') {
        text.push_str(before);
        let known = reference
            .split_once(';')
            .and_then(|(name, after)| Some((character(name)?, after)));
        match known {
            Some((character, after)) => {
                text.push(character);
                rest = after;
            }
            None => {
                text.push('&');
                rest = reference;
            }
        }
    }
    text.push_str(rest);
    text.replace(['\r', '\n', '\t'], " ")
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => return None,
    })
}

/// One blank between words, and at most one empty line.
fn squeeze(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() || lines.last().is_some_and(|it| !it.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html), expected);
    }

    #[test]
    fn what_a_reader_sees_is_kept() {
        check(
            "<html><head><style>p{}</style></head><body><p>Hello&nbsp;<b>Ann</b>,</p>\n<p>1 &lt; 2 &amp; &#x263A;</p></body>",
            "Hello Ann,\n\n1 < 2 & ☺",
        );
        check("a<br>b<!-- > hidden --><script>x</script>c", "a\nbc");
    }

    #[test]
    fn what_is_broken_is_no_trouble() {
        check("1 & 2 &unknown; <", "1 & 2 &unknown;");
        check("<style>never ends", "");
        check("<é>ü", "ü");
    }
}
