//! Attributes: what may be their value, and how one is added to a tag.

use std::borrow::Cow;

use csc_xml::{Document, Node, attribute_range, start_tag, value_range};

use super::splice::Splice;
use super::{Edit, EditError, Edited};
use crate::error::Conflict;
use crate::select::{AttributeName, Found, attribute_value};
use crate::uri::XML_NAMESPACE;

/// Puts `body` as the value of the attribute `name`.
pub(super) fn put<T>(
    edit: &Edit<'_, '_>,
    name: &AttributeName,
    body: &str,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    let element = edit.parent(edit.selector.steps.len())?;
    let value = Value::of(body).ok_or(Conflict::NotXmlAttValue)?;
    let quoted = |at, before: &str, quote: char| Splice {
        at,
        before: format!("{before}{quote}"),
        item: &value.text,
        after: quote.to_string(),
    };
    let existing = name.of(element);
    let splice = match &existing {
        Some(attribute) => {
            let at = value_range(attribute, edit.text());
            let used = edit.text()[..at.start].chars().next_back();
            quoted(at.start - 1..at.end + 1, "", value.quote(used))
        }
        None => {
            let name = written_name(element, name).ok_or(Conflict::CannotInsert)?;
            let at = end_of_attributes(element, edit.text());
            quoted(at..at, &format!(" {name}="), value.quote(None))
        }
    };
    let item = splice.item_range();
    let law = |result: &Document<'_>| match edit.selector.find(result, edit.default_namespace) {
        Some(Found::Attribute(attribute)) if value_range(&attribute, result.input_text()) == item => Ok(()),
        _ => Err(Conflict::CannotInsert),
    };
    let (content, accepted) = edit.commit(&splice, || Conflict::NotXmlAttValue, law, accept)?;
    Ok((Edited { content, created: existing.is_none() }, accepted))
}

/// Removes the attribute `name`.
pub(super) fn delete<T>(
    edit: &Edit<'_, '_>,
    name: &AttributeName,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    let steps = edit.selector.steps.len();
    let attribute_in = |document: &Document<'_>| {
        let element = edit.selector.walk(document, edit.default_namespace, steps).ok()?;
        name.of(element).map(|attribute| attribute_range(&attribute, document.input_text()))
    };
    let at = attribute_in(edit.document).ok_or(EditError::NotFound)?;
    let law = |result: &Document<'_>| match attribute_in(result) {
        Some(_) => Err(Conflict::CannotDelete),
        None => Ok(()),
    };
    let broken = || Conflict::ConstraintFailure("what would be left is not well-formed".to_owned());
    let (content, accepted) = edit.commit(&Splice::replace(at, ""), broken, law, accept)?;
    Ok((Edited { content, created: false }, accepted))
}

/// The value of an attribute as it is written between quotes.
struct Value<'b> {
    text: Cow<'b, str>,
}

impl<'b> Value<'b> {
    /// The value that `body` is. RFC 4825 shows values in quotes (7.7), the field sends them without: quotes around all of
    /// it are none of its own, nor is a line end behind them. Where it holds both kinds, one kind is escaped: something has
    /// to stand around it.
    fn of(body: &'b str) -> Option<Self> {
        let inner = |quote: char| {
            let quoted = body.trim_end_matches(['\r', '\n']).strip_prefix(quote)?;
            quoted.strip_suffix(quote).filter(|value| !value.contains(quote))
        };
        let value = inner('"').or_else(|| inner('\'')).unwrap_or(body);
        attribute_value(value).ok()?;
        let both = value.contains('"') && value.contains('\'');
        let text = if both { Cow::Owned(value.replace('"', "&quot;")) } else { Cow::Borrowed(value) };
        Some(Self { text })
    }

    /// A quote that it may stand between: `used`, where that may be.
    fn quote(&self, used: Option<char>) -> char {
        let fits = |quote: &char| !self.text.contains(*quote);
        used.into_iter().chain(['"', '\'']).find(fits).unwrap_or('"')
    }
}

/// How a new attribute `name` of `element` is written: one in a namespace needs a prefix that stands for it there.
/// Declarations of namespaces are no attributes; the grammar of XML takes one called `xmlns` for a declaration.
fn written_name(element: Node<'_, '_>, name: &AttributeName) -> Option<String> {
    match &name.namespace {
        _ if name.local == "xmlns" => None,
        None => Some(name.local.clone()),
        Some(namespace) if namespace == XML_NAMESPACE => Some(format!("xml:{}", name.local)),
        Some(namespace) => {
            let binding = element
                .namespaces()
                .find(|binding| binding.name().is_some() && binding.uri() == namespace)?;
            Some(format!("{}:{}", binding.name()?, name.local))
        }
    }
}

/// Behind the last attribute of the tag, in front of the white space that may end it.
fn end_of_attributes(element: Node<'_, '_>, text: &str) -> usize {
    let tag = start_tag(element, text);
    let inside = text[tag.clone()].trim_end_matches('>').trim_end_matches('/');
    tag.start + inside.trim_end_matches([' ', '\t', '\n', '\r']).len()
}
