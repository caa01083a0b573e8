//! Faults of presence rules (RFC 4745, RFC 5025).

use super::{Fault, Kind, SCHEMA};
use crate::people::KIM;

pub(crate) fn kind() -> Kind {
    let target = format!("/pres-rules/users/{}/mutant", KIM.0);
    Kind {
        who: KIM,
        target,
        media_type: "application/auth-policy+xml",
        base: BASE.to_owned(),
        faults: FAULTS,
    }
}

const BASE: &str = "<cr:ruleset xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\" xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\" \
    xmlns:x=\"urn:example:unknown\"><cr:rule id=\"a\"><cr:conditions><cr:identity><cr:one id=\"sip:a@example.org\"/>\
    <cr:many domain=\"example.org\"><cr:except id=\"sip:b@example.org\"/></cr:many></cr:identity><cr:sphere value=\"work\"/>\
    <cr:validity><cr:from>2026-01-01T00:00:00Z</cr:from><cr:until>2027-01-01T00:00:00+09:00</cr:until></cr:validity><x:more/>\
    </cr:conditions><cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions><cr:transformations><pr:provide-services>\
    <pr:service-uri-scheme>sip</pr:service-uri-scheme></pr:provide-services><pr:provide-persons><pr:all-persons/>\
    </pr:provide-persons><pr:provide-devices><pr:deviceID>urn:uuid:1</pr:deviceID></pr:provide-devices>\
    <pr:provide-mood>true</pr:provide-mood><pr:provide-user-input>bare</pr:provide-user-input>\
    <pr:provide-unknown-attribute name=\"n\" ns=\"urn:x\">true</pr:provide-unknown-attribute><pr:provide-all-attributes/>\
    </cr:transformations></cr:rule><cr:rule id=\"b\"/></cr:ruleset>";

const FAULTS: &[Fault] = &[
    ("<cr:rule id=\"b\"/>", "<cr:rule/>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"a\"/>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"2\"/>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"b\" name=\"x\"/>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"b\">text</cr:rule>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"b\"><cr:other/></cr:rule>", SCHEMA),
    (
        "<cr:rule id=\"b\"/>",
        "<cr:rule id=\"b\"><cr:actions/><cr:conditions><x:c/></cr:conditions></cr:rule>",
        SCHEMA,
    ),
    ("<cr:rule id=\"b\"/>", "<cr:rule id=\"b\"><cr:actions/><cr:actions/></cr:rule>", SCHEMA),
    ("<cr:rule id=\"b\"/>", "<x:rule/>", SCHEMA),
    ("<cr:conditions>", "<cr:conditions>text", SCHEMA),
    ("<cr:conditions>", "<cr:conditions><cr:other/>", SCHEMA),
    ("<cr:one id=\"sip:a@example.org\"/>", "<cr:one/>", SCHEMA),
    ("<cr:one id=\"sip:a@example.org\"/>", "<cr:one id=\"sip:a@example.org\"><x:a/><x:b/></cr:one>", SCHEMA),
    ("<cr:one id=\"sip:a@example.org\"/>", "<cr:nobody/>", SCHEMA),
    ("<cr:many domain=\"example.org\">", "<cr:many host=\"example.org\">", SCHEMA),
    ("<cr:except id=\"sip:b@example.org\"/>", "<cr:except user=\"sip:b@example.org\"/>", SCHEMA),
    ("<cr:except id=\"sip:b@example.org\"/>", "<cr:except>text</cr:except>", SCHEMA),
    ("<cr:sphere value=\"work\"/>", "<cr:sphere/>", SCHEMA),
    ("<cr:sphere value=\"work\"/>", "<cr:identity/>", SCHEMA),
    ("<cr:from>2026-01-01T00:00:00Z</cr:from>", "", SCHEMA),
    ("2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", SCHEMA),
    ("2026-01-01T00:00:00Z", "2026-01-01", SCHEMA),
    ("2027-01-01T00:00:00+09:00", "2027-01-01T00:00:00+15:00", SCHEMA),
    (">allow<", ">perhaps<", SCHEMA),
    (">allow<", "><", SCHEMA),
    ("<cr:actions>", "<cr:actions>text", SCHEMA),
    (
        "<pr:service-uri-scheme>sip</pr:service-uri-scheme>",
        "<pr:all-services/><pr:service-uri-scheme>sip</pr:service-uri-scheme>",
        SCHEMA,
    ),
    ("<pr:service-uri-scheme>sip</pr:service-uri-scheme>", "<pr:all-devices/>", SCHEMA),
    ("<pr:all-persons/>", "<pr:all-persons>x</pr:all-persons>", SCHEMA),
    ("<pr:all-persons/>", "<pr:all-persons/><pr:all-persons/>", SCHEMA),
    ("<pr:deviceID>urn:uuid:1</pr:deviceID>", "text", SCHEMA),
    ("<pr:deviceID>urn:uuid:1</pr:deviceID>", "<pr:service-uri>sip:a</pr:service-uri>", SCHEMA),
    (">true</pr:provide-mood>", ">sometimes</pr:provide-mood>", SCHEMA),
    (">bare<", ">full-length<", SCHEMA),
    (" name=\"n\"", "", SCHEMA),
    (" ns=\"urn:x\"", "", SCHEMA),
    (">true</pr:provide-unknown-attribute>", ">x</pr:provide-unknown-attribute>", SCHEMA),
    ("<pr:provide-all-attributes/>", "<pr:provide-all-attributes>x</pr:provide-all-attributes>", SCHEMA),
    ("</cr:transformations>", "</cr:transformations><cr:transformations/>", SCHEMA),
];
