//! Texts that tell whose they are wherever they turn up: `canary-PLACE-tNNNN`, with the place where they were put and the tenant's number.

use std::collections::BTreeSet;

/// The canary of a tenant in a place, such as `setting`.
pub fn canary(place: &str, tenant: usize) -> String {
    format!("canary-{place}-t{tenant:04}")
}

/// The tenants whose canaries are in a text.
pub fn owners(text: &str) -> BTreeSet<usize> {
    let found = text.match_indices("canary-");
    found
        .filter_map(|(at, begin)| {
            let rest = text.get(at + begin.len()..)?;
            let place = rest.find(|it: char| !it.is_ascii_lowercase())?;
            let number = rest.get(place..)?.strip_prefix("-t")?;
            number.get(..4)?.parse().ok()
        })
        .collect()
}

/// The other tenants whose canaries are in a text of this one.
pub fn strangers(text: &str, tenant: usize) -> Vec<usize> {
    let owners = owners(text);
    owners.into_iter().filter(|it| *it != tenant).collect()
}
