//! Node selectors (RFC 4825 section 6.3): one element, one attribute or the namespace bindings of one element.

mod evaluate;
mod grammar;
mod write;

pub use evaluate::Found;
pub(crate) use evaluate::Hits;
pub use grammar::SelectorError;
pub(crate) use grammar::attribute_value;

/// A node selector with every prefix already replaced by its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSelector {
    /// The way to the element; at least one step.
    pub(crate) steps: Vec<Step>,
    /// What of that element; `None`: the element itself.
    pub(crate) terminal: Option<Terminal>,
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
pub(crate) struct Step {
    pub(crate) name: ElementName,
    /// Counted from 1.
    pub(crate) position: Option<usize>,
    pub(crate) attribute: Option<(AttributeName, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ElementName {
    Any,
    /// In the usage's default namespace.
    Default(String),
    Qualified {
        namespace: String,
        local: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttributeName {
    pub(crate) namespace: Option<String>,
    pub(crate) local: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    Attribute(AttributeName),
    Namespaces,
}
