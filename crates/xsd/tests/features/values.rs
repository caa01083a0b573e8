//! Simple types by way of a whole schema.

use super::{judge, schema};

/// `<e>` of one type.
fn of(definition: &str) -> csc_xsd::Schema {
    schema(&format!(
        "<xs:simpleType name='v'>{definition}</xs:simpleType><xs:element name='r'><xs:complexType><xs:sequence>\
         <xs:element name='e' type='t:v'/></xs:sequence></xs:complexType></xs:element>"
    ))
}

fn values(definition: &str, good: &[&str], bad: &[&str]) {
    let schema = of(definition);
    for value in good {
        judge(&schema, &[&format!("<e>{value}</e>")], &[]);
    }
    for value in bad {
        judge(&schema, &[], &[&format!("<e>{value}</e>")]);
    }
}

fn restricted(base: &str, facets: &str, good: &[&str], bad: &[&str]) {
    values(&format!("<xs:restriction base='{base}'>{facets}</xs:restriction>"), good, bad);
}

#[test]
fn built_in_types() {
    for (base, good, bad) in [
        ("xs:string", "a  b", ""),
        ("xs:boolean", " true ", "yes"),
        ("xs:decimal", "-1.50", "1e5"),
        ("xs:float", "1e5", "e5"),
        ("xs:double", "-INF", "+INF"),
        ("xs:duration", "PT15S", "15"),
        ("xs:dateTime", "2026-01-01T00:00:00Z", "2026-01-01"),
        ("xs:date", "2024-02-29", "2023-02-29"),
        ("xs:time", "23:59:59", "24:00:01"),
        ("xs:gYear", "2026", "26"),
        ("xs:gYearMonth", "2026-12", "2026-13"),
        ("xs:gMonthDay", "--02-29", "--02-30"),
        ("xs:gDay", "---31", "---32"),
        ("xs:gMonth", "--12", "--13"),
        ("xs:hexBinary", "0aFF", "0"),
        ("xs:base64Binary", "TWFu", "TWF"),
        ("xs:anyURI", "tel:+82", ":"),
        ("xs:QName", "t:a", "q:a"),
        ("xs:normalizedString", "a\tb", ""),
        ("xs:token", " a  b ", ""),
        ("xs:language", "en-US", "en_US"),
        ("xs:NMTOKEN", "1a", "a b"),
        ("xs:NMTOKENS", "1 2", " "),
        ("xs:Name", "a:b", "1"),
        ("xs:NCName", "a", "a:b"),
        ("xs:integer", "-007", "1.0"),
        ("xs:nonPositiveInteger", "0", "1"),
        ("xs:negativeInteger", "-1", "0"),
        ("xs:long", "-9223372036854775808", "9223372036854775808"),
        ("xs:int", "2147483647", "2147483648"),
        ("xs:short", "-32768", "-32769"),
        ("xs:byte", "127", "128"),
        ("xs:nonNegativeInteger", "0", "-1"),
        ("xs:unsignedLong", "18446744073709551615", "18446744073709551616"),
        ("xs:unsignedInt", "4294967295", "4294967296"),
        ("xs:unsignedShort", "65535", "65536"),
        ("xs:unsignedByte", "255", "256"),
        ("xs:positiveInteger", "1", "0"),
        ("xs:anySimpleType", "a", ""),
    ] {
        let bad: &[&str] = if bad.is_empty() { &["<x/>"] } else { &[bad] };
        restricted(base, "", &[good], bad);
    }
}

