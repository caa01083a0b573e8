//! The built-in atomic types: what their texts look like, and the values that are compared.

use std::borrow::Cow;
use std::cmp::Ordering;

use csc_xml::Node;

use super::decimal::{Decimal, is_integer};
use super::time::{Duration, Kind, Moment};
use super::uri::is_any_uri;

/// What a text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    Any,
    Boolean,
    Decimal,
    Integer,
    /// An integer that is written without a sign.
    Unsigned,
    Float,
    Double,
    Duration,
    Moment(Kind),
    Hex,
    Base64,
    Uri,
    QName,
    Language,
    Name,
    NcName,
    NmToken,
    Id,
    IdRef,
}

/// A value as facets and fixed values compare it.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Boolean(bool),
    Decimal(Decimal<'a>),
    Float(f64),
    Duration(Duration),
    Moment(Moment),
    Octets(Vec<u8>),
    Name(Option<Box<str>>, Box<str>),
    List(Vec<Value<'a>>),
}

impl Value<'_> {
    /// The same, independent of the text it was read from.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Boolean(value) => Value::Boolean(value),
            Self::Decimal(value) => Value::Decimal(value.into_owned()),
            Self::Float(value) => Value::Float(value),
            Self::Duration(value) => Value::Duration(value),
            Self::Moment(value) => Value::Moment(value),
            Self::Octets(value) => Value::Octets(value),
            Self::Name(namespace, local) => Value::Name(namespace, local),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
        }
    }

    /// The order of the value space; `None` where it has none for these two.
    pub(crate) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
            (Self::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Self::Duration(a), Value::Duration(b)) => a.compare(b),
            (Self::Moment(a), Value::Moment(b)) => a.compare(b),
            _ => None,
        }
    }

    /// Whether both are the same value.
    pub(crate) fn is(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => a == b,
            (Self::Boolean(a), Value::Boolean(b)) => a == b,
            (Self::Decimal(a), Value::Decimal(b)) => a == b,
            (Self::Float(a), Value::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Self::Duration(a), Value::Duration(b)) => a.compare(b) == Some(Ordering::Equal),
            (Self::Moment(a), Value::Moment(b)) => a == b,
            (Self::Octets(a), Value::Octets(b)) => a == b,
            (Self::Name(a, b), Value::Name(c, d)) => a == c && b == d,
            (Self::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b)),
            _ => false,
        }
    }
}

impl Atom {
    /// Whether `text`, its white space normalised, is of this type. `context` binds prefixes.
    pub(crate) fn accepts(self, text: &str, context: Node<'_, '_>) -> bool {
        match self {
            Self::Any => true,
            Self::Boolean => matches!(text, "true" | "false" | "1" | "0"),
            Self::Decimal => Decimal::parse(text).is_some(),
            Self::Integer => is_integer(text),
            Self::Unsigned => !text.starts_with(['+', '-']) && is_integer(text),
            Self::Float | Self::Double => float(text).is_some(),
            Self::Duration => Duration::parse(text).is_some(),
            Self::Moment(kind) => Moment::parse(kind, text).is_some(),
            Self::Hex => text.len().is_multiple_of(2) && text.bytes().all(|octet| octet.is_ascii_hexdigit()),
            Self::Base64 => base64(text).is_some(),
            Self::Uri => is_any_uri(text),
            Self::QName => name(text, context).is_some(),
            Self::Language => is_language(text),
            Self::Name => !text.starts_with(|c: char| c.is_ascii_digit()) && is_name(text),
            Self::NcName | Self::Id | Self::IdRef => csc_xml::is_ncname(text),
            Self::NmToken => is_nmtoken(text),
        }
    }

    /// The value of `text`, which [`Atom::accepts`].
    pub(crate) fn value<'a>(self, text: Cow<'a, str>, context: Node<'_, '_>) -> Option<Value<'a>> {
        Some(match self {
            Self::Boolean => Value::Boolean(matches!(&*text, "true" | "1")),
            Self::Decimal | Self::Integer | Self::Unsigned => match text {
                Cow::Borrowed(text) => Value::Decimal(Decimal::parse(text)?),
                Cow::Owned(text) => Value::Decimal(Decimal::parse(&text)?.into_owned()),
            },
            // Single precision has fewer values: what rounds to the same one is the same.
            #[expect(clippy::cast_possible_truncation, reason = "rounding is what the type asks for")]
            Self::Float => Value::Float(f64::from(float(&text)? as f32)),
            Self::Double => Value::Float(float(&text)?),
            Self::Duration => Value::Duration(Duration::parse(&text)?),
            Self::Moment(kind) => Value::Moment(Moment::parse(kind, &text)?),
            Self::Hex => Value::Octets(hex(&text)?),
            Self::Base64 => Value::Octets(base64(&text)?),
            Self::QName => {
                let (namespace, local) = name(&text, context)?;
                Value::Name(namespace.map(Into::into), local.into())
            }
            _ => Value::Text(text),
        })
    }

    /// What `xs:length` counts in `text`; `None` for types that it does not apply to.
    pub(crate) fn length(self, text: &str) -> Option<usize> {
        match self {
            Self::Hex => Some(text.len() / 2),
            Self::Base64 => base64(text).map(|octets| octets.len()),
            Self::Any
            | Self::Uri
            | Self::Language
            | Self::Name
            | Self::NcName
            | Self::NmToken
            | Self::Id
            | Self::IdRef => Some(text.chars().count()),
            _ => None,
        }
    }

    /// Whether values have an order.
    pub(crate) fn is_ordered(self) -> bool {
        matches!(
            self,
            Self::Decimal
                | Self::Integer
                | Self::Unsigned
                | Self::Float
                | Self::Double
                | Self::Duration
                | Self::Moment(_)
        )
    }
}

