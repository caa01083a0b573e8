//! What a KMS request says (TS 33.180 annex D.2.2), in any of the three forms terminals send: nothing, a `KmsRequest`
//! in XML with its children in any order, or a form.

use csc_xml::{Document, Limits, Node};
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;

/// Most fields of a form that are looked at. Real ones have two.
const MAX_FIELDS: usize = 32;
/// Longest value that is taken, in octets.
const MAX_VALUE: usize = 512;

/// The namespaces of a `KmsRequest`, and none at all.
const NAMESPACES: [Option<&str>; 3] =
    [Some("urn:3gpp:ns:mcsecKMSInterface:1.0"), Some("http://org.csc.kms"), None];

/// Which form a body has. What it is, and not what its Content-Type says, for that is often wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Empty,
    Xml,
    Fields,
}

/// A request, as it was sent: who is named in it is still to be held against the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Every user that is named: `UserUri`, `MCPTTID`, the path.
    pub(crate) users: Vec<String>,
    /// The KMS it is meant for.
    pub(crate) kms_uri: Option<String>,
    /// The URL the client says it asked.
    pub(crate) client_req_url: Option<String>,
}

impl Form {
    pub(crate) fn of(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
        match body.first() {
            None => Self::Empty,
            Some(b'<') => Self::Xml,
            Some(_) => Self::Fields,
        }
    }
}

impl Request {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        match Form::of(body) {
            Form::Empty => Ok(Self::default()),
            Form::Xml => Self::from_xml(body),
            Form::Fields => Self::from_fields(body),
        }
    }

    fn from_xml(body: &[u8]) -> Result<Self, Refusal> {
        let document = csc_xml::parse(body, &Limits::with_octets(body.len()))
            .map_err(|_| Refusal::Malformed("the body is no acceptable XML"))?;
        let root = request_element(&document).ok_or(Refusal::Malformed("the body is no KmsRequest"))?;
        let mut request = Self::default();
        // Only the names below get in: a body can hold thousands of others.
        let mut seen = Vec::new();
        for child in root.children().filter(|child| ours(child)) {
            let name = child.tag_name().name();
            let slot = match name {
                "UserUri" => None,
                "KmsUri" => Some(&mut request.kms_uri),
                "ClientReqUrl" => Some(&mut request.client_req_url),
                // Time is the client's clock, which proves nothing; the rest does not matter here.
                _ => continue,
            };
            if seen.contains(&name) {
                return Err(Refusal::Malformed("an element of the KmsRequest comes twice"));
            }
            seen.push(name);
            if child.children().any(|inner| inner.is_element()) {
                return Err(Refusal::Malformed(
                    "an element of the KmsRequest that holds text holds elements",
                ));
            }
            let text: String =
                child.children().filter(Node::is_text).filter_map(|node| node.text()).collect();
            // Some clients send empty elements for what they do not know.
            let Some(text) = value(&text)? else { continue };
            match slot {
                None => request.users.push(text),
                Some(slot) => *slot = Some(text),
            }
        }
        Ok(request)
    }

    /// A form, in which `%2b` is a plus, and a bare `+` is one as well: no URI has a space.
    fn from_fields(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("the body is no form"))?;
        let mut request = Self::default();
        let mut seen = Vec::new();
        let decoded = |raw| {
            let decoded = percent_decode_str(raw).decode_utf8();
            decoded.map_err(|_| Refusal::Malformed("a field of the form is no UTF-8"))
        };
        for field in text.trim().split('&').filter(|field| !field.is_empty()) {
            let (name, raw) = field.split_once('=').ok_or(Refusal::Malformed("the body is no form"))?;
            let name = decoded(name)?;
            if seen.contains(&name) || seen.len() == MAX_FIELDS {
                return Err(Refusal::Malformed("a field of the form comes twice, or there are too many"));
            }
            seen.push(name.clone());
            let Some(text) = value(&decoded(raw)?)? else { continue };
            match &*name {
                "MCPTTID" | "UserUri" => request.users.push(text),
                "KmsUri" => request.kms_uri = Some(text),
                "ClientReqUrl" => request.client_req_url = Some(text),
                _ => {}
            }
        }
        Ok(request)
    }
}

fn request_element<'a>(document: &'a Document<'_>) -> Option<Node<'a, 'a>> {
    Some(document.root_element()).filter(|root| ours(root) && root.tag_name().name() == "KmsRequest")
}

fn ours(node: &Node<'_, '_>) -> bool {
    node.is_element() && NAMESPACES.contains(&csc_xml::namespace(*node))
}

