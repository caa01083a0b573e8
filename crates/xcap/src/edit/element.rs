//! Elements: where a new one goes (RFC 4825 8.2.3), and what may be put and removed.

use csc_xml::{Document, Limits, Node, end_tag, escape_attribute, namespace, written_name};

use super::splice::Splice;
use super::{Edit, EditError, Edited};
use crate::error::Conflict;
use crate::select::{ElementName, Found, Hits, Step};

/// Puts the one element that is `body`.
pub(super) fn put<T>(
    edit: &Edit<'_, '_>,
    body: &str,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    let (target, parent) = target(edit)?;
    let parent = edit.parent(parent)?;
    // White space around the element is none of its own, and no GET would yield it again.
    let body = body.trim_matches([' ', '\t', '\n', '\r']);
    let (splice, created) = match target.select(parent, edit.default_namespace) {
        Hits::One(element) => (Splice::replace(element.range(), body), false),
        Hits::None => (insertion(edit, target, parent, body)?, true),
        Hits::Many => return Err(refuse(edit, parent, body).into()),
    };
    let item = splice.item_range();
    let law = |result: &Document<'_>| match edit.selector.find(result, edit.default_namespace) {
        Some(Found::Element(element)) if element.range() == item => Ok(()),
        _ => Err(if element_at(result, &item).is_some() {
            Conflict::CannotInsert
        } else {
            Conflict::NotXmlFrag
        }),
    };
    let (content, accepted) = edit.commit(&splice, || Conflict::NotXmlFrag, law, accept)?;
    Ok((Edited { content, created }, accepted))
}

/// Removes the element.
pub(super) fn delete<T>(
    edit: &Edit<'_, '_>,
    accept: impl FnOnce(&Document<'_>) -> Result<T, Conflict>,
) -> Result<(Edited, T), EditError> {
    let (target, parent) = target(edit)?;
    let hits = |document: &Document<'_>| {
        let parent = edit.selector.walk(document, edit.default_namespace, parent);
        parent.is_ok_and(|parent| target.select(parent, edit.default_namespace) != Hits::None)
    };
    let Some(Found::Element(element)) = edit.selector.find(edit.document, edit.default_namespace) else {
        return Err(EditError::NotFound);
    };
    if parent == 0 {
        return Err(Conflict::CannotDelete.into());
    }
    let law = |result: &Document<'_>| if hits(result) { Err(Conflict::CannotDelete) } else { Ok(()) };
    // Text in front of and behind the element may become `]]>`.
    let broken = || Conflict::ConstraintFailure("what would be left is not well-formed".to_owned());
    let (content, accepted) = edit.commit(&Splice::replace(element.range(), ""), broken, law, accept)?;
    Ok((Edited { content, created: false }, accepted))
}

/// The step to the element, and how many steps lead to its parent.
fn target<'e>(edit: &Edit<'e, '_>) -> Result<(&'e Step, usize), EditError> {
    let (target, parents) = edit.selector.steps.split_last().ok_or(EditError::NotFound)?;
    Ok((target, parents.len()))
}

/// How `body` becomes a child of `parent` that `target` could select.
fn insertion<'b>(
    edit: &Edit<'_, '_>,
    target: &Step,
    parent: Node<'_, '_>,
    body: &'b str,
) -> Result<Splice<'b>, Conflict> {
    let behind = |element: Node<'_, '_>| Splice::insert(element.range().end, body);
    if !parent.is_element() {
        return Err(refuse(edit, parent, body)); // beside the root element
    }
    let mut named = target.named(parent, edit.default_namespace);
    match target.position {
        Some(1) => Ok(match named.next() {
            // "just before the existing first element"
            Some(first) => Splice::insert(first.range().start, body),
            None => append(edit, parent, body),
        }),
        // "n-1 sibling elements before it", and "as many sibling nodes appear after it as possible"
        Some(position) => {
            let before = position.checked_sub(2).and_then(|before| named.nth(before));
            before.map(behind).ok_or_else(|| refuse(edit, parent, body))
        }
        // "the last element amongst all element siblings", behind comments and text, unless there are elements of its name:
        // then "earliest last". Where the selector does not say the name, that of what is put decides.
        None => {
            let last = match &target.name {
                ElementName::Any => last_namesake(edit, parent, body),
                ElementName::Default(_) | ElementName::Qualified { .. } => named.last(),
            };
            Ok(last.map_or_else(|| append(edit, parent, body), behind))
        }
    }
}

