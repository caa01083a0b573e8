//! Finding the node that a selector selects.

use csc_xml::{Attribute, Document, Node, namespace, value_range, written_name};

use super::{AttributeName, ElementName, NodeSelector, Step, Terminal};

/// A selected node of a document.
#[derive(Clone, Debug)]
pub enum Found<'a, 'input> {
    /// An element.
    Element(Node<'a, 'input>),
    /// An attribute.
    Attribute(Attribute<'a, 'input>),
    /// The namespace bindings in scope of this element.
    Namespaces(Node<'a, 'input>),
}

/// What is left after one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hits<'a, 'input> {
    None,
    One(Node<'a, 'input>),
    Many,
}

impl NodeSelector {
    /// The one node it selects in `document`; an unprefixed element name is in `default_namespace`. `None` if nothing
    /// or more than one element is selected on the way.
    pub fn find<'a, 'input>(
        &self,
        document: &'a Document<'input>,
        default_namespace: &str,
    ) -> Option<Found<'a, 'input>> {
        let element = self.walk(document, default_namespace, self.steps.len()).ok()?;
        match &self.terminal {
            None => Some(Found::Element(element)),
            Some(Terminal::Attribute(name)) => name.of(element).map(Found::Attribute),
            Some(Terminal::Namespaces) => Some(Found::Namespaces(element)),
        }
    }

    /// What the first `steps` steps lead to, or how many of them lead to an element.
    pub(crate) fn walk<'a, 'input>(
        &self,
        document: &'a Document<'input>,
        default_namespace: &str,
        steps: usize,
    ) -> Result<Node<'a, 'input>, usize> {
        let mut context = document.root();
        for (walked, step) in self.steps[..steps].iter().enumerate() {
            let Hits::One(element) = step.select(context, default_namespace) else { return Err(walked) };
            context = element;
        }
        Ok(context)
    }
}

impl Found<'_, '_> {
    /// The body of a GET. `text` is the document's own: an element and an attribute value are its octets unchanged, so
    /// an element carries no declarations of its ancestors, and a value stays escaped.
    pub fn body(&self, text: &str) -> String {
        match self {
            Self::Element(element) => text[element.range()].to_owned(),
            Self::Attribute(attribute) => text[value_range(attribute, text)].to_owned(),
            Self::Namespaces(element) => namespaces_body(*element, text),
        }
    }
}

