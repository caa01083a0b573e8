//! Percent-encoding of one path segment or query (RFC 3986 2.1).

use super::BadTarget;

/// Decodes `segment`. `+` is a plus sign. Broken escapes, octets that are no UTF-8 and control characters other than
/// white space are errors.
pub fn decode_segment(segment: &str) -> Result<String, BadTarget> {
    let decoded = decode_node_segment(segment)?;
    if decoded.chars().any(|c| c.is_control() && !is_blank(c)) {
        Err(BadTarget::Encoding)
    } else {
        Ok(decoded)
    }
}

/// The same for a segment of a node selector: a predicate may hold every character that a document may.
pub(super) fn decode_node_segment(segment: &str) -> Result<String, BadTarget> {
    let mut octets = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || rest.next().and_then(hex_digit).ok_or(BadTarget::Encoding);
                digit()? << 4 | digit()?
            }
            octet => octet,
        });
    }
    let decoded = String::from_utf8(octets).map_err(|_| BadTarget::Encoding)?;
    if decoded.chars().any(|c| c < ' ' && !is_blank(c)) { Err(BadTarget::Encoding) } else { Ok(decoded) }
}

/// White space of XML.
const fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
}

/// Encodes what may stand neither in a path segment nor in a query as it is.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => encoded.push(char::from(octet)),
            octet if b"-._~!$&'()*+,;=:@".contains(&octet) => encoded.push(char::from(octet)),
            octet => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plus_is_a_plus() {
        assert_eq!(decode_segment("tel:+82%2b").as_deref(), Ok("tel:+82+"));
        assert_eq!(decode_segment("%2525").as_deref(), Ok("%25"));
    }

    #[test]
    fn control_characters() {
        for (segment, in_node) in
            [("%09", true), ("%c2%85", true), ("%7F", true), ("%1f", false), ("%00", false)]
        {
            assert_eq!(decode_segment(segment).is_ok(), segment == "%09", "{segment}");
            assert_eq!(decode_node_segment(segment).is_ok(), in_node, "{segment}");
        }
    }

    proptest! {
        #[test]
        fn undoes_encoding(text in "\\PC*") {
            let encoded: String = text.bytes().map(|octet| format!("%{octet:02X}")).collect();
            prop_assert_eq!(decode_segment(&encoded), Ok(text.clone()));
            prop_assert_eq!(decode_segment(&encode(&text)), Ok(text));
        }
    }
}
