//! Simple types (XML Schema part 2): texts that are values.

pub(crate) mod atom;
pub(crate) mod decimal;
pub(crate) mod facets;
pub(crate) mod pattern;
pub(crate) mod time;
mod uri;

use std::borrow::Cow;

use csc_xml::Node;

use crate::types::{TypeId, Types};
use atom::{Atom, Value};
use facets::Facets;

/// Why a text is no value of a type. Never holds the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Cow<'static, str>);

/// What happens to white space before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WhiteSpace {
    Preserve,
    Replace,
    Collapse,
}

/// What a type's values are made of.
#[derive(Clone, Debug)]
pub(crate) enum Variety {
    /// One value; the name is that of the built-in type it comes from.
    Atomic(Atom, &'static str),
    /// Values of a type with white space between them.
    List(TypeId),
    /// A value of the first of these types that accepts it.
    Union(Vec<TypeId>),
}

/// A simple type.
#[derive(Clone, Debug)]
pub(crate) struct Simple {
    pub(crate) variety: Variety,
    pub(crate) white_space: WhiteSpace,
    pub(crate) facets: Option<Box<Facets>>,
}

/// Where the identifiers of a document come together.
pub(crate) trait Identifiers {
    /// An `xs:ID`.
    fn id(&mut self, id: &str) -> Result<(), Fault>;
    /// An `xs:IDREF`.
    fn reference(&mut self, id: &str);
}

/// Where identifiers do not matter: values of the schema itself.
pub(crate) struct Forget;

impl Identifiers for Forget {
    fn id(&mut self, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    fn reference(&mut self, _: &str) {}
}

impl Simple {
    /// A type without facets.
    pub(crate) fn plain(variety: Variety, white_space: WhiteSpace) -> Self {
        Self { variety, white_space, facets: None }
    }

    /// Whether `text` is a value. `context` binds prefixes.
    pub(crate) fn check(
        &self,
        types: &Types,
        text: &str,
        context: Node<'_, '_>,
        identifiers: &mut dyn Identifiers,
    ) -> Result<(), Fault> {
        match &self.variety {
            Variety::Atomic(atom, name) => {
                let text = normalise(self.white_space, text);
                if !atom.accepts(&text, context) {
                    return Err(Fault(Cow::Owned(format!("is no xs:{name}"))));
                }
                if let Some(facets) = &self.facets {
                    facets.check_text(*atom, &text)?;
                    if facets.need_value() {
                        facets.check_value(atom.value(Cow::Borrowed(&text), context).as_ref())?;
                    }
                }
                match atom {
                    Atom::Id => identifiers.id(&text),
                    Atom::IdRef => {
                        identifiers.reference(&text);
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
            Variety::List(item) => {
                let item = types.simple(*item);
                let mut count = 0;
                for piece in text.split(is_space).filter(|piece| !piece.is_empty()) {
                    item.check(types, piece, context, identifiers)?;
                    count += 1;
                }
                let Some(facets) = &self.facets else { return Ok(()) };
                facets.check_length(count)?;
                facets.check_patterns(&normalise(WhiteSpace::Collapse, text))?;
                self.check_value(facets, types, text, context)
            }
            Variety::Union(members) => {
                let mut found = None;
                for member in members.iter().map(|member| types.simple(*member)) {
                    if member.check(types, text, context, &mut Forget).is_ok() {
                        member.check(types, text, context, identifiers)?;
                        found = Some(member);
                        break;
                    }
                }
                let Some(member) = found else {
                    return Err(Fault(Cow::Borrowed("is of no type of the union")));
                };
                let Some(facets) = &self.facets else { return Ok(()) };
                facets.check_patterns(&normalise(member.white_space, text))?;
                self.check_value(facets, types, text, context)
            }
        }
    }

    fn check_value(
        &self,
        facets: &Facets,
        types: &Types,
        text: &str,
        context: Node<'_, '_>,
    ) -> Result<(), Fault> {
        if !facets.need_value() {
            return Ok(());
        }
        facets.check_value(self.value(types, text, context).as_ref())
    }

    /// The value of `text`, which [`Simple::check`] accepts.
    pub(crate) fn value<'a>(&self, types: &Types, text: &'a str, context: Node<'_, '_>) -> Option<Value<'a>> {
        match &self.variety {
            Variety::Atomic(atom, _) => atom.value(normalise(self.white_space, text), context),
            Variety::List(item) => {
                let item = types.simple(*item);
                let pieces = text.split(is_space).filter(|piece| !piece.is_empty());
                pieces.map(|piece| item.value(types, piece, context)).collect::<Option<_>>().map(Value::List)
            }
            Variety::Union(members) => {
                let mut members = members.iter().map(|member| types.simple(*member));
                let member =
                    members.find(|member| member.check(types, text, context, &mut Forget).is_ok())?;
                member.value(types, text, context)
            }
        }
    }
}

/// White space of XML.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `text` with its white space as `how` says.
pub(crate) fn normalise(how: WhiteSpace, text: &str) -> Cow<'_, str> {
    match how {
        WhiteSpace::Preserve => Cow::Borrowed(text),
        WhiteSpace::Replace => {
            if text.contains(['\t', '\n', '\r']) {
                Cow::Owned(text.replace(['\t', '\n', '\r'], " "))
            } else {
                Cow::Borrowed(text)
            }
        }
        WhiteSpace::Collapse => {
            let trimmed = text.trim_matches(is_space);
            let octets = trimmed.as_bytes();
            let untidy = octets.contains(&b'\t')
                || octets.contains(&b'\n')
                || octets.contains(&b'\r')
                || trimmed.contains("  ");
            if !untidy {
                return Cow::Borrowed(trimmed);
            }
            let mut out = String::with_capacity(trimmed.len());
            for piece in trimmed.split(is_space).filter(|piece| !piece.is_empty()) {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(piece);
            }
            Cow::Owned(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space() {
        assert_eq!(normalise(WhiteSpace::Preserve, " a\t"), " a\t");
        assert_eq!(normalise(WhiteSpace::Replace, " a\tb\n"), " a b ");
        assert_eq!(normalise(WhiteSpace::Collapse, " a\t b\n"), "a b");
        assert_eq!(normalise(WhiteSpace::Collapse, " a b\n"), "a b");
        assert_eq!(normalise(WhiteSpace::Collapse, "\u{a0}"), "\u{a0}");
    }
}
