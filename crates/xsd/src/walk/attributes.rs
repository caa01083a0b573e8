//! The attributes of an element (XML Schema part 1, section 3.4.4).

use csc_xml::{Attribute, Node};

use super::Walk;
use crate::error::Short;
use crate::names::Symbol;
use crate::simple::Fault;
use crate::simple::atom::Value;
use crate::types::{self, AttributeUse, Complex, TypeId};
use crate::wildcard::Process;
use crate::{Invalid, XSI};

/// The attributes that every element may have.
const FREE: [&str; 4] = ["type", "nil", "schemaLocation", "noNamespaceSchemaLocation"];

/// Whether the attribute speaks to the validator.
pub(super) fn is_free(attribute: &Attribute<'_, '_>) -> bool {
    attribute.namespace() == Some(XSI) && FREE.contains(&attribute.name())
}

impl<'d> Walk<'_, 'd> {
    pub(super) fn attributes(&mut self, node: Node<'d, 'd>, complex: &Complex) -> Result<(), Invalid> {
        let mut required = 0;
        for attribute in node.attributes().filter(|attribute| !is_free(attribute)) {
            let namespace = self.namespace(attribute.namespace());
            let symbol = self.types.names.symbol(namespace, attribute.name());
            if let Some(one) = complex.attributes.iter().find(|one| one.symbol == symbol) {
                required += usize::from(one.required);
                self.attribute(node, &attribute, &one.attribute)?;
                continue;
            }
            let fault = |what: &str| {
                Invalid::at(node, &format_args!("the attribute {} {what}", Short(attribute.name())))
            };
            let wildcard = complex.wildcard.as_ref().filter(|wildcard| wildcard.namespaces.allow(namespace));
            let Some(wildcard) = wildcard else { return Err(fault("must not stand here")) };
            match (wildcard.process, self.types.global_attributes.get(&symbol)) {
                (Process::Skip, _) | (Process::Lax, None) => {}
                (_, Some(declared)) => self.attribute(node, &attribute, declared)?,
                (Process::Strict, None) => return Err(fault("is not declared")),
            }
        }
        if required == complex.attributes.iter().filter(|one| one.required).count() {
            return Ok(());
        }
        let missing = |one: &&AttributeUse| one.required && !self.has(node, one.symbol);
        let missing = complex.attributes.iter().find(missing);
        let missing = missing.map_or("?", |one| self.types.names.text(one.symbol));
        Err(Invalid::at(node, &format_args!("the attribute {missing} is missing")))
    }

    fn attribute(
        &mut self,
        node: Node<'d, 'd>,
        attribute: &Attribute<'d, 'd>,
        declared: &types::Attribute,
    ) -> Result<(), Invalid> {
        let value = attribute.value();
        let fault =
            |what: &str| Invalid::at(node, &format_args!("the attribute {} {what}", Short(attribute.name())));
        self.value(node, declared.simple, value).map_err(|what| fault(&what.0))?;
        match &declared.fixed {
            Some(fixed) if !self.is(node, declared.simple, value, fixed) => {
                Err(fault("has another value than it must"))
            }
            _ => Ok(()),
        }
    }

    /// Whether `text` is a value of the type.
    pub(super) fn value(&mut self, node: Node<'d, 'd>, simple: TypeId, text: &str) -> Result<(), Fault> {
        self.types.simple(simple).check(self.types, text, node, &mut self.seen.of(node))
    }

    /// Whether `text`, which is a value of the type, is this one.
    pub(super) fn is(&self, node: Node<'d, 'd>, simple: TypeId, text: &str, fixed: &Value<'static>) -> bool {
        let value = self.types.simple(simple).value(self.types, text, node);
        value.is_some_and(|value| fixed.is(&value))
    }

    fn has(&self, node: Node<'d, 'd>, symbol: Symbol) -> bool {
        node.attributes().any(|attribute| {
            let namespace = self.types.names.namespace(attribute.namespace());
            self.types.names.symbol(namespace, attribute.name()) == symbol
        })
    }
}
