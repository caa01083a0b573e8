//! The small words of RFC 3261 section 25 that every header field is made of.

/// Whether `byte` belongs to `token`.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// Whether `text` is a `token`: not empty, and of its characters only.
pub(crate) fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether `text` is `word [ "@" word ]`, the shape of a Call-ID.
pub(crate) fn call_id(text: &str) -> bool {
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| is_token(b) || b"()<>:\\\"/[]?{}".contains(&b));
    match text.split_once('@') {
        Some((left, right)) => word(left) && word(right),
        None => word(text),
    }
}

/// `text` without blanks around it. Folds were turned into blanks when the message was read.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The quoted string at the start of `text` with its quotes, and what follows it. `None` when it
/// does not start with a quote, does not end, or holds a raw control character.
pub(crate) fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(text.split_at(at + 1)),
            // A quoted pair is a backslash and any ASCII character except the line ends, which
            // cannot stand in a value.
            b'\\' => {
                bytes.get(at + 1).filter(|b| b.is_ascii())?;
                at += 2;
            }
            b'\t' => at += 1,
            _ if byte.is_ascii_control() => return None,
            _ => at += 1,
        }
    }
    None
}

/// A decimal number, digits only; values beyond `u32` count as its largest, as RFC 3261 section
/// 20.19 wants of an expiry.
pub(crate) fn delta_seconds(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.bytes().fold(0u32, |sum, b| sum.saturating_mul(10).saturating_add(u32::from(b - b'0'))))
}

/// A decimal number, digits only, of at most `max`.
pub(crate) fn number(text: &str, max: u64) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|value| *value <= max)
}

/// The values of a field that may hold several, separated by commas outside quotes and angle
/// brackets, without blanks around them. A quote or bracket that does not end takes the rest, and
/// the parser of the value refuses it.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = comma(text);
        rest = text.get(end + 1..);
        Some(trim(&text[..end]))
    })
}

/// Where the first value of a comma-joined list ends.
pub(crate) fn comma(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut quotes, mut angle) = (0, false, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quotes => at += 1,
            b'"' if !angle => quotes = !quotes,
            b'<' if !quotes => angle = true,
            b'>' if !quotes => angle = false,
            b',' if !quotes && !angle => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_outside_quotes_and_brackets() {
        let text = "\"a,\\\"b\" <sip:x,y@h>;p=1 , <sip:z>,, tel:+1";
        let items: Vec<_> = list(text).collect();
        assert_eq!(items, ["\"a,\\\"b\" <sip:x,y@h>;p=1", "<sip:z>", "", "tel:+1"]);
        assert_eq!(list("").collect::<Vec<_>>(), [""]);
        assert_eq!(list("\"open, <a").count(), 1);
        assert_eq!(list("a,").collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(list("\"\\").count(), 1);
    }

    #[test]
    fn quoted_strings_end_at_an_unescaped_quote() {
        assert_eq!(quoted("\"a\\\"b\" c"), Some(("\"a\\\"b\"", " c")));
        assert_eq!(quoted("\"\\\0\""), Some(("\"\\\0\"", "")));
        for bad in ["", "a", "\"", "\"a", "\"a\\\"", "\"\0\"", "\"\\é\""] {
            assert_eq!(quoted(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_decimal_digits() {
        assert_eq!(delta_seconds("0068"), Some(68));
        assert_eq!(delta_seconds("99999999999999999999"), Some(u32::MAX));
        assert_eq!(number("4294967296", u64::from(u32::MAX)), None);
        assert_eq!(number("36893488147419103232", u64::MAX), None);
        for bad in ["", "+1", "-1", " 1", "1 ", "0x1", "１"] {
            assert_eq!((delta_seconds(bad), number(bad, 9)), (None, None), "{bad:?}");
        }
    }
}
