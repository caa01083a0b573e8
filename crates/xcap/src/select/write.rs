//! Node selectors as text: what reports of conflicts point at nodes with (RFC 4825 section 11).

use csc_xml::{Attribute, Node, escape_attribute, namespace};

use super::{AttributeName, ElementName, NodeSelector, Step, Terminal};
use crate::uri::{XML_NAMESPACE, encode};

/// Where an element, or an attribute of it, stands in its document: the `field` of a uniqueness failure. Elements with
/// siblings of the same name are told by their position; an unprefixed name is in `default_namespace`.
pub fn locate(
    element: Node<'_, '_>,
    attribute: Option<&Attribute<'_, '_>>,
    default_namespace: &str,
) -> String {
    let mut steps: Vec<_> = element
        .ancestors()
        .filter(Node::is_element)
        .map(|element| step_to(element, default_namespace))
        .collect();
    steps.reverse();
    let terminal = attribute.map(|attribute| {
        Terminal::Attribute(AttributeName {
            namespace: attribute.namespace().map(str::to_owned),
            local: attribute.name().to_owned(),
        })
    });
    let count = steps.len();
    NodeSelector { steps, terminal }.to_uri(count)
}

fn step_to(element: Node<'_, '_>, default_namespace: &str) -> Step {
    let local = element.tag_name().name().to_owned();
    let namespace = namespace(element).unwrap_or_default();
    let name = if namespace == default_namespace {
        ElementName::Default(local)
    } else {
        ElementName::Qualified { namespace: namespace.to_owned(), local }
    };
    let step = Step { name, position: None, attribute: None };
    let Some(parent) = element.parent() else { return step };
    let (mut position, mut all) = (None, 0);
    for sibling in step.named(parent, default_namespace) {
        all += 1;
        position = position.or((sibling == element).then_some(all));
    }
    Step { position: position.filter(|_| all > 1), ..step }
}

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
        let path: Vec<_> = path.iter().map(|step| encode(step)).collect();
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
    use csc_xml::{Limits, parse};

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
        assert_eq!(selector.to_uri(2), "n1:a/b%5B@c=%22d%22%5D/@n2:e?xmlns(n1=urn:p)xmlns(n2=urn:q)");
        assert_eq!(selector.to_uri(1), "n1:a?xmlns(n1=urn:p)");
    }

    #[test]
    fn places() {
        let text = "<rls xmlns='urn:r'><service uri='a'/><service uri='b'><x:y xmlns:x='urn:x' x:z='1'/></service></rls>";
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let second = document.root_element().last_element_child().unwrap();
        let uri = second.attributes().next();
        assert_eq!(locate(second, uri.as_ref(), "urn:r"), "rls/service%5B2%5D/@uri");
        let y = second.first_element_child().unwrap();
        let z = y.attributes().next();
        assert_eq!(locate(y, z.as_ref(), "urn:r"), "rls/service%5B2%5D/n1:y/@n1:z?xmlns(n1=urn:x)");
        assert_eq!(locate(document.root_element(), None, "urn:r"), "rls");
    }
}
