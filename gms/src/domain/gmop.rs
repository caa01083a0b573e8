//! Questions about a group (TS 24.481 6.3.16, GMOP): the group without the list of its members, for whoever needs its
//! configuration and not two megabytes of names.

use bytes::Bytes;
use csc_xcap::usage::groups;
use csc_xcap_server::{Question, Refusal};
use csc_xml::{Document, Node};

use super::edit::cut;

const NAMESPACE: &str = "urn:3gpp:ns:mcpttGMOP:1.0";

/// The one request that is answered; forming a temporary group is a PUT of its document.
pub(crate) static GMOP: Question = Question { media_type: "application/vnd.3gpp.GMOP+xml", answer };

fn answer(request: &Document<'_>, group: &Document<'_>) -> Result<Bytes, Refusal> {
    if !wants_group_without_members(request.root_element()) {
        return Err(Refusal::NotImplemented);
    }
    let text = group.input_text();
    let lists = groups::lists(group.root_element()).map(|list| list.range());
    Ok(cut(text, lists).unwrap_or_else(|| text.to_owned()).into())
}

fn wants_group_without_members(root: Node<'_, '_>) -> bool {
    let mut requests = csc_xml::children(root, NAMESPACE, "request");
    let (true, Some(request), None) =
        (root.has_tag_name((NAMESPACE, "document")), requests.next(), requests.next())
    else {
        return false;
    };
    let mut wanted = request.children().filter(Node::is_element);
    let first = wanted.next().is_some_and(|what| what.has_tag_name((NAMESPACE, "get-excluding-memberlist")));
    first && wanted.next().is_none()
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn ask(request: &str, group: &str) -> Result<Bytes, Refusal> {
        let parse = |text| parse(str::as_bytes(text), &Limits::DEFAULT).unwrap();
        answer(&parse(request), &parse(group))
    }

    fn request(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<g:document xmlns:g='{NAMESPACE}'>{inside}</g:document>")
    }

    #[test]
    fn everything_but_the_list() {
        let group = |list: &str| {
            format!(
                "<group xmlns='urn:oma:xml:poc:list-service'>\n <list-service uri='tel:9'>\n  <display-name>가</display-name>{list}\n  \
                 <list xmlns='urn:x'/><!-- <list/> --></list-service></group>"
            )
        };
        let wanted = request("<g:request>\n<g:get-excluding-memberlist/>\n</g:request>");
        let list = "\n  <list><entry uri='tel:+1'/></list>";
        assert_eq!(ask(&wanted, &group(list)).unwrap(), group(""));
        assert_eq!(ask(&wanted, &group("")).unwrap(), group(""));
    }

    #[test]
    fn other_requests() {
        for inside in [
            "",
            "<g:request/>",
            "<g:request><g:group-regroup-creation/></g:request>",
            "<g:request><get-excluding-memberlist/></g:request>",
            "<g:request><g:get-excluding-memberlist/><g:get-excluding-memberlist/></g:request>",
            "<g:request><g:get-excluding-memberlist/></g:request><g:request/>",
            "<g:response><g:get-excluding-memberlist/></g:response>",
        ] {
            assert!(matches!(ask(&request(inside), "<a/>"), Err(Refusal::NotImplemented)), "{inside}");
        }
        assert!(ask("<document><request><get-excluding-memberlist/></request></document>", "<a/>").is_err());
    }
}
