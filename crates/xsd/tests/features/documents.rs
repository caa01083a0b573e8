//! Several files, what errors say, and hostile documents.

use std::fmt::Write as _;

use csc_xml::{Limits, parse};
use csc_xsd::Schema;
use proptest::prelude::*;

use super::{check, judge, schema, text};

#[test]
fn includes_and_imports() {
    let main = text(
        "<xs:include schemaLocation='parts/more.xsd'/><xs:import namespace='urn:u'/>\
        <xs:import namespace='http://www.w3.org/XML/1998/namespace'/>\
        <xs:element name='r'><xs:complexType><xs:sequence><xs:element name='m' type='t:more'/><xs:element ref='x:other' xmlns:x='urn:u'/>\
        </xs:sequence><xs:attribute ref='xml:lang'/></xs:complexType></xs:element>",
    );
    // A file without a namespace takes that of the file that includes it.
    let more = "<schema xmlns='http://www.w3.org/2001/XMLSchema'><simpleType name='small'><restriction base='int'/></simpleType></schema>"
        .replace("<schema ", "<s:schema xmlns:s='http://www.w3.org/2001/XMLSchema' ")
        .replace("</schema>", "</s:schema>")
        .replace(" xmlns='http://www.w3.org/2001/XMLSchema'", "")
        .replace("<simpleType", "<s:simpleType")
        .replace("</simpleType>", "</s:simpleType><s:simpleType name='more'><s:restriction base='small'/></s:simpleType>")
        .replace("<restriction base='int'", "<s:restriction base='s:int'");
    let other = "<schema xmlns='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:u'><element name='other' type='boolean'/></schema>";
    let schema = Schema::compile(&[("t.xsd", &main), ("more.xsd", &more), ("u.xsd", other)]).unwrap();
    judge(
        &schema,
        &["<m>1</m><u:other>true</u:other>"],
        &["<m>x</m><u:other>true</u:other>", "<m>1</m><u:other/>"],
    );
    assert_eq!(
        check(&schema, "<r xmlns='urn:t' xml:lang='en'><m>1</m><o:other xmlns:o='urn:u'>1</o:other></r>"),
        Ok(())
    );
    assert_eq!(check(&schema, "<o:other xmlns:o='urn:u'>1</o:other>"), Ok(()));
    let refused = Schema::compile(&[("t.xsd", &main), ("u.xsd", other)]).unwrap_err();
    assert!(refused.to_string().starts_with("t.xsd:1:"), "{refused}");
    assert!(refused.what.contains("not given"), "{refused}");
    // An import that nothing uses may lead nowhere.
    let unused = text("<xs:import namespace='urn:nowhere'/><xs:element name='r'/>");
    assert!(Schema::compile(&[("t.xsd", &unused)]).is_ok());
}

#[test]
fn no_namespace() {
    let plain = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='r'><xs:complexType><xs:sequence>\
        <xs:element name='a' type='v'/><xs:any namespace='##other' processContents='skip' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>\
        <xs:simpleType name='v'><xs:restriction base='xs:int'/></xs:simpleType></xs:schema>";
    let plain = Schema::compile(&[("p.xsd", plain)]).unwrap();
    assert_eq!(check(&plain, "<r><a>1</a></r>"), Ok(()));
    assert_eq!(check(&plain, "<r><a>1</a><x xmlns='urn:x'/></r>"), Ok(()));
    assert!(check(&plain, "<r><a>1</a><x/></r>").is_err());
    assert!(check(&plain, "<r><a xmlns='urn:x'>1</a></r>").is_err());
}

