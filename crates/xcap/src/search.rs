//! Search documents (OMA XDM Core 2.2, `urn:oma:xml:xdm:search`), as far as groups are searched for.
//!
//! A search holds one XQuery. Of XQuery this is taken, and nothing else; the rest is refused before anything is looked
//! for:
//!
//! ```text
//! xquery version "1.0";                                                    (may be missing)
//! declare default element namespace "urn:oma:xml:poc:list-service";        (may be missing)
//! declare namespace p = "…";                                               (any number)
//! for $g in collection("org.openmobilealliance.groups/users/")/group/list-service
//! where $g/list/entry/@uri = "tel:+8210" and contains($g/display-name, "Team")
//! return <list-service>{$g/@uri}{$g/display-name}</list-service>
//! ```
//!
//! The collection is `…/users/`, `…/global/`, or `…/users/<xui>/`: what that user sees. Conditions are joined by `and`:
//! a member (`list/entry/@uri`), the name (`display-name`; `=`, `contains`, `starts-with`), and the owner (`owner`, which
//! is no element of a group but who made it). Users are compared as users, names octet for octet.

mod query;
mod reader;

use csc_xml::{Limits, Writer, attribute, child, children, namespace};

use crate::error::Conflict;

pub use query::{BadQuery, Condition, Query, Scope};

/// The media type of searches and of their answers.
pub const MEDIA_TYPE: &str = "application/vnd.oma.search+xml";

const NAMESPACE: &str = "urn:oma:xml:xdm:search";
const GROUPS: &str = "urn:oma:xml:poc:list-service";

/// What a search must stay within.
const LIMITS: Limits = Limits {
    octets: 16 << 10,
    depth: 16,
    attributes: 32,
    namespaces_in_scope: 16,
    distinct_namespaces: 32,
    markup: 256,
};

/// Longest `id`, in octets.
const ID: usize = 128;

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// By which the client knows the answer.
    pub id: String,
    /// The most results that the client wants.
    pub most: Option<usize>,
    /// What is searched for.
    pub query: Query,
}

impl Search {
    /// The most octets of a search.
    pub const OCTETS: usize = LIMITS.octets;

    /// Takes the body of a request.
    ///
    /// # Errors
    /// What is wrong with it, as the answer is to say it.
    pub fn parse(body: &[u8]) -> Result<Self, Conflict> {
        let document = csc_xml::parse(body, &LIMITS)?;
        let invalid = |what: &str| Conflict::SchemaValidationError(what.to_owned());
        let root = document.root_element();
        if namespace(root) != Some(NAMESPACE) || root.tag_name().name() != "search-set" {
            return Err(invalid("the root element is not search-set"));
        }
        let mut elements = root.children().filter(csc_xml::Node::is_element);
        let search = match (elements.next(), elements.next()) {
            (Some(search), None) if search.has_tag_name((NAMESPACE, "search")) => search,
            _ => return Err(invalid("search-set holds exactly one search")),
        };
        let id = attribute(search, "id").ok_or_else(|| invalid("search has no id"))?;
        if id.len() > ID {
            return Err(Conflict::ConstraintFailure(format!("id has more than {ID} octets")));
        }
        let most = match attribute(search, "max-results").map(str::trim) {
            None => None,
            Some(most) => Some(positive(most).ok_or_else(|| invalid("max-results is no positive integer"))?),
        };
        let request = match search.children().filter(csc_xml::Node::is_element).collect::<Vec<_>>()[..] {
            [request] if request.has_tag_name((NAMESPACE, "request")) => request,
            _ => return Err(invalid("search holds exactly one request")),
        };
        let query = child(request, NAMESPACE, "query").ok_or_else(|| invalid("request has no query"))?;
        if children(request, NAMESPACE, "query").count() > 1 || query.children().any(|node| node.is_element())
        {
            return Err(invalid("request holds exactly one query, and a query holds text alone"));
        }
        let text: String =
            query.children().filter(csc_xml::Node::is_text).filter_map(|node| node.text()).collect();
        let query = Query::parse(&text).map_err(|bad| Conflict::ConstraintFailure(bad.to_string()))?;
        Ok(Self { id: id.to_owned(), most, query })
    }

    /// The answer. `complete`: nothing was left out; if something was, an attribute of ours says so.
    pub fn answer<'a>(&self, found: impl IntoIterator<Item = Found<'a>>, complete: bool) -> String {
        let mut out = Writer::document();
        out.open("search-set").attribute("xmlns", NAMESPACE);
        out.open("search").attribute("id", &self.id).open("response");
        if !complete {
            out.attribute("xmlns:g", EXTENSIONS).attribute("g:complete", "false");
        }
        for Found { uri, name } in found {
            out.open("list-service").attribute("xmlns", GROUPS);
            if self.query.uri {
                out.attribute("uri", uri);
            }
            if let Some(name) = name.filter(|_| self.query.name) {
                out.open("display-name").text(name).close();
            }
            out.close();
        }
        out.finish()
    }
}

