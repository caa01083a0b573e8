//! Documents with faults: changes of one place, made in the text so that all else stays.

use csc_xml::{Document, Limits, Node, parse};

/// SplitMix64: the same mutants everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.next(from.len())]
    }
}

/// Values at the edges of types, and far from them.
const VALUES: &[&str] = &[
    "",
    " ",
    "true",
    "false",
    "TRUE",
    " true ",
    "1",
    "0",
    "-1",
    "+5",
    "007",
    "4",
    "3",
    "255",
    "256",
    "257",
    "-128",
    "-129",
    "32767",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "16777215",
    "16777216",
    "99999999",
    "100000000",
    "123456",
    "1234567",
    "1.5",
    "-.5",
    ".5",
    "1.",
    "-10",
    "9000.50",
    "9000.51",
    "12.345",
    "1e5",
    "NaN",
    "INF",
    "-INF",
    "+INF",
    "abc",
    "2026-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00",
    "2026-01-01T00:00:00.123+14:00",
    "2026-01-01T25:00:00",
    "2026-01-01T00:00:00+14:01",
    "2026-01-01",
    "2024-02-29Z",
    "2023-02-29",
    "12:00:00",
    "12:60:00",
    "--02-29",
    "--02-30",
    "2026",
    "-0044",
    "PT5S",
    "P1D",
    "P",
    "PT",
    "-P1Y2M3DT4H5M6.7S",
    "P1S",
    "PT1.5M",
    "0A",
    "0a0B",
    "0G",
    "0AB",
    "TWFu",
    "TWF=",
    "TQ==",
    "http://example.org/a?b#c",
    "a:b",
    ":a",
    "%zz",
    "urn:x:y",
    "sip:a@b;c=d",
    "http://[",
    "a b",
    "en",
    "en-US",
    "en_US",
    "1a",
    "_a",
    "a-b",
    "Normal",
    "open",
    "UsePreConfigured",
    "full",
    "c",
    "a  b",
    "AB-1",
    "AB-",
    "none",
    "1 2 3",
    "1 2 3 4",
    "그룹",
    "1.0.0",
    "0.8",
    "0.1234",
];
const NAMES: &[&str] = &["other", "entry", "list", "anyExt", "id", "a", "status", "display-name", "uri"];
const ELEMENTS: &[&str] = &[
    "<other/>",
    "<x xmlns='urn:example:unknown'/>",
    "<x xmlns=''/>",
    "<anyExt/>",
    "<entry/>",
    "<x xmlns='urn:example:unknown'><y/></x>",
    "<!-- nothing --><other>text</other>",
    "<r xmlns='urn:ietf:params:xml:ns:common-policy'/>",
    "<rule xmlns='urn:ietf:params:xml:ns:common-policy' id='zz'/>",
    "<user-priority xmlns='urn:3gpp:ns:mcpttGroupInfo:1.0'>256</user-priority>",
    "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy'/>",
    "<service xmlns='urn:oma:xml:xdm:extensions'/>",
];
const ATTRIBUTES: &[&str] = &[
    " other='1'",
    " uri='a'",
    " id='a'",
    " index='x'",
    " xml:lang='en'",
    " xml:lang='not a language'",
    " xml:lang=''",
    " xmlns:u='urn:example:unknown' u:a='b'",
    " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'",
    " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='0'",
    " xml:space='preserve'",
    " name='n'",
    " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:s='http://www.w3.org/2001/XMLSchema' i:type='s:string'",
    " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='circle'",
    " entity='e'",
    " auid='d'",
    " etag='e'",
];

/// A mutant of `text`; `None` where the change does not apply or spoils the syntax.
pub(crate) fn mutate(text: &str, random: &mut Random) -> Option<String> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
    let elements: Vec<Node<'_, '_>> = document.descendants().filter(Node::is_element).collect();
    let node = elements[random.next(elements.len())];
    let mutant = change(&document, &elements, node, random)?;
    if mutant == text || parse(mutant.as_bytes(), &Limits::DEFAULT).is_err() { None } else { Some(mutant) }
}

