//! Content models.

use super::{check, judge, model, schema};

const AB: &str = "<xs:element name='a'/><xs:element name='b' minOccurs='0'/>";

#[test]
fn sequence_choice_and_occurrences() {
    judge(
        &model(&format!("<xs:sequence>{AB}</xs:sequence>")),
        &["<a/>", "<a/><b/>", " <a/>\n<!-- c --><b/>"],
        &["", "<b/>", "<b/><a/>", "<a/><a/>", "<a/>text", "<a/><u:x/>"],
    );
    judge(
        &model(&format!("<xs:choice maxOccurs='2'>{AB}</xs:choice>")),
        &["", "<a/>", "<b/><a/>", "<b/><b/>"],
        &["<a/><a/><b/>", "<c/>"],
    );
    judge(
        &model(
            "<xs:sequence minOccurs='2' maxOccurs='3'><xs:element name='a'/><xs:element name='b'/></xs:sequence>",
        ),
        &["<a/><b/><a/><b/>", "<a/><b/><a/><b/><a/><b/>"],
        &["<a/><b/>", "<a/><b/><a/>", "<a/><b/><a/><b/><a/><b/><a/><b/>"],
    );
    judge(
        &model("<xs:sequence><xs:element name='a' maxOccurs='0' minOccurs='0'/></xs:sequence>"),
        &[""],
        &["<a/>"],
    );
    // A choice of nothing cannot be satisfied; a sequence of nothing is empty, without white space too.
    judge(&model("<xs:choice/>"), &[], &["", "<a/>"]);
    judge(&model("<xs:sequence/>"), &["", "<!-- c -->"], &[" ", "<a/>"]);
}

#[test]
fn ambiguous_models_load() {
    judge(
        &model(
            "<xs:sequence><xs:element name='a' minOccurs='0'/><xs:element name='a'/><xs:element name='a' minOccurs='0'/></xs:sequence>",
        ),
        &["<a/>", "<a/><a/>", "<a/><a/><a/>"],
        &["", "<a/><a/><a/><a/>"],
    );
    judge(
        &model(
            "<xs:choice><xs:sequence><xs:element name='a'/><xs:element name='b'/></xs:sequence>\
                <xs:sequence><xs:element name='a'/><xs:element name='c'/></xs:sequence></xs:choice>",
        ),
        &["<a/><b/>", "<a/><c/>"],
        &["<a/>", "<a/><b/><c/>"],
    );
    // Where a declaration and a wildcard both fit, the declaration judges.
    judge(
        &model(
            "<xs:sequence><xs:any minOccurs='0' maxOccurs='unbounded' processContents='skip'/>\
                <xs:element name='a' type='xs:int'/></xs:sequence>",
        ),
        &["<a>1</a>", "<x/><a>1</a>", "<a>1</a><a>2</a>"],
        &["<x/>", "<a>x</a>"],
    );
}

#[test]
fn large_counts() {
    let many = |name: &str, count: usize| format!("<{name}/>").repeat(count);
    let upper = model(
        "<xs:sequence><xs:element name='a' minOccurs='0' maxOccurs='65536'/><xs:element name='b'/></xs:sequence>",
    );
    judge(&upper, &[&(many("a", 2000) + "<b/>"), "<b/>"], &[&many("a", 2000)]);
    let exact = model("<xs:sequence><xs:element name='a' minOccurs='500' maxOccurs='502'/></xs:sequence>");
    judge(&exact, &[&many("a", 500), &many("a", 502)], &[&many("a", 499), &many("a", 503), ""]);
    let least = model(
        "<xs:sequence minOccurs='300' maxOccurs='unbounded'><xs:choice><xs:element name='a'/><xs:element name='b'/></xs:choice></xs:sequence>",
    );
    judge(&least, &[&many("a", 300), &(many("b", 150) + &many("a", 200))], &[&many("a", 299)]);
    // Optional bodies: fewer turns always do.
    let optional = model(
        "<xs:sequence minOccurs='100' maxOccurs='200'><xs:element name='a' minOccurs='0'/><xs:element name='b' minOccurs='0'/></xs:sequence>",
    );
    judge(
        &optional,
        &["", &many("a", 200), &"<a/><b/>".repeat(200)],
        &[&many("a", 201), &"<b/><a/>".repeat(201)],
    );
    // An outer repetition is written out where the inner one counts.
    let nested = model(
        "<xs:sequence minOccurs='2' maxOccurs='2'><xs:element name='a' minOccurs='400' maxOccurs='401'/><xs:element name='b'/></xs:sequence>",
    );
    let turn = |count: usize| many("a", count) + "<b/>";
    judge(&nested, &[&(turn(400) + &turn(401))], &[&(turn(400) + &turn(399)), &turn(400)]);
    // What is ambiguous and must be exact is written out as well.
    let unclear = model(
        "<xs:sequence><xs:element name='a' minOccurs='100' maxOccurs='150'/><xs:element name='a' minOccurs='0'/></xs:sequence>",
    );
    judge(&unclear, &[&many("a", 100), &many("a", 151)], &[&many("a", 99), &many("a", 152)]);
}

