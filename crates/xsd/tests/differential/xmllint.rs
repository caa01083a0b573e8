//! libxml2's opinion.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use csc_xml::{Limits, parse};

const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// Whether `xmllint` is there.
pub(crate) fn is_there() -> bool {
    Command::new("xmllint").arg("--version").output().is_ok()
}

/// Writes schema files with imports that point at each other, and one that imports them all. Returns its name.
pub(crate) fn write_schema(folder: &Path, schema: &[(String, String)]) -> String {
    let namespace = |text: &str| {
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        document.root_element().attribute("targetNamespace").unwrap().to_owned()
    };
    let namespaces: Vec<String> = schema.iter().map(|(_, text)| namespace(text)).collect();
    let find = |wanted: &str| namespaces.iter().position(|known| known == wanted).map(|at| &schema[at].0);
    let mut all = format!("<schema xmlns='{XSD}'>");
    for ((file, text), namespace) in schema.iter().zip(&namespaces) {
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let mut out = text.clone();
        let imports = document.root_element().children().filter(|node| node.has_tag_name((XSD, "import")));
        // From the back, so that places in front stay where they are.
        for node in imports.collect::<Vec<_>>().into_iter().rev() {
            let wanted = node.attribute("namespace").unwrap();
            let new = find(wanted).map_or(String::new(), |file| {
                format!("<i:import xmlns:i='{XSD}' namespace='{wanted}' schemaLocation='{file}'/>")
            });
            out.replace_range(node.range(), &new);
        }
        while let Some(new) = rephrase(&out) {
            out = new;
        }
        std::fs::write(folder.join(file), out).unwrap();
        let _ = write!(all, "<import namespace='{namespace}' schemaLocation='{file}'/>");
    }
    all.push_str("</schema>");
    std::fs::write(folder.join("all.xsd"), all).unwrap();
    "all.xsd".to_owned()
}

/// libxml2 loses its way where `b*` follows `a*` or is a member of a choice: its automaton goes back to where the loop began,
/// and takes `a` behind `b` (seen with 2.9.14). Written as `(b, b*)?`, which is the same, it reads both as it should.
fn rephrase(text: &str) -> Option<String> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
    let looped = document.descendants().find(|node| {
        let loops =
            node.attribute("maxOccurs") == Some("unbounded") && node.attribute("minOccurs") == Some("0");
        let parent = node.parent();
        let in_sequence = parent.is_some_and(|parent| parent.has_tag_name((XSD, "sequence")));
        let in_choice = parent.is_some_and(|parent| {
            parent.has_tag_name((XSD, "choice")) && parent.attribute("maxOccurs").is_none()
        });
        let done = parent.is_some_and(|parent| text[parent.range()].starts_with("<i:"));
        loops && !done && (in_choice || in_sequence && node.has_tag_name((XSD, "any")))
    })?;
    let source = &text[looped.range()];
    let mut first = source.to_owned();
    for name in ["minOccurs", "maxOccurs"] {
        let attribute = &text[looped.attribute_node(name).unwrap().range()];
        first = first.replacen(attribute, "", 1);
    }
    let both = format!("<i:sequence xmlns:i='{XSD}' minOccurs='0'>{first}{source}</i:sequence>");
    Some([&text[..looped.range().start], &both, &text[looped.range().end..]].concat())
}

/// Which documents are valid. `None`: all that is wrong is that `xsi:type` names no type that is known. libxml2 refuses that
/// where content is judged laxly too; but there it makes no difference (XML Schema part 1, section 3.3.4, "laxly
/// assessed"), or nobody could keep what only others have a schema for.
pub(crate) fn judge(folder: &Path, schema: &str, documents: &[String]) -> Vec<Option<bool>> {
    let mut verdicts = vec![None; documents.len()];
    let mut other_faults = vec![false; documents.len()];
    let names: Vec<String> = (0..documents.len()).map(|number| format!("d{number}.xml")).collect();
    for (name, document) in names.iter().zip(documents) {
        std::fs::write(folder.join(name), document).unwrap();
    }
    for batch in names.chunks(1000) {
        let output = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema", schema])
            .args(batch)
            .current_dir(folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("Schemas parser error"), "{said}");
        for line in said.lines() {
            let number = |name: &str| name.strip_prefix('d')?.strip_suffix(".xml")?.parse::<usize>().ok();
            if let Some(at) = line.strip_suffix(" validates").and_then(number) {
                verdicts[at] = Some(true);
            } else if let Some(at) = line.strip_suffix(" fails to validate").and_then(number) {
                verdicts[at] = Some(false);
            } else if let Some((name, fault)) = line.split_once(':')
                && let Some(at) = number(name)
            {
                let of_type = ["does not resolve to a type definition", "The type definition is absent"];
                other_faults[at] |= !of_type.iter().any(|phrase| fault.contains(phrase));
            }
        }
    }
    let missing = |at: usize| panic!("xmllint says nothing of {}", documents[at]);
    let verdicts = verdicts.into_iter().enumerate();
    let verdicts = verdicts.map(|(at, verdict)| verdict.unwrap_or_else(|| missing(at)));
    verdicts.zip(other_faults).map(|(valid, other)| (valid || other).then_some(valid)).collect()
}
