//! The linear pre-scan: everything that must be known before a parser may see a document.
//!
//! It follows the same tokens as the parser and stops at the first thing the parser would refuse or choke on, and at the
//! few things that the parser takes although XML forbids them. What it lets pass need not be well-formed. Time is linear in
//! the octets, memory bounded by the limits.

mod declaration;

use std::collections::HashSet;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memmem};

use crate::{Limits, is_ncname};

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
    let start = declaration::skip(text)?;
    if memchr_iter(b'=', octets).count() > limits.equals_signs() {
        return Err(Refused::TooComplex { what: "equals signs", limit: limits.equals_signs() });
    }
    Scanner::new(text, start, limits).run()?;
    Ok(text)
}

/// `octets` as text.
pub fn utf8(octets: &[u8]) -> Result<&str, Refused> {
    if matches!(octets, [0, b'<', ..] | [b'<', 0, ..]) {
        return Err(Refused::NotUtf8); // UTF-16 without a byte order mark is valid, if meaningless, UTF-8
    }
    std::str::from_utf8(octets).map_err(|_| Refused::NotUtf8)
}

struct Scanner<'a> {
    text: &'a str,
    octets: &'a [u8],
    at: usize,
    limits: &'a Limits,
    /// Namespace declarations of each open element.
    open: Vec<usize>,
    in_scope: usize,
    markup: usize,
    /// What the parser may have to compare: every declaration in scope with every other on each element that declares
    /// one, names with the prefixes in scope, attributes of an element with each other.
    steps: usize,
    distinct: HashSet<&'a [u8]>,
    /// There are character references anywhere, and so in need of a look.
    references: bool,
    ends: Ends,
}

