//! The same documents, selectors and edits by lxml (`oracle.py`): selections, conditions and results agree.

use std::io::Write as _;
use std::process::Command;

use csc_test_support::skip;
use csc_xcap::edit::{EditError, Edited, delete, put};
use csc_xcap::select::Found;
use csc_xml::{Document, Limits, Node};
use serde_json::{Value, json};

use crate::case::{Case, Step, Terminal};
use crate::document::DEFAULT;

const CASES: u64 = 5_000;
const PYTHON: &str = "/usr/bin/python3";
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edits/oracle.py");

#[test]
fn agrees_with_lxml() {
    let there =
        Command::new(PYTHON).args(["-c", "import lxml.etree"]).output().is_ok_and(|o| o.status.success());
    if !there {
        return skip("agrees_with_lxml", "lxml (Debian package python3-lxml)");
    }
    let mut cases = tempfile::NamedTempFile::new().unwrap();
    for seed in 0..CASES {
        writeln!(cases, "{}", line(seed)).unwrap();
    }
    let output = Command::new(PYTHON).arg(ORACLE).arg(cases.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), format!("judged {CASES}"));
}

/// A case and what we make of it.
fn line(seed: u64) -> Value {
    let case = Case::new(seed);
    let terminal = match &case.terminal {
        None => Value::Null,
        Some(Terminal::Attribute(name)) => json!(name),
        Some(Terminal::Namespaces) => json!("namespaces"),
    };
    let (tree, selector) = (case.tree(), case.selector());
    let put = put(&tree, &selector, case.body.as_bytes(), DEFAULT, &Limits::DEFAULT, |_| Ok(()));
    let put = match outcome(put) {
        Ok(Edited { content, created }) => {
            json!({ "error": null, "created": created, "document": text(&content) })
        }
        Err(condition) => json!({ "error": condition }),
    };
    let delete = match outcome(delete(&tree, &selector, DEFAULT, &Limits::DEFAULT, |_| Ok(()))) {
        Ok(Edited { content, .. }) => json!({ "error": null, "document": text(&content) }),
        Err(condition) => json!({ "error": condition }),
    };
    json!({
        "seed": seed,
        "document": case.document,
        "steps": case.steps.iter().map(step).collect::<Vec<_>>(),
        "terminal": terminal,
        "body": case.body,
        "get": selector.find(&tree, DEFAULT).map(|found| get(&found, &case, &tree)),
        "put": put,
        "delete": delete,
    })
}

fn step(step: &Step) -> Value {
    let attribute =
        step.attribute.as_ref().map(|((namespace, local), value)| json!([namespace, local, value]));
    json!({ "name": step.name, "position": step.position, "attribute": attribute })
}

fn outcome(result: Result<(Edited, ()), EditError>) -> Result<Edited, &'static str> {
    result.map(|(edited, ())| edited).map_err(|error| match error {
        EditError::NotFound => "not-found",
        EditError::Conflict(conflict) => conflict.element(),
    })
}

fn text(content: &[u8]) -> &str {
    std::str::from_utf8(content).expect("edits of text make text")
}

fn get(found: &Found<'_, '_>, case: &Case, tree: &Document<'_>) -> Value {
    match found {
        Found::Element(element) => json!({ "place": place(*element) }),
        Found::Attribute(attribute) => {
            let element = tree
                .descendants()
                .find(|node| node.attributes().any(|known| known.range() == attribute.range()))
                .expect("an attribute has an element");
            json!({ "place": place(element), "value": attribute.value() })
        }
        Found::Namespaces(element) => {
            let body = found.body(&case.document);
            let name: String = body[1..].chars().take_while(|c| !matches!(c, ' ' | '/')).collect();
            // Prefixes of the body are declared in it, whatever its own name needs.
            let bindings = csc_xml::parse(body.as_bytes(), &Limits::DEFAULT).expect("well-formed");
            let bindings: serde_json::Map<_, _> = bindings
                .root_element()
                .namespaces()
                .filter(|binding| binding.name() != Some("xml"))
                .map(|binding| (binding.name().unwrap_or_default().to_owned(), json!(binding.uri())))
                .collect();
            json!({ "place": place(*element), "name": name, "bindings": bindings })
        }
    }
}

/// Which child of which child of the root element.
fn place(element: Node<'_, '_>) -> Vec<usize> {
    let up = element.ancestors().filter(|node| node.parent_element().is_some());
    let mut path: Vec<_> = up.map(|node| node.prev_siblings().filter(Node::is_element).count() - 1).collect();
    path.reverse();
    path
}
