//! Node selectors (RFC 4825 section 6.3): one element, one attribute or the namespace bindings of one element.

mod evaluate;
mod grammar;

pub use evaluate::Found;
pub use grammar::SelectorError;

/// A node selector with every prefix already replaced by its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSelector {
    /// The way to the element; at least one step.
    steps: Vec<Step>,
    /// What of that element; `None`: the element itself.
    terminal: Option<Terminal>,
}

impl NodeSelector {
    /// What is selected.
    pub fn kind(&self) -> NodeKind {
        match self.terminal {
            None => NodeKind::Element,
            Some(Terminal::Attribute(_)) => NodeKind::Attribute,
            Some(Terminal::Namespaces) => NodeKind::Namespaces,
        }
    }
}

/// What a node selector selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An element.
    Element,
    /// An attribute.
    Attribute,
    /// The namespace bindings in scope of an element.
    Namespaces,
}

impl NodeKind {
    /// The media type of its body (RFC 4825 sections 8.3 and 15).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Element => "application/xcap-el+xml",
            Self::Attribute => "application/xcap-att+xml",
            Self::Namespaces => "application/xcap-ns+xml",
        }
    }
}

/// One step: filters applied in this order must leave exactly one child element.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: ElementName,
    /// Counted from 1.
    position: Option<usize>,
    attribute: Option<(AttributeName, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ElementName {
    Any,
    /// In the usage's default namespace.
    Default(String),
    Qualified {
        namespace: String,
        local: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AttributeName {
    namespace: Option<String>,
    local: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Terminal {
    Attribute(AttributeName),
    Namespaces,
}
