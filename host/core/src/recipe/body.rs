//! Bodies with secrets in them, written without leaving copies behind.

use zeroize::Zeroizing;

use crate::manifest::{JsonMold, Lookup, Missing};

/// The parameters of a request, in the order in which they are sent.
pub(super) type Parameters = Vec<(String, Zeroizing<String>)>;

/// Writes a form.
pub(super) fn form(parameters: &Parameters) -> Zeroizing<Vec<u8>> {
    let longest = |(name, value): &(String, Zeroizing<String>)| 3 * (name.len() + value.len()) + 2;
    let capacity = parameters.iter().map(longest).sum();
    // With room for all of it, the text never moves.
    let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(capacity));
    for (name, value) in parameters {
        form.append_pair(name, value);
    }
    Zeroizing::new(form.finish().into_bytes())
}

/// Writes a JSON object of texts.
pub(super) fn json(parameters: &Parameters) -> Zeroizing<Vec<u8>> {
    object(parameters.iter().map(|(name, value)| (name, text(value))))
}

/// Writes JSON with the values in it.
pub(super) fn json_of(mold: &JsonMold, lookup: &Lookup<'_>) -> Result<Zeroizing<Vec<u8>>, Missing> {
    Ok(match mold {
        JsonMold::Text(mold) => text(&mold.fill(lookup)?),
        JsonMold::Fixed(value) => Zeroizing::new(value.to_string().into_bytes()),
        JsonMold::List(all) => {
            let all: Result<Vec<_>, _> = all.iter().map(|it| json_of(it, lookup)).collect();
            join(b"[", &all?, b"]")
        }
        JsonMold::Object(all) => {
            let pair = |(name, it): &(String, JsonMold)| Ok((name.clone(), json_of(it, lookup)?));
            let all: Result<Vec<_>, _> = all.iter().map(pair).collect();
            object(all?)
        }
    })
}

fn object<N: AsRef<str>>(
    pairs: impl IntoIterator<Item = (N, Zeroizing<Vec<u8>>)>,
) -> Zeroizing<Vec<u8>> {
    let pair = |(name, value): (N, Zeroizing<Vec<u8>>)| {
        Zeroizing::new([&text(name.as_ref()), b":".as_slice(), &value].concat())
    };
    let pairs: Vec<_> = pairs.into_iter().map(pair).collect();
    join(b"{", &pairs, b"}")
}

fn text(text: &str) -> Zeroizing<Vec<u8>> {
    // Six bytes for each, escaped at the worst.
    let mut out = Zeroizing::new(Vec::with_capacity(6 * text.len() + 2));
    // Writing into memory does not fail.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.clear();
    }
    out
}

fn join(before: &[u8], parts: &[Zeroizing<Vec<u8>>], behind: &[u8]) -> Zeroizing<Vec<u8>> {
    let capacity = before.len() + behind.len() + parts.iter().map(|it| it.len() + 1).sum::<usize>();
    let mut out = Zeroizing::new(Vec::with_capacity(capacity));
    out.extend_from_slice(before);
    for (position, part) in parts.iter().enumerate() {
        if 0 < position {
            out.push(b',');
        }
        out.extend_from_slice(part);
    }
    out.extend_from_slice(behind);
    out
}
