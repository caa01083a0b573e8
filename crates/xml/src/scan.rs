//! The linear pre-scan: everything that must be known before a parser may see a document.
//!
//! It follows the same tokens as the parser and stops at the first thing the parser would refuse or choke on; what it
//! lets pass need not be well-formed. Time is linear in the octets, memory bounded by the limits.

use std::collections::HashSet;

use memchr::{memchr2, memmem};

use crate::Limits;

/// Most that the parser may have to copy and compare because elements declare namespaces: it copies what is in scope
/// into each declaring element, and looks each up among those already there. Twenty thousand declaring elements with
/// a dozen declarations in scope stay below; see `tests::namespace_work_is_bounded`.
const NAMESPACE_WORK: usize = 4_000_000;

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More octets than [`Limits::octets`].
    #[error("larger than {0} octets")]
    TooLarge(usize),
    /// Not UTF-8, or declares another encoding.
    #[error("not UTF-8")]
    NotUtf8,
    /// It has a document type declaration. Nothing was expanded or fetched.
    #[error("document type declarations are not accepted")]
    Doctype,
    /// One of the structural limits; the text names it.
    #[error("more than {limit} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// Not well-formed, or a prefix without a namespace.
    #[error("not well-formed: {0}")]
    NotWellFormed(String),
}

/// Checks `octets` against `limits` and returns them as text.
pub fn scan<'a>(octets: &'a [u8], limits: &Limits) -> Result<&'a str, Refused> {
    if octets.len() > limits.octets {
        return Err(Refused::TooLarge(limits.octets));
    }
    let text = utf8(octets)?;
    check_declared_encoding(text)?;
    Scanner::new(text.as_bytes(), limits).run()?;
    Ok(text)
}

/// `octets` as text.
pub fn utf8(octets: &[u8]) -> Result<&str, Refused> {
    if matches!(octets, [0, b'<', ..] | [b'<', 0, ..]) {
        return Err(Refused::NotUtf8); // UTF-16 without a byte order mark is valid, if meaningless, UTF-8
    }
    std::str::from_utf8(octets).map_err(|_| Refused::NotUtf8)
}

/// An XML declaration may say UTF-8, its subset US-ASCII, or nothing.
fn check_declared_encoding(text: &str) -> Result<(), Refused> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let Some(rest) =
        text.strip_prefix("<?xml").filter(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()))
    else {
        return Ok(());
    };
    let declaration = &rest[..rest.find("?>").unwrap_or(rest.len())];
    let Some(at) = declaration.find("encoding") else { return Ok(()) };
    let value =
        declaration[at + "encoding".len()..].trim_start().strip_prefix('=').unwrap_or_default().trim_start();
    let Some(quote @ ('"' | '\'')) = value.chars().next() else { return Ok(()) };
    let name = value[1..].split(quote).next().unwrap_or_default();
    let fits = ["utf-8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if fits { Ok(()) } else { Err(Refused::NotUtf8) }
}

struct Scanner<'a> {
    octets: &'a [u8],
    at: usize,
    limits: &'a Limits,
    /// Namespace declarations of each open element.
    open: Vec<usize>,
    in_scope: usize,
    markup: usize,
    namespace_work: usize,
    distinct: HashSet<&'a [u8]>,
}

impl<'a> Scanner<'a> {
    fn new(octets: &'a [u8], limits: &'a Limits) -> Self {
        Self {
            octets,
            at: 0,
            limits,
            open: Vec::new(),
            in_scope: 0,
            markup: 0,
            namespace_work: 0,
            distinct: HashSet::new(),
        }
    }

    fn run(&mut self) -> Result<(), Refused> {
        while let Some(offset) = memchr::memchr(b'<', &self.octets[self.at..]) {
            self.at += offset;
            bounded(&mut self.markup, 1, self.limits.markup, "pieces of markup")?;
            let rest = &self.octets[self.at..];
            match rest.get(1) {
                Some(b'!') if rest.starts_with(b"<!--") => self.skip_past(b"-->", 4)?,
                Some(b'!') if rest.starts_with(b"<![CDATA[") => self.skip_past(b"]]>", 9)?,
                Some(b'!') if rest.starts_with(b"<!DOCTYPE") => return Err(Refused::Doctype),
                Some(b'!') => return Err(self.broken("unknown markup")),
                Some(b'?') => self.skip_past(b"?>", 2)?,
                Some(b'/') => self.end_tag()?,
                _ => self.start_tag()?,
            }
        }
        Ok(())
    }

