//! A name for a group whose name is taken.

use csc_types::GroupId;

/// A name like `taken` that nobody has, if one can be made; `random`: 64 random bits. A telephone number becomes the name
/// of a group (`tel:g101` is one); a name gets a suffix.
pub(crate) fn alternative(taken: &GroupId, random: u64) -> Option<String> {
    // A group id holds no hyphen behind `tel:`, where it would be a visual separator.
    let suffix = format!("x{random:016x}");
    let (scheme, rest) = taken.as_str().split_once(':')?;
    let name = match (scheme, rest.split_once('@')) {
        ("tel", _) => {
            let number = rest.trim_start_matches('+');
            let (name, parameters) = number.split_at(number.find(';').unwrap_or(number.len()));
            let g = if name.bytes().all(|octet| octet.is_ascii_digit()) { "g" } else { "" };
            format!("tel:{g}{name}{suffix}{parameters}")
        }
        (_, Some((user, host))) => format!("{scheme}:{user}-{suffix}@{host}"),
        (_, None) => format!("{scheme}:{suffix}@{rest}"),
    };
    // It may have become too long.
    name.parse::<GroupId>().ok().map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_like_the_one_that_is_taken() {
        for (taken, like) in [
            ("sip:Team@example.org", "sip:Team-x000000000000001f@example.org"),
            ("sip:example.org", "sip:x000000000000001f@example.org"),
            ("tel:g101", "tel:g101x000000000000001f"),
            ("tel:+829", "tel:g829x000000000000001f"),
            ("tel:1;ext=2", "tel:g1x000000000000001f;ext=2"),
        ] {
            let alternative = alternative(&taken.parse().unwrap(), 0x1f).unwrap();
            assert_eq!(alternative, like);
            assert_eq!(alternative.parse::<GroupId>().unwrap().as_str(), like, "canonical");
        }
        let long = format!("sip:{}@example.org", "a".repeat(235));
        assert_eq!(alternative(&long.parse().unwrap(), 1), None);
    }
}
