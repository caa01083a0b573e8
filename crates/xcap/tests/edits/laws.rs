//! The laws of XCAP: GET(PUT(x)) = x, nothing after a DELETE, all other octets unchanged, repeats change nothing.

use std::ops::Range;

use csc_xcap::edit::{EditError, Edited, delete, put};
use csc_xcap::error::Conflict;
use csc_xcap::select::{Found, NodeSelector};
use csc_xml::{Limits, parse};

use crate::case::Case;
use crate::document::DEFAULT;

const CASES: u64 = 2_000;

fn put_into(text: &str, selector: &NodeSelector, body: &str) -> Result<Edited, EditError> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).expect("well-formed");
    let edited = put(&document, selector, body.as_bytes(), DEFAULT, &Limits::DEFAULT, |_| Ok(()));
    edited.map(|(edited, ())| edited)
}

fn delete_from(text: &str, selector: &NodeSelector) -> Result<Edited, EditError> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).expect("well-formed");
    delete(&document, selector, DEFAULT, &Limits::DEFAULT, |_| Ok(())).map(|(edited, ())| edited)
}

/// Where the node stands and what a GET of it yields.
fn get(text: &str, selector: &NodeSelector) -> Option<(Range<usize>, String)> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).expect("well-formed");
    let found = selector.find(&document, DEFAULT)?;
    let range = match &found {
        Found::Element(element) => element.range(),
        Found::Attribute(attribute) => csc_xml::value_range(attribute, text),
        Found::Namespaces(_) => return None,
    };
    Some((range, found.body(text)))
}

fn text_of(edited: &Edited) -> &str {
    std::str::from_utf8(&edited.content).expect("edits of text make text")
}

fn without<'t>(text: &'t str, range: &Range<usize>) -> (&'t str, &'t str) {
    (&text[..range.start], &text[range.end..])
}

/// The octets around the node; an attribute value may have got other quotes.
fn assert_unchanged(before: (&str, &str), after: (&str, &str), seed: u64) {
    let quotes = |(head, tail): (&str, &str)| {
        head.ends_with(['"', '\'']) && head.chars().last() == tail.chars().next()
    };
    let inner = |(head, tail): (&str, &str)| (head[..head.len() - 1].to_owned(), tail[1..].to_owned());
    assert!(before == after || quotes(before) && quotes(after) && inner(before) == inner(after), "{seed}");
}

fn common(a: impl Iterator<Item = u8>, b: impl Iterator<Item = u8>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

#[test]
fn laws_of_put() {
    let (mut created, mut replaced) = (0, 0);
    for seed in 0..CASES {
        let case = Case::new(seed);
        let selector = case.selector();
        let before = get(&case.document, &selector);
        let Ok(edited) = put_into(&case.document, &selector, &case.body) else { continue };
        let text = text_of(&edited);
        let (range, body) =
            get(text, &selector).unwrap_or_else(|| panic!("{seed}: nothing there after a PUT"));
        let trimmed = case.body.trim_matches([' ', '\n']);
        let same = [trimmed.to_owned(), case.body.clone(), case.body.replace('"', "&quot;")];
        assert!(same.contains(&body) || format!("\"{body}\"") == case.body, "{seed}: {body}");
        assert_eq!(edited.created, before.is_none(), "{seed}");
        match before {
            Some((old, _)) => {
                replaced += 1;
                assert_unchanged(without(&case.document, &old), without(text, &range), seed);
            }
            None => {
                created += 1;
                if case.terminal.is_none() {
                    let (head, tail) = without(text, &range);
                    assert!(same_but_for_tag(&format!("{head}{tail}"), &case.document), "{seed}");
                }
            }
        }
        let again = put_into(text, &selector, &case.body).unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!((again.created, text_of(&again)), (false, text), "{seed}: twice is once");
        if edited.created {
            match delete_from(text, &selector) {
                Ok(gone) => assert!(same_but_for_tag(text_of(&gone), &case.document), "{seed}"),
                Err(error) => assert_eq!(error, EditError::Conflict(Conflict::CannotDelete), "{seed}"),
            }
        }
    }
    assert!(created > CASES / 20 && replaced > CASES / 10, "{created} {replaced}");
}

/// Equal, or `<a></a>` stands for `<a/>` once.
fn same_but_for_tag(text: &str, original: &str) -> bool {
    let head = common(text.bytes(), original.bytes());
    let tail =
        common(text.bytes().rev(), original.bytes().rev()).min(original.len() - head).min(text.len() - head);
    let (is, was) = (&text[head..text.len() - tail], &original[head..original.len() - tail]);
    text == original || was == "/" && is.starts_with("></")
}

#[test]
fn laws_of_delete() {
    let mut deleted = 0;
    for seed in 0..CASES {
        let case = Case::new(seed);
        let selector = case.selector();
        let before = get(&case.document, &selector);
        match delete_from(&case.document, &selector) {
            Err(EditError::NotFound) => assert_eq!(before, None, "{seed}"),
            Err(EditError::Conflict(conflict)) => {
                assert!(before.is_some(), "{seed}");
                assert_eq!(conflict, Conflict::CannotDelete, "{seed}");
            }
            Ok(edited) => {
                deleted += 1;
                let text = text_of(&edited);
                let (old, _) = before.unwrap_or_else(|| panic!("{seed}: deleted nothing"));
                assert_eq!(get(text, &selector), None, "{seed}");
                assert_eq!(delete_from(text, &selector), Err(EditError::NotFound), "{seed}");
                if case.terminal.is_none() {
                    let (head, tail) = without(&case.document, &old);
                    assert_eq!(text, format!("{head}{tail}"), "{seed}");
                }
            }
        }
    }
    assert!(deleted > CASES / 10, "{deleted}");
}
