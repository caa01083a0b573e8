//! Changes of a group document that the server makes by itself: by splicing octets, so that all others stay as they were
//! put.

use std::collections::BTreeSet;
use std::ops::Range;

use csc_types::{GroupId, McpttId, OrgId};
use csc_xcap::Names;
use csc_xcap::usage::groups::{self, CONSTITUENTS, GROUP_INFO};
use csc_xml::{Document, Node, child, escape_attribute, escape_text};

const REQUESTOR: &str = "temporary-MCPTT-group-requestor";

/// A change of a group's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The user is gone: its entries go from the list.
    Remove(McpttId),
    /// The group became a constituent of a temporary group (TS 24.481 `on-network-regrouped`).
    Regroup {
        /// The temporary group.
        into: GroupId,
        /// Its organisation. A group of another one is not regrouped, whoever names it: it may have been made under the
        /// name of a constituent that is gone.
        organisation: OrgId,
        /// Who made it.
        requestor: McpttId,
        /// All that are regrouped into it.
        constituents: BTreeSet<GroupId>,
        /// The group may say so already, and of others, or of somebody else who made it.
        again: bool,
    },
    /// It is one no longer.
    Release(GroupId),
    /// Whom the document reaches changed, the document did not.
    Renew,
}

impl Edit {
    /// The changed octets of `document`; `None`: it says so already.
    pub(crate) fn apply(&self, document: &Document<'_>, names: &Names) -> Option<String> {
        let (text, root) = (document.input_text(), document.root_element());
        match self {
            Self::Remove(user) => {
                let named = |entry: &Node<'_, '_>| groups::entry_user(*entry, names).as_ref() == Some(user);
                cut(text, groups::entries(root).filter(named).map(|entry| entry.range()))
            }
            Self::Regroup { into, requestor, constituents, .. } => match regrouped(root).next() {
                None => {
                    let service = root.first_element_child()?;
                    Some(append(text, service, &describe(into, requestor, constituents)))
                }
                Some(said) if groups::temporary_group(said).as_ref() == Some(into) => {
                    correct(text, said, requestor, constituents)
                }
                Some(_) => None,
            },
            Self::Release(into) => {
                let named =
                    |node: &Node<'_, '_>| groups::temporary_group(*node).is_some_and(|named| named == *into);
                cut(text, regrouped(root).filter(named).map(|node| node.range()))
            }
            Self::Renew => Some(text.to_owned()),
        }
    }
}

fn regrouped<'a, 'input: 'a>(root: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    groups::regrouping(root, "on-network-regrouped")
}

fn describe(into: &GroupId, requestor: &McpttId, constituents: &BTreeSet<GroupId>) -> String {
    format!(
        "<on-network-regrouped xmlns=\"{GROUP_INFO}\" temporary-MCPTT-group-ID=\"{}\" {}>{}</on-network-regrouped>",
        escape_attribute(into.as_str()),
        made_by(requestor),
        list(constituents, "")
    )
}

fn made_by(requestor: &McpttId) -> String {
    format!("{REQUESTOR}=\"{}\"", escape_attribute(requestor.as_str()))
}

/// `declaration`: of the namespace, where it is not the default already.
fn list(constituents: &BTreeSet<GroupId>, declaration: &str) -> String {
    let mut out = format!("<{CONSTITUENTS}{declaration}>");
    for id in constituents {
        out.push_str("<constituent-MCPTT-group-ID>");
        out.push_str(&escape_text(id.as_str()));
        out.push_str("</constituent-MCPTT-group-ID>");
    }
    out.push_str(&format!("</{CONSTITUENTS}>"));
    out
}

/// `text` where `said` names this requestor and these constituents, and all else as it was; `None`: it does.
fn correct(
    text: &str,
    said: Node<'_, '_>,
    requestor: &McpttId,
    constituents: &BTreeSet<GroupId>,
) -> Option<String> {
    let mut splices = Vec::new();
    let by = said.attribute_node(REQUESTOR);
    if let Some(by) = by.filter(|by| by.value().trim() != requestor.as_str()) {
        splices.push((by.range(), made_by(requestor)));
    }
    let named: Option<BTreeSet<GroupId>> = groups::constituent_ids(said).collect();
    let first = child(said, GROUP_INFO, CONSTITUENTS).filter(|_| named.as_ref() != Some(constituents));
    if let Some(first) = first {
        splices.push((first.range(), list(constituents, &format!(" xmlns=\"{GROUP_INFO}\""))));
    }
    // Back to front, so that the places in front stay where they are.
    let changed = splices.iter().rev().fold(text.to_owned(), |mut text, (place, new)| {
        text.replace_range(place.clone(), new);
        text
    });
    (!splices.is_empty()).then_some(changed)
}