#[test]
fn facets() {
    restricted("xs:string", "<xs:length value='2'/>", &["ab", "한글"], &["a", "abc"]);
    restricted(
        "xs:token",
        "<xs:minLength value='1'/><xs:maxLength value='2'/>",
        &["a", " ab "],
        &["", "abc"],
    );
    restricted("xs:hexBinary", "<xs:length value='2'/>", &["0A0B"], &["0A"]);
    restricted("xs:base64Binary", "<xs:length value='2'/>", &["TWE="], &["TWFu"]);
    restricted("xs:string", "<xs:pattern value='a+'/><xs:pattern value='b'/>", &["aa", "b"], &["ab", ""]);
    restricted("xs:token", "<xs:enumeration value='a b'/>", &["a  b"], &["a"]);
    restricted("xs:decimal", "<xs:enumeration value='1.0'/>", &["1", "01.00"], &["2"]);
    restricted(
        "xs:string",
        "<xs:whiteSpace value='collapse'/><xs:enumeration value='a b'/>",
        &[" a b "],
        &["ab"],
    );
    restricted(
        "xs:integer",
        "<xs:minExclusive value='0'/><xs:maxExclusive value='3'/>",
        &["1", "2"],
        &["0", "3"],
    );
    restricted(
        "xs:date",
        "<xs:minInclusive value='2026-01-01'/>",
        &["2026-01-01", "2027-01-01"],
        &["2025-12-31", "2026-01-01Z"],
    );
    restricted("xs:duration", "<xs:maxInclusive value='PT1H'/>", &["PT60M", "PT1S"], &["P1D", "P1M"]);
    restricted("xs:float", "<xs:minInclusive value='0'/>", &["0", "INF"], &["-1", "NaN"]);
    restricted(
        "xs:decimal",
        "<xs:totalDigits value='4'/><xs:fractionDigits value='2'/>",
        &["12.34", "0012.340", "1234"],
        &["123.45", "1.234", "12345"],
    );
}

#[test]
fn steps_of_derivation_add_up() {
    let steps = schema(
        "<xs:simpleType name='a'><xs:restriction base='xs:string'><xs:pattern value='[a-m]+'/><xs:maxLength value='3'/></xs:restriction></xs:simpleType>\
        <xs:simpleType name='b'><xs:restriction base='t:a'><xs:pattern value='.*c'/><xs:minLength value='2'/></xs:restriction></xs:simpleType>\
        <xs:element name='r'><xs:complexType><xs:sequence><xs:element name='e' type='t:b'/></xs:sequence></xs:complexType></xs:element>",
    );
    judge(&steps, &["<e>abc</e>", "<e>ac</e>"], &["<e>c</e>", "<e>zc</e>", "<e>ab</e>", "<e>aaac</e>"]);
}

#[test]
fn lists_and_unions() {
    values("<xs:list itemType='xs:int'/>", &["", "1", " 1\n2 "], &["1,2", "x"]);
    let bounded = "<xs:restriction><xs:simpleType><xs:list itemType='xs:int'/></xs:simpleType><xs:length value='2'/>\
        <xs:enumeration value='1 2'/><xs:enumeration value='3 4'/></xs:restriction>";
    values(bounded, &["1 2", "03  4"], &["1", "2 1", "1 2 3"]);
    let union = "<xs:union memberTypes='xs:int xs:boolean'><xs:simpleType><xs:restriction base='xs:string'><xs:enumeration value='no'/>\
        </xs:restriction></xs:simpleType></xs:union>";
    values(union, &["1", "true", "no"], &["yes", " no "]);
    let narrowed = format!(
        "<xs:restriction><xs:simpleType>{union}</xs:simpleType><xs:enumeration value='1'/><xs:enumeration value='false'/></xs:restriction>"
    );
    values(&narrowed, &["01", "false"], &["2", "no", "true"]);
}

#[test]
fn identifiers() {
    let ids = schema(
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='e' maxOccurs='unbounded'><xs:complexType>\
        <xs:attribute name='id' type='xs:ID'/><xs:attribute name='to' type='xs:IDREF'/><xs:attribute name='all' type='xs:IDREFS'/></xs:complexType></xs:element>\
        </xs:sequence></xs:complexType></xs:element>",
    );
    judge(
        &ids,
        &["<e id='a'/><e id='b'/>", "<e to=' b '/><e id='b'/>", "<e id='a'/><e id='b' all='a b'/>"],
        &["<e id='a'/><e id=' a '/>", "<e to='a'/>", "<e id='a' all='a b'/>", "<e id='1'/>"],
    );
}
