//! Every range at its first and last address and just outside, and every spelling that has fooled another host.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(input: &str, expected: Class) {
    assert_eq!(classify(input.parse().unwrap(), &[]), expected, "{input}");
}

/// Checks the ends of a range and its neighbours.
#[track_caller]
fn range(first: &str, last: &str, inside: Class, before: Class, after: Class) {
    check(first, inside);
    check(last, inside);
    let step = |text: &str, up: bool| match text.parse().unwrap() {
        IpAddr::V4(it) => {
            let bits = it.to_bits();
            let next = if up {
                bits.checked_add(1)
            } else {
                bits.checked_sub(1)
            };
            next.map(|it| IpAddr::V4(it.into()))
        }
        IpAddr::V6(it) => {
            let bits = it.to_bits();
            let next = if up {
                bits.checked_add(1)
            } else {
                bits.checked_sub(1)
            };
            next.map(|it| IpAddr::V6(it.into()))
        }
    };
    if let Some(it) = step(first, false) {
        assert_eq!(classify(it, &[]), before, "before {first}");
    }
    if let Some(it) = step(last, true) {
        assert_eq!(classify(it, &[]), after, "after {last}");
    }
}

#[test]
fn every_ipv4_range_begins_and_ends_where_iana_says() {
    use Class::{
        Benchmarking, Broadcast, Documentation, LinkLocal, Loopback, Multicast, Private, Public,
        Reserved, SharedCgnat, SixToFour, ThisNetwork, Unspecified,
    };
    range("0.0.0.0", "0.0.0.0", Unspecified, Public, ThisNetwork);
    range("0.0.0.1", "0.255.255.255", ThisNetwork, Unspecified, Public);
    range("10.0.0.0", "10.255.255.255", Private, Public, Public);
    range("100.64.0.0", "100.127.255.255", SharedCgnat, Public, Public);
    range("127.0.0.0", "127.255.255.255", Loopback, Public, Public);
    range("169.254.0.0", "169.254.255.255", LinkLocal, Public, Public);
    range("172.16.0.0", "172.31.255.255", Private, Public, Public);
    range("192.0.0.0", "192.0.0.255", Reserved, Public, Public);
    range("192.0.2.0", "192.0.2.255", Documentation, Public, Public);
    range("192.31.196.0", "192.31.196.255", Reserved, Public, Public);
    range("192.52.193.0", "192.52.193.255", Reserved, Public, Public);
    range("192.88.99.0", "192.88.99.255", SixToFour, Public, Public);
    range("192.168.0.0", "192.168.255.255", Private, Public, Public);
    range("192.175.48.0", "192.175.48.255", Reserved, Public, Public);
    range("198.18.0.0", "198.19.255.255", Benchmarking, Public, Public);
    range(
        "198.51.100.0",
        "198.51.100.255",
        Documentation,
        Public,
        Public,
    );
    range(
        "203.0.113.0",
        "203.0.113.255",
        Documentation,
        Public,
        Public,
    );
    range("224.0.0.0", "239.255.255.255", Multicast, Public, Reserved);
    range(
        "240.0.0.0",
        "255.255.255.254",
        Reserved,
        Multicast,
        Broadcast,
    );
    range(
        "255.255.255.255",
        "255.255.255.255",
        Broadcast,
        Reserved,
        Reserved,
    );
}

#[test]
fn every_ipv6_range_begins_and_ends_where_iana_says() {
    use Class::{
        Benchmarking, Discard, Documentation, LinkLocal, Loopback, Multicast, Nat64, Orchid,
        Public, Reserved, SiteLocal, Teredo, ThisNetwork, UniqueLocal, Unspecified,
    };
    range("::", "::", Unspecified, Reserved, Loopback);
    range("::1", "::1", Loopback, Unspecified, ThisNetwork);
    range(
        "64:ff9b:1::",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        Nat64,
        Reserved,
        Reserved,
    );
    range(
        "100::",
        "100::ffff:ffff:ffff:ffff",
        Discard,
        Reserved,
        Discard,
    );
    range(
        "100:0:0:1::",
        "100:0:0:1:ffff:ffff:ffff:ffff",
        Discard,
        Discard,
        Reserved,
    );
    range(
        "2001::",
        "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
        Teredo,
        Public,
        Reserved,
    );
    range(
        "2001:1::",
        "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
        Reserved,
        Teredo,
        Benchmarking,
    );
    range(
        "2001:2::",
        "2001:2:0:ffff:ffff:ffff:ffff:ffff",
        Benchmarking,
        Reserved,
        Reserved,
    );
    range(
        "2001:10::",
        "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
        Orchid,
        Reserved,
        Reserved,
    );
    range(
        "2001:30::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        Reserved,
        Orchid,
        Public,
    );
    range(
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        Documentation,
        Public,
        Public,
    );
    range(
        "2620:4f:8000::",
        "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
        Reserved,
        Public,
        Public,
    );
    range(
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        Documentation,
        Public,
        Public,
    );
    range(
        "2000::",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Public,
        Reserved,
        Teredo,
    );
    range(
        "4000::",
        "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Reserved,
        Public,
        UniqueLocal,
    );
    range(
        "5f00::",
        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Reserved,
        Reserved,
        Reserved,
    );
    range(
        "fc00::",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        UniqueLocal,
        Reserved,
        Reserved,
    );
    range(
        "fe80::",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        LinkLocal,
        Reserved,
        SiteLocal,
    );
    range(
        "fec0::",
        "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        SiteLocal,
        LinkLocal,
        Multicast,
    );
    range(
        "ff00::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Multicast,
        SiteLocal,
        Multicast,
    );
}

