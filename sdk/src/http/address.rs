//! Percent-encoding of what goes into an address.

/// Appends a text with all but the unreserved characters encoded (RFC 3986, 2.3), which is right in a segment, a query and a form alike.
pub(super) fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            const DIGITS: [char; 16] = [
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
            ];
            into.push('%');
            into.extend(DIGITS.get(usize::from(byte >> 4)));
            into.extend(DIGITS.get(usize::from(byte & 15)));
        }
    }
}

/// The address without its query, for messages: a query may hold people's names.
pub(super) fn without_query(address: &str) -> &str {
    address.split('?').next().unwrap_or(address)
}