/// What ends comments, CDATA sections and processing instructions.
struct Ends {
    comment: memmem::Finder<'static>,
    section: memmem::Finder<'static>,
    instruction: memmem::Finder<'static>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, start: usize, limits: &'a Limits) -> Self {
        Self {
            text,
            octets: text.as_bytes(),
            at: start,
            limits,
            open: Vec::new(),
            in_scope: 0,
            markup: 0,
            steps: 0,
            distinct: HashSet::new(),
            references: memmem::find(text.as_bytes(), b"&#").is_some(),
            ends: Ends {
                comment: memmem::Finder::new("-->"),
                section: memmem::Finder::new("]]>"),
                instruction: memmem::Finder::new("?>"),
            },
        }
    }

    fn run(&mut self) -> Result<(), Refused> {
        while let Some(offset) = memchr(b'<', &self.octets[self.at..]) {
            let start = self.at;
            self.at += offset;
            self.check_references(start..self.at)?;
            bounded(&mut self.markup, 1, self.limits.markup, "pieces of markup")?;
            let rest = &self.octets[self.at..];
            match rest.get(1) {
                Some(b'!') if rest.starts_with(b"<!--") => {
                    self.at = self.past(&self.ends.comment, 4)?;
                    self.count_markup(rest)?;
                }
                Some(b'!') if rest.starts_with(b"<![CDATA[") => {
                    self.at = self.past(&self.ends.section, 9)?;
                    self.count_markup(rest)?;
                }
                Some(b'!') if rest.starts_with(b"<!DOCTYPE") => return Err(Refused::Doctype),
                Some(b'!') => return Err(self.broken("unknown markup")),
                Some(b'?') => {
                    self.instruction()?;
                    self.count_markup(rest)?;
                }
                Some(b'/') => self.end_tag()?,
                _ => self.start_tag()?,
            }
        }
        self.check_references(self.at..self.octets.len())
    }

    /// Where the octets behind the next `end` are, which begins `from` octets from here or later.
    fn past(&self, end: &memmem::Finder<'_>, from: usize) -> Result<usize, Refused> {
        let start = self.at + from;
        let found = end.find(&self.octets[start..]).ok_or_else(|| self.broken("unfinished markup"))?;
        Ok(start + found + end.needle().len())
    }

    /// Counts `<` inside of a piece of markup that begins where `rest` does and ends here; its first is counted.
    fn count_markup(&mut self, rest: &[u8]) -> Result<(), Refused> {
        let piece = &rest[1..self.at - (self.octets.len() - rest.len())];
        bounded(&mut self.markup, memchr_iter(b'<', piece).count(), self.limits.markup, "pieces of markup")
    }

    /// The target of a processing instruction is a name, white space or the end comes behind it, and it is not `xml`: an
    /// XML declaration stands at the beginning or nowhere.
    fn instruction(&mut self) -> Result<(), Refused> {
        let end = self.past(&self.ends.instruction, 2)?;
        let inside = &self.text[self.at + 2..end - 2];
        let target = inside.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.broken("processing instruction without a proper target"));
        }
        self.at = end;
        Ok(())
    }

    /// The parser takes a reference to no character for one to U+FFFD.
    fn check_references(&self, range: Range<usize>) -> Result<(), Refused> {
        if !self.references {
            return Ok(());
        }
        for (at, _) in self.text[range.clone()].match_indices("&#") {
            let number = &self.text[range.start + at + 2..range.end];
            let (digits, radix) = match number.strip_prefix('x') {
                Some(digits) => (digits, 16),
                None => (number, 10),
            };
            let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
            let code = u32::from_str_radix(&digits[..end], radix).ok();
            if !digits[end..].starts_with(';') || code.and_then(char::from_u32).is_none() {
                return Err(self.broken("reference to no character"));
            }
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Refused> {
        let end = memchr(b'>', &self.octets[self.at..]).ok_or_else(|| self.broken("unfinished tag"))?;
        if self.octets.get(self.at + 2) == Some(&b':') {
            return Err(self.broken("name without a prefix"));
        }
        self.at += end + 1;
        let declared = self.open.pop().ok_or_else(|| self.broken("end tag without a start tag"))?;
        self.in_scope -= declared;
        Ok(())
    }

    /// From `<` behind the `>` of a start tag or an empty element.
    fn start_tag(&mut self) -> Result<(), Refused> {
        let (mut attributes, mut prefixed, mut declared, mut defaults) = (0, 0, 0, 0);
        self.at += 1;
        if self.octets.get(self.at) == Some(&b':') {
            return Err(self.broken("name without a prefix"));
        }
        loop {
            let start = self.at;
            let stop = self.find(start, b'>', b'=')?;
            if self.octets[stop] == b'>' {
                self.at = stop + 1;
                break;
            }
            let (name_start, name_end) = last_word(self.octets, start, stop);
            let name = &self.octets[name_start..name_end];
            let value = self.skip_value(stop + 1)?;
            bounded(&mut attributes, 1, self.limits.attributes, "attributes on one element")?;
            match name {
                b"xmlns" => defaults += 1,
                b"xmlns:xmlns" => return Err(self.broken("reserved prefix")),
                name if name.starts_with(b"xmlns:") => {
                    if value.is_empty() {
                        return Err(self.broken("prefix for no namespace"));
                    }
                }
                [b':', ..] => return Err(self.broken("name without a prefix")),
                // A reserved name that the parser takes for a declaration of the default namespace.
                name if name.ends_with(b":xmlns") => return Err(self.broken("reserved attribute name")),
                name => {
                    prefixed += usize::from(memchr(b':', name).is_some());
                    continue;
                }
            }
            declared += 1;
            self.declaration(name_start..self.at)?;
        }
        if defaults > 1 {
            return Err(self.broken("two default namespaces on one element"));
        }
        let scope = self.in_scope + declared;
        if scope > self.limits.namespaces_in_scope {
            let limit = self.limits.namespaces_in_scope;
            return Err(Refused::TooComplex { what: "namespace declarations in scope", limit });
        }
        let declaring = if declared > 0 { scope * scope } else { 0 };
        let steps = declaring + scope * (1 + prefixed) + attributes * attributes / 2;
        bounded(&mut self.steps, steps, self.limits.steps(), "steps to resolve names")?;
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

    /// A namespace declaration, all of it.
    fn declaration(&mut self, range: Range<usize>) -> Result<(), Refused> {
        let (length, limit) = (range.len(), Limits::DECLARATION);
        if length > limit {
            return Err(Refused::TooComplex { what: "octets in one namespace declaration", limit });
        }
        self.distinct.insert(&self.octets[range]);
        let limit = self.limits.distinct_namespaces;
        if self.distinct.len() > limit {
            return Err(Refused::TooComplex { what: "different namespace declarations", limit });
        }
        Ok(())
    }

    /// Moves behind the quoted value that begins at or after `from`; where it stands without its quotes.
    fn skip_value(&mut self, from: usize) -> Result<Range<usize>, Refused> {
        let blanks = self.octets[from..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let open = from + blanks;
        let quote = match self.octets.get(open) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(self.broken("attribute without a quoted value")),
        };
        let close = self.find(open + 1, quote, quote)?;
        self.at = close + 1;
        self.check_references(open + 1..close)?;
        Ok(open + 1..close)
    }

    /// The next `a` or `b` from `from` on; no `<` may come before it.
    fn find(&self, from: usize, a: u8, b: u8) -> Result<usize, Refused> {
        let rest = self.octets.get(from..).unwrap_or_default();
        let found = memchr2(a, b, rest).ok_or_else(|| self.broken("unfinished tag"))?;
        if memchr(b'<', &rest[..found]).is_some() {
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
mod tests;