fn change(
    document: &Document<'_>,
    elements: &[Node<'_, '_>],
    node: Node<'_, '_>,
    random: &mut Random,
) -> Option<String> {
    let text = document.input_text();
    let whole = node.range();
    let splice =
        |range: std::ops::Range<usize>, new: &str| [&text[..range.start], new, &text[range.end..]].concat();
    let is_root = node == document.root_element();
    let source = &text[whole.clone()];
    // Where the name ends, and where the inside begins and ends, if there is one.
    let name_end = whole.start + source[1..].find([' ', '/', '>', '\n']).map(|at| at + 1)?;
    let name = &text[whole.start + 1..name_end];
    let inside = node.has_children().then(|| {
        let start = node.first_child().map(|child| child.range().start);
        let end = whole.start + source.rfind("</").unwrap_or(0);
        start.unwrap_or(end)..end
    });
    let attributes: Vec<_> = node.attributes().collect();
    Some(match random.next(16) {
        0 if !is_root => splice(whole, ""),
        1 if !is_root => splice(whole.start..whole.start, source),
        2 => {
            let sibling = node.next_sibling_element()?;
            let (a, b) = (sibling.range(), whole);
            [&text[..b.start], &text[a.clone()], &text[b.end..a.start], &text[b], &text[a.end..]].concat()
        }
        3 => {
            let new = random.pick(NAMES);
            let new = name.split_once(':').map_or(new.to_owned(), |(prefix, _)| format!("{prefix}:{new}"));
            let renamed = source.replacen(name, &new, 1);
            let renamed = match renamed.rfind(&format!("</{name}")) {
                Some(at) if inside.is_some() => {
                    [&renamed[..at + 2], &new, &renamed[at + 2 + name.len()..]].concat()
                }
                _ => renamed,
            };
            splice(whole, &renamed)
        }
        4 if !name.contains(':') => splice(name_end..name_end, " xmlns='urn:example:unknown'"),
        5 if !attributes.is_empty() => {
            let range = attributes[random.next(attributes.len())].range();
            splice(range, "")
        }
        6 => splice(name_end..name_end, random.pick(ATTRIBUTES)),
        7 if !attributes.is_empty() => {
            let range = attributes[random.next(attributes.len())].range_qname();
            splice(range, random.pick(NAMES))
        }
        8 | 9 if !attributes.is_empty() => {
            let range = attributes[random.next(attributes.len())].range_value();
            splice(range, random.pick(VALUES))
        }
        10 | 11 => {
            let leaves: Vec<_> = elements
                .iter()
                .filter(|node| node.has_children() && node.children().all(|child| child.is_text()))
                .collect();
            let leaf = leaves.get(random.next(leaves.len().max(1)))?;
            let range = leaf.first_child()?.range().start..leaf.last_child()?.range().end;
            splice(range, random.pick(VALUES))
        }
        12 => splice(inside?, ""),
        13 => {
            let inside = inside?;
            let at = if random.next(2) == 0 { inside.start } else { inside.end };
            // No white space at the ends of values: libxml2 does not strip it from dates and some numbers, as the
            // whiteSpace facet of their types asks for.
            let is_value = node.children().all(|child| !child.is_element());
            let pieces: &[&str] = &["text", "<![CDATA[x]]>", "<!-- a -->", "1", "<?a b?>", " ", "&#32;"];
            splice(at..at, random.pick(if is_value { &pieces[..5] } else { pieces }))
        }
        14 => {
            let inside = inside?;
            let at = if random.next(2) == 0 { inside.start } else { inside.end };
            splice(at..at, random.pick(ELEMENTS))
        }
        15 if inside.is_none() => {
            let new = source.strip_suffix("/>")?;
            let new = format!("{new}>{}</{name}>", random.pick(&[" ", "text", "<other/>", "<!-- -->"]));
            splice(whole, &new)
        }
        _ => {
            // A copy of some element somewhere else.
            let other = elements[random.next(elements.len())].range();
            let at = inside?.start;
            let copied = text[other].to_owned();
            splice(at..at, &copied)
        }
    })
}
