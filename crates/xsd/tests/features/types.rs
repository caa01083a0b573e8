//! Derivation, substitution, and what documents say of types.

use super::{check, judge, schema};

const SHAPES: &str = "<xs:complexType name='shape'><xs:sequence><xs:element name='c' type='xs:token' minOccurs='0'/></xs:sequence>\
    <xs:attribute name='u' type='xs:NMTOKEN'/></xs:complexType>\
    <xs:complexType name='circle'><xs:complexContent><xs:extension base='t:shape'><xs:sequence><xs:element name='radius' type='xs:int'/>\
    </xs:sequence><xs:attribute name='v' use='required'/></xs:extension></xs:complexContent></xs:complexType>\
    <xs:complexType name='plain'><xs:complexContent><xs:restriction base='t:shape'><xs:sequence/>\
    <xs:attribute name='u' use='prohibited'/></xs:restriction></xs:complexContent></xs:complexType>";

fn shapes(element: &str) -> csc_xsd::Schema {
    schema(&format!(
        "{SHAPES}<xs:element name='r'><xs:complexType><xs:sequence>{element}</xs:sequence></xs:complexType></xs:element>"
    ))
}

#[test]
fn instance_types() {
    judge(
        &shapes("<xs:element name='s' type='t:shape'/>"),
        &[
            "<s/>",
            "<s u='mm'><c>red</c></s>",
            "<s xsi:type='t:circle' v=''><c/><radius>1</radius></s>",
            "<s xsi:type=' circle ' v='1' u='a'><radius>1</radius></s>",
            "<s xsi:type='plain'/>",
        ],
        &[
            "<s><radius>1</radius></s>",
            "<s xsi:type='circle'><radius>1</radius></s>",
            "<s xsi:type='circle' v=''><radius>1</radius><c/></s>",
            "<s xsi:type='plain' u='a'/>",
            "<s xsi:type='plain'><c/></s>",
            "<s xsi:type='xs:string'/>",
            "<s xsi:type='none'/>",
            "<s xsi:type='q:circle'/>",
            "<s xsi:type=''/>",
        ],
    );
    judge(
        &shapes("<xs:element name='s' type='t:shape' block='extension'/>"),
        &["<s xsi:type='plain'/>"],
        &["<s xsi:type='circle' v=''><radius>1</radius></s>"],
    );
    judge(
        &shapes("<xs:element name='s' type='xs:decimal'/>"),
        &["<s xsi:type='xs:byte'>1</s>"],
        &["<s xsi:type='xs:byte'>200</s>", "<s xsi:type='xs:string'>1</s>"],
    );
    judge(
        &shapes("<xs:element name='s'/>"),
        &["<s xsi:type='xs:byte'>1</s>"],
        &["<s xsi:type='xs:byte'>200</s>"],
    );
}

#[test]
fn abstract_types_and_elements() {
    let shape = schema(
        "<xs:complexType name='a' abstract='true'/><xs:complexType name='b'><xs:complexContent><xs:extension base='t:a'/>\
        </xs:complexContent></xs:complexType><xs:element name='r'><xs:complexType><xs:sequence><xs:element name='s' type='t:a'/>\
        </xs:sequence></xs:complexType></xs:element><xs:element name='n' abstract='true'/>",
    );
    judge(&shape, &["<s xsi:type='b'/>"], &["<s/>", "<s xsi:type='a'/>"]);
    assert!(check(&shape, "<n xmlns='urn:t'/>").unwrap_err().contains("is abstract"));
}

