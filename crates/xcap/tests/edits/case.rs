//! A document, a selector for it and what is to be done with the node.

use csc_xcap::select::NodeSelector;
use csc_xcap::uri::{Node as Part, Roots, Target};
use csc_xml::{Attribute, Document, Limits, Node, escape_attribute};

use crate::document::{DEFAULT, LOCALS, NAMESPACES, Name, Scope, document, element};
use crate::random::Random;

pub(crate) struct Case {
    pub(crate) document: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) terminal: Option<Terminal>,
    pub(crate) body: String,
}

/// A step of a selector; `name` is `None` for the wildcard.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: Option<Name>,
    pub(crate) position: Option<usize>,
    pub(crate) attribute: Option<(Name, String)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Terminal {
    Attribute(Name),
    Namespaces,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let text = document(random);
        let tree = csc_xml::parse(text.as_bytes(), &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{seed}: {error}\n{text}"));
        let mut steps = Vec::new();
        let mut context = tree.root_element();
        steps.push(step(random, context));
        while random.chance(75) {
            let children: Vec<_> = context.children().filter(Node::is_element).collect();
            if children.is_empty() {
                break;
            }
            context = random.pick(&children);
            steps.push(step(random, context));
        }
        if random.chance(35) {
            steps.push(stranger(random));
        }
        if random.chance(10) {
            let at = random.below(steps.len());
            steps[at] = stranger(random);
        }
        let terminal = terminal(random, context);
        let body = body(random, &terminal, steps.last().expect("one at least"), context);
        Self { document: text, steps, terminal, body }
    }

    pub(crate) fn tree(&self) -> Document<'_> {
        csc_xml::parse(self.document.as_bytes(), &Limits::DEFAULT).expect("parsed before")
    }

    pub(crate) fn selector(&self) -> NodeSelector {
        let uri = self.uri();
        let target = Target::parse(&uri, &Roots::default()).unwrap_or_else(|error| panic!("{uri} {error}"));
        let Some(Part::Selector(selector)) = target.node else { panic!("{uri}") };
        selector
    }

    /// The request target. Its prefixes are not those of the document.
    pub(crate) fn uri(&self) -> String {
        let mut path: Vec<_> = self.steps.iter().map(Step::write).collect();
        path.extend(self.terminal.as_ref().map(|terminal| match terminal {
            Terminal::Attribute(name) => format!("@{}", attribute_name(name)),
            Terminal::Namespaces => "namespace::*".to_owned(),
        }));
        let path: Vec<_> = path.iter().map(|step| encode(step)).collect();
        let query: String = NAMESPACES
            .iter()
            .enumerate()
            .map(|(at, uri)| {
                let escaped = uri.replace('^', "^^").replace('(', "^(").replace(')', "^)");
                format!("xmlns(x{at}={escaped})")
            })
            .collect();
        format!("/a/users/b/c/~~/{}?{}", path.join("/"), encode(&query))
    }
}

impl Step {
    fn write(&self) -> String {
        let mut text = match &self.name {
            None => "*".to_owned(),
            Some((namespace, local)) if namespace == DEFAULT => local.clone(),
            Some((namespace, local)) => format!("{}:{local}", prefix(namespace)),
        };
        if let Some(position) = self.position {
            text.push_str(&format!("[{position}]"));
        }
        if let Some((name, value)) = &self.attribute {
            text.push_str(&format!("[@{}=\"{}\"]", attribute_name(name), escape_attribute(value)));
        }
        text
    }
}

fn prefix(namespace: &str) -> String {
    format!("x{}", NAMESPACES.iter().position(|known| *known == namespace).expect("one of ours"))
}

fn attribute_name((namespace, local): &Name) -> String {
    if namespace.is_empty() { local.clone() } else { format!("{}:{local}", prefix(namespace)) }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            octet if octet.is_ascii_alphanumeric() || b"-._~@=:*'".contains(&octet) => {
                char::from(octet).to_string()
            }
            octet => format!("%{octet:02x}"),
        })
        .collect()
}

