//! The words of a query: white space, names, keywords and strings.

use super::GROUPS;
use super::query::{BadQuery, Parsed};

/// Where in a query one is, and what it has declared.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) namespaces: Vec<(&'a str, String)>,
    /// That of names without a prefix; that of groups if the query declares none.
    pub(super) default: Option<String>,
    /// The variable of the for clause.
    pub(super) variable: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn wanted(&self, wanted: &'static str) -> BadQuery {
        BadQuery { at: self.at, wanted }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Passes over white space.
    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// The next character that is no white space.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest().chars().next()
    }

    /// Takes `token` if it comes next.
    pub(super) fn took(&mut self, token: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn take(&mut self, token: &'static str) -> Parsed<()> {
        if self.took(token) { Ok(()) } else { Err(self.wanted(token)) }
    }

    /// Takes the keyword `word` if it comes next, and not as the beginning of a longer name.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.skip();
        let behind = self.rest().strip_prefix(word);
        let whole = behind.is_some_and(|behind| !behind.starts_with(is_name_char));
        if whole {
            self.at += word.len();
        }
        whole
    }

    pub(super) fn take_word(&mut self, word: &'static str) -> Parsed<()> {
        if self.word(word) { Ok(()) } else { Err(self.wanted(word)) }
    }

    /// A name without a colon.
    pub(super) fn ncname(&mut self) -> Parsed<&'a str> {
        self.skip();
        let rest = self.rest();
        let name = &rest[..rest.find(|c| !is_name_char(c)).unwrap_or(rest.len())];
        if !csc_xml::is_ncname(name) {
            return Err(self.wanted("a name"));
        }
        self.at += name.len();
        Ok(name)
    }

    /// A name with its namespace.
    pub(super) fn qname(&mut self) -> Parsed<(String, &'a str)> {
        let first = self.ncname()?;
        // No white space may stand around the colon of a name.
        if !self.rest().starts_with(':') {
            return Ok((self.default.clone().unwrap_or_else(|| GROUPS.to_owned()), first));
        }
        self.at += 1;
        if self.rest().starts_with([' ', '\t', '\n', '\r']) {
            return Err(self.wanted("a name"));
        }
        let local = self.ncname()?;
        let bound = self.namespaces.iter().find(|(prefix, _)| *prefix == first);
        match bound {
            Some((_, namespace)) => Ok((namespace.clone(), local)),
            None => Err(self.wanted("a declared prefix")),
        }
    }

    /// A string literal: a doubled quote and the five entities of XML stand for one character.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\'')).ok_or_else(|| self.wanted("a string"))?;
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.find([quote, '&']).ok_or_else(|| self.wanted("the end of a string"))?;
            value.push_str(&rest[..stop]);
            self.at += stop;
            let rest = &rest[stop..];
            if let Some(behind) = rest.strip_prefix(quote) {
                self.at += 1;
                if !behind.starts_with(quote) {
                    return Ok(value);
                }
                value.push(quote);
                self.at += 1;
                continue;
            }
            let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
            let entity = entities.iter().find(|(entity, _)| rest.starts_with(entity));
            let (entity, meant) = entity.ok_or_else(|| self.wanted("one of the five entities of XML"))?;
            value.push(*meant);
            self.at += entity.len();
        }
    }
}

/// Names are looked for in ASCII and beyond; what is no name is found by [`csc_xml::is_ncname`].
fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\u{B7}')
}