#[test]
fn addresses_that_hand_out_credentials_are_known_by_name() {
    for it in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.42.42",
        "169.254.0.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2600:1f18::5efe:a9fe:a9fe",
    ] {
        check(it, Class::Metadata);
    }
}

#[test]
fn a_wrapped_address_is_judged_by_its_inside_and_is_never_public() {
    for (public, private, class) in [
        ("::ffff:8.8.8.8", "::ffff:10.0.0.1", Class::V4Mapped),
        ("::8.8.8.8", "::10.0.0.1", Class::V4Compatible),
        ("::ffff:0:8.8.8.8", "::ffff:0:10.0.0.1", Class::V4Translated),
        ("64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1", Class::Nat64),
        ("2002:808:808::1", "2002:a00:1::1", Class::SixToFour),
        ("2600::5efe:808:808", "2600::5efe:a00:1", Class::Isatap),
        (
            "2600::200:5efe:808:808",
            "2600::200:5efe:a00:1",
            Class::Isatap,
        ),
    ] {
        check(public, class);
        check(private, Class::Private);
    }
    check("::ffff:127.0.0.1", Class::Loopback);
    check("::7f00:1", Class::Loopback);
    check("::ffff:255.255.255.255", Class::Broadcast);
}

#[test]
fn an_operators_translator_is_looked_through_at_every_length_of_rfc_6052() {
    // The table of RFC 6052, section 2.4, with 10.0.0.1 in place of its example.
    for (prefix, address) in [
        ("2600:122::/32", "2600:122:a00:1::"),
        ("2600:122:100::/40", "2600:122:10a:0:1::"),
        ("2600:122:122::/48", "2600:122:122:a00:0:100::"),
        ("2600:122:122:300::/56", "2600:122:122:30a:0:1::"),
        ("2600:122:122:344::/64", "2600:122:122:344:a:0:100::"),
        ("2600:122:122:344::/96", "2600:122:122:344::a00:1"),
    ] {
        let prefix = prefix.parse::<Nat64>().unwrap();
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(classify(address, &[]), Class::Public, "{address}");
        assert_eq!(classify(address, &[prefix]), Class::Private, "{address}");
    }
    let prefix = "2600:122::/96".parse::<Nat64>().unwrap();
    assert_eq!(
        classify("2600:122::8.8.8.8".parse().unwrap(), &[prefix]),
        Class::Nat64
    );
    for text in ["2600::/33", "10.0.0.0/8", "2600::", ""] {
        assert!(text.parse::<Nat64>().is_err(), "{text}");
    }
}

#[test]
fn ordinary_servers_are_public() {
    for it in [
        "1.1.1.1",
        "8.8.8.8",
        "104.16.0.1",
        "168.63.129.15",
        "2606:4700::1111",
        "2a00:1450:4001::200e",
    ] {
        check(it, Class::Public);
    }
}

#[track_caller]
fn check_literal(url: &str, expected: &str) {
    let url = url::Url::parse(url).unwrap();
    assert_eq!(
        literal(&url.host().unwrap()),
        Some(expected.parse().unwrap()),
        "{url}"
    );
}

#[test]
fn no_spelling_of_an_address_passes_for_a_name() {
    for url in [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1./",
        "http://127.0.0.1:80/",
        "http://１２７.０.０.１/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.0.0.1/",
    ] {
        check_literal(url, "127.0.0.1");
    }
    check_literal("http://[::ffff:127.0.0.1]/", "::ffff:7f00:1");
    check_literal("http://[::7f00:1]/", "::7f00:1");
    check_literal("http://[0:0::0:1]/", "::1");
    check_literal("http://0/", "0.0.0.0");
    assert_eq!(
        literal(&url::Host::Domain("127.0.0.1.")),
        Some(Ipv4Addr::LOCALHOST.into())
    );
    assert_eq!(literal(&url::Host::Domain("example.com")), None);
}

#[test]
fn what_only_looks_like_an_address_is_no_url_at_all() {
    for url in [
        "http://256.0.0.1/",
        "http://1.2.3.4.5/",
        "http://[::1%25eth0]/",
        "http://0x100000000/",
        "http://a.0x1/",
    ] {
        assert!(url::Url::parse(url).is_err(), "{url}");
    }
}

proptest! {
    #[test]
    fn wrapping_never_makes_an_address_public(bits: u32) {
        let v4 = u128::from(bits);
        for wrapped in [0xffff_0000_0000 | v4, 0xffff_0000_0000_0000 | v4, v4, (0x64_ff9b << 96) | v4, (0x2002 << 112) | (v4 << 80)] {
            prop_assert!(!classify(IpAddr::V6(wrapped.into()), &[]).is_public());
        }
    }

    #[test]
    fn only_global_unicast_is_public(bits: u128) {
        if bits >> 125 != 1 {
            prop_assert!(!classify(IpAddr::V6(bits.into()), &[]).is_public());
        }
    }

    #[test]
    fn the_standard_library_agrees_where_it_has_an_opinion(bits: u32) {
        let it = Ipv4Addr::from(bits);
        if it.is_private() || it.is_loopback() || it.is_link_local() || it.is_broadcast() || it.is_documentation()
            || it.is_multicast() || it.is_unspecified() {
            prop_assert!(!classify(it.into(), &[]).is_public());
        }
    }
}
