//! Templates of initial configurations (TS 24.484 7.2: "master document"): for which terminals one is, and what a
//! terminal gets of it.

use std::ops::{Range, RangeInclusive};

use bytes::Bytes;
use csc_types::McpttId;
use csc_xcap::Names;
use csc_xcap::usage::{UE_INIT_CONFIG, user_profile};
use csc_xml::{Document, Node, attribute, child, children, escape_attribute};

use super::Terminal;

/// Attributes of the root that name the terminal of a copy.
const XUI: &str = "XUI-URI";
const INSTANCE: &str = "Instance-ID-URN";

/// A template, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    content: Bytes,
    /// What is left out of a copy: for whom the template is.
    cuts: Vec<Range<usize>>,
    /// Where the names of the terminal go.
    slots: [Slot; 2],
    audience: Audience,
    /// The profile that terminals begin with.
    pub(crate) default_profile: Option<(McpttId, u8)>,
}

/// The place of an attribute of the root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    name: &'static str,
    /// Its value; where it is missing, the end of the root's name.
    range: Range<usize>,
    present: bool,
}

/// For whom a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Audience {
    /// Everybody for whom there is no other.
    Everybody,
    /// Whoever fits one of these.
    These(Vec<Criterion>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Criterion {
    /// This terminal.
    Instance(String),
    /// Terminals of this type; with serial numbers, those alone.
    Type { code: u32, serials: Vec<RangeInclusive<u32>> },
}

/// How well a template fits; the later the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    Everybody,
    Type,
    Serial,
    Instance,
}

impl Template {
    /// Takes a template apart that passed the checks of its usage.
    pub(crate) fn new(content: Bytes, document: &Document<'_>, names: &Names) -> Self {
        let root = document.root_element();
        let ids: Vec<_> = children(root, UE_INIT_CONFIG.namespace, "mcptt-UE-id").collect();
        let audience = if ids.is_empty() {
            Audience::Everybody
        } else {
            Audience::These(ids.iter().copied().flat_map(criteria).collect())
        };
        let default_profile = child(root, UE_INIT_CONFIG.namespace, "Default-user-profile");
        Self {
            cuts: ids.iter().map(Node::range).collect(),
            slots: [slot(root, XUI), slot(root, INSTANCE)],
            audience,
            default_profile: default_profile.and_then(|profile| named_profile(profile, names)),
            content,
        }
    }

    /// How well it fits `terminal`; `None`: it is not for it.
    pub(crate) fn fit(&self, terminal: &Terminal) -> Option<Fit> {
        match &self.audience {
            Audience::Everybody => Some(Fit::Everybody),
            Audience::These(criteria) => criteria.iter().filter_map(|one| one.fit(terminal)).max(),
        }
    }

    /// What `terminal` gets: the template with the terminal's names and without the list of those it is for. Every other
    /// octet stays.
    pub(crate) fn copy_for(&self, terminal: &Terminal) -> Vec<u8> {
        let id = escape_attribute(terminal.id.as_str());
        let mut edits: Vec<(Range<usize>, String)> =
            self.cuts.iter().map(|cut| (cut.clone(), String::new())).collect();
        for Slot { name, range, present } in &self.slots {
            let value = if *name == XUI { format!("sip:{id}") } else { id.clone().into_owned() };
            edits.push((range.clone(), if *present { value } else { format!(" {name}=\"{value}\"") }));
        }
        // Both names may be put in at the same place: the order of those stays.
        edits.sort_by_key(|(place, _)| place.start);
        let mut copy = Vec::with_capacity(self.content.len() + 2 * id.len() + 64);
        let mut done = 0;
        for (place, text) in edits {
            copy.extend_from_slice(&self.content[done..place.start]);
            copy.extend_from_slice(text.as_bytes());
            done = place.end;
        }
        copy.extend_from_slice(&self.content[done..]);
        copy
    }
}

impl Criterion {
    fn fit(&self, terminal: &Terminal) -> Option<Fit> {
        match self {
            Self::Instance(urn) => terminal.is(urn).then_some(Fit::Instance),
            Self::Type { code, serials } => {
                let (type_code, serial) = terminal.imei?;
                match () {
                    () if type_code != *code => None,
                    () if serials.is_empty() => Some(Fit::Type),
                    () => serials.iter().any(|range| range.contains(&serial)).then_some(Fit::Serial),
                }
            }
        }
    }
}

/// The criteria of one `mcptt-UE-id`. A number that is none fits nobody.
fn criteria(ids: Node<'_, '_>) -> Vec<Criterion> {
    let namespace = UE_INIT_CONFIG.namespace;
    let urns = children(ids, namespace, INSTANCE).filter_map(|urn| urn.text());
    let urns = urns.map(|urn| Criterion::Instance(urn.trim().to_owned()));
    let types = children(ids, namespace, "IMEI-range").filter_map(|range| {
        let code = number(child(range, namespace, "TAC")?)?;
        let single =
            children(range, namespace, "SNR").map(|serial| number(serial).map(|serial| serial..=serial));
        let ranges = children(range, namespace, "SNR-range").map(|range| {
            let low = number(child(range, namespace, "Low-SNR")?)?;
            Some(low..=number(child(range, namespace, "High-SNR")?)?)
        });
        let serials = single.chain(ranges).collect::<Option<Vec<_>>>()?;
        Some(Criterion::Type { code, serials })
    });
    urns.chain(types).collect()
}

