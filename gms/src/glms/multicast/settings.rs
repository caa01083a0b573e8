//! What whoever may change a group says of its multicast: the document of a PUT.

use std::net::IpAddr;

use bytes::Bytes;
use csc_xcap::error::Conflict;
use csc_xcap::search::EXTENSIONS;
use csc_xcap_server::Refusal;
use csc_xml::Limits;

/// Most octets of the document.
pub(super) const OCTETS: usize = 8 << 10;
/// Longest conference-id, in octets.
const CONFERENCE: usize = 128;

/// What a PUT sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) conference: Option<String>,
}

/// It has more than [`OCTETS`].
pub(super) fn too_large() -> Conflict {
    Conflict::ConstraintFailure(format!("multicast information has at most {OCTETS} octets"))
}

/// Takes the document of a PUT.
pub(super) fn parse(body: &Bytes) -> Result<Settings, Refusal> {
    let document = csc_xml::parse(body, &Limits { depth: 8, ..Limits::with_octets(OCTETS) });
    let document = document.map_err(Conflict::from)?;
    let invalid = |what: &str| Refusal::from(Conflict::SchemaValidationError(what.to_owned()));
    let root = document.root_element();
    if !root.has_tag_name((EXTENSIONS, "multicast-info")) {
        return Err(invalid("the root element is not multicast-info"));
    }
    let (mut address, mut port, mut conference) = (None, None, None);
    for element in root.children().filter(csc_xml::Node::is_element) {
        let name = element.tag_name();
        let place = match (name.namespace(), name.name()) {
            (Some(EXTENSIONS), "address") => &mut address,
            (Some(EXTENSIONS), "port") => &mut port,
            (Some(EXTENSIONS), "conference-id") => &mut conference,
            (Some(EXTENSIONS), _) => return Err(invalid("an element that nobody sets")),
            // Room for what others add; it is not kept.
            _ => continue,
        };
        let text = element.text().unwrap_or_default().trim();
        if element.children().any(|child| child.is_element()) || place.replace(text.to_owned()).is_some() {
            return Err(invalid("an element comes twice, or holds elements"));
        }
    }
    let address = address.and_then(|address| address.parse::<IpAddr>().ok()).filter(IpAddr::is_multicast);
    let port = port.and_then(|port| port.parse::<u16>().ok()).filter(|port| *port != 0);
    if conference.as_ref().is_some_and(|conference| conference.is_empty() || conference.len() > CONFERENCE) {
        return Err(invalid("conference-id has 1 to 128 octets"));
    }
    Ok(Settings {
        address: address.ok_or_else(|| invalid("address is no multicast address"))?,
        port: port.ok_or_else(|| invalid("port is no port"))?,
        conference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(inside: &str) -> Result<Settings, Refusal> {
        parse(&format!("<multicast-info xmlns='{EXTENSIONS}'>{inside}</multicast-info>").into())
    }

    #[test]
    fn what_is_put() {
        let settings = put(
            "<port> 5004 </port><x xmlns='u'/><address>239.192.0.1</address><conference-id>7</conference-id>",
        );
        let expected = Settings {
            address: "239.192.0.1".parse().unwrap(),
            port: 5004,
            conference: Some("7".to_owned()),
        };
        assert_eq!(settings.unwrap(), expected);
        assert!(put("<address>ff15::1</address><port>1</port>").is_ok());
        for wrong in [
            "",
            "<address>239.192.0.1</address>",
            "<port>5004</port>",
            "<address>192.0.2.1</address><port>5004</port>",
            "<address>239.192.0.1</address><port>0</port>",
            "<address>239.192.0.1</address><port>65536</port>",
            "<address>239.192.0.1</address><port>1</port><port>1</port>",
            "<address>239.192.0.1<b/></address><port>1</port>",
            "<address>239.192.0.1</address><port>1</port><gsk-new>00</gsk-new>",
            "<address>239.192.0.1</address><port>1</port><conference-id/>",
        ] {
            let refused = put(wrong);
            let invalid = matches!(refused, Err(Refusal::Conflict(Conflict::SchemaValidationError(_))));
            assert!(invalid, "{wrong} {refused:?}");
        }
        assert!(parse(&Bytes::from_static(b"<a")).is_err());
    }
}