/// `text` without `ranges`, which are in order, and without the white space in front of each; `None` if there are none.
pub(super) fn cut(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> Option<String> {
    let mut kept = String::new();
    let mut from = 0;
    for range in ranges {
        let before = text[from..range.start].trim_end_matches([' ', '\t', '\r', '\n']);
        kept.push_str(before);
        from = range.end;
    }
    if from == 0 {
        return None;
    }
    kept.push_str(&text[from..]);
    Some(kept)
}

/// `text` with `child` as the last child of `parent`.
fn append(text: &str, parent: Node<'_, '_>, child: &str) -> String {
    let Range { start, end } = parent.range();
    let element = &text[start..end];
    if let Some(open) = element.strip_suffix("/>") {
        // An attribute value may end like this only if it is the start tag itself: no element ends otherwise.
        let name = open[1..].split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        return format!("{}>{child}</{name}>{}", &text[..end - 2], &text[end..]);
    }
    // The last tag of an element with content is its end tag, and nothing inside a tag looks like one.
    let at = start + element.rfind("</").unwrap_or(element.len());
    format!("{}{child}{}", &text[..at], &text[at..])
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn apply(edit: &Edit, text: &str) -> Option<String> {
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let edited = edit.apply(&document, &Names::of("default".parse().unwrap()))?;
        parse(edited.as_bytes(), &Limits::DEFAULT).unwrap();
        Some(edited)
    }

    fn group(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<p:group xmlns:p='urn:oma:xml:poc:list-service'><p:list-service uri='tel:9'>{inside}</p:list-service></p:group>"
        )
    }

    #[test]
    fn a_user_goes_and_nothing_else() {
        let one = "\n <p:entry uri='tel:+1'/><!-- 가 -->";
        let other = "\n <p:entry uri='TEL:+-2'>\n <x xmlns='u'>&#10;</x></p:entry>\n";
        let text = group(&format!("<p:list>{one}{other}</p:list>"));
        let remove = |id: &str| Edit::Remove(id.parse().unwrap());
        assert_eq!(apply(&remove("tel:+3"), &text), None);
        let without = apply(&remove("tel:+2"), &text).unwrap();
        assert_eq!(without, group(&format!("<p:list>{one}\n</p:list>")));
        assert_eq!(apply(&remove("tel:+2"), &without), None);
        assert_eq!(apply(&remove("tel:+1"), &without).unwrap(), group("<p:list><!-- 가 -->\n</p:list>"));
    }

    #[test]
    fn regrouped_and_released() {
        let into: GroupId = "sip:a&b@example.org".parse().unwrap();
        let regroup = Edit::Regroup {
            into: into.clone(),
            organisation: "fire".parse().unwrap(),
            requestor: "tel:+1".parse().unwrap(),
            constituents: ["tel:9", "tel:8"].iter().map(|id| id.parse().unwrap()).collect(),
            again: false,
        };
        for text in [
            group("<p:list/>\n"),
            group(""),
            "<group xmlns='urn:oma:xml:poc:list-service'><list-service uri='tel:9' /></group>".to_owned(),
            "<group xmlns='urn:oma:xml:poc:list-service'><list-service\nuri='tel:9'/><!--/>--></group>"
                .to_owned(),
        ] {
            let regrouped = apply(&regroup, &text).unwrap();
            let document = parse(regrouped.as_bytes(), &Limits::DEFAULT).unwrap();
            let contents =
                groups::Contents::read(document.root_element(), &Names::of("o".parse().unwrap()), 9);
            assert_eq!(contents.unwrap().regrouped_into, Some(into.clone()));
            assert_eq!(apply(&regroup, &regrouped), None, "once is enough");
            assert_eq!(apply(&Edit::Release("tel:7".parse().unwrap()), &regrouped), None, "by another group");
            let released = apply(&Edit::Release(into.clone()), &regrouped).unwrap();
            if text.contains("</p:list-service>") {
                assert_eq!(released, text.replace("\n</p:list-service>", "</p:list-service>"));
            }
            assert_eq!(apply(&Edit::Release(into.clone()), &released), None);
        }
    }

    #[test]
    fn what_is_said_of_a_regrouping_is_corrected_and_nothing_else() {
        let said = |by: &str, ids: &str| {
            group(&format!(
                "<list-service/><i:on-network-regrouped temporary-MCPTT-group-requestor={by} xmlns:i='{GROUP_INFO}'\n \
                 temporary-MCPTT-group-ID='tel:7'>\n {ids}<i:protect-media>false</i:protect-media></i:on-network-regrouped>"
            ))
        };
        let ids = "<i:constituent-MCPTT-group-IDs> <i:constituent-MCPTT-group-ID> tel:8 </i:constituent-MCPTT-group-ID>\
                   </i:constituent-MCPTT-group-IDs>";
        let regroup = |into: &str, by: &str, ids: &[&str]| Edit::Regroup {
            into: into.parse().unwrap(),
            organisation: "fire".parse().unwrap(),
            requestor: by.parse().unwrap(),
            constituents: ids.iter().map(|id| id.parse().unwrap()).collect(),
            again: true,
        };
        let text = said("'tel:+1'", ids);
        assert_eq!(apply(&regroup("tel:7", "tel:+1", &["tel:8"]), &text), None);
        assert_eq!(apply(&regroup("tel:6", "tel:+2", &["tel:9"]), &text), None, "by another group");
        let other = regroup("tel:7", "sip:o'n@example.org", &["tel:8"]);
        assert_eq!(apply(&other, &text).unwrap(), said("\"sip:o&apos;n@example.org\"", ids));
        let both = regroup("tel:7", "tel:+2", &["tel:8", "tel:9"]);
        let corrected = apply(&both, &text).unwrap();
        let listed = format!(
            "<constituent-MCPTT-group-IDs xmlns=\"{GROUP_INFO}\"><constituent-MCPTT-group-ID>tel:8\
             </constituent-MCPTT-group-ID><constituent-MCPTT-group-ID>tel:9</constituent-MCPTT-group-ID>\
             </constituent-MCPTT-group-IDs>"
        );
        assert_eq!(corrected, said("\"tel:+2\"", &listed));
        assert_eq!(apply(&both, &corrected), None);
    }

    #[test]
    fn renewed_as_it_is() {
        assert_eq!(apply(&Edit::Renew, &group("")), Some(group("")));
    }
}
