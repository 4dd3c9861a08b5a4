//! A manifest that is read is one that can be stood for, and a setting never leads out of what it says.

use std::collections::{BTreeMap, BTreeSet};

use brightsync_core::grant::Proposal;
use brightsync_core::manifest::{MAX_LENGTH, Manifest};
use brightsync_core::origin::{ExpandError, Origin, Template};
use brightsync_core::setting::{Kind, Settings};

/// Values that have led a host elsewhere, or that a pattern may be too kind to.
const VALUES: [&str; 24] = [
    "main",
    "eu",
    "a-b",
    "x",
    "1",
    "127",
    "0x7f",
    "xn--",
    "evil.example/#",
    "evil.example",
    "a.b",
    "a/b",
    "..",
    "%2e",
    "@evil.example",
    "evil.example:80",
    "\u{ff0e}",
    "a\u{3002}b",
    "",
    "-",
    "_",
    "https://crm.example.com",
    "https://evil.example/?",
    "http://127.0.0.1:8080/x",
];

/// Panics if a property of manifests does not hold.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Manifest::parse(&text) {
        Err(error) => {
            let lines = text.lines().count();
            assert!((1..=lines + 1).contains(&error.line()), "{error}");
            let shown = error.to_string();
            let moves = |it: char| it.is_control() && it != '\n';
            assert!(!shown.contains(moves), "{shown:?} moves the cursor");
        }
        Ok(manifest) => {
            assert!(text.len() <= MAX_LENGTH);
            assert_eq!(Manifest::parse(&text).as_ref(), Ok(&manifest));
            stands(&manifest);
            let mut bytes = data.iter().map(|it| usize::from(*it)).cycle();
            for _ in 0..8 {
                expands(&manifest, &mut bytes);
            }
        }
    }
}

/// What the accessors promise.
fn stands(manifest: &Manifest) {
    assert!(!manifest.functions().is_empty());
    let hosts: BTreeSet<_> = manifest.hosts().iter().map(|it| it.origin()).collect();
    assert!(!hosts.is_empty());
    assert!(hosts.contains(manifest.base().origin()));
    for recipe in manifest.recipes().values() {
        assert!(recipe.audience().iter().all(|it| hosts.contains(it)));
    }
    for host in hosts {
        assert_eq!(Template::parse(&host.to_string()).as_ref(), Ok(host));
        for setting in host.settings() {
            assert!(manifest.settings().contains_key(setting), "{setting}");
        }
    }
    let homepage = manifest.homepage().unwrap_or("https://");
    assert!(homepage.starts_with("https://"), "{homepage}");
    serde_json::to_string(manifest).expect("it is shown as JSON");
    let _digest = manifest.authority_digest();
}

/// With any values, a host is one that the template spells, or there is none.
fn expands(manifest: &Manifest, choices: &mut impl Iterator<Item = usize>) {
    let mut given = BTreeMap::new();
    for (name, setting) in manifest.settings() {
        let choice = choices.next().unwrap_or(0);
        let value = match setting.kind() {
            Kind::Choice { values, .. } if !choice.is_multiple_of(4) => {
                values[choice % values.len()].clone()
            }
            _ => VALUES[choice % VALUES.len()].to_owned(),
        };
        given.insert(name.to_string(), value);
    }
    let Ok(settings) = Settings::check(manifest, given.clone()) else {
        return;
    };
    for host in manifest.hosts() {
        match host.origin().expand(&settings) {
            Ok(origin) => assert_spelled(host.origin(), &origin, &given),
            Err(error) => assert!(matches!(error, ExpandError::Missing { .. }), "{error}"),
        }
    }
    if let Ok(base) = manifest.base().expand(&settings) {
        let origin = manifest.base().origin().expand(&settings).unwrap();
        assert_eq!(Origin::of(&base), Ok(origin), "{base}");
        assert!(base.path().ends_with('/') && !base.path().contains("/../"));
        assert_eq!((base.query(), base.fragment()), (None, None));
    }
    drop(Proposal::of(manifest, &settings, None));
}

fn assert_spelled(template: &Template, origin: &Origin, given: &BTreeMap<String, String>) {
    assert_eq!(origin.to_string().parse::<Origin>().as_ref(), Ok(origin));
    if template.whole().is_some() {
        return;
    }
    // Each label is the template's own, or one value that has no dot in it.
    let text = template.to_string();
    let pattern = text.strip_prefix("https://").expect("it is https");
    let pattern = match pattern.rsplit_once(':') {
        Some((host, port)) => {
            assert_eq!(port, origin.port().to_string());
            host
        }
        None => pattern,
    };
    let host = origin.host().to_string();
    assert_eq!(origin.scheme().as_str(), "https");
    assert_eq!(pattern.split('.').count(), host.split('.').count());
    for (wanted, label) in pattern.split('.').zip(host.split('.')) {
        let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match name.and_then(|it| given.get(it)) {
            Some(value) => assert_eq!(value, label, "{template}"),
            None => assert!(name.is_some() || wanted == label, "{template}"),
        }
    }
}