#[test]
fn substitution_groups() {
    let head = |attributes: &str| {
        schema(&format!(
            "{SHAPES}<xs:element name='head' type='t:shape' {attributes}/>\
             <xs:element name='round' type='t:circle' substitutionGroup='t:head'/><xs:element name='bare' type='t:plain' substitutionGroup='t:head'/>\
             <xs:element name='same' substitutionGroup='t:bare'/>\
             <xs:element name='r'><xs:complexType><xs:sequence><xs:element ref='t:head' maxOccurs='unbounded'/></xs:sequence></xs:complexType></xs:element>"
        ))
    };
    let round = "<round v=''><radius>1</radius></round>";
    judge(
        &head(""),
        &["<head/>", round, "<bare/><same/><head/>"],
        &["<round/>", "<bare><c/></bare>", "<same u='a'/>", "<other/>"],
    );
    judge(&head("abstract='true'"), &["<bare/>"], &["<head/>"]);
    judge(&head("block='substitution'"), &["<head/>"], &["<bare/>", round]);
    judge(&head("block='extension'"), &["<bare/><same/>"], &[round]);
    judge(&head("block='#all'"), &["<head/>"], &["<bare/>"]);
}

#[test]
fn nil() {
    let nil = schema(
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='n' type='xs:int' nillable='true' minOccurs='0'/>\
        <xs:element name='p' type='xs:int' minOccurs='0'/><xs:element name='q' nillable='true' minOccurs='0'><xs:complexType><xs:sequence>\
        <xs:element name='a'/></xs:sequence><xs:attribute name='b' use='required'/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>",
    );
    judge(
        &nil,
        &[
            "<n xsi:nil='true'/>",
            "<n xsi:nil='0'>1</n>",
            "<q b='' xsi:nil='1'/>",
            "<n xsi:nil='true'><!-- c --></n>",
        ],
        &[
            "<n xsi:nil='true'>1</n>",
            "<n/>",
            "<n xsi:nil='maybe'/>",
            "<p xsi:nil='true'/>",
            "<p xsi:nil='false'>1</p>",
            "<q xsi:nil='true'/>",
            "<q b='' xsi:nil='true'><a/></q>",
            "<n xsi:nil='true'> </n>",
        ],
    );
}

#[test]
fn simple_content() {
    let simple = schema(
        "<xs:complexType name='a'><xs:simpleContent><xs:extension base='xs:int'><xs:attribute name='x' type='xs:int'/></xs:extension>\
        </xs:simpleContent></xs:complexType><xs:complexType name='b'><xs:simpleContent><xs:restriction base='t:a'><xs:maxInclusive value='9'/>\
        </xs:restriction></xs:simpleContent></xs:complexType><xs:complexType name='m' mixed='true'/><xs:complexType name='v'><xs:simpleContent>\
        <xs:restriction base='t:m'><xs:simpleType><xs:restriction base='xs:hexBinary'/></xs:simpleType></xs:restriction></xs:simpleContent></xs:complexType>\
        <xs:element name='r'><xs:complexType><xs:choice><xs:element name='a' type='t:a'/><xs:element name='b' type='t:b'/>\
        <xs:element name='v' type='t:v'/></xs:choice></xs:complexType></xs:element>",
    );
    judge(
        &simple,
        &[
            "<a>10</a>",
            "<a x='1'> 1 </a>",
            "<b x='1'>9</b>",
            "<a>1<!-- c -->2</a>",
            "<v>0A</v>",
            "<a xsi:type='b'>9</a>",
            "<a><![CDATA[1]]>0</a>",
        ],
        &[
            "<a/>",
            "<a x='y'>1</a>",
            "<a y='1'>1</a>",
            "<b>10</b>",
            "<a>1<c/></a>",
            "<v>0</v>",
            "<a xsi:type='b'>10</a>",
        ],
    );
}

