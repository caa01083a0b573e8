//! Namespace bindings of the query: `xmlns(p=urn:p)xmlns(q=urn:q)` (RFC 4825 6.4, XPointer xmlns() scheme).

use super::{BadTarget, decode_segment};

/// What the prefix `xml` is bound to, always.
pub(crate) const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Prefixes and what they stand for. The prefix `xml` needs no binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(Vec<(String, String)>);

impl Bindings {
    /// Takes a query as it was sent, its `?` left out. Pointer parts of other schemes, and what is no pointer part at
    /// all, are ignored.
    pub fn parse(query: &str) -> Result<Self, BadTarget> {
        let query = decode_segment(query)?;
        let mut bindings = Vec::new();
        let mut rest = query.as_str();
        while let Some(open) = rest.find('(') {
            let scheme = rest[..open].trim();
            let (data, behind) = balanced(&rest[open + 1..]);
            rest = behind;
            // `a&xmlns(…)`: some clients join the parts as if they were parameters.
            let scheme = scheme.rsplit(['&', ';', ' ']).next().unwrap_or_default();
            if let ("xmlns", Some((prefix, name))) = (scheme, data.split_once('=')) {
                bindings.push((prefix.trim().to_owned(), name.trim().to_owned()));
            }
        }
        Ok(Self(bindings))
    }

    /// The namespace that `prefix` stands for. The last binding of a prefix counts.
    pub fn namespace(&self, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        self.0.iter().rev().find(|(bound, _)| bound == prefix).map(|(_, name)| name.as_str())
    }
}

/// The scheme data up to the parenthesis that closes it, escapes (`^(`, `^)`, `^^`) undone, and what stands behind.
fn balanced(text: &str) -> (String, &str) {
    let mut data = String::new();
    let mut depth = 0_usize;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ')' if depth == 0 => return (data, &text[at + 1..]),
            '^' => {
                data.extend(chars.next().map(|(_, escaped)| escaped));
                continue;
            }
            ')' => depth -= 1,
            '(' => depth += 1,
            _ => {}
        }
        data.push(c);
    }
    (data, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(query: &str, prefix: &str) -> Option<String> {
        Bindings::parse(query).unwrap().namespace(prefix).map(str::to_owned)
    }

    #[test]
    fn parts_of_a_query() {
        assert_eq!(namespace("xmlns(p=urn:p)xmlns(q=urn:q)", "q").as_deref(), Some("urn:q"));
        assert_eq!(namespace("xmlns(p=urn:p) xmlns(q=urn:q)", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("xmlns%28p%3Durn%3Ap%29", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("element(/1/2)xpointer(a(b)c)xmlns(p=urn:p)", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("xmlns(p=a^(b^)c(d))", "p").as_deref(), Some("a(b)c(d)"));
        assert_eq!(namespace("xmlns(p=urn:p", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("x=1&xmlns(p=urn:p)", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("xmlns( p = urn:p )", "p").as_deref(), Some("urn:p"));
        assert_eq!(namespace("xmlns(p=urn:p)xmlns(p=urn:q)", "p").as_deref(), Some("urn:q"));
        assert_eq!(namespace("xmlns(p=a%5E%5E%5E)%2525)", "p").as_deref(), Some("a^)%25"));
        assert_eq!(namespace("myxmlns(p=urn:p)", "p"), None);
        assert_eq!(namespace("", "p"), None);
        assert_eq!(namespace("", "xml").as_deref(), Some("http://www.w3.org/XML/1998/namespace"));
        assert_eq!(Bindings::parse("%zz"), Err(BadTarget::Encoding));
    }
}
