//! The grammar of node selectors. Everything outside it selects nothing.

use csc_xml::{Limits, is_xml_char, split_qname};

use super::{AttributeName, ElementName, NodeSelector, Step, Terminal};
use crate::uri::Bindings;

/// Why a node selector is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Outside the grammar.
    #[error("not a node selector")]
    Malformed,
    /// It uses a prefix without a binding.
    #[error("prefix without a namespace")]
    UnboundPrefix,
}

use SelectorError::Malformed;

impl NodeSelector {
    /// Takes the decoded segments behind `~~`.
    ///
    /// # Errors
    /// What is outside the grammar counts before a prefix that is not bound, as in RFC 4825 section 8.
    pub fn parse(segments: &[String], bindings: &Bindings) -> Result<Self, SelectorError> {
        let selector = Self::read(segments, &|prefix| bindings.namespace(prefix));
        if selector == Err(SelectorError::UnboundPrefix) {
            Self::read(segments, &|_| Some(""))?;
        }
        selector
    }

    fn read(segments: &[String], namespace: &Lookup<'_>) -> Result<Self, SelectorError> {
        let mut texts = join_steps(segments)?;
        let terminal = match texts.last().map(String::as_str) {
            Some("namespace::*") => Some(Terminal::Namespaces),
            Some(last) if last.starts_with('@') => {
                Some(Terminal::Attribute(attribute_name(&last[1..], namespace)?))
            }
            _ => None,
        };
        if terminal.is_some() {
            texts.pop();
        }
        if texts.is_empty() || texts.len() > Limits::DEEPEST {
            return Err(Malformed);
        }
        let steps = texts.iter().map(|text| step(text, namespace)).collect::<Result<_, _>>()?;
        Ok(Self { steps, terminal })
    }
}

/// The namespace that a prefix stands for.
type Lookup<'b> = dyn Fn(&str) -> Option<&'b str> + 'b;

/// A slash inside a quoted predicate value belongs to the value, also when it was sent as it is.
fn join_steps(segments: &[String]) -> Result<Vec<String>, SelectorError> {
    let mut steps = Vec::new();
    let mut pending = String::new();
    let mut quote = None;
    for segment in segments {
        if quote.is_some() {
            pending.push('/');
        }
        pending.push_str(segment);
        let mut in_predicate = pending.len() > segment.len();
        for c in segment.chars() {
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (None, '[') => in_predicate = true,
                (None, '"' | '\'') if in_predicate => quote = Some(c),
                _ => {}
            }
        }
        if quote.is_none() {
            steps.push(std::mem::take(&mut pending));
        }
    }
    if quote.is_some() { Err(Malformed) } else { Ok(steps) }
}

/// `name`, `name[1]`, `name[@a="v"]` or `name[1][@a="v"]`.
fn step(text: &str, namespace: &Lookup<'_>) -> Result<Step, SelectorError> {
    let (name, mut rest) = text.split_at(text.find('[').unwrap_or(text.len()));
    let name = element_name(name, namespace)?;
    let mut position = None;
    if let Some((digits, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && !digits.is_empty()
        && digits.bytes().all(|octet| octet.is_ascii_digit())
    {
        // Past any document's end and past usize are the same: nothing is there.
        position = Some(digits.parse().unwrap_or(usize::MAX));
        rest = behind;
    }
    let attribute = if rest.is_empty() { None } else { Some(attribute_test(rest, namespace)?) };
    Ok(Step { name, position, attribute })
}

/// `[@name="value"]`, with either quote.
fn attribute_test(text: &str, namespace: &Lookup<'_>) -> Result<(AttributeName, String), SelectorError> {
    let inner = text.strip_prefix("[@").and_then(|text| text.strip_suffix(']')).ok_or(Malformed)?;
    let (name, quoted) = inner.split_once('=').ok_or(Malformed)?;
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Malformed)?;
    let value = quoted[1..].strip_suffix(quote).filter(|value| !value.contains(quote)).ok_or(Malformed)?;
    Ok((attribute_name(name, namespace)?, attribute_value(value)?))
}

fn element_name(text: &str, namespace: &Lookup<'_>) -> Result<ElementName, SelectorError> {
    if text == "*" {
        return Ok(ElementName::Any);
    }
    match split_qname(text).ok_or(Malformed)? {
        (None, local) => Ok(ElementName::Default(local.to_owned())),
        (Some(prefix), local) => {
            let namespace = namespace(prefix).ok_or(SelectorError::UnboundPrefix)?.to_owned();
            Ok(ElementName::Qualified { namespace, local: local.to_owned() })
        }
    }
}

fn attribute_name(text: &str, namespace: &Lookup<'_>) -> Result<AttributeName, SelectorError> {
    let (prefix, local) = split_qname(text).ok_or(Malformed)?;
    let namespace = match prefix {
        Some(prefix) => Some(namespace(prefix).ok_or(SelectorError::UnboundPrefix)?),
        None => None,
    };
    let namespace = namespace.filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(AttributeName { namespace, local: local.to_owned() })
}

/// The value that an `AttValue` (XML 1.0) stands for: references replaced, white space made blanks.
pub(crate) fn attribute_value(text: &str) -> Result<String, SelectorError> {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'&' => {
                let (name, behind) = rest[at + 1..].split_once(';').ok_or(Malformed)?;
                value.push(reference(name).ok_or(Malformed)?);
                rest = behind;
            }
            b'<' => return Err(Malformed),
            b'\r' if rest[at + 1..].starts_with('\n') => rest = &rest[at + 1..],
            _ => {
                value.push(' ');
                rest = &rest[at + 1..];
            }
        }
    }
    value.push_str(rest);
    if value.chars().all(is_xml_char) { Ok(value) } else { Err(Malformed) }
}

