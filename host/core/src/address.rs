//! What kind of network an address belongs to, so that only public ones are ever dialled.
//!
//! The ranges are those of the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its successors, as known in
//! 2026), and the addresses at which clouds answer machines with credentials. A range that the registries call globally
//! reachable but that no CRM can live in (anycast of protocols, AS112, AMT) is refused as well.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::Ipv6Net;

/// The kind of network that an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Anybody's: the only kind that may be dialled without an operator's carve-out.
    Public,
    /// A cloud's own service for its machines, which hands out credentials.
    Metadata,
    /// `0.0.0.0` and `::`, which many systems connect to themselves.
    Unspecified,
    /// The rest of `0.0.0.0/8` (RFC 791).
    ThisNetwork,
    /// This machine (RFC 1122, RFC 4291).
    Loopback,
    /// A private network (RFC 1918).
    Private,
    /// The network between a provider and its customers (RFC 6598).
    SharedCgnat,
    /// This link only (RFC 3927, RFC 4291).
    LinkLocal,
    /// A private IPv6 network (RFC 4193).
    UniqueLocal,
    /// The deprecated private IPv6 networks (RFC 3879).
    SiteLocal,
    /// Everybody on this link (RFC 919).
    Broadcast,
    /// A group (RFC 5771, RFC 4291).
    Multicast,
    /// For examples in text (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// For measuring devices (RFC 2544, RFC 5180).
    Benchmarking,
    /// Thrown away by routers (RFC 6666), or a stand-in for no prefix (RFC 9780).
    Discard,
    /// A hash that looks like an address (RFC 4843, RFC 7343).
    Orchid,
    /// Set aside for protocols, or not given out at all.
    Reserved,
    /// A public IPv4 address written as `::ffff:a.b.c.d` (RFC 4291).
    V4Mapped,
    /// A public IPv4 address written as `::a.b.c.d` (RFC 4291, deprecated).
    V4Compatible,
    /// A public IPv4 address written as `::ffff:0:a.b.c.d` (RFC 2765).
    V4Translated,
    /// A public IPv4 address behind a translator (RFC 6052, RFC 8215).
    Nat64,
    /// A public IPv4 address behind a 6to4 relay, or the relay itself (RFC 3056, RFC 7526).
    SixToFour,
    /// A tunnel through somebody's relay (RFC 4380).
    Teredo,
    /// A tunnel to the IPv4 address at the end (RFC 5214).
    Isatap,
}

impl Class {
    /// Says whether the address may be dialled without a carve-out.
    #[must_use]
    pub fn is_public(self) -> bool {
        self == Self::Public
    }

    /// Returns the word for logs and metrics, which never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Metadata => "metadata",
            Self::Unspecified => "unspecified",
            Self::ThisNetwork => "this-network",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::SharedCgnat => "shared-cgnat",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique-local",
            Self::SiteLocal => "site-local",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Discard => "discard",
            Self::Orchid => "orchid",
            Self::Reserved => "reserved",
            Self::V4Mapped => "v4-mapped",
            Self::V4Compatible => "v4-compatible",
            Self::V4Translated => "v4-translated",
            Self::Nat64 => "nat64",
            Self::SixToFour => "6to4",
            Self::Teredo => "teredo",
            Self::Isatap => "isatap",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The prefix under which an operator's own NAT64 translator reaches IPv4 (RFC 6052).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nat64(Ipv6Net);

/// A text that is no prefix of a NAT64 translator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no NAT64 prefix; write an IPv6 network with a length of 32, 40, 48, 56, 64 or 96, as in \"2001:db8:64::/96\""
)]
pub struct BadNat64(String);

impl FromStr for Nat64 {
    type Err = BadNat64;

    fn from_str(text: &str) -> Result<Self, BadNat64> {
        match text.parse::<Ipv6Net>() {
            Ok(net) if matches!(net.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96) => {
                Ok(Self(net.trunc()))
            }
            Ok(_) | Err(_) => Err(BadNat64(crate::escape::escape(text, 64).into_owned())),
        }
    }
}

impl Nat64 {
    fn inside(self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        if !self.0.contains(&address) {
            return None;
        }
        let length = u32::from(self.0.prefix_len());
        let bits = address.to_bits();
        // RFC 6052, section 2.2: bits 64 to 71 are zero and the IPv4 address goes around them.
        let without_gap = if length < 96 {
            (bits >> 64 << 64) | ((bits << 72) >> 64)
        } else {
            bits
        };
        Some(low_32((without_gap << length) >> 96))
    }
}

/// Returns the kind of network that an address belongs to.
///
/// An address that wraps an IPv4 address is judged by what is inside, and is never public even if the inside is: the
/// kernel or a translator would take it to IPv4, past any rule that was written for that address. `nat64` are the
/// prefixes of the operator's own translators, beside the well-known ones.
#[must_use]
pub fn classify(address: IpAddr, nat64: &[Nat64]) -> Class {
    match address {
        IpAddr::V4(it) => classify_v4(it),
        IpAddr::V6(it) => classify_v6(it, nat64),
    }
}

/// Returns the address that a host is, if it is one rather than a name.
///
/// The `url` crate has by then turned every spelling of an `http` or `https` address (decimal, octal, hexadecimal,
/// shortened, full-width) into the address that it means.
#[must_use]
pub fn literal<S: AsRef<str>>(host: &url::Host<S>) -> Option<IpAddr> {
    match host {
        url::Host::Ipv4(it) => Some((*it).into()),
        url::Host::Ipv6(it) => Some((*it).into()),
        // A name that resolvers would read as an address, should one ever get here unparsed.
        url::Host::Domain(name) => name.as_ref().trim_end_matches('.').parse().ok(),
    }
}

