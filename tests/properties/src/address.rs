//! Whatever is written for a host, it is classified as what is dialled for it, and nothing leads to a private address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use brightsync_core::address::{Class, Nat64, classify};
use brightsync_core::grant::{Ceiling, Grant, HostPattern};
use brightsync_core::manifest::Manifest;
use brightsync_core::origin::{Origin, Scheme};
use brightsync_core::policy::Policy;
use brightsync_core::request::Method;
use brightsync_core::setting::Settings;
use url::Url;

use crate::spelling::{aton, v4, v6};

/// A connector to a CRM at any address.
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    let text = r#"
        [connector]
        name = "any"
        title = "Any"
        version = "1.0.0"
        publisher = "Tests"
        contract = "0.1"
        [settings.site]
        kind = "origin"
        title = "Site"
        [http]
        base = "{site}/"
        [[hosts]]
        origin = "{site}"
        why = "the CRM"
        [functions]
        users = ["get-me"]
    "#;
    Manifest::parse(text).unwrap()
});

/// Panics if a property of addresses does not hold.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ran_out = ranges(&mut input);
    let _ran_out = translated(&mut input);
    let _ran_out = spelled(&mut input);
    let _ran_out = named(&mut input);
}

/// No address is public that the standard library or a plain reading of IANA's registries knows to be another.
fn ranges(input: &mut Unstructured<'_>) -> Result<()> {
    let small = Ipv4Addr::from_bits(input.arbitrary()?);
    let large = Ipv6Addr::from_bits(input.arbitrary()?);
    assert!(
        !is_special(small) || !classify(small.into(), &[]).is_public(),
        "{small}"
    );
    let is_public = classify(large.into(), &[]).is_public();
    assert!(!is_public || large.segments()[0] >> 13 == 1, "{large}");
    // Forms that hold an address of version 4 are what is inside, if that is worse.
    let bits = u128::from(small.to_bits());
    let inside = classify(small.into(), &[]);
    for form in [
        bits,
        0xffff << 32 | bits,
        0xffff << 48 | bits,
        0x64_ff9b << 96 | bits,
        0x2002 << 112 | bits << 80 | (large.to_bits() & u128::from(u64::MAX)),
    ] {
        let form = Ipv6Addr::from_bits(form);
        let class = classify(form.into(), &[]);
        assert!(!class.is_public(), "{form}");
        let is_own = form.to_bits() < 2;
        assert!(inside.is_public() || class == inside || is_own, "{form}");
    }
    Ok(())
}

/// An address behind an operator's translator is what is inside, and never public.
fn translated(input: &mut Unstructured<'_>) -> Result<()> {
    let small = Ipv4Addr::from_bits(input.arbitrary()?);
    let mut bytes: [u8; 16] = input.arbitrary()?;
    let [a, b, c, d] = small.octets();
    let length: usize = *input.choose(&[32, 40, 48, 56, 64, 96])?;
    let mut prefix = [0; 16];
    prefix[..length / 8].copy_from_slice(&bytes[..length / 8]);
    // The table of RFC 6052, section 2.2.
    let places: [usize; 4] = match length {
        32 => [4, 5, 6, 7],
        40 => [5, 6, 7, 9],
        48 => [6, 7, 9, 10],
        56 => [7, 9, 10, 11],
        64 => [9, 10, 11, 12],
        _ => [12, 13, 14, 15],
    };
    for (place, octet) in places.into_iter().zip([a, b, c, d]) {
        bytes[place] = octet;
    }
    let address = Ipv6Addr::from(bytes);
    let prefix: Nat64 = format!("{}/{length}", Ipv6Addr::from(prefix))
        .parse()
        .unwrap();
    let class = classify(address.into(), &[prefix]);
    let inside = classify(small.into(), &[]);
    let expected = if inside.is_public() {
        Class::Nat64
    } else {
        inside
    };
    assert_eq!(class, expected, "{address} behind {prefix:?}");
    // Another prefix beside it does not make it public.
    let other: Nat64 = "2600:122::/32".parse().unwrap();
    assert!(!classify(address.into(), &[other, prefix]).is_public());
    // What the policy lets pass is neither of these.
    let site = format!("https://[{address}]");
    let policy = policy(&site).behind(&[prefix]);
    assert!(
        policy
            .check(Method::Get, &Url::parse(&site).unwrap())
            .is_err(),
        "{site}"
    );
    Ok(())
}