/// The namespace of what we add to documents of the GLMS dialect.
pub const EXTENSIONS: &str = "urn:x-csc:glms:1.0";

/// A group that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// Its display name, if it has one.
    pub name: Option<&'a str>,
}

/// `xs:positiveInteger`; what is larger than any count is the largest.
fn positive(text: &str) -> Option<usize> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(usize::MAX)).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUERY: &str = "for $g in collection('org.openmobilealliance.groups/users/')/group/list-service \
                         return &lt;list-service>{$g/@uri}{$g/display-name}&lt;/list-service>";

    fn request(attributes: &str, query: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><search-set xmlns='{NAMESPACE}'><search {attributes}>\
             <request>{query}</request></search></search-set>"
        )
    }

    fn parse(text: &str) -> Result<Search, Conflict> {
        Search::parse(text.as_bytes())
    }

    #[test]
    fn a_search() {
        let search =
            parse(&request("id='a1' max-results=' 7 '", &format!("<query>{QUERY}</query><x xmlns='u'/>")));
        let search = search.unwrap();
        assert_eq!((search.id.as_str(), search.most), ("a1", Some(7)));
        let in_cdata = QUERY.replace("&lt;", "<");
        let text = request("id='' x='y'", &format!("<query><![CDATA[{in_cdata}]]></query>"));
        assert_eq!(parse(&text).unwrap().query, search.query);
        let huge =
            request(&format!("id='' max-results='{}'", "9".repeat(40)), &format!("<query>{QUERY}</query>"));
        assert_eq!(parse(&huge).unwrap().most, Some(usize::MAX));
    }

    #[test]
    fn what_is_no_search() {
        let query = format!("<query>{QUERY}</query>");
        for text in [
            "<search-set/>".to_owned(),
            format!("<search-set xmlns='{NAMESPACE}'/>"),
            request("", &query),
            request("id='a' max-results='0'", &query),
            request("id='a' max-results='-1'", &query),
            request("id='a' max-results='x'", &query),
            request("id='a'", ""),
            request("id='a'", &query.repeat(2)),
            request("id='a'", "<query><b/></query>"),
            request("id='a'", &query).replace("request>", "response>"),
            request("id='a'", &query).replace("</search>", "</search><search id='b'/>"),
        ] {
            let refused = parse(&text);
            assert!(matches!(refused, Err(Conflict::SchemaValidationError(_))), "{text} {refused:?}");
        }
        assert!(matches!(parse("<a"), Err(Conflict::NotWellFormed(_))));
        for text in [
            request("id='a'", "<query>/group</query>"),
            request(&format!("id='{}'", "a".repeat(129)), &query),
            "<!DOCTYPE a><a/>".to_owned(),
            format!("{}<!--{}-->", request("id='a'", &query), " ".repeat(Search::OCTETS)),
        ] {
            let refused = parse(&text);
            assert!(matches!(refused, Err(Conflict::ConstraintFailure(_))), "{text} {refused:?}");
        }
    }

    #[test]
    fn an_answer() {
        let search = parse(&request("id='a&quot;1'", &format!("<query>{QUERY}</query>"))).unwrap();
        let found = [Found { uri: "tel:g1", name: Some("A & B") }, Found { uri: "tel:g2", name: None }];
        assert_eq!(
            search.answer(found, true),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<search-set xmlns=\"urn:oma:xml:xdm:search\">\
             <search id=\"a&quot;1\"><response>\
             <list-service xmlns=\"urn:oma:xml:poc:list-service\" uri=\"tel:g1\"><display-name>A &amp; B</display-name></list-service>\
             <list-service xmlns=\"urn:oma:xml:poc:list-service\" uri=\"tel:g2\"/></response></search></search-set>"
        );
        assert!(
            search
                .answer([], false)
                .contains("<response xmlns:g=\"urn:x-csc:glms:1.0\" g:complete=\"false\"/>")
        );
    }

    proptest! {
        #[test]
        fn every_truncation_is_refused(cut in 0_usize..400) {
            let whole = request("id='a'", &format!("<query>{QUERY}</query>"));
            if cut < whole.len() {
                prop_assert!(parse(&whole[..cut]).is_err());
            }
        }
    }
}