fn reference(name: &str) -> Option<char> {
    let digits = |text: &str, radix| {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        plain.then(|| u32::from_str_radix(text, radix).ok()).flatten().and_then(char::from_u32)
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        name => match name.strip_prefix('#')? {
            number if number.starts_with('x') => digits(&number[1..], 16),
            number => digits(number, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(selector: &str) -> Result<NodeSelector, SelectorError> {
        let segments: Vec<_> = selector.split('/').map(str::to_owned).collect();
        NodeSelector::parse(&segments, &Bindings::parse("xmlns(p=urn:p)").unwrap())
    }

    #[test]
    fn everything_outside_the_grammar() {
        for selector in [
            "",
            "/",
            "a/",
            "/a",
            "@b",
            "a/@b/c",
            "a/namespace::*/b",
            "namespace::*",
            "a/namespace::p",
            "a[last()]",
            "a[-1]",
            "a[]",
            "a[ 1 ]",
            "a[1][2]",
            "a[@b='c'][1]",
            "a[@b='c'][@d='e']",
            "a[@b]",
            "a[b='c']",
            "a[@b=c]",
            "a[@b='c]",
            "a[@b=\"c']",
            "a[1",
            "a]",
            "a[1]b",
            "p:*",
            "*:a",
            "a:b:c",
            "a/@*",
            "a/@",
            "text()",
            "..",
            ".",
            "a[@b='&c;']",
            "a[@b='&amp']",
            "a[@b='<']",
            "a[@b='&#xd800;']",
            "a[@b='&#;']",
            "a[@b='c'd']",
        ] {
            assert_eq!(parse(selector), Err(Malformed), "{selector}");
        }
        assert_eq!(parse("q:a"), Err(SelectorError::UnboundPrefix));
        assert_eq!(parse("q:a/b[last()]/@q:c"), Err(Malformed));
        assert_eq!(parse("q:a[last()]"), Err(Malformed));
        assert_eq!(parse("a[@q:b='c']"), Err(SelectorError::UnboundPrefix));
        assert_eq!(parse(&"a/".repeat(300)), Err(Malformed));
    }

    #[test]
    fn predicates() {
        let value = |selector: &str| parse(selector).unwrap().steps.pop().unwrap().attribute.unwrap().1;
        assert_eq!(value("a[@b='c']"), "c");
        assert_eq!(value("a[@b=\"a&amp;b\"]"), "a&b");
        assert_eq!(value("a[@b='&#65;&#x42;\n']"), "AB ");
        assert_eq!(value("a/b[@c='x/y']"), "x/y");
        assert_eq!(value("a/b[@c='//']"), "//");
        assert_eq!(value("a[@b=']=[']"), "]=[");
        assert_eq!(parse("a[12][@b='c']").unwrap().steps[0].position, Some(12));
        assert_eq!(parse("a[99999999999999999999999]").unwrap().steps[0].position, Some(usize::MAX));
    }
}
