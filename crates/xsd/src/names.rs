//! Names as numbers: what a schema speaks of is looked up once per element or attribute, then compared as integers.

use std::collections::HashMap;

/// A name in a namespace.
pub(crate) type Symbol = u32;
/// A namespace.
pub(crate) type NamespaceId = u32;

/// A name that no schema file speaks of.
pub(crate) const UNKNOWN: Symbol = u32::MAX;
/// A namespace that no schema file speaks of.
pub(crate) const FOREIGN: NamespaceId = u32::MAX;
/// No namespace at all.
pub(crate) const ABSENT: NamespaceId = 0;

/// All names of a schema.
#[derive(Debug)]
pub(crate) struct Names {
    namespaces: HashMap<Box<str>, NamespaceId>,
    /// Octets of the longest one: a document says a longer one once, and each of its names may have it.
    longest: usize,
    locals: Vec<HashMap<Box<str>, Symbol>>,
    texts: Vec<Box<str>>,
    spaces: Vec<NamespaceId>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let namespaces = HashMap::from([("".into(), ABSENT)]);
        Self { namespaces, longest: 0, locals: vec![HashMap::new()], texts: Vec::new(), spaces: Vec::new() }
    }

    /// The namespace, made known if it was not.
    pub(crate) fn add_namespace(&mut self, namespace: Option<&str>) -> NamespaceId {
        let namespace = namespace.unwrap_or_default();
        if let Some(id) = self.namespaces.get(namespace) {
            return *id;
        }
        let id = number(self.locals.len());
        self.longest = self.longest.max(namespace.len());
        self.namespaces.insert(namespace.into(), id);
        self.locals.push(HashMap::new());
        id
    }

    /// The name, made known if it was not.
    pub(crate) fn add(&mut self, namespace: Option<&str>, local: &str) -> Symbol {
        let namespace = self.add_namespace(namespace);
        let locals = &mut self.locals[namespace as usize];
        if let Some(symbol) = locals.get(local) {
            return *symbol;
        }
        let symbol = number(self.texts.len());
        locals.insert(local.into(), symbol);
        self.texts.push(local.into());
        self.spaces.push(namespace);
        symbol
    }

    /// The namespace, or [`FOREIGN`].
    pub(crate) fn namespace(&self, namespace: Option<&str>) -> NamespaceId {
        let namespace = namespace.unwrap_or_default();
        if namespace.len() > self.longest {
            return FOREIGN;
        }
        self.namespaces.get(namespace).copied().unwrap_or(FOREIGN)
    }

    /// The name, or [`UNKNOWN`].
    pub(crate) fn symbol(&self, namespace: NamespaceId, local: &str) -> Symbol {
        let locals = self.locals.get(namespace as usize);
        locals.and_then(|locals| locals.get(local)).copied().unwrap_or(UNKNOWN)
    }

    /// The namespace of a known name.
    pub(crate) fn namespace_of(&self, symbol: Symbol) -> NamespaceId {
        self.spaces.get(symbol as usize).copied().unwrap_or(FOREIGN)
    }

    /// The local part of a known name.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol as usize).map_or("?", |text| text)
    }
}

/// An index as a number of 32 bits. Schema files are bounded to a few MiB, which makes no more items than that.
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("schema files of a few MiB hold no four thousand million items")
}