/// `body` as the last node of `parent`.
fn append<'b>(edit: &Edit<'_, '_>, parent: Node<'_, '_>, body: &'b str) -> Splice<'b> {
    match end_tag(parent, edit.text()) {
        Some(at) => Splice::insert(at, body),
        None => Splice {
            at: parent.range().end - "/>".len()..parent.range().end,
            before: ">".to_owned(),
            item: body,
            after: format!("</{}>", written_name(parent, edit.text())),
        },
    }
}

/// The last child of `parent` with the expanded name that `body` would have there.
fn last_namesake<'e, 'input>(
    edit: &Edit<'_, '_>,
    parent: Node<'e, 'input>,
    body: &str,
) -> Option<Node<'e, 'input>> {
    let alone = alone(parent, body)?;
    let limits = Limits { depth: 2, ..edit.limits.of_stored(alone.len()) };
    let alone = csc_xml::parse(alone.as_bytes(), &limits).ok()?;
    let added = alone.root_element().first_element_child()?;
    let mut elements = parent.children().filter(Node::is_element);
    elements.rfind(|child| {
        child.tag_name().name() == added.tag_name().name() && namespace(*child) == namespace(added)
    })
}

/// An element in which the same prefixes are bound as in `parent`, and in it what begins `body`, without its content. It says
/// what the whole is called without reading all of it; whether it is an element at all shows when it is in the document.
fn alone(parent: Node<'_, '_>, body: &str) -> Option<String> {
    let mut quote = None;
    let end = body.bytes().position(|octet| {
        match quote {
            Some(open) if open == octet => quote = None,
            None if matches!(octet, b'"' | b'\'') => quote = Some(octet),
            _ => {}
        }
        quote.is_none() && octet == b'>'
    })?;
    let tag = body[..end].strip_suffix('/').unwrap_or(&body[..end]);
    let declared: String = parent
        .namespaces()
        .filter(|binding| binding.name() != Some("xml"))
        .map(|binding| {
            let colon = if binding.name().is_some() { ":" } else { "" };
            let name = binding.name().unwrap_or_default();
            format!(" xmlns{colon}{name}=\"{}\"", escape_attribute(binding.uri()))
        })
        .collect();
    Some(format!("<_{declared}>{tag}/></_>"))
}

/// The condition for `body` where no child of `parent` can be what the selector points at.
fn refuse(edit: &Edit<'_, '_>, parent: Node<'_, '_>, body: &str) -> Conflict {
    let splice = match parent.is_element() {
        true => append(edit, parent, body),
        false => Splice::replace(edit.document.root_element().range(), body),
    };
    let item = splice.item_range();
    let is_element =
        |result: &Document<'_>| element_at(result, &item).map(|_| ()).ok_or(Conflict::NotXmlFrag);
    match edit.commit(&splice, || Conflict::NotXmlFrag, |_| Ok(()), is_element) {
        Ok(_) => Conflict::CannotInsert,
        Err(conflict) => conflict,
    }
}

/// The element that is exactly the octets at `range`: then they hold one whole element and nothing else.
fn element_at<'a, 'input>(
    document: &'a Document<'input>,
    range: &std::ops::Range<usize>,
) -> Option<Node<'a, 'input>> {
    document.descendants().find(|node| node.is_element() && node.range() == *range)
}