#[test]
fn all_groups() {
    let all =
        model("<xs:all><xs:element name='a'/><xs:element name='b' type='xs:int' minOccurs='0'/></xs:all>");
    judge(
        &all,
        &["<a/>", "<b>1</b><a/>", "<a/><b>1</b>"],
        &["", "<b>1</b>", "<a/><a/>", "<a/><b>x</b>", "<a/><c/>"],
    );
    judge(&model("<xs:all minOccurs='0'><xs:element name='a'/></xs:all>"), &["", "<a/>"], &["<a/><a/>"]);
    let group = schema(
        "<xs:group name='g'><xs:all><xs:element name='a'/><xs:element name='b'/></xs:all></xs:group>\
        <xs:element name='r'><xs:complexType><xs:group ref='t:g'/></xs:complexType></xs:element>",
    );
    judge(&group, &["<b/><a/>"], &["<a/>"]);
}

#[test]
fn groups() {
    let group = schema(
        "<xs:group name='g'><xs:sequence><xs:element name='a'/><xs:group ref='t:h' minOccurs='0'/></xs:sequence></xs:group>\
        <xs:group name='h'><xs:choice maxOccurs='2'><xs:element name='b'/><xs:element name='c'/></xs:choice></xs:group>\
        <xs:element name='r'><xs:complexType><xs:group ref='t:g' maxOccurs='unbounded'/></xs:complexType></xs:element>",
    );
    judge(&group, &["<a/>", "<a/><b/><c/><a/>"], &["", "<b/>", "<a/><b/><b/><b/>"]);
}

#[test]
fn wildcards() {
    let any = |attributes: &str| {
        schema(&format!(
            "<xs:element name='r'><xs:complexType><xs:sequence><xs:any {attributes}/></xs:sequence></xs:complexType></xs:element>\
             <xs:element name='n' type='xs:int'/>"
        ))
    };
    judge(
        &any(""),
        &["<n>1</n>", "<x xsi:type='xs:int'>1</x>"],
        &["<n>x</n>", "<x/>", "<u:x/>", "<x xsi:type='xs:int'>x</x>", "<u:x xsi:type='u:y'/>"],
    );
    judge(
        &any("processContents='lax'"),
        &[
            "<n>1</n>",
            "<u:x>text<n>1</n></u:x>",
            "<x xmlns='' a='b'/>",
            "<u:x xsi:type='u:y'>text<n>1</n></u:x>",
        ],
        &[
            "<n>x</n>",
            "<u:x><u:y><n>x</n></u:y></u:x>",
            "<u:x xsi:type='xs:int'>x</u:x>",
            "<u:x xsi:type='u:y'><n>x</n></u:x>",
            "<n xsi:type='u:y'>1</n>",
        ],
    );
    judge(
        &any("processContents='skip'"),
        &["<n>x</n>", "<n xsi:type='none'/>", "<u:x><n><n/></n></u:x>"],
        &["", "<n/><n/>"],
    );
    judge(&any("processContents='skip' namespace='##other'"), &["<u:x/>"], &["<n/>", "<x xmlns=''/>"]);
    judge(
        &any("processContents='skip' namespace='##targetNamespace'"),
        &["<x/>"],
        &["<u:x/>", "<x xmlns=''/>"],
    );
    judge(
        &any("processContents='skip' namespace='##local urn:u'"),
        &["<u:x/>", "<x xmlns=''/>"],
        &["<n/>", "<x xmlns='urn:v'/>"],
    );
}

#[test]
fn mixed_and_empty() {
    let mixed = schema(
        "<xs:element name='r'><xs:complexType mixed='true'><xs:sequence><xs:element name='a'/></xs:sequence></xs:complexType></xs:element>",
    );
    judge(&mixed, &["<a/>", "x<a/>y", "<![CDATA[<]]><a/>"], &["", "text", "<a/><a/>"]);
    let empty = schema("<xs:element name='r'><xs:complexType/></xs:element>");
    judge(&empty, &["", "<!-- c --><?p i?>"], &["<a/>", "text", " "]);
    judge(
        &schema("<xs:element name='r'><xs:complexType mixed='true'/></xs:element>"),
        &["", "text"],
        &["<a/>"],
    );
    judge(&schema("<xs:element name='r'/>"), &["", "text<u:x a='b'/>", "<r/>"], &[]);
}

#[test]
fn element_forms() {
    let form = schema(
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' form='unqualified'/>\
        <xs:element name='b'/></xs:sequence></xs:complexType></xs:element>",
    );
    judge(&form, &["<a xmlns=''/><b/>"], &["<a/><b/>", "<a xmlns=''/><b xmlns=''/>"]);
    assert!(check(&form, "<r/>").unwrap_err().starts_with("element r: is not declared as a root"));
}
