//! What is not supported, or wrong, is refused when a schema is compiled, and the refusal says where.

use csc_xsd::Schema;

use super::text;

#[test]
fn at_compile_time() {
    let r = |body: &str| format!("<xs:element name='r'>{body}</xs:element>");
    let c = |body: &str| r(&format!("<xs:complexType>{body}</xs:complexType>"));
    let s = |body: &str| format!("<xs:simpleType name='s'>{body}</xs:simpleType>");
    for (body, what) in [
        (r("<xs:unique name='u'><xs:selector xpath='a'/><xs:field xpath='@b'/></xs:unique>"), "not supported"),
        (r("<xs:key name='u'/>"), "not supported"),
        ("<xs:redefine schemaLocation='a'/>".to_owned(), "not supported"),
        ("<xs:notation name='n' public='p'/>".to_owned(), "not supported"),
        ("<xs:include schemaLocation='a'/>".to_owned(), "not given"),
        ("<other/>".to_owned(), "no element of the schema language"),
        ("text".to_owned(), "no text"),
        (r("<xs:complexType/><xs:complexType/>"), "twice"),
        ("<xs:element name='r' type='xs:int'><xs:simpleType/></xs:element>".to_owned(), "twice"),
        ("<xs:element name='r'/><xs:element name='r'/>".to_owned(), "declared twice"),
        ("<xs:element name='r' type='t:none'/>".to_owned(), "not declared"),
        ("<xs:element name='r' type='xs:none'/>".to_owned(), "not supported"),
        ("<xs:element name='r' type='xs:ENTITY'/>".to_owned(), "not supported"),
        ("<xs:element name='r' type='q:none'/>".to_owned(), "not bound"),
        ("<xs:element name='r' type='u:none' xmlns:u='urn:u'/>".to_owned(), "not imported"),
        ("<xs:element name='r' form='qualified'/>".to_owned(), "form is not supported"),
        ("<xs:element name='r' final='#all'/>".to_owned(), "final is not supported"),
        ("<xs:element name='1'/>".to_owned(), "no name"),
        ("<xs:element/>".to_owned(), "name is missing"),
        ("<xs:element name='r' abstract='perhaps'/>".to_owned(), "true or false"),
        ("<xs:element name='r' type='xs:int' default='x'/>".to_owned(), "is no xs:int"),
        ("<xs:element name='r' type='xs:int' default='1' fixed='1'/>".to_owned(), "either default or fixed"),
        ("<xs:element name='a' substitutionGroup='t:b'/><xs:element name='b' substitutionGroup='t:a'/>".to_owned(), "nowhere"),
        ("<xs:element name='a' type='xs:int' substitutionGroup='t:b'/><xs:element name='b' type='xs:date'/>".to_owned(), "head"),
        (c("<xs:sequence><xs:element name='a' minOccurs='2'/></xs:sequence>"), "above maxOccurs"),
        (c("<xs:sequence maxOccurs='x'/>"), "no number"),
        (c("<xs:sequence><xs:all/></xs:sequence>"), "not supported"),
        (c("<xs:all maxOccurs='2'><xs:element name='a'/></xs:all>"), "at most once"),
        (c("<xs:all><xs:element name='a' maxOccurs='2'/></xs:all>"), "at most once"),
        (c("<xs:sequence/><xs:choice/>"), "one model"),
        (c("<xs:sequence><xs:element name='a' type='xs:int'/><xs:element name='a' type='xs:date'/></xs:sequence>"), "two types"),
        (c("<xs:sequence minOccurs='9999' maxOccurs='9999'><xs:element name='a' minOccurs='9999' maxOccurs='9999'/></xs:sequence>"), "within each other"),
        (c("<xs:attribute name='a'/><xs:attribute name='a'/>"), "there twice"),
        (c("<xs:attribute name='a' use='required' default='b'/>"), "no default"),
        (c("<xs:attribute name='a' use='sometimes'/>"), "optional, required or prohibited"),
        (c("<xs:attribute name='a' type='t:c'/>") + "<xs:complexType name='c'/>", "no simple type"),
        (c("<xs:anyAttribute namespace='##some'/>"), "names no namespace"),
        (c("<xs:anyAttribute processContents='maybe'/>"), "strict, lax or skip"),
        ("<xs:group name='g'><xs:sequence><xs:group ref='t:g'/></xs:sequence></xs:group>".to_owned(), "too deep"),
        ("<xs:attributeGroup name='g'><xs:attributeGroup ref='t:g'/></xs:attributeGroup>".to_owned(), "too deep"),
        (
            "<xs:complexType name='c'><xs:complexContent><xs:extension base='t:c'/></xs:complexContent></xs:complexType>".to_owned(),
            "derived from itself",
        ),
        (
            (0..20).fold("<xs:group name='g20'><xs:sequence/></xs:group>".to_owned(), |all, number| {
                let twice = format!("<xs:group ref='t:g{}'/>", number + 1).repeat(2);
                all + &format!("<xs:group name='g{number}'><xs:sequence>{twice}</xs:sequence></xs:group>")
            }),
            "too large",
        ),
        (c(&format!("<xs:choice maxOccurs='unbounded'>{}</xs:choice>",
            (0..1100).map(|number| format!("<xs:element name='e{number}'/>")).collect::<String>())), "places"),
        (s("<xs:restriction base='t:s'/>"), "derived from itself"),
        (s("<xs:restriction/>"), "base is missing"),
        (s("<xs:restriction base='xs:int'><xs:maxInclusive value='x'/></xs:restriction>"), "is no xs:int"),
        (s("<xs:restriction base='xs:string'><xs:maxInclusive value='x'/></xs:restriction>"), "no order"),
        (s("<xs:restriction base='xs:int'><xs:length value='1'/></xs:restriction>"), "does not apply"),
        (s("<xs:restriction base='xs:string'><xs:pattern value='('/></xs:restriction>"), "pattern"),
        (s("<xs:restriction base='xs:string'><xs:pattern value='\\p{IsGreek}'/></xs:restriction>"), "Unicode block"),
        (s("<xs:restriction base='xs:token'><xs:whiteSpace value='preserve'/></xs:restriction>"), "white space"),
        (s("<xs:restriction base='xs:byte'><xs:enumeration value='200'/></xs:restriction>"), "at most 127"),
        (s("<xs:list itemType='xs:NMTOKENS'/>"), "no lists"),
        (s("<xs:union/>"), "has members"),
        (s(""), "definition is missing"),
        (
            "<xs:simpleType name='a'><xs:restriction base='xs:string'><xs:length value='1' fixed='true'/></xs:restriction></xs:simpleType>\
             <xs:simpleType name='s'><xs:restriction base='t:a'><xs:length value='1'/></xs:restriction></xs:simpleType>"
                .to_owned(),
            "fixes this facet",
        ),
        (
            "<xs:complexType name='a' mixed='true'><xs:sequence><xs:element name='x'/></xs:sequence></xs:complexType>\
             <xs:complexType name='b'><xs:complexContent><xs:extension base='t:a'><xs:sequence><xs:element name='y'/></xs:sequence></xs:extension>\
             </xs:complexContent></xs:complexType>"
                .to_owned(),
            "both be mixed",
        ),
        (
            "<xs:complexType name='a'><xs:attribute name='x' use='required'/></xs:complexType><xs:complexType name='b'><xs:complexContent>\
             <xs:restriction base='t:a'><xs:attribute name='x'/></xs:restriction></xs:complexContent></xs:complexType>"
                .to_owned(),
            "requires the attribute",
        ),
        (
            "<xs:complexType name='a'/><xs:complexType name='b'><xs:complexContent><xs:restriction base='t:a'><xs:attribute name='x'/>\
             </xs:restriction></xs:complexContent></xs:complexType>"
                .to_owned(),
            "has no attribute",
        ),
    ] {
        let refused = Schema::compile(&[("t.xsd", &text(&body))]).map(|_| ()).expect_err(&body);
        assert!(refused.what.contains(what), "{body}\n{refused}");
        assert_eq!(refused.location, "t.xsd");
    }
    for text in ["", "<a/>", "<!DOCTYPE a><xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>"] {
        assert!(Schema::compile(&[("t.xsd", text)]).is_err(), "{text}");
    }
}
