//! Node selectors as text: what reports of conflicts point at nodes with (RFC 4825 section 11).

use csc_xml::escape_attribute;

use super::{AttributeName, ElementName, NodeSelector, Step, Terminal};
use crate::uri::{XML_NAMESPACE, encode};

impl NodeSelector {
    /// The first `steps` steps, and the terminal selector behind the last one, as a URI relative to the document:
    /// percent-encoded, prefixes bound in the query.
    pub(crate) fn to_uri(&self, steps: usize) -> String {
        let mut prefixes = Prefixes::default();
        let mut path: Vec<_> = self.steps[..steps].iter().map(|step| step.write(&mut prefixes)).collect();
        if steps == self.steps.len() {
            path.extend(self.terminal.as_ref().map(|terminal| match terminal {
                Terminal::Attribute(name) => format!("@{}", name.write(&mut prefixes)),
                Terminal::Namespaces => "namespace::*".to_owned(),
            }));
        }
        let mut path: Vec<_> = path.iter().map(|step| encode(step)).collect();
        if let Some(first) = path.first_mut() {
            // What stands before a colon in the first segment would be the scheme of an absolute URI (RFC 3986 4.2).
            *first = first.replace(':', "%3A");
        }
        path.join("/") + &prefixes.query()
    }
}

/// The namespaces that need a prefix, in the order of the prefixes `n1`, `n2`, …
#[derive(Default)]
struct Prefixes<'s>(Vec<&'s str>);

impl<'s> Prefixes<'s> {
    fn qualified(&mut self, namespace: &'s str, local: &str) -> String {
        if namespace == XML_NAMESPACE {
            return format!("xml:{local}");
        }
        let at = self.0.iter().position(|known| *known == namespace).unwrap_or_else(|| {
            self.0.push(namespace);
            self.0.len() - 1
        });
        format!("n{}:{local}", at + 1)
    }

    fn query(&self) -> String {
        let parts = self.0.iter().enumerate().map(|(at, namespace)| {
            // A parenthesis or circumflex in the data of a pointer part is escaped (XPointer framework 3.1).
            let escaped = namespace.replace('^', "^^").replace('(', "^(").replace(')', "^)");
            encode(&format!("xmlns(n{}={escaped})", at + 1))
        });
        let query: String = parts.collect();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

impl Step {
    fn write<'s>(&'s self, prefixes: &mut Prefixes<'s>) -> String {
        let mut text = match &self.name {
            ElementName::Any => "*".to_owned(),
            ElementName::Default(local) => local.clone(),
            ElementName::Qualified { namespace, local } => prefixes.qualified(namespace, local),
        };
        if let Some(position) = self.position {
            text.push_str(&format!("[{position}]"));
        }
        if let Some((name, value)) = &self.attribute {
            text.push_str(&format!("[@{}=\"{}\"]", name.write(prefixes), escape_attribute(value)));
        }
        text
    }
}

impl AttributeName {
    fn write<'s>(&'s self, prefixes: &mut Prefixes<'s>) -> String {
        match &self.namespace {
            Some(namespace) => prefixes.qualified(namespace, &self.local),
            None => self.local.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri::{Node as Part, Roots, Target};

    fn selector(uri: &str) -> NodeSelector {
        let target = Target::parse(&format!("/a/users/b/c/~~/{uri}"), &Roots::default()).unwrap();
        let Some(Part::Selector(selector)) = target.node else { panic!("{uri}") };
        selector
    }

    #[test]
    fn what_is_written_means_the_same() {
        for uri in [
            "a",
            "*/b[3]",
            "a/b[2][@c=\"d\"]/@e",
            "a/b[@c='&quot;\"~~/%25 한글%3F#[]&amp;']/namespace::*",
            "p:a/q:b[@p:c='x']/@q:d?xmlns(p=urn:p^(^)^^)xmlns(q=urn:q%25)",
            "a/@xml:lang",
        ] {
            let selector = selector(uri);
            let written = selector.to_uri(selector.steps.len());
            assert_eq!(self::selector(&written), selector, "{uri} {written}");
            assert!(
                written.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"[]<>#".contains(&octet)),
                "{written}"
            );
        }
    }

    #[test]
    fn part_of_a_selector() {
        let selector = selector("p:a/b[@c='d']/@q:e?xmlns(p=urn:p)xmlns(q=urn:q)");
        assert_eq!(selector.to_uri(2), "n1%3Aa/b%5B@c=%22d%22%5D/@n2:e?xmlns(n1=urn:p)xmlns(n2=urn:q)");
        assert_eq!(selector.to_uri(1), "n1%3Aa?xmlns(n1=urn:p)");
    }
}
