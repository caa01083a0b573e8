//! Parameters behind a header field value: `;name`, `;name=value`, `;name="quoted"`.

use crate::grammar::{is_token, quoted, trim};

/// Parameters that were found well-formed (`generic-param`, RFC 3261 section 25.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    /// Checks `text`, which is empty or starts with a semicolon.
    pub(crate) fn parse(text: &'a str) -> Option<Params<'a>> {
        let text = trim(text);
        let mut rest = text;
        while !rest.is_empty() {
            rest = one(rest)?.1;
        }
        Some(Params(text))
    }

    /// Each parameter: its name, and its value with the quotes it may have.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (param, after) = one(rest)?;
            rest = after;
            Some(param)
        })
    }

    /// The value of the first parameter called `name`, whatever its case; `Some(None)` for one
    /// without a value.
    pub fn get(self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first parameter called `name`, if it has one.
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// The text of all parameters, from the first semicolon on.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

type Param<'a> = (&'a str, Option<&'a str>);

/// The first parameter of `text`, and what follows it.
fn one(text: &str) -> Option<(Param<'_>, &str)> {
    let text = trim(text).strip_prefix(';')?;
    let text = trim(text);
    let (name, rest) = split_while(text, is_token);
    if name.is_empty() {
        return None;
    }
    let rest = trim(rest);
    let Some(value) = rest.strip_prefix('=') else {
        return Some(((name, None), rest));
    };
    let value = trim(value);
    if value.starts_with('"') {
        let (value, rest) = quoted(value)?;
        return Some(((name, Some(value)), trim(rest)));
    }
    // A value is a token or a host, and a host may be an IPv6 address, bare in Via's `received`.
    let (value, rest) = split_while(value, |b| is_token(b) || b"[]:".contains(&b));
    if value.is_empty() {
        return None;
    }
    Some(((name, Some(value)), trim(rest)))
}

fn split_while(text: &str, belongs: fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !belongs(b)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_parse() {
        let params = Params::parse(" ; branch = z9 ;lr; q=\"a;b\";received=2001:db8::1 ").unwrap();
        assert_eq!(params.value("Branch"), Some("z9"));
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!(params.value("q"), Some("\"a;b\""));
        assert_eq!(params.value("received"), Some("2001:db8::1"));
        assert_eq!(params.get("absent"), None);
        assert_eq!(Params::parse("").unwrap().iter().count(), 0);
    }

    #[test]
    fn broken_parameters_are_refused() {
        for bad in ["a", ";", ";;", ";a=", ";a=\"", ";a b", ";=b", ";a=b,c", "; ä", ";a=b;"] {
            assert_eq!(Params::parse(bad), None, "{bad:?}");
        }
    }
}