/// An empty element with the name as it is written in the document, and every binding in scope (RFC 4825 section 10).
fn namespaces_body(element: Node<'_, '_>, text: &str) -> String {
    let name = written_name(element, text);
    let mut bindings: Vec<_> = element
        .namespaces()
        .filter(|binding| binding.name() != Some("xml") && !binding.uri().is_empty())
        .map(|binding| (binding.name(), binding.uri()))
        .collect();
    bindings.sort_unstable();
    let mut body = format!("<{name}");
    for (prefix, uri) in bindings {
        let declared = prefix.map_or_else(|| "xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
        body.push_str(&format!(" {declared}=\"{}\"", csc_xml::escape_attribute(uri)));
    }
    body.push_str("/>");
    body
}

impl Step {
    /// The children of `context` that pass the name, then the position, then the attribute.
    pub(crate) fn select<'a, 'input>(
        &self,
        context: Node<'a, 'input>,
        default_namespace: &str,
    ) -> Hits<'a, 'input> {
        let mut named = self.named(context, default_namespace);
        let passes = |element: &Node<'a, 'input>| {
            self.attribute.as_ref().is_none_or(|(name, value)| {
                element.attributes().any(|attribute| name.matches(&attribute) && attribute.value() == value)
            })
        };
        let (first, second) = match self.position {
            Some(0) => (None, None),
            Some(position) => (named.nth(position - 1).filter(passes), None),
            None => {
                let mut hits = named.filter(passes);
                (hits.next(), hits.next())
            }
        };
        match (first, second) {
            (None, _) => Hits::None,
            (Some(element), None) => Hits::One(element),
            (Some(_), Some(_)) => Hits::Many,
        }
    }

    /// The child elements of `context` that the name of this step means.
    pub(crate) fn named<'a, 'input>(
        &self,
        context: Node<'a, 'input>,
        default_namespace: &str,
    ) -> impl Iterator<Item = Node<'a, 'input>> {
        context
            .children()
            .filter(move |child| child.is_element() && self.name.matches(*child, default_namespace))
    }
}

impl ElementName {
    fn matches(&self, element: Node<'_, '_>, default_namespace: &str) -> bool {
        let (wanted, local) = match self {
            Self::Any => return true,
            Self::Default(local) => (default_namespace, local),
            Self::Qualified { namespace, local } => (namespace.as_str(), local),
        };
        element.tag_name().name() == local && namespace(element).unwrap_or_default() == wanted
    }
}

impl AttributeName {
    /// The attribute of `element` with this name.
    pub(crate) fn of<'a, 'input>(&self, element: Node<'a, 'input>) -> Option<Attribute<'a, 'input>> {
        element.attributes().find(|attribute| self.matches(attribute))
    }

    fn matches(&self, attribute: &Attribute<'_, '_>) -> bool {
        attribute.name() == self.local && attribute.namespace() == self.namespace.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use crate::uri::{Node as Part, Roots, Target};

    const WATCHERS: &str = r#"<?xml version="1.0"?>
<watcherinfo xmlns="urn:w" version="0">
  <watcher-list resource="sip:professor@example.net" xmlns:x="urn:x">
    <watcher status="active" id="8ajksjda7s" x:id="q">sip:userA@example.net</watcher><!-- between -->
    <watcher status="pending" id='a&amp;b/"c~~"'>sip:userB@example.org<x:note xml:lang="ko">메모</x:note></watcher>
    <x:watcher/>
  </watcher-list>
  <none xmlns=""><inner/></none>
</watcherinfo>"#;

    fn get(selector: &str) -> Option<String> {
        let target = Target::parse(&format!("/a/users/b/c/~~/{selector}"), &Roots::default()).unwrap();
        let Some(Part::Selector(selector)) = target.node else { return None };
        let document = parse(WATCHERS.as_bytes(), &Limits::DEFAULT).unwrap();
        selector.find(&document, "urn:w").map(|found| found.body(WATCHERS))
    }

    #[test]
    fn elements() {
        let first = r#"<watcher status="active" id="8ajksjda7s" x:id="q">sip:userA@example.net</watcher>"#;
        for selector in [
            "watcherinfo/watcher-list/watcher[1]",
            "watcherinfo/watcher-list/watcher[@id=\"8ajksjda7s\"]",
            "watcherinfo/watcher-list/watcher%5b@id=%228ajksjda7s%22%5D",
            "watcherinfo/watcher-list/*[1][@status='active']",
            "*/*[@resource='sip:professor@example.net']/watcher[01]",
            "p:watcherinfo/p:watcher-list/watcher[@q:id='q']?xmlns(p=urn:w)xmlns(q=urn:x)",
        ] {
            assert_eq!(get(selector).as_deref(), Some(first), "{selector}");
        }
        assert_eq!(get("watcherinfo/watcher-list/x:watcher?xmlns(x=urn:x)").as_deref(), Some("<x:watcher/>"));
        let escaped = "*/watcher-list/*[@id='a&amp;b%2F\"c~~\"']/*";
        assert_eq!(get(escaped).as_deref(), Some(r#"<x:note xml:lang="ko">메모</x:note>"#));
        assert_eq!(get("*/watcher-list/*[@id='a&amp;b/\"c~~\"']/*"), get(escaped));
    }

    #[test]
    fn a_byte_order_mark_moves_nothing() {
        let text = "\u{FEFF}<a xmlns='urn:w' b='c'><d/></a>";
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let get = |selector: &str| {
            let target = Target::parse(&format!("/x/users/b/c/~~/{selector}"), &Roots::default()).unwrap();
            let Some(Part::Selector(selector)) = target.node else { panic!("{selector}") };
            selector.find(&document, "urn:w").map(|found| found.body(document.input_text()))
        };
        assert_eq!(get("a/d").as_deref(), Some("<d/>"));
        assert_eq!(get("a/@b").as_deref(), Some("c"));
        assert_eq!(get("a/d/namespace::*").as_deref(), Some("<d xmlns=\"urn:w\"/>"));
    }

    #[test]
    fn nothing_or_too_much() {
        for selector in [
            "watcherinfo/watcher-list/watcher",
            "watcherinfo/watcher-list/watcher[3]",
            "watcherinfo/watcher-list/watcher[0]",
            "watcherinfo/watcher-list/watcher[1][@status='pending']",
            "watcherinfo/watcher-list/watcher[@id='q']",
            "watcherinfo/watcher-list[@xmlns:x='urn:x']?xmlns(xmlns=http://www.w3.org/2000/xmlns/)",
            "watcherinfo/none",
            "watcherinfo/*",
            "watcher-list",
            "watcherinfo/@none",
            "watcherinfo/watcher-list/watcher[1]/@x",
        ] {
            assert_eq!(get(selector), None, "{selector}");
        }
    }

    #[test]
    fn attributes_and_namespaces() {
        assert_eq!(get("watcherinfo/@version").as_deref(), Some("0"));
        assert_eq!(get("*/*[1]/watcher[2]/@id").as_deref(), Some("a&amp;b/\"c~~\""));
        assert_eq!(get("*/*[1]/*[1]/@x:id?xmlns(x=urn:x)").as_deref(), Some("q"));
        assert_eq!(get("*/*[1]/*[2]/*/@xml:lang").as_deref(), Some("ko"));
        assert_eq!(
            get("*/*[1]/*[3]/namespace::*").as_deref(),
            Some("<x:watcher xmlns=\"urn:w\" xmlns:x=\"urn:x\"/>")
        );
        assert_eq!(get("*/n:none/namespace::*?xmlns(n=)").as_deref(), Some("<none/>"));
    }
}
