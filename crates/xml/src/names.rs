//! Names (Namespaces in XML 1.0, section 4).

/// Whether `text` is a name without a colon.
pub fn is_ncname(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// A qualified name as its prefix, if it has one, and its local part; `None` if it is no such name.
pub fn split_qname(text: &str) -> Option<(Option<&str>, &str)> {
    let (prefix, local) = match text.split_once(':') {
        Some((prefix, local)) => (Some(prefix), local),
        None => (None, text),
    };
    let fits = prefix.is_none_or(is_ncname) && is_ncname(local);
    fits.then_some((prefix, local))
}

/// `NameStartChar` of XML 1.0, without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar` of XML 1.0, without the colon.
fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_names() {
        assert_eq!(split_qname("list-service"), Some((None, "list-service")));
        assert_eq!(split_qname("rl:display-name"), Some((Some("rl"), "display-name")));
        assert_eq!(split_qname("그룹"), Some((None, "그룹")));
        for bad in ["", ":a", "a:", "a:b:c", "1a", "-a", "a b", "a[1]", "a\u{0}", "last()"] {
            assert_eq!(split_qname(bad), None, "{bad:?}");
        }
    }
}
