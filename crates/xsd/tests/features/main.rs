//! What the validator does, feature by feature: what it accepts, what it refuses, and what it will not compile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod content;
mod documents;
mod refused;
mod types;
mod values;

use csc_xml::{Limits, parse};
use csc_xsd::Schema;

/// A schema for `urn:t` (prefix `t`) with qualified elements.
fn text(body: &str) -> String {
    format!(
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:t='urn:t' targetNamespace='urn:t' \
         elementFormDefault='qualified'>{body}</xs:schema>"
    )
}

fn schema(body: &str) -> Schema {
    let text = text(body);
    Schema::compile(&[("t.xsd", &text)]).unwrap_or_else(|refused| panic!("{refused}\n{body}"))
}

/// The root `r` with this content model.
fn model(body: &str) -> Schema {
    schema(&format!("<xs:element name='r'><xs:complexType>{body}</xs:complexType></xs:element>"))
}

fn check(schema: &Schema, document: &str) -> Result<(), String> {
    let document = parse(document.as_bytes(), &Limits::DEFAULT).unwrap();
    schema.validate(&document).map_err(|invalid| invalid.to_string())
}

/// Each `inside` of `<r xmlns='urn:t'>`.
fn judge(schema: &Schema, good: &[&str], bad: &[&str]) {
    let wrap = |inside: &str| {
        format!(
            "<r xmlns='urn:t' xmlns:t='urn:t' xmlns:u='urn:u' xmlns:xs='http://www.w3.org/2001/XMLSchema' \
             xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>{inside}</r>"
        )
    };
    for inside in good {
        assert_eq!(check(schema, &wrap(inside)), Ok(()), "{inside}");
    }
    for inside in bad {
        assert!(check(schema, &wrap(inside)).is_err(), "{inside}");
    }
}
