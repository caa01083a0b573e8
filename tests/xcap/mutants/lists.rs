//! Faults of resource lists and of their services (RFC 4826 sections 3 and 4).

use super::{CONSTRAINT, Fault, Kind, SCHEMA, UNIQUENESS};
use crate::documents::{LISTS, LISTS_TYPE};
use crate::people::KIM;

pub(crate) fn resource_lists() -> Kind {
    let target = format!("/{LISTS}/users/{}/mutant", KIM.0);
    Kind { who: KIM, target, media_type: LISTS_TYPE, base: BASE.to_owned(), faults: FAULTS }
}

pub(crate) fn rls_services() -> Kind {
    let target = format!("/rls-services/users/{}/mutant", KIM.0);
    let base = SERVICES.replace("KIM", KIM.0);
    Kind { who: KIM, target, media_type: "application/rls-services+xml", base, faults: SERVICE_FAULTS }
}

const BASE: &str = "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\" xmlns:x=\"urn:example:unknown\">\
    <list name=\"a\"><display-name xml:lang=\"en\">Friends</display-name><entry uri=\"sip:a@example.org\">\
    <display-name>A</display-name><x:more/></entry><entry uri=\"sip:b@example.org\"/><list name=\"inner\"/><list name=\"second\"/>\
    <external anchor=\"https://csc.example.org/resource-lists/users/u/index/~~/resource-lists/list%5B1%5D\"/>\
    <entry-ref ref=\"resource-lists/users/u/index/~~/resource-lists/list%5B1%5D/entry%5B1%5D\"><display-name>R</display-name>\
    </entry-ref><x:behind/></list><list name=\"b\"><external anchor=\"https://csc.example.org/other\"/></list></resource-lists>";

const FAULTS: &[Fault] = &[
    ("<entry uri=\"sip:b@example.org\"/>", "<entry/>", SCHEMA),
    ("<entry uri=\"sip:b@example.org\"/>", "<entry uri=\"sip:b@example.org\">text</entry>", SCHEMA),
    ("<entry uri=\"sip:b@example.org\"/>", "<entry uri=\"sip:b@example.org\" name=\"b\"/>", SCHEMA),
    (
        "<entry uri=\"sip:b@example.org\"/>",
        "<entry uri=\"sip:b@example.org\"><entry uri=\"x\"/></entry>",
        SCHEMA,
    ),
    ("<entry uri=\"sip:b@example.org\"/>", "<entry uri=\"sip:a@example.org\"/>", UNIQUENESS),
    ("<display-name>A</display-name><x:more/>", "<x:more/><display-name>A</display-name>", SCHEMA),
    (
        "<display-name>A</display-name>",
        "<display-name>A</display-name><display-name>A</display-name>",
        SCHEMA,
    ),
    ("<display-name>A</display-name>", "<display-name><b/></display-name>", SCHEMA),
    ("xml:lang=\"en\"", "lang=\"en\"", SCHEMA),
    ("Friends", "<b/>", SCHEMA),
    ("<display-name xml:lang=\"en\">Friends</display-name>", "<entry uri=\"x\"/><display-name/>", SCHEMA),
    ("<display-name xml:lang=\"en\">Friends</display-name>", "text", SCHEMA),
    ("<display-name xml:lang=\"en\">Friends</display-name>", "<other/>", SCHEMA),
    ("<list name=\"a\">", "<list name=\"a\" kind=\"x\">", SCHEMA),
    ("<list name=\"a\">", "<list name=\"b\">", UNIQUENESS),
    ("<list name=\"second\"/>", "<list name=\"inner\"/>", UNIQUENESS),
    ("<list name=\"second\"/>", "<list><entry/></list>", SCHEMA),
    ("<list name=\"second\"/>", "<list><entry uri=\"y\"/><entry uri=\"y\"/></list>", UNIQUENESS),
    ("<x:behind/>", "<x:behind/><entry uri=\"sip:c@example.org\"/>", SCHEMA),
    (" ref=\"resource-lists/users/u/index/~~/resource-lists/list%5B1%5D/entry%5B1%5D\"", "", SCHEMA),
    ("ref=\"resource-lists/users/u", "ref=\"https://csc.example.org/resource-lists/users/u", CONSTRAINT),
    ("<display-name>R</display-name>", "<entry uri=\"x\"/>", SCHEMA),
    ("anchor=\"https://csc.example.org/other\"", "anchor=\"resource-lists/users/u/index\"", CONSTRAINT),
    ("anchor=\"https://csc.example.org/other\"", "href=\"https://csc.example.org/other\"", SCHEMA),
    ("<external anchor=\"https://csc.example.org/other\"/>", "<external><list/></external>", SCHEMA),
    (
        "<external anchor=\"https://csc.example.org/other\"/>",
        "<external anchor=\"https://x.example.org\"/><external anchor=\"https://x.example.org\"/>",
        UNIQUENESS,
    ),
    ("<list name=\"b\">", "<entry uri=\"x\"/><list name=\"b\">", SCHEMA),
    ("<list name=\"b\">", "<x:outside/><list name=\"b\">", SCHEMA),
];