fn name_of(element: Node<'_, '_>) -> Name {
    let namespace = csc_xml::namespace(element).unwrap_or_default();
    (namespace.to_owned(), element.tag_name().name().to_owned())
}

fn attribute_of(attribute: &Attribute<'_, '_>) -> (Name, String) {
    let name = (attribute.namespace().unwrap_or_default().to_owned(), attribute.name().to_owned());
    (name, attribute.value().to_owned())
}

/// One that selects `element`, most of the time.
fn step(random: &mut Random, element: Node<'_, '_>) -> Step {
    let name = (!random.chance(20)).then(|| name_of(element));
    let before = |sibling: &Node<'_, '_>| {
        sibling.is_element() && name.as_ref().is_none_or(|name| *name == name_of(*sibling))
    };
    let position = element.prev_siblings().filter(before).count();
    let attributes: Vec<_> = element.attributes().map(|a| attribute_of(&a)).collect();
    let attribute = (!attributes.is_empty() && random.chance(30))
        .then(|| attributes[random.below(attributes.len())].clone());
    let position = random.chance(60).then_some(position);
    Step { name, position, attribute }
}

/// One that need not select anything.
fn stranger(random: &mut Random) -> Step {
    let name = random.chance(70).then(|| {
        (random.pick(&[DEFAULT, DEFAULT, DEFAULT, "urn:p", ""]).to_owned(), random.pick(&LOCALS).to_owned())
    });
    let position = random.chance(50).then(|| random.below(5));
    let attribute = random.chance(50).then(|| {
        let name = random.pick(&["n", "uri"]).to_owned();
        (
            (random.pick(&["", "", "", "urn:p"]).to_owned(), name),
            random.pick(&["1", "2", "new", "a&b"]).to_owned(),
        )
    });
    Step { name, position, attribute }
}

fn terminal(random: &mut Random, context: Node<'_, '_>) -> Option<Terminal> {
    match random.below(10) {
        0 => Some(Terminal::Namespaces),
        1 | 2 => {
            let attributes: Vec<_> = context.attributes().map(|a| attribute_of(&a).0).collect();
            let known = !attributes.is_empty() && random.chance(50);
            let name = if known {
                attributes[random.below(attributes.len())].clone()
            } else {
                let namespace = random.pick(&["", "", "urn:p", DEFAULT]);
                (namespace.to_owned(), random.pick(&["n", "new", "표", "xmlns"]).to_owned())
            };
            Some(Terminal::Attribute(name))
        }
        _ => None,
    }
}

/// What `last` would select, most of the time.
fn body(random: &mut Random, terminal: &Option<Terminal>, last: &Step, context: Node<'_, '_>) -> String {
    if terminal.is_some() {
        let values = [
            "",
            "1",
            "new",
            "a&amp;b",
            "it's",
            "\"",
            "'\"",
            "&#10;&lt;",
            "<",
            "&",
            "&#xD800;",
            "한글 🚒",
            "\"q\"",
        ];
        return random.pick(&values).to_owned();
    }
    if random.chance(12) {
        let bodies = [
            "",
            " ",
            "text",
            "<a/><b/>",
            "<a>",
            "</a>",
            "<a/><!--",
            "<zz:a/>",
            "<!--c--><a/>",
            "<a></b>",
            "<a n='1' n='1'/>",
        ];
        return random.pick(&bodies).to_owned();
    }
    let faithful = random.chance(85);
    let name = if faithful { last.name.clone() } else { None };
    let attribute = last.attribute.as_ref().filter(|_| faithful);
    let attribute = attribute.map(|(name, value)| (name, escape_attribute(value)));
    let mut out = random.pick(&["", "", "\n"]).to_owned();
    let attribute = attribute.as_ref().map(|(name, value)| (*name, value.as_ref()));
    element(random, &Scope::of(context), name.as_ref(), attribute, 2, &mut out);
    out
}