    /// Moves behind the next `end`, which begins `from` octets from here or later.
    fn skip_past(&mut self, end: &[u8], from: usize) -> Result<(), Refused> {
        let start = self.at + from;
        let found =
            memmem::find(&self.octets[start..], end).ok_or_else(|| self.broken("unfinished markup"))?;
        self.at = start + found + end.len();
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Refused> {
        self.skip_past(b">", 2)?;
        let declared = self.open.pop().ok_or_else(|| self.broken("end tag without a start tag"))?;
        self.in_scope -= declared;
        Ok(())
    }

    /// From `<` behind the `>` of a start tag or an empty element.
    fn start_tag(&mut self) -> Result<(), Refused> {
        let mut attributes = 0;
        let mut declared = 0;
        let mut defaults = 0;
        self.at += 1;
        loop {
            let start = self.at;
            let stop = self.find(start, b'>', b'=')?;
            if self.octets[stop] == b'>' {
                self.at = stop + 1;
                break;
            }
            let (name_start, name_end) = last_word(self.octets, start, stop);
            let name = &self.octets[name_start..name_end];
            self.skip_value(stop + 1)?;
            bounded(&mut attributes, 1, self.limits.attributes, "attributes on one element")?;
            match name {
                b"xmlns" => defaults += 1,
                name if name.starts_with(b"xmlns:") => {}
                // A reserved name that the parser takes for a declaration of the default namespace.
                name if name.ends_with(b":xmlns") => return Err(self.broken("reserved attribute name")),
                _ => continue,
            }
            declared += 1;
            self.distinct.insert(&self.octets[name_start..self.at]);
            if self.distinct.len() > self.limits.distinct_namespaces {
                let limit = self.limits.distinct_namespaces;
                return Err(Refused::TooComplex { what: "different namespace declarations", limit });
            }
        }
        if defaults > 1 {
            return Err(self.broken("two default namespaces on one element"));
        }
        let scope = self.in_scope + declared;
        if declared > 0 {
            if scope > self.limits.namespaces_in_scope {
                let limit = self.limits.namespaces_in_scope;
                return Err(Refused::TooComplex { what: "namespace declarations in scope", limit });
            }
            bounded(&mut self.namespace_work, scope * scope, NAMESPACE_WORK, "steps to resolve namespaces")?;
        }
        if self.open.len() == self.limits.depth {
            return Err(Refused::TooComplex { what: "levels of nesting", limit: self.limits.depth });
        }
        if self.octets[self.at - 2] == b'/' {
            return Ok(());
        }
        self.open.push(declared);
        self.in_scope = scope;
        Ok(())
    }

    /// Moves behind the quoted value that begins at or after `from`.
    fn skip_value(&mut self, from: usize) -> Result<(), Refused> {
        let blanks = self.octets[from..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let open = from + blanks;
        let quote = match self.octets.get(open) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(self.broken("attribute without a quoted value")),
        };
        let close = self.find(open + 1, quote, quote)?;
        self.at = close + 1;
        Ok(())
    }

    /// The next `a` or `b` from `from` on; no `<` may come before it.
    fn find(&self, from: usize, a: u8, b: u8) -> Result<usize, Refused> {
        let rest = self.octets.get(from..).unwrap_or_default();
        let found = memchr2(a, b, rest).ok_or_else(|| self.broken("unfinished tag"))?;
        if memchr::memchr(b'<', &rest[..found]).is_some() {
            return Err(self.broken("`<` inside a tag"));
        }
        Ok(from + found)
    }

    fn broken(&self, what: &str) -> Refused {
        Refused::NotWellFormed(format!("{what} at octet {}", self.at))
    }
}

/// Adds `step` to `count`, unless that passes `limit`.
fn bounded(count: &mut usize, step: usize, limit: usize, what: &'static str) -> Result<(), Refused> {
    *count += step;
    if *count > limit { Err(Refused::TooComplex { what, limit }) } else { Ok(()) }
}

/// Where the last run without white space in `octets[start..end]` begins and ends.
fn last_word(octets: &[u8], start: usize, end: usize) -> (usize, usize) {
    let trimmed = octets[start..end].trim_ascii_end();
    let word = trimmed.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    (start + word, start + trimmed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Refused {
        scan(text.as_bytes(), &Limits::DEFAULT).expect_err("must be refused")
    }

    fn too_complex(text: &str) -> &'static str {
        match refused(text) {
            Refused::TooComplex { what, .. } => what,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn ordinary_documents_pass() {
        for text in [
            "<a/>",
            "<?xml version='1.0' encoding='utf-8'?><a b = 'c>d' e=\"/\"><!-- <x> --><![CDATA[<y]]><?p <z ?></a >",
            "\u{FEFF}<?xml version=\"1.0\"?>\n<a>한글 🚒</a>",
            "<a xmlns:b='urn:b' xmlns='urn:a'><b:c b:d='1'/></a>",
        ] {
            assert_eq!(scan(text.as_bytes(), &Limits::DEFAULT), Ok(text));
        }
    }

    #[test]
    fn doctype_is_refused_wherever_it_stands() {
        assert_eq!(refused("<!DOCTYPE a><a/>"), Refused::Doctype);
        assert_eq!(refused("<a><!DOCTYPE b [<!ENTITY c 'd'>]></a>"), Refused::Doctype);
        assert!(scan(b"<a><!-- <!DOCTYPE b> --></a>", &Limits::DEFAULT).is_ok());
    }

    #[test]
    fn only_utf8() {
        for octets in [
            &b"\xff\xfe<\0a\0/\0>\0"[..],
            b"<\0a\0/\0>\0",
            b"\0<\0a\0/\0>",
            b"<a>\xe9</a>",
            b"<a>\xc0\xaf</a>",
            b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        ] {
            assert_eq!(scan(octets, &Limits::DEFAULT), Err(Refused::NotUtf8), "{octets:?}");
        }
    }

    #[test]
    fn limits_hold() {
        let nested = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert!(scan(nested(64).as_bytes(), &Limits::DEFAULT).is_ok());
        assert_eq!(too_complex(&nested(65)), "levels of nesting");

        let attributes =
            |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" b{n}=''")).collect::<String>());
        assert!(scan(attributes(64).as_bytes(), &Limits::DEFAULT).is_ok());
        assert_eq!(too_complex(&attributes(65)), "attributes on one element");

        let scope: String = (0..33).map(|n| format!("<a xmlns:p{n}='u' xmlns:q{n}='u'>")).collect();
        assert_eq!(too_complex(&scope), "namespace declarations in scope");

        let distinct: String = (0..257).map(|n| format!("<b xmlns='u{n}'/>")).collect();
        assert_eq!(too_complex(&format!("<a>{distinct}</a>")), "different namespace declarations");

        assert_eq!(too_complex(&"<a/>".repeat(250_001)), "pieces of markup");
        assert_eq!(refused(&" ".repeat((1 << 20) + 1)), Refused::TooLarge(1 << 20));
    }

    #[test]
    fn namespace_work_is_bounded() {
        let entries = "<e xmlns:rl='urn:ietf:params:xml:ns:resource-lists'/>".repeat(20_000);
        let scope: String = (0..10).map(|n| format!(" xmlns:p{n}='u'")).collect();
        let group = format!("<a{scope}>{entries}</a>");
        assert!(scan(group.as_bytes(), &Limits::with_octets(4 << 20)).is_ok());

        let scope: String = (0..30).map(|n| format!(" xmlns:p{n}='u'")).collect();
        let hostile = format!("<a{scope}>{}</a>", "<e xmlns:q='u'/>".repeat(20_000));
        assert_eq!(too_complex(&hostile), "steps to resolve namespaces");
    }

    #[test]
    fn broken_tags() {
        for text in [
            "<a",
            "<a b",
            "<a b=",
            "<a b=c>",
            "<a b='",
            "<a b='<'>",
            "</a>",
            "<!x>",
            "<!--",
            "<a <b>",
            "<a xmlns='u' xmlns='v'/>",
            "<a p:xmlns='u'/>",
        ] {
            assert!(matches!(refused(text), Refused::NotWellFormed(_)), "{text:?}");
        }
    }
}