/// A value without the white space around it; `None` for an empty one.
fn value(text: &str) -> Result<Option<String>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        text if text.len() > MAX_VALUE || text.chars().any(char::is_control) => {
            Err(Refusal::Malformed("a value is too long or holds control characters"))
        }
        text => Ok(Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(body: &str) -> Vec<String> {
        Request::parse(body.as_bytes()).unwrap().users
    }

    fn malformed(body: &[u8]) {
        let read = Request::parse(body);
        assert!(matches!(read, Err(Refusal::Malformed(_))), "{:?}: {read:?}", String::from_utf8_lossy(body));
    }

    #[test]
    fn nothing() {
        for body in ["", " \r\n"] {
            assert_eq!(Request::parse(body.as_bytes()), Ok(Request::default()));
            assert_eq!(Form::of(body.as_bytes()), Form::Empty);
        }
    }

    #[test]
    fn a_plus_is_never_a_space() {
        let expected = ["tel:+82571009990", "tel:+82571009990@ps-lte.com"];
        assert_eq!(users("MCPTTID=tel:%2b82571009990&UserUri=tel:%2b82571009990@ps-lte.com"), expected);
        assert_eq!(users("MCPTTID=tel:+82571009990&UserUri=tel%3A%2B82571009990%40ps-lte.com\r\n"), expected);
        assert_eq!(users("UserUri=&other=1&"), [""; 0]);
        assert_eq!(users("%4dCPTTID=tel:%2b82571009990"), ["tel:+82571009990"]);
    }

    #[test]
    fn bad_forms() {
        for body in [
            "x",
            "MCPTTID",
            "UserUri=a&User%55ri=a",
            "UserUri=%ff",
            "UserUri=a%00b",
            "UserUri=a%0d%0ax",
            "%ff=a",
        ] {
            malformed(body.as_bytes());
        }
        malformed(b"UserUri=\xff");
        malformed(format!("UserUri={}", "a".repeat(MAX_VALUE + 1)).as_bytes());
        let many: Vec<String> = (0..=MAX_FIELDS).map(|i| format!("f{i}=1")).collect();
        malformed(many.join("&").as_bytes());
    }

    #[test]
    fn xml_in_any_order_and_namespace() {
        let one = r#"<KmsRequest xmlns="urn:3gpp:ns:mcsecKMSInterface:1.0" Version="1.1.0"><UserUri>sip:alex@example.org</UserUri>
            <KmsUri>kms.example.org</KmsUri><Time>2026-11-20T00:00:00Z</Time>
            <ClientReqUrl>https://kms.example.org/keymanagement/identity/v1/keyprov</ClientReqUrl></KmsRequest>"#;
        let other = r#"<?xml version="1.0"?><k:KmsRequest xmlns:k="http://org.csc.kms"><k:Time/>
            <k:ClientReqUrl> https://kms.example.org/keymanagement/identity/v1/keyprov</k:ClientReqUrl><k:DeviceId/>
            <k:KmsUri>kms.example.org</k:KmsUri><k:UserUri>sip:alex@<!-- -->example.org</k:UserUri></k:KmsRequest>"#;
        let read = Request::parse(one.as_bytes()).unwrap();
        assert_eq!(read, Request::parse(other.as_bytes()).unwrap());
        assert_eq!(read.users, ["sip:alex@example.org"]);
        assert_eq!(read.kms_uri.as_deref(), Some("kms.example.org"));
        assert!(read.client_req_url.unwrap().ends_with("keyprov"));
        assert_eq!(users("\u{feff}<KmsRequest><UserUri/></KmsRequest>"), [""; 0]);
        assert_eq!(
            users(r#"<KmsRequest><x:UserUri xmlns:x="urn:x">sip:a@b</x:UserUri></KmsRequest>"#),
            [""; 0]
        );
    }

    #[test]
    fn bad_xml() {
        for body in [
            "<KmsRequest>",
            "<KmsResponse/>",
            r#"<KmsRequest xmlns="urn:x"/>"#,
            "<KmsRequest><UserUri>a</UserUri><UserUri>a</UserUri></KmsRequest>",
            "<KmsRequest><UserUri>sip:<x>kim</x>alex@example.org</UserUri></KmsRequest>",
            "<KmsRequest><UserUri><x>sip:kim@example.org</x></UserUri></KmsRequest>",
            "<!DOCTYPE KmsRequest [<!ENTITY a 'b'>]><KmsRequest><UserUri>&a;</UserUri></KmsRequest>",
            "<KmsRequest><UserUri>a&#10;b</UserUri></KmsRequest>",
            "<SignedKmsRequest><KmsRequest/></SignedKmsRequest>",
        ] {
            malformed(body.as_bytes());
        }
        let nested = "<KmsRequest>".to_owned() + &"<a>".repeat(100) + &"</a>".repeat(100) + "</KmsRequest>";
        malformed(nested.as_bytes());
    }

    /// And takes no time: each of them was once compared with all before it.
    #[test]
    fn what_does_not_matter_may_come_often() {
        let others: String = (0..100_000).map(|n| format!("<a{n:05}/>")).collect();
        let body = format!("<KmsRequest><Time/><Time/>{others}<UserUri>sip:a@b</UserUri></KmsRequest>");
        assert_eq!(users(&body), ["sip:a@b"]);
    }

    #[test]
    fn no_truncation_is_taken_for_a_request() {
        let body = "<KmsRequest><UserUri>sip:alex@example.org</UserUri></KmsRequest>";
        for length in 1..body.len() {
            malformed(&body.as_bytes()[..length]);
        }
        malformed([body, "x"].concat().as_bytes());
    }
}