/// A name with a prefix that `context` binds, as its namespace and its local part.
pub(crate) fn name<'t, 'n>(text: &'t str, context: Node<'n, '_>) -> Option<(Option<&'n str>, &'t str)> {
    let (prefix, local) = csc_xml::split_qname(text)?;
    let namespace = match prefix {
        Some("xml") => Some("http://www.w3.org/XML/1998/namespace"),
        prefix => context.lookup_namespace_uri(prefix).filter(|namespace| !namespace.is_empty()),
    };
    (prefix.is_none() || namespace.is_some()).then_some((namespace, local))
}

fn float(text: &str) -> Option<f64> {
    match text {
        "INF" => return Some(f64::INFINITY),
        "-INF" => return Some(f64::NEG_INFINITY),
        "NaN" => return Some(f64::NAN),
        _ => {}
    }
    // What Rust reads besides this is words and underscores.
    let fits = text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    fits.then(|| text.parse().ok())?
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// The octets of a base64 text, in which single spaces may stand between characters.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0_u32, 0_u32, 0_u32);
    for octet in text.bytes().filter(|octet| *octet != b' ') {
        let six = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(six);
        count += 1;
        if count % 4 == 0 {
            octets.extend(&bits.to_be_bytes()[1..]);
            bits = 0;
        }
    }
    // Bits that no octet needs are zero.
    match (count % 4, padding) {
        (0, 0) => {}
        (2, 2) if bits & 0xF == 0 => octets.push((bits >> 4).to_be_bytes()[3]),
        (3, 1) if bits & 0x3 == 0 => octets.extend(&(bits >> 2).to_be_bytes()[2..]),
        _ => return None,
    }
    Some(octets)
}

fn is_language(text: &str) -> bool {
    text.split('-').enumerate().all(|(index, part)| {
        let fits =
            |octet: u8| if index == 0 { octet.is_ascii_alphabetic() } else { octet.is_ascii_alphanumeric() };
        (1..=8).contains(&part.len()) && part.bytes().all(fits)
    })
}

fn is_nmtoken(text: &str) -> bool {
    // Behind a letter a name may go on with anything that a name token may begin with.
    !text.is_empty() && text.split(':').all(|part| part.is_empty() || csc_xml::is_ncname(&format!("a{part}")))
}

fn is_name(text: &str) -> bool {
    let first = text.chars().next();
    is_nmtoken(text) && first.is_some_and(|c| c == ':' || csc_xml::is_ncname(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn check(atom: Atom, good: &[&str], bad: &[&str]) {
        let document = parse(b"<a xmlns:p='urn:p'/>", &Limits::DEFAULT).unwrap();
        let context = document.root_element();
        for text in good {
            assert!(atom.accepts(text, context), "{atom:?} {text:?}");
            assert!(atom.value(Cow::Borrowed(text), context).is_some(), "{atom:?} {text:?}");
        }
        for text in bad {
            assert!(!atom.accepts(text, context), "{atom:?} {text:?}");
        }
    }

    #[test]
    fn lexical_spaces() {
        check(Atom::Boolean, &["true", "0"], &["TRUE", "yes", ""]);
        check(
            Atom::Double,
            &["1", "-1.5e-3", ".5", "1.", "INF", "-INF", "NaN", "1E5"],
            &["+INF", "inf", "e5", "1e", "1_0", ""],
        );
        check(Atom::Hex, &["", "0aFF"], &["0", "0g"]);
        check(
            Atom::Base64,
            &["", "AA==", "AAA=", "AAAA", "A A A A", "TQ=="],
            &["A", "AA=", "AB==", "AAAA=", "A===", "AAB="],
        );
        check(Atom::QName, &["a", "p:a", "xml:a"], &["q:a", "p:", "a b", ""]);
        check(
            Atom::Language,
            &["en", "en-US", "x-klingon", "i-enochian"],
            &["", "en_US", "e1", "en-", "abcdefghi"],
        );
        check(Atom::Name, &["a:b", "_", ":a", "그룹"], &["1a", "-a", ""]);
        check(Atom::NcName, &["a-1", "_"], &["a:b", "1", ""]);
        check(Atom::NmToken, &["1", "-", "a:b", ":"], &["", "a b", "@"]);
        check(Atom::Integer, &["+1", "-0"], &["1.0", ""]);
        check(Atom::Uri, &["tel:+1"], &[":"]);
    }

    #[test]
    fn values() {
        let document = parse(b"<a xmlns='urn:d' xmlns:p='urn:d'/>", &Limits::DEFAULT).unwrap();
        let same = |atom: Atom, a: &str, b: &str| {
            let value =
                |text: &str| atom.value(Cow::Owned(text.to_owned()), document.root_element()).unwrap();
            value(a).is(&value(b))
        };
        assert!(same(Atom::Boolean, "1", "true") && !same(Atom::Boolean, "0", "true"));
        assert!(same(Atom::Decimal, "1.0", "01") && same(Atom::Hex, "0a", "0A"));
        assert!(same(Atom::QName, "a", "p:a") && !same(Atom::Any, "1", "01"));
        assert!(same(Atom::Double, "NaN", "NaN") && same(Atom::Float, "0.1", "0.10000000001"));
        assert!(!same(Atom::Double, "0.1", "0.10000000001"));
        assert!(same(Atom::Base64, "TWFu", "T W F u") && same(Atom::Duration, "PT60S", "PT1M"));
    }
}