#[test]
fn errors_name_the_place() {
    let schema = schema(
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a'/><xs:element name='b' type='xs:int'/>\
        <xs:any namespace='##other' minOccurs='0'/></xs:sequence><xs:attribute name='u' use='required'/></xs:complexType></xs:element>",
    );
    let document = "<r xmlns='urn:t' u=''>\n  <a/>\n  <c/>\n</r>";
    assert_eq!(
        check(&schema, document).unwrap_err(),
        "element c: must not stand here in r, which expects b (line 3, column 3)"
    );
    assert_eq!(
        check(&schema, "<r xmlns='urn:t'/>").unwrap_err(),
        "element r: the attribute u is missing (line 1, column 1)"
    );
    assert_eq!(
        check(&schema, "<r xmlns='urn:t' u=''><a/><b>secret</b></r>").unwrap_err(),
        "element b: the value is no xs:int (line 1, column 27)"
    );
    assert_eq!(
        check(&schema, "<r xmlns='urn:t' u=''><a/></r>").unwrap_err(),
        "element r: is not complete in r, which expects b (line 1, column 1)"
    );
    let long = "n".repeat(5000);
    let document = format!("<r xmlns='urn:t' u=''><{long} {long}=''/></r>");
    let document = parse(document.as_bytes(), &Limits::DEFAULT).unwrap();
    let invalid = schema.validate(&document).unwrap_err();
    assert!(invalid.phrase().len() <= 240, "{}", invalid.phrase().len());
    assert_eq!(invalid.position(), (1, 23));
}

#[test]
fn depth_and_width_are_no_recursion() {
    let schema = schema(
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element ref='t:r' minOccurs='0' maxOccurs='unbounded'/>\
        </xs:sequence></xs:complexType></xs:element>",
    );
    let limits = Limits { depth: 20_000, ..Limits::DEFAULT };
    let deep = format!("<r xmlns='urn:t'>{}{}</r>", "<r>".repeat(256), "</r>".repeat(256));
    assert_eq!(schema.validate(&parse(deep.as_bytes(), &limits).unwrap()), Ok(()));
    let wide = format!("<r xmlns='urn:t'>{}</r>", "<r/>".repeat(50_000));
    assert_eq!(schema.validate(&parse(wide.as_bytes(), &limits).unwrap()), Ok(()));
}

#[test]
fn schemas_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let schema = schema("<xs:element name='r'/>");
    shared(&schema);
    assert!(format!("{schema:?}").starts_with("Schema("));
}

proptest! {
    #[test]
    fn never_panics(pieces in proptest::collection::vec(0..12_usize, 0..40)) {
        let schema = Schema::compile(&[("f.xsd", include_str!("../samples/features.xsd"))]).unwrap();
        let mut inside = String::new();
        let mut open = Vec::new();
        for piece in pieces {
            match piece {
                0..6 => {
                    let name = ["text", "shape", "count", "any-order", "loose", "round"][piece];
                    let _ = write!(inside, "<{name}>");
                    open.push(name);
                }
                6 => inside.push_str("<numbers id='a'>1</numbers>"),
                7 => inside.push_str("<x>1</x>"),
                8 => inside.push_str("<colour xsi:nil='1'/>"),
                9 => inside.push_str("<shape xsi:type='circle'/>"),
                10 => inside.push('é'),
                _ => if let Some(name) = open.pop() { let _ = write!(inside, "</{name}>"); },
            }
        }
        while let Some(name) = open.pop() {
            let _ = write!(inside, "</{name}>");
        }
        let document = format!(
            "<all xmlns='urn:example:features' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' lang='en'>{inside}</all>"
        );
        let document = parse(document.as_bytes(), &Limits::DEFAULT).unwrap();
        let _ = schema.validate(&document);
    }

    #[test]
    fn no_text_makes_a_schema_panic(body in "(<xs:(element|complexType|sequence|simpleType|restriction|any|attribute|all)( (name|ref|type|base|maxOccurs|minOccurs)='[a-z0-9:]{0,3}'){0,3}/?>|</xs:(element|complexType|sequence)>){0,8}") {
        let _ = Schema::compile(&[("t.xsd", &text(&body))]);
    }
}
