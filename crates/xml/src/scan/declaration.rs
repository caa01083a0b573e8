//! The XML declaration (XML 1.0, productions 23 to 32 and 80, 81).

use super::Refused;

/// Behind the XML declaration and the byte order mark before it, if `text` has them. The encoding may be UTF-8, or its
/// subset US-ASCII where `text` is that.
pub(super) fn skip(text: &str) -> Result<usize, Refused> {
    let start = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    let Some(rest) = text[start..].strip_prefix("<?xml").filter(|rest| rest.starts_with(is_blank)) else {
        return Ok(start);
    };
    let broken = || Refused::NotWellFormed("broken XML declaration".to_owned());
    let (fields, behind) = rest.split_once("?>").ok_or_else(broken)?;
    let (version, fields) = field(fields, "version").ok_or_else(broken)?;
    let minor = version.strip_prefix("1.").ok_or_else(broken)?;
    let (encoding, fields) =
        field(fields, "encoding").map_or((None, fields), |(name, rest)| (Some(name), rest));
    let (standalone, fields) = field(fields, "standalone").unwrap_or(("no", fields));
    let fits = !minor.is_empty()
        && minor.bytes().all(|octet| octet.is_ascii_digit())
        && matches!(standalone, "yes" | "no")
        && fields.trim_matches(is_blank).is_empty();
    if !fits {
        return Err(broken());
    }
    let readable = |name: &str| {
        name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") && text.is_ascii()
    };
    if encoding.is_none_or(readable) { Ok(text.len() - behind.len()) } else { Err(Refused::NotUtf8) }
}

/// The value of the field `name` that `text` begins with, and what stands behind it.
fn field<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(is_blank)?.trim_start_matches(is_blank).strip_prefix(name)?;
    let rest = rest.trim_start_matches(is_blank).strip_prefix('=')?.trim_start_matches(is_blank);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations() {
        for declaration in [
            "<?xml version='1.0'?>",
            "<?xml version = \"1.1\" encoding='UTF-8' standalone='yes' ?>",
            "<?xml\n version='1.0'\tencoding='US-ascii'?>",
            "\u{FEFF}<?xml version='1.0' encoding='utf-8'?>",
            "",
            "\u{FEFF}",
        ] {
            assert_eq!(skip(&format!("{declaration}<a/>")), Ok(declaration.len()), "{declaration}");
        }
        for declaration in [
            "<?xml ?>",
            "<?xml version='2.0'?>",
            "<?xml version='1.'?>",
            "<?xml version='1.0' standalone='maybe'?>",
            "<?xml encoding='utf-8'?>",
            "<?xml version='1.0'encoding='utf-8'?>",
            "<?xml version='1.0' standalone='yes' encoding='utf-8'?>",
            "<?xml version='1.0' other=''?>",
            "<?xml version='1.0'>",
        ] {
            assert!(matches!(skip(declaration), Err(Refused::NotWellFormed(_))), "{declaration}");
        }
        assert_eq!(skip("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), Err(Refused::NotUtf8));
        assert_eq!(skip("<?xml version='1.0' encoding='us-ascii'?><a>가</a>"), Err(Refused::NotUtf8));
        assert_eq!(skip("<?xml-stylesheet?><a/>"), Ok(0));
    }
}
