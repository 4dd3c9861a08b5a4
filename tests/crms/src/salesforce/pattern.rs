//! What `LIKE` finds.

/// A part of a pattern.
pub(super) enum Part {
    Anything,
    One,
    Is(char),
}

/// Reads a pattern, whose wildcards are those that were not escaped.
pub(super) fn pattern(text: &[(char, bool)]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (it, escaped) in text {
        match it {
            '%' if !escaped => parts.push(Part::Anything),
            '_' if !escaped => parts.push(Part::One),
            it => parts.extend(it.to_lowercase().map(Part::Is)),
        }
    }
    parts
}

/// Matches a text with a pattern in one pass, going back to the last `%` only.
pub(super) fn matches(text: &[char], parts: &[Part]) -> bool {
    let (mut at, mut part, mut back) = (0, 0, None);
    while let Some(next) = text.get(at) {
        match parts.get(part) {
            Some(Part::Anything) => {
                back = Some((part, at));
                part += 1;
            }
            Some(Part::One) => {
                at += 1;
                part += 1;
            }
            Some(Part::Is(it)) if it == next => {
                at += 1;
                part += 1;
            }
            _ => match back {
                Some((anything, from)) => {
                    back = Some((anything, from + 1));
                    at = from + 1;
                    part = anything + 1;
                }
                None => return false,
            },
        }
    }
    let mut rest = parts.iter().skip(part);
    rest.all(|it| matches!(it, Part::Anything))
}
