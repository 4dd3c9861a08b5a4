//! Addresses of the Internet protocol in every spelling that some reader takes, and what the other readers make of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use arbitrary::{Result, Unstructured};

/// An address of version 4 as `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal.
pub(crate) fn v4(input: &mut Unstructured<'_>, address: Ipv4Addr) -> Result<String> {
    let [a, b, c, d] = address.octets().map(u32::from);
    let parts = match input.int_in_range(1..=4)? {
        1 => vec![address.to_bits()],
        2 => vec![a, address.to_bits() & 0xff_ffff],
        3 => vec![a, b, address.to_bits() & 0xffff],
        _ => vec![a, b, c, d],
    };
    let mut spelled = Vec::new();
    for part in parts {
        spelled.push(match input.int_in_range(0..=4)? {
            0 => format!("0x{part:x}"),
            1 => format!("0X{part:X}"),
            2 => format!("0{part:o}"),
            3 => format!("0x{part:012x}"),
            _ => part.to_string(),
        });
    }
    let text = spelled.join(".");
    Ok(match input.int_in_range(0..=15)? {
        0 => format!("{text}."),
        // Full-width digits and dots, which IDNA maps to ASCII.
        1 => text.chars().map(full_width).collect(),
        2 => text.replace('.', "\u{3002}"),
        3 => text.bytes().map(|it| format!("%{it:02x}")).collect(),
        _ => text,
    })
}

/// An address of version 6, without its brackets.
pub(crate) fn v6(input: &mut Unstructured<'_>, address: Ipv6Addr) -> Result<String> {
    let groups = address.segments();
    let spelled = groups.map(|it| format!("{it:04X}"));
    let [.., high, low] = groups;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ok(match input.int_in_range(0..=4)? {
        0 => spelled.join(":"),
        1 => format!("{}:{a}.{b}.{c}.{d}", spelled[..6].join(":")),
        2 => format!("{address}%25eth0"),
        3 => format!("{address}").to_uppercase(),
        _ => address.to_string(),
    })
}

/// What `inet_aton` of the C library makes of a host, which many programs call before they ask a resolver.
pub(crate) fn aton(text: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::new();
    // The address standard takes a dot at the end, and no digits behind `0x`.
    for part in text.strip_suffix('.').unwrap_or(text).split('.') {
        let (digits, radix) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (&part[2..], 16),
            [b'0', _, ..] => (&part[1..], 8),
            _ => (part, 10),
        };
        parts.push(match (digits, radix) {
            ("", 16) => 0,
            _ if digits.starts_with(['+', '-']) => return None,
            _ => u64::from_str_radix(digits, radix).ok()?,
        });
    }
    let (last, first) = parts.split_last()?;
    if 3 < first.len() || first.iter().any(|it| 255 < *it) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(first.len()).ok()?;
    if 1_u64 << room <= *last {
        return None;
    }
    let high = first.iter().fold(0, |bits, it| bits << 8 | it);
    let bits = high.checked_shl(room).unwrap_or(0) | last;
    u32::try_from(bits).ok().map(Ipv4Addr::from_bits)
}

fn full_width(it: char) -> char {
    match it {
        '.' => '\u{ff0e}',
        '0'..='9' | 'a'..='z' | 'A'..='Z' => char::from_u32(u32::from(it) + 0xfee0).unwrap_or(it),
        other => other,
    }
}