/// IPv4 ranges that are not public, the narrower before the wider.
const V4: &[(Ipv4Addr, u32, Class)] = &[
    // AWS, Google, Azure, Oracle, DigitalOcean, OpenStack and others.
    (Ipv4Addr::new(169, 254, 169, 254), 32, Class::Metadata),
    // AWS: credentials of ECS tasks and of EKS pods.
    (Ipv4Addr::new(169, 254, 170, 2), 32, Class::Metadata),
    (Ipv4Addr::new(169, 254, 170, 23), 32, Class::Metadata),
    // Scaleway, Tencent.
    (Ipv4Addr::new(169, 254, 42, 42), 32, Class::Metadata),
    (Ipv4Addr::new(169, 254, 0, 23), 32, Class::Metadata),
    // Alibaba, inside the shared range.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Class::Metadata),
    // Azure's wire server, a public address that only its machines reach.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Class::Metadata),
    // Oracle Classic.
    (Ipv4Addr::new(192, 0, 0, 192), 32, Class::Metadata),
    (Ipv4Addr::UNSPECIFIED, 32, Class::Unspecified),
    (Ipv4Addr::UNSPECIFIED, 8, Class::ThisNetwork),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Class::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Class::SharedCgnat),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Class::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Class::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Class::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Class::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Class::Documentation),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Class::Reserved),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Class::Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Class::SixToFour),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Class::Private),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Class::Reserved),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Class::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Class::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Class::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Class::Multicast),
    (Ipv4Addr::BROADCAST, 32, Class::Broadcast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Class::Reserved),
];

/// IPv6 ranges that are not public and hold no IPv4 address, the narrower before the wider.
const V6: &[(Ipv6Addr, u32, Class)] = &[
    // AWS: instances, EKS pods, and the same for containers.
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        128,
        Class::Metadata,
    ),
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
        128,
        Class::Metadata,
    ),
    // Google.
    (
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
        128,
        Class::Metadata,
    ),
    // Scaleway.
    (
        Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
        128,
        Class::Metadata,
    ),
    // OpenStack.
    (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
        128,
        Class::Metadata,
    ),
    (Ipv6Addr::UNSPECIFIED, 128, Class::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Class::Loopback),
    // RFC 8215: the operator chooses how addresses lie in it, so its inside cannot be read.
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        Class::Nat64,
    ),
    (
        Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0),
        64,
        Class::Discard,
    ),
    (
        Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0),
        64,
        Class::Discard,
    ),
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        32,
        Class::Teredo,
    ),
    (
        Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0),
        48,
        Class::Benchmarking,
    ),
    (
        Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0),
        28,
        Class::Orchid,
    ),
    (
        Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0),
        28,
        Class::Orchid,
    ),
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        Class::Reserved,
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        Class::Documentation,
    ),
    (
        Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0),
        48,
        Class::Reserved,
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        Class::Documentation,
    ),
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        Class::UniqueLocal,
    ),
    (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        10,
        Class::LinkLocal,
    ),
    (
        Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
        10,
        Class::SiteLocal,
    ),
    (
        Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0),
        8,
        Class::Multicast,
    ),
];

/// The only IPv6 space that IANA gives out (RFC 4291, section 2.4); all else is reserved.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Forms of IPv6 that hold an IPv4 address, and how far to shift it down.
const WRAPPED: &[(Ipv6Addr, u32, u32, Class)] = &[
    (
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
        96,
        0,
        Class::V4Mapped,
    ),
    (
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0),
        96,
        0,
        Class::V4Translated,
    ),
    (
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0),
        96,
        0,
        Class::Nat64,
    ),
    (
        Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0),
        16,
        80,
        Class::SixToFour,
    ),
    (Ipv6Addr::UNSPECIFIED, 96, 0, Class::V4Compatible),
];

fn classify_v4(address: Ipv4Addr) -> Class {
    V4.iter()
        .find(|(net, length, _)| (address.to_bits() ^ net.to_bits()).leading_zeros() >= *length)
        .map_or(Class::Public, |(_, _, class)| *class)
}

fn classify_v6(address: Ipv6Addr, nat64: &[Nat64]) -> Class {
    let within =
        |net: Ipv6Addr, length: u32| (address.to_bits() ^ net.to_bits()).leading_zeros() >= length;
    if let Some(inside) = nat64.iter().find_map(|it| it.inside(address)) {
        return wrapped(inside, Class::Nat64);
    }
    if let Some((_, _, class)) = V6.iter().find(|(net, length, _)| within(*net, *length)) {
        return *class;
    }
    if let Some((_, _, shift, class)) = WRAPPED
        .iter()
        .find(|(net, length, _, _)| within(*net, *length))
    {
        return wrapped(low_32(address.to_bits() >> shift), *class);
    }
    let [_, _, _, _, group, marker, _, _] = address.segments();
    if marker == 0x5efe && matches!(group, 0 | 0x200) {
        return wrapped(low_32(address.to_bits()), Class::Isatap);
    }
    if within(GLOBAL_UNICAST.0, GLOBAL_UNICAST.1) {
        Class::Public
    } else {
        Class::Reserved
    }
}

fn wrapped(inside: Ipv4Addr, how: Class) -> Class {
    match classify_v4(inside) {
        Class::Public => how,
        class => class,
    }
}

fn low_32(bits: u128) -> Ipv4Addr {
    let [.., a, b, c, d] = bits.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests;
