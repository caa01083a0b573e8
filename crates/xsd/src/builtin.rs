//! The built-in types (XML Schema part 2, section 3), as the schema language could define them.

use crate::XSD;
use crate::model::Model;
use crate::names::Names;
use crate::simple::atom::Atom;
use crate::simple::facets::{Bound, Facets};
use crate::simple::time::Kind;
use crate::simple::{Simple, Variety, WhiteSpace};
use crate::types::{Body, Complex, Content, Derivations, Type, TypeId};
use crate::wildcard::{Namespaces, Process, Wildcard};

/// The type of all types.
pub(crate) const ANY_TYPE: TypeId = 0;
/// The type of all simple types.
pub(crate) const ANY_SIMPLE_TYPE: TypeId = 1;

/// The atomic types: name, base, what its text looks like, lowest and highest value.
///
/// `ENTITY`, `ENTITIES` and `NOTATION` are left out: without a document type declaration they have no values.
const ATOMIC: &[(&str, &str, Atom, &str, &str)] = &[
    ("string", "anySimpleType", Atom::Any, "", ""),
    ("boolean", "anySimpleType", Atom::Boolean, "", ""),
    ("decimal", "anySimpleType", Atom::Decimal, "", ""),
    ("float", "anySimpleType", Atom::Float, "", ""),
    ("double", "anySimpleType", Atom::Double, "", ""),
    ("duration", "anySimpleType", Atom::Duration, "", ""),
    ("dateTime", "anySimpleType", Atom::Moment(Kind::DateTime), "", ""),
    ("time", "anySimpleType", Atom::Moment(Kind::Time), "", ""),
    ("date", "anySimpleType", Atom::Moment(Kind::Date), "", ""),
    ("gYearMonth", "anySimpleType", Atom::Moment(Kind::YearMonth), "", ""),
    ("gYear", "anySimpleType", Atom::Moment(Kind::Year), "", ""),
    ("gMonthDay", "anySimpleType", Atom::Moment(Kind::MonthDay), "", ""),
    ("gDay", "anySimpleType", Atom::Moment(Kind::Day), "", ""),
    ("gMonth", "anySimpleType", Atom::Moment(Kind::Month), "", ""),
    ("hexBinary", "anySimpleType", Atom::Hex, "", ""),
    ("base64Binary", "anySimpleType", Atom::Base64, "", ""),
    ("anyURI", "anySimpleType", Atom::Uri, "", ""),
    ("QName", "anySimpleType", Atom::QName, "", ""),
    ("normalizedString", "string", Atom::Any, "", ""),
    ("token", "normalizedString", Atom::Any, "", ""),
    ("language", "token", Atom::Language, "", ""),
    ("NMTOKEN", "token", Atom::NmToken, "", ""),
    ("Name", "token", Atom::Name, "", ""),
    ("NCName", "Name", Atom::NcName, "", ""),
    ("ID", "NCName", Atom::Id, "", ""),
    ("IDREF", "NCName", Atom::IdRef, "", ""),
    ("integer", "decimal", Atom::Integer, "", ""),
    ("nonPositiveInteger", "integer", Atom::Integer, "", "0"),
    ("negativeInteger", "nonPositiveInteger", Atom::Integer, "", "-1"),
    ("long", "integer", Atom::Integer, "-9223372036854775808", "9223372036854775807"),
    ("int", "long", Atom::Integer, "-2147483648", "2147483647"),
    ("short", "int", Atom::Integer, "-32768", "32767"),
    ("byte", "short", Atom::Integer, "-128", "127"),
    ("nonNegativeInteger", "integer", Atom::Integer, "0", ""),
    ("unsignedLong", "nonNegativeInteger", Atom::Unsigned, "0", "18446744073709551615"),
    ("unsignedInt", "unsignedLong", Atom::Unsigned, "0", "4294967295"),
    ("unsignedShort", "unsignedInt", Atom::Unsigned, "0", "65535"),
    ("unsignedByte", "unsignedShort", Atom::Unsigned, "0", "255"),
    ("positiveInteger", "nonNegativeInteger", Atom::Integer, "1", ""),
];

/// The list types: name and type of the items.
const LISTS: &[(&str, &str)] = &[("NMTOKENS", "NMTOKEN"), ("IDREFS", "IDREF")];

/// All built-in types with their names, each behind its base.
pub(crate) fn types(names: &mut Names) -> Vec<(&'static str, Type)> {
    let mut all = vec![
        ("anyType", any_type()),
        (
            "anySimpleType",
            simple(ANY_TYPE, Variety::Atomic(Atom::Any, "anySimpleType"), WhiteSpace::Preserve),
        ),
    ];
    for &(name, base, atom, least, most) in ATOMIC {
        let white_space = match name {
            "string" => WhiteSpace::Preserve,
            "normalizedString" => WhiteSpace::Replace,
            _ => WhiteSpace::Collapse,
        };
        let mut one = simple(find(&all, base), Variety::Atomic(atom, name), white_space);
        if let Body::Simple(simple) = &mut one.body {
            let facets = Facets { min: bound(least), max: bound(most), ..Facets::default() };
            simple.facets = facets.need_value().then(|| Box::new(facets));
        }
        all.push((name, one));
    }
    for &(name, item) in LISTS {
        let mut one = simple(ANY_SIMPLE_TYPE, Variety::List(find(&all, item)), WhiteSpace::Collapse);
        if let Body::Simple(simple) = &mut one.body {
            simple.facets = Some(Box::new(Facets { min_length: Some(1), ..Facets::default() }));
        }
        all.push((name, one));
    }
    for (name, _) in &all {
        names.add(Some(XSD), name);
    }
    all
}

fn find(all: &[(&str, Type)], name: &str) -> TypeId {
    let at = all.iter().position(|(known, _)| *known == name).expect("a type stands behind its base");
    crate::names::number(at)
}

fn bound(text: &'static str) -> Option<Bound> {
    let value = crate::simple::atom::Value::Decimal(crate::simple::decimal::Decimal::parse(text)?);
    Some(Bound { value, inclusive: true, text: text.into() })
}

fn simple(base: TypeId, variety: Variety, white_space: WhiteSpace) -> Type {
    let body = Body::Simple(Simple::plain(variety, white_space));
    Type { base, derivation: Derivations::RESTRICTION, body }
}

fn any_type() -> Type {
    let wildcard = Wildcard { namespaces: Namespaces::Any, process: Process::Lax };
    let content = Content::Elements { model: Model::anything(), mixed: true };
    let complex = Complex {
        attributes: Vec::new(),
        wildcard: Some(wildcard),
        content,
        is_abstract: false,
        block: Derivations::default(),
    };
    Type { base: ANY_TYPE, derivation: Derivations::RESTRICTION, body: Body::Complex(complex) }
}