/// However an address is spelled, it is refused or read as this address.
fn spelled(input: &mut Unstructured<'_>) -> Result<()> {
    let small = Ipv4Addr::from_bits(input.arbitrary()?);
    let large = Ipv6Addr::from_bits(input.arbitrary()?);
    let small_text = v4(input, small)?;
    let large_text = v6(input, large)?;
    for (host, address) in [
        (small_text.clone(), IpAddr::V4(small)),
        (format!("[{large_text}]"), IpAddr::V6(large)),
    ] {
        let text = format!("https://{host}");
        if let Ok(origin) = text.parse::<Origin>() {
            assert_eq!(origin.literal(), Some(address), "{text}");
            let policy = policy(&text);
            let url = Url::parse(&origin.to_string()).unwrap();
            let permitted = policy.check(Method::Get, &url).is_ok();
            assert_eq!(permitted, classify(address, &[]).is_public(), "{text}");
        }
    }
    for (host, address) in [
        (small_text, IpAddr::V4(small)),
        (large_text, IpAddr::V6(large)),
    ] {
        if let Ok(origin) = Origin::new(Scheme::Https, &host, 443) {
            assert_eq!(origin.literal(), Some(address), "{host}");
        }
    }
    Ok(())
}

/// Whatever text is taken for a host, all readers take it for the same one.
fn named(input: &mut Unstructured<'_>) -> Result<()> {
    const PIECES: [&str; 34] = [
        "crm",
        "example",
        "com",
        "EXAMPLE",
        "xn--",
        "xn--bcher-kva",
        "bücher",
        "ß",
        "ẞ",
        "K",
        "ı",
        "İ",
        ".",
        ".",
        ".",
        "..",
        "\u{3002}",
        "\u{ff0e}",
        "-",
        "_",
        "0x7f",
        "127",
        "1",
        "08",
        "[",
        "]",
        "::1",
        ":",
        ":443",
        ":80",
        ":0",
        "@",
        "%2e",
        "\u{ad}",
    ];
    let scheme = *input.choose(&["https", "http", "HTTPS"])?;
    let host = super::text(input, &PIECES, 10)?;
    let text = format!("{scheme}://{host}");
    drop(text.parse::<HostPattern>());
    let Ok(origin) = text.parse::<Origin>() else {
        return Ok(());
    };
    // It stays the same, however often it is written and read.
    let written = origin.to_string();
    assert_eq!(written.parse::<Origin>().as_ref(), Ok(&origin), "{text}");
    let url = Url::parse(&written).unwrap();
    assert_eq!(Origin::of(&url).as_ref(), Ok(&origin), "{text}");
    // The HTTP client dials what its own reader makes of it.
    let dialled: http::Uri = url.as_str().parse().unwrap();
    assert_dialled(&origin, &dialled);
    Ok(())
}

/// The HTTP client connects to the very host that was classified, on the port that was.
pub(crate) fn assert_dialled(origin: &Origin, dialled: &http::Uri) {
    let host = dialled.host().unwrap();
    let bare = host
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(host);
    assert_eq!(dialled.scheme_str(), Some(origin.scheme().as_str()));
    let default = match origin.scheme() {
        Scheme::Https => 443,
        Scheme::Http => 80,
    };
    assert_eq!(dialled.port_u16().unwrap_or(default), origin.port());
    match origin.literal() {
        // It is asked for no name, and dialled as it is.
        Some(address) => assert_eq!(bare.parse(), Ok(address), "{dialled}"),
        // The resolver is asked for this very name, and no resolver takes it for an address.
        None => {
            assert_eq!(bare, origin.host().to_string(), "{dialled}");
            assert!(bare.parse::<IpAddr>().is_err(), "{dialled}");
            assert_eq!(aton(bare), None, "{dialled}");
        }
    }
}

/// A policy that has nothing against an address but what it is.
fn policy(site: &str) -> Policy {
    let given = BTreeMap::from([("site".to_owned(), site.to_owned())]);
    let settings = Settings::check(&MANIFEST, given).unwrap();
    let grant = Grant {
        hosts: [site.parse().unwrap()].into(),
        ..Grant::default()
    };
    Policy::resolve(&MANIFEST, &settings, &grant, &Ceiling::any(), &[], None).unwrap()
}

/// What the standard library knows, and the ranges of IANA's registry that it keeps to itself.
fn is_special(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    it.is_private()
        || it.is_loopback()
        || it.is_link_local()
        || it.is_broadcast()
        || it.is_documentation()
        || it.is_multicast()
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18)
        || 240 <= a
}