/// `xs:decimal` as the schema has it, where a number is meant.
fn number(node: Node<'_, '_>) -> Option<u32> {
    node.text()?.trim().parse().ok()
}

fn named_profile(profile: Node<'_, '_>, names: &Names) -> Option<(McpttId, u8)> {
    let user = names.user(attribute(profile, "User-ID")?.trim()).ok()?;
    let index = attribute(profile, user_profile::INDEX)?.trim().parse().ok()?;
    Some((user, index))
}

fn slot(root: Node<'_, '_>, name: &'static str) -> Slot {
    let found = root.attributes().find(|one| one.namespace().is_none() && one.name() == name);
    let range = found.map_or_else(
        || {
            let start = root.range().start;
            let tag = &root.document().input_text()[start..];
            let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '>');
            let end = start + tag.find(ends).unwrap_or(tag.len());
            end..end
        },
        |present| present.range_value(),
    );
    Slot { name, range, present: found.is_some() }
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn template(attributes: &str, inside: &str) -> Template {
        let content = format!(
            "<?xml version=\"1.0\"?>\n<i:mcptt-UE-initial-configuration\txmlns:i=\"{}\" {attributes}>{inside}<!-- end -->\
             </i:mcptt-UE-initial-configuration>\n",
            UE_INIT_CONFIG.namespace
        );
        let document = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        let names = Names::of("fire".parse().unwrap());
        Template::new(Bytes::from(content.clone()), &document, &names)
    }

    fn terminal(id: &str) -> Terminal {
        Terminal::new(id.parse().unwrap())
    }

    #[test]
    fn the_best_fit_wins() {
        let range = |inside: &str| {
            template(
                "",
                &format!(
                    "<i:mcptt-UE-id><i:IMEI-range><i:TAC>35643205</i:TAC>{inside}</i:IMEI-range></i:mcptt-UE-id>"
                ),
            )
        };
        let id = terminal("urn:gsma:imei:35643205-000007-0");
        let this = "<i:mcptt-UE-id><i:Instance-ID-URN> urn:gsma:imei:35643205-000007-0</i:Instance-ID-URN></i:mcptt-UE-id>";
        let fits = [
            template("", "").fit(&id),
            range("").fit(&id),
            range("<i:SNR>000007</i:SNR>").fit(&id),
            range("<i:SNR>1</i:SNR><i:SNR-range><i:Low-SNR>5</i:Low-SNR><i:High-SNR>9</i:High-SNR></i:SNR-range>").fit(&id),
            template("", this).fit(&id),
        ];
        assert_eq!(fits, [Fit::Everybody, Fit::Type, Fit::Serial, Fit::Serial, Fit::Instance].map(Some));
        for other in [
            range("<i:SNR>8</i:SNR>").fit(&id),
            range("<i:SNR>seven</i:SNR>").fit(&id),
            template("", "<i:mcptt-UE-id/>").fit(&id),
            range("").fit(&terminal("urn:gsma:imei:35643206-000007-0")),
            range("").fit(&terminal("urn:uuid:1")),
            template("", this).fit(&terminal("urn:uuid:1")),
        ] {
            assert_eq!(other, None);
        }
    }

    #[test]
    fn a_copy_has_the_terminals_names_and_every_other_octet() {
        let copy = |attributes: &str| {
            let ids = "<i:mcptt-UE-id><i:Instance-ID-URN>urn:a</i:Instance-ID-URN></i:mcptt-UE-id>";
            let made = template(attributes, &format!("{ids} <i:name>한글</i:name>{ids}"));
            String::from_utf8(made.copy_for(&terminal("urn:a&b'c"))).unwrap()
        };
        let rest = "<i:name>한글</i:name><!-- end --></i:mcptt-UE-initial-configuration>\n";
        let root = format!("xmlns:i=\"{}\"", UE_INIT_CONFIG.namespace);
        assert_eq!(
            copy("domain='a'"),
            format!(
                "<?xml version=\"1.0\"?>\n<i:mcptt-UE-initial-configuration XUI-URI=\"sip:urn:a&amp;b&apos;c\" \
                 Instance-ID-URN=\"urn:a&amp;b&apos;c\"\t{root} domain='a'> {rest}"
            )
        );
        let replaced = copy("XUI-URI='x' domain='a' Instance-ID-URN=\"\"");
        assert!(
            replaced.contains(
                "XUI-URI='sip:urn:a&amp;b&apos;c' domain='a' Instance-ID-URN=\"urn:a&amp;b&apos;c\">"
            ),
            "{replaced}"
        );
        parse(replaced.as_bytes(), &Limits::DEFAULT).unwrap();
    }

    #[test]
    fn the_profile_to_begin_with() {
        let with = |attributes: &str| {
            template("", &format!("<i:Default-user-profile {attributes}/>")).default_profile
        };
        let user = "sip:Alex@example.org".parse().unwrap();
        assert_eq!(with("User-ID='sip:Alex@EXAMPLE.org' user-profile-index='3'"), Some((user, 3)));
        assert_eq!(with("User-ID='x' user-profile-index='3'"), None);
        assert_eq!(with("User-ID='sip:a@b' user-profile-index='256'"), None);
    }
}