const SERVICES: &str = "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\" \
    xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" xmlns:x=\"urn:example:unknown\"><service uri=\"sip:mutant-a@example.org\">\
    <resource-list>https://csc.example.org/resource-lists/users/KIM/index/~~/resource-lists/list%5B@name=%22a%22%5D</resource-list>\
    <packages><package>presence</package><x:package/></packages><x:more/></service><service uri=\"sip:mutant-b@example.org\">\
    <list name=\"l\"><rl:entry uri=\"sip:c@example.org\"/><rl:entry uri=\"sip:d@example.org\"/></list><packages/></service>\
    </rls-services>";

const SERVICE_FAULTS: &[Fault] = &[
    (" uri=\"sip:mutant-a@example.org\"", "", SCHEMA),
    ("sip:mutant-a@example.org", "sip:mutant-b@example.org", UNIQUENESS),
    (
        "<service uri=\"sip:mutant-a@example.org\">",
        "<service uri=\"sip:mutant-a@example.org\" name=\"x\">",
        SCHEMA,
    ),
    ("<service uri=\"sip:mutant-a@example.org\">", "<service uri=\"sip:mutant-a@example.org\">text", SCHEMA),
    (
        "<service uri=\"sip:mutant-a@example.org\">",
        "<service uri=\"sip:mutant-a@example.org\"><list/>",
        SCHEMA,
    ),
    (
        "<service uri=\"sip:mutant-a@example.org\">",
        "<service uri=\"sip:mutant-a@example.org\"><packages/>",
        SCHEMA,
    ),
    (
        "<service uri=\"sip:mutant-a@example.org\">",
        "<service uri=\"sip:mutant-c@example.org\"/><service uri=\"sip:mutant-a@example.org\">",
        SCHEMA,
    ),
    ("<packages><package>", "<packages>text<package>", SCHEMA),
    ("<packages><package>", "<packages><other/><package>", SCHEMA),
    (">presence<", "><b/><", SCHEMA),
    ("</packages><x:more/>", "</packages><x:more/><packages/>", SCHEMA),
    ("<x:more/>", "<packages/><x:more/>", SCHEMA),
    ("<x:more/>", "<other/>", SCHEMA),
    ("<x:more/>", "<resource-list>https://x.example.org</resource-list>", SCHEMA),
    ("<rl:entry uri=\"sip:c@example.org\"/>", "<rl:entry/>", SCHEMA),
    ("<rl:entry uri=\"sip:c@example.org\"/>", "<rl:other/>", SCHEMA),
    ("<rl:entry uri=\"sip:c@example.org\"/>", "text", SCHEMA),
    ("sip:c@example.org", "sip:d@example.org", UNIQUENESS),
    ("<list name=\"l\">", "<list name=\"l\" kind=\"x\">", SCHEMA),
    ("<packages/></service>", "<packages/><packages/></service>", SCHEMA),
    ("<packages/></service>", "<packages kind=\"x\"/></service>", SCHEMA),
    ("<resource-list>https://csc.example.org/", "<resource-list kind=\"x\">https://csc.example.org/", SCHEMA),
    ("https://csc.example.org/resource-lists", "<b/>https://csc.example.org/resource-lists", SCHEMA),
    ("https://csc.example.org/resource-lists", "resource-lists", CONSTRAINT),
];