#[test]
fn attributes() {
    let with = schema(
        "<xs:attribute name='g' type='xs:int'/><xs:attributeGroup name='more'><xs:attribute name='b' type='xs:boolean' fixed='true'/>\
        <xs:anyAttribute namespace='urn:u' processContents='skip'/></xs:attributeGroup><xs:element name='r'><xs:complexType><xs:sequence>\
        <xs:element name='e'><xs:complexType><xs:attribute name='a' use='required'/><xs:attribute ref='t:g'/><xs:attribute name='d' type='xs:int' default='1'/>\
        <xs:attribute name='f' form='qualified'/><xs:attributeGroup ref='t:more'/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>",
    );
    judge(
        &with,
        &[
            "<e a=''/>",
            "<e a='' t:g='1' d='2' t:f='' b=' 1 '/>",
            "<e a='' u:x='y'/>",
            "<e a='' xsi:schemaLocation='urn:t t.xsd'/>",
        ],
        &[
            "<e/>",
            "<e a='' c=''/>",
            "<e a='' g='1'/>",
            "<e a='' t:g='x'/>",
            "<e a='' d='x'/>",
            "<e a='' f=''/>",
            "<e a='' b='false'/>",
            "<e u:a=''/>",
            "<e a='' xsi:other=''/>",
        ],
    );
    let any = |attributes: &str| {
        schema(&format!(
            "<xs:attribute name='g' type='xs:int'/><xs:element name='r'><xs:complexType><xs:sequence><xs:element name='e'>\
            <xs:complexType><xs:anyAttribute {attributes}/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"
        ))
    };
    judge(&any(""), &["<e/>", "<e t:g='1'/>"], &["<e t:g='x'/>", "<e a='1'/>"]);
    judge(&any("processContents='lax'"), &["<e t:g='1' a='b' u:c='d'/>"], &["<e t:g='x'/>"]);
    judge(
        &any("processContents='lax' namespace='##other'"),
        &["<e u:a='b'/>"],
        &["<e a='b'/>", "<e t:g='1'/>"],
    );
    judge(&any("processContents='skip' namespace='##local'"), &["<e a='b'/>"], &["<e u:a='b'/>"]);
}

#[test]
fn inherited_attribute_wildcards() {
    let both = schema(
        "<xs:complexType name='a'><xs:anyAttribute namespace='urn:u' processContents='skip'/></xs:complexType>\
        <xs:complexType name='b'><xs:complexContent><xs:extension base='t:a'><xs:anyAttribute namespace='urn:v' processContents='skip'/></xs:extension>\
        </xs:complexContent></xs:complexType><xs:complexType name='c'><xs:complexContent><xs:restriction base='t:b'/></xs:complexContent></xs:complexType>\
        <xs:element name='r'><xs:complexType><xs:choice><xs:element name='b' type='t:b'/><xs:element name='c' type='t:c'/></xs:choice></xs:complexType></xs:element>",
    );
    judge(
        &both,
        &["<b u:x='' v:y='' xmlns:v='urn:v'/>", "<c/>"],
        &["<b w:x='' xmlns:w='urn:w'/>", "<c u:x=''/>"],
    );
}

#[test]
fn presets() {
    let preset = schema(
        "<xs:element name='r'><xs:complexType><xs:choice><xs:element name='d' type='xs:int' default='1'/>\
        <xs:element name='f' type='xs:decimal' fixed='1.0'/><xs:element name='m' fixed='a b'><xs:complexType mixed='true'><xs:sequence>\
        <xs:element name='x' minOccurs='0'/></xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element>\
        <xs:simpleType name='more'><xs:restriction base='xs:int'><xs:minInclusive value='2'/></xs:restriction></xs:simpleType>",
    );
    judge(
        &preset,
        &[
            "<d/>",
            "<d>2</d>",
            "<d xsi:type='xs:byte'/>",
            "<f/>",
            "<f>01</f>",
            "<f> 1 </f>",
            "<m/>",
            "<m><!-- c --></m>",
            "<m>a b</m>",
        ],
        &[
            "<d> </d>",
            "<d>x</d>",
            "<d xsi:type='t:more'/>",
            "<f>2</f>",
            "<f> </f>",
            "<f xsi:type='xs:byte'/>",
            "<m>a</m>",
            "<m>a b<x/></m>",
        ],
    );
}
