//! Edits: a request target's part behind `~~`, a body and a document, a line of `~~~` between them. The laws must hold
//! whatever they are.
#![no_main]

use csc_xcap::edit::{EditError, delete, put};
use csc_xcap::select::{Found, NodeSelector};
use csc_xcap::uri::{Node, Roots, Target};
use csc_xml::{Document, Limits, Refused, parse};
use libfuzzer_sys::fuzz_target;

const NAMESPACE: &str = "urn:d";

fuzz_target!(|octets: &[u8]| {
    let mut parts = octets.splitn(2, |octet| *octet == b'\n');
    let (Some(selector), Some(rest)) = (parts.next(), parts.next()) else { return };
    let Ok(selector) = std::str::from_utf8(selector) else { return };
    let Some(at) = rest.windows(5).position(|window| window == b"\n~~~\n") else { return };
    let (body, content) = (&rest[..at], &rest[at + 5..]);
    let Ok(document) = parse(content, &Limits::DEFAULT) else { return };
    let Ok(Target { node: Some(Node::Selector(selector)), .. }) =
        Target::parse(&format!("/a/users/b/c/~~/{selector}"), &Roots::default())
    else {
        return;
    };
    let before = get(&document, &selector);
    if let Ok((edited, ())) = put(&document, &selector, body, NAMESPACE, &Limits::DEFAULT, |_| Ok(())) {
        assert_eq!(edited.created, before.is_none());
        let result = parse(&edited.content, &Limits::DEFAULT).expect("an edit leaves a document");
        let got = get(&result, &selector).expect("what was put is there");
        let body = std::str::from_utf8(body).expect("it was put").trim_start_matches('\u{FEFF}');
        assert!(body.contains(&got) || body.replace('"', "&quot;").contains(&got));
        let again = put(&result, &selector, body.as_bytes(), NAMESPACE, &Limits::DEFAULT, |_| Ok(()));
        assert!(again.is_ok_and(|(again, ())| !again.created && again.content == edited.content));
    }
    match delete(&document, &selector, NAMESPACE, &Limits::DEFAULT, |_| Ok(())) {
        Ok((edited, ())) => {
            let result = parse(&edited.content, &Limits::DEFAULT).expect("an edit leaves a document");
            assert!(before.is_some() && get(&result, &selector).is_none());
        }
        Err(EditError::NotFound) => assert!(before.is_none()),
        Err(EditError::Conflict(_)) => assert!(before.is_some()),
    }
});

fn get(document: &Document<'_>, selector: &NodeSelector) -> Option<String> {
    let found = selector.find(document, NAMESPACE)?;
    let body = found.body(document.input_text());
    if let Found::Namespaces(_) = found {
        // An element; it may be longer than the one that it tells of, since more is escaped.
        let read = parse(body.as_bytes(), &Limits::DEFAULT);
        assert!(matches!(read, Ok(_) | Err(Refused::TooLarge(_) | Refused::TooComplex { .. })), "{read:?}");
        return None;
    }
    Some(body)
}
