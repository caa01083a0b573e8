//! PUT and DELETE of one element or attribute of a document (RFC 4825 8.2 and 8.4).
//!
//! An edit replaces octets of the document where the node stands, and no others: comments, CDATA sections, quotes, white
//! space, line ends stay as they are. What comes out is parsed once; the law of XCAP is checked on it (a GET yields what
//! was put, and nothing after a DELETE), then the caller judges it.

mod attribute;
mod element;
mod splice;

use bytes::Bytes;
use csc_xml::{Document, Limits, Refused, utf8};

use crate::error::Conflict;
use crate::select::{NodeSelector, Terminal};
use splice::Splice;

/// A document after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// All of it.
    pub content: Bytes,
    /// The node was not there before.
    pub created: bool,
}

/// Why a document stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such node: 404.
    #[error("no such node")]
    NotFound,
    /// 409.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// Puts `body` where `selector` points: creates the element or attribute, or replaces it.
///
/// `default_namespace` is what unprefixed element names of the selector are in. The result stays within `limits`; `accept`
/// sees it (schema, constraints, what else is kept of it) and may refuse. Namespace bindings cannot be put: the caller has
/// answered such a selector with 405.
pub fn put<T>(
    document: &Document<'_>,
    selector: &NodeSelector,
    body: &[u8],
    default_namespace: &str,
    limits: &Limits,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    match &selector.terminal {
        None => {
            element::put(&Edit { document, selector, default_namespace, limits }, utf8_body(body)?, accept)
        }
        Some(Terminal::Attribute(name)) => attribute::put(
            &Edit { document, selector, default_namespace, limits },
            name,
            utf8_body(body)?,
            accept,
        ),
        Some(Terminal::Namespaces) => Err(EditError::NotFound),
    }
}

/// Removes the element or attribute that `selector` points at. Parameters as of [`put`]; a document beyond `limits` may stay
/// so, as long as it gets no larger.
pub fn delete<T>(
    document: &Document<'_>,
    selector: &NodeSelector,
    default_namespace: &str,
    limits: &Limits,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    let limits = &limits.of_stored(document.input_text().len());
    let edit = Edit { document, selector, default_namespace, limits };
    match &selector.terminal {
        None => element::delete(&edit, accept),
        Some(Terminal::Attribute(name)) => attribute::delete(&edit, name, accept),
        Some(Terminal::Namespaces) => Err(EditError::NotFound),
    }
}

/// What every edit is about.
struct Edit<'e, 'input> {
    document: &'e Document<'input>,
    selector: &'e NodeSelector,
    default_namespace: &'e str,
    limits: &'e Limits,
}

impl<'e, 'input> Edit<'e, 'input> {
    fn text(&self) -> &'input str {
        self.document.input_text()
    }

    /// What the first `steps` steps lead to; what is put there needs it.
    fn parent(&self, steps: usize) -> Result<csc_xml::Node<'e, 'input>, Conflict> {
        self.selector.walk(self.document, self.default_namespace, steps).map_err(|exist| Conflict::NoParent {
            ancestor: (exist > 0).then(|| self.selector.to_uri(exist)),
        })
    }

    /// Makes the change, parses the result and has it judged: first by `law`, which knows what the selector must find
    /// now, then by `accept`. `broken` is the condition for a result that is not well-formed.
    fn commit<T>(
        &self,
        splice: &Splice<'_>,
        broken: impl FnOnce() -> Conflict,
        law: impl FnOnce(&Document<'_>) -> Result<(), Conflict>,
        accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
    ) -> Result<(Bytes, T), Conflict> {
        let content = splice.apply(self.text());
        let result = csc_xml::parse(content.as_bytes(), self.limits).map_err(|refused| match refused {
            Refused::NotWellFormed(_) => broken(),
            refused => Conflict::from(refused),
        })?;
        law(&result)?;
        let accepted = accept(&result)?;
        drop(result);
        Ok((Bytes::from(content), accepted))
    }
}

/// A byte order mark says UTF-8 and is no part of what is put.
fn utf8_body(body: &[u8]) -> Result<&str, Conflict> {
    let text = utf8(body)?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

#[cfg(test)]
mod tests;
