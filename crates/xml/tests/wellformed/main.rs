//! What is well-formed, and what it says: mutants of small documents, by our reader and by lxml. What we store, others must be
//! able to read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::process::Command;

use csc_test_support::skip;
use csc_xml::{Document, Limits, Node, Refused, parse};

const MUTANTS: usize = 20_000;
const PYTHON: &str = "/usr/bin/python3";
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wellformed/oracle.py");

const DOCUMENTS: [&str; 9] = [
    "<a xmlns:p='http://www.w3.org/2000/xmlns&#47;'/>",
    "<a xmlns='http://www.w3.org/XML/1998/namespace' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns:p='urn:p'><p:a p:a=''><p:a xmlns:p='urn:q' p:b=''/></p:a><!-- a - b --></a>",
    "<?xml version=\"1.0\" encoding='UTF-8' standalone=\"yes\" ?>\r\n<a b = \"c\"/>\n",
    "\u{FEFF}<!-- c --><?p q?><a>t<b></b >&amp;&#65;<![CDATA[<&]]></a><!--d-->",
    "<a xmlns=\"urn:a\" xmlns:b='urn:b'><b:c b:d=\"1\" d='2' xml:lang=\"ko\"/><d xmlns=\"\"/></a>",
    "<a b='&lt;&#x1F692;&quot;' c=\"'\"\n d=''><e\t/>한글 🚒</a>",
    "<항목 표='x'>]] ><b/><?p?>\r</항목>",
    "<p:a xmlns:p='urn:p' xmlns:q='urn:p' p:b=''><q:a xmlns:p='urn:r' p:b='' q:b=''/></p:a>",
];

const PIECES: [&str; 72] = [
    "xmlns:",
    " xmlns:b='http://www.w3.org/XML/1998/namespace'",
    " xmlns:b='http://www.w3.org/2000/xmlns/'",
    " xmlns='http://www.w3.org/2000/xmlns/'",
    "xml:",
    "<xmlns:a/>",
    "<xml:a/>",
    "&#1;",
    "&#xFFFE;",
    "\u{85}",
    "\u{2028}",
    "\u{300}",
    "encoding='us-ascii'",
    "--->",
    "<",
    ">",
    "/",
    "=",
    "'",
    "\"",
    "&",
    ";",
    "!",
    "?",
    "-",
    "[",
    "]",
    ":",
    " ",
    "\n",
    "\t",
    "\r",
    "a",
    "b",
    "1",
    ".",
    "\u{1}",
    "\u{B7}",
    "\u{FFFF}",
    "가",
    "--",
    "]]>",
    "/>",
    "</a>",
    "<b>",
    "<b/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "?>",
    "<?xml ?>",
    "<?XML?>",
    "<?a:b?>",
    "<!DOCTYPE a>",
    "<!x>",
    "&#0;",
    "&#xD800;",
    "&#x110000;",
    "&#x41;",
    "&b;",
    "&lt;",
    "xmlns=''",
    " xmlns:p=''",
    " xmlns:xmlns='u'",
    " xmlns:xml='u'",
    " xml:a=''",
    " p:c=''",
    " q:b=''",
    " b=\"\"",
    "<:a/>",
    "xml",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }
}

fn mutant(random: &mut Random) -> String {
    let mut text: Vec<char> = DOCUMENTS[random.below(DOCUMENTS.len())].chars().collect();
    for _ in 0..=random.below(2) {
        let from = random.below(text.len() + 1);
        let to = (from + [0, 0, 1, 3][random.below(4)]).min(text.len());
        let piece = if random.below(4) == 0 { "" } else { PIECES[random.below(PIECES.len())] };
        text.splice(from..to, piece.chars());
    }
    text.into_iter().collect()
}

#[test]
fn agrees_with_lxml() {
    let there =
        Command::new(PYTHON).args(["-c", "import lxml.etree"]).output().is_ok_and(|o| o.status.success());
    if !there {
        return skip("agrees_with_lxml", "lxml (Debian package python3-lxml)");
    }
    let random = &mut Random(1);
    let mutants: Vec<_> = (0..MUTANTS).map(|_| mutant(random)).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for mutant in &mutants {
        writeln!(file, "{}", hex(mutant)).unwrap();
    }
    let output = Command::new(PYTHON).arg(ORACLE).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let (mut accepted, mut differ) = (0, Vec::new());
    for (mutant, theirs) in mutants.iter().zip(theirs.lines()) {
        let ours = parse(mutant.as_bytes(), &Limits::DEFAULT).map(|document| told(&document));
        accepted += usize::from(ours.is_ok());
        let same = match (&ours, theirs.strip_prefix("ok ")) {
            (Ok(ours), Some(theirs)) => hex(ours) == theirs,
            (Err(_), None) => true,
            _ => explained(&ours, theirs),
        };
        if !same {
            differ.push(format!("{mutant:?}\n    we {ours:?}, lxml {theirs}"));
        }
    }
    assert_eq!(theirs.lines().count(), MUTANTS);
    assert!(differ.is_empty(), "{} of {MUTANTS}:\n{}", differ.len(), differ.join("\n"));
    assert!(accepted > MUTANTS / 10, "{accepted}");
}

fn hex(text: &str) -> String {
    text.bytes().map(|octet| format!("{octet:02x}")).collect()
}

/// What a document says, as the oracle tells it: elements with their attributes, then all text. The parser leaves a carriage
/// return beside a reference as it is, which nothing of ours looks at: every one is told as a line end.
fn told(document: &Document<'_>) -> String {
    let name = |namespace: Option<&str>, local: &str| match namespace.filter(|name| !name.is_empty()) {
        Some(namespace) => format!("{{{namespace}}}{local}"),
        None => local.to_owned(),
    };
    let mut out = String::new();
    for element in document.descendants().filter(Node::is_element) {
        out.push_str(&name(element.tag_name().namespace(), element.tag_name().name()));
        let mut attributes: Vec<_> = element
            .attributes()
            .map(|attribute| (name(attribute.namespace(), attribute.name()), attribute.value()))
            .collect();
        attributes.sort_unstable();
        for (name, value) in attributes {
            out.push_str(&format!("|{name}={value}"));
        }
        out.push('\0');
    }
    let texts = document.root_element().descendants().filter(Node::is_text).filter_map(|node| node.text());
    out + &texts.collect::<String>().replace('\r', "\n")
}

/// Where we may differ, and why.
fn explained(ours: &Result<String, Refused>, theirs: &str) -> bool {
    match ours {
        // We take no document types, and nothing that says it is not UTF-8.
        Err(Refused::Doctype | Refused::NotUtf8) => true,
        // libxml2 takes `version="1."`, and fields of the declaration without a blank between them.
        Err(Refused::NotWellFormed(what)) if what == "broken XML declaration" => true,
        // The parser knows the prefix of attributes like `xml:lang`, but no element has it.
        Err(Refused::NotWellFormed(what)) => {
            what.starts_with("an unknown namespace prefix 'xml' ")
                || what.starts_with("reserved attribute name")
        }
        Err(_) => false,
        // What a namespace name looks like is no matter of being well-formed.
        Ok(_) => theirs.contains("is not a valid URI"),
    }
}
