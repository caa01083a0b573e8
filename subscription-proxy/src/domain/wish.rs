//! What a SUBSCRIBE asks for: event package, duration, media type of the NOTIFYs, list and token. Who asks, and what of
//! the list is granted, is decided elsewhere.

use csc_sip::Refusal;
use sip_codec::{Defect, Limits, MediaType, Name, Request, Status, split_multipart};

use super::list::{self, BadList};
use super::mcptt_info::{self, AccessToken, BadInfo};

/// The event package (RFC 5875).
pub(crate) const EVENT: &str = "xcap-diff";

/// What bodies are accepted, as the value of Accept.
pub(crate) const ACCEPT: &str =
    "application/resource-lists+xml, multipart/mixed, application/vnd.3gpp.mcptt-info+xml";

/// The durations that are granted, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Durations {
    /// Where Expires is absent.
    pub(crate) default: u32,
    /// What is granted at most.
    pub(crate) max: u32,
    /// Below this, and above 0, a request is refused with 423.
    pub(crate) min: u32,
}

/// What is asked for.
pub(crate) struct Wish {
    /// The `id` of Event, echoed in NOTIFYs.
    pub(crate) event_id: Option<String>,
    /// Seconds granted; 0 ends the subscription after one NOTIFY.
    pub(crate) expires: u32,
    /// The URIs of the list; `None` where the request has no list.
    pub(crate) list: Option<Vec<String>>,
    /// The access token.
    pub(crate) token: Option<AccessToken>,
}

/// Reads a SUBSCRIBE.
pub(crate) fn read(request: &Request, durations: &Durations, max_entries: usize) -> Result<Wish, Refusal> {
    let headers = request.headers();
    let bad_event = || Refusal::new(Status::BAD_EVENT).with(Name::AllowEvents, EVENT);
    let event = headers.event()?.filter(|event| event.package == EVENT).ok_or_else(bad_event)?;
    let expires = duration(headers.expires()?, durations)?;
    if headers.accepts(csc_xcap::diff::MEDIA_TYPE)? == Some(false) {
        return Err(Status::NOT_ACCEPTABLE.into());
    }
    let (list, token) = body(request, max_entries)?;
    Ok(Wish { event_id: event.id().map(str::to_owned), expires, list, token })
}

/// RFC 6665 section 4.2.1.1: shortened, never lengthened; 423 only for what is shorter than an hour.
fn duration(asked: Option<u32>, durations: &Durations) -> Result<u32, Refusal> {
    let asked = asked.unwrap_or(durations.default);
    if asked > 0 && asked < 3600 && asked < durations.min {
        let min = durations.min.to_string();
        return Err(Refusal::new(Status::INTERVAL_TOO_BRIEF).with(Name::MinExpires, min));
    }
    Ok(asked.min(durations.max))
}

type Body = (Option<Vec<String>>, Option<AccessToken>);

fn body(request: &Request, max_entries: usize) -> Result<Body, Refusal> {
    let body = request.body();
    if body.is_empty() {
        return Ok((None, None));
    }
    let unsupported = || Refusal::new(Status::UNSUPPORTED_MEDIA_TYPE).with(Name::Accept, ACCEPT);
    let media = request.headers().content_type()?.ok_or_else(unsupported)?;
    if media.is(list::MEDIA_TYPE) {
        return Ok((Some(uris(body, max_entries)?), None));
    }
    if !media.is("multipart/mixed") {
        return Err(unsupported());
    }
    let (mut list, mut token) = (None, None);
    for part in split_multipart(&media, body, &Limits::default())? {
        let media: MediaType<'_> = part.headers.content_type()?.ok_or_else(unsupported)?;
        let plain = ["7bit", "8bit", "binary"];
        let encoding = part.headers.single(Name::ContentTransferEncoding)?.unwrap_or("8bit");
        if !plain.iter().any(|plain| plain.eq_ignore_ascii_case(encoding)) {
            return Err(unsupported());
        }
        if media.is(list::MEDIA_TYPE) && list.is_none() {
            list = Some(uris(&part.body, max_entries)?);
        } else if media.is(mcptt_info::MEDIA_TYPE) && token.is_none() {
            token = info(&part.body)?;
        } else {
            return Err(unsupported());
        }
    }
    Ok((list, token))
}

fn uris(body: &[u8], max_entries: usize) -> Result<Vec<String>, Refusal> {
    list::uris(body, max_entries).map_err(|bad| match bad {
        BadList::Malformed => Status::BAD_REQUEST.into(),
        BadList::TooLarge => Status::REQUEST_ENTITY_TOO_LARGE.into(),
    })
}

fn info(body: &[u8]) -> Result<Option<AccessToken>, Refusal> {
    mcptt_info::access_token(body).map_err(|bad| match bad {
        BadInfo::Malformed => Defect::Multipart.into(),
        BadInfo::Encrypted => Status::FORBIDDEN.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'><list><entry uri='a'/></list>\
                        </resource-lists>";
    const INFO: &str = "<mcpttinfo xmlns='urn:3gpp:ns:mcpttInfo:1.0'><mcptt-Params><mcptt-access-token type='Normal'>\
                        <mcpttString>t</mcpttString></mcptt-access-token></mcptt-Params></mcpttinfo>";

    fn ask(fields: &str, body: &str) -> Result<Wish, (u16, Vec<String>)> {
        let text = format!(
            "SUBSCRIBE sip:gms_psi@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let parsed = sip_codec::Message::parse(text.into(), &Limits::default()).unwrap();
        let sip_codec::Message::Request(request) = parsed else { panic!("a request") };
        let durations = Durations { default: 3600, max: 86_400, min: 60 };
        read(&request, &durations, 5).map_err(|refusal| {
            let sent = refusal.answer(request.headers(), "t", "192.0.2.1:5060".parse().unwrap()).unwrap();
            let text = String::from_utf8(sent.as_bytes().to_vec()).unwrap();
            let kept = ["Allow-Events", "Min-Expires", "Accept"];
            let lines = text.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
            (refusal.status.code(), lines.map(str::to_owned).collect())
        })
    }

    fn code(fields: &str, body: &str) -> u16 {
        ask(fields, body).err().map_or(200, |(code, _)| code)
    }

    #[test]
    fn event_and_accept() {
        assert_eq!(ask("Event: xcap-diff;id=7\r\n", "").ok().unwrap().event_id.as_deref(), Some("7"));
        let refused = Some((489, vec!["Allow-Events: xcap-diff".to_owned()]));
        for fields in ["", "Event: presence\r\n", "Event: XCAP-DIFF\r\n"] {
            assert_eq!(ask(fields, "").err(), refused);
        }
        assert_eq!(code("Event: ;\r\n", ""), 400);
        assert_eq!(code("Event: xcap-diff\r\nAccept: application/xcap-diff+xml, a/b\r\n", ""), 200);
        assert_eq!(code("Event: xcap-diff\r\nAccept: a/b\r\n", ""), 406);
        assert_eq!(code("Event: xcap-diff\r\nAccept: \r\n", ""), 406);
    }

    #[test]
    fn durations_are_shortened_and_never_lengthened() {
        let expires = |text: &str| {
            ask(&format!("Event: xcap-diff\r\n{text}"), "").map(|wish| wish.expires).map_err(|e| e.0)
        };
        assert_eq!(expires(""), Ok(3600));
        assert_eq!(expires("Expires: 0\r\n"), Ok(0));
        assert_eq!(expires("Expires: 60\r\n"), Ok(60));
        assert_eq!(expires("Expires: 59\r\n"), Err(423));
        assert_eq!(expires("Expires: 999999999999\r\n"), Ok(86_400));
        assert_eq!(expires("Expires: -1\r\n"), Err(400));
        let brief = ask("Event: xcap-diff\r\nExpires: 1\r\n", "").err().unwrap();
        assert_eq!(brief, (423, vec!["Min-Expires: 60".to_owned()]));
    }

    #[test]
    fn bodies_in_their_forms() {
        let fields = "Event: xcap-diff\r\nContent-Type: application/resource-lists+xml;charset=\"utf-8\"\r\n";
        let wish = ask(fields, LIST).ok().unwrap();
        assert_eq!((wish.list, wish.token.is_none()), (Some(vec!["a".to_owned()]), true));

        let fields = "Event: xcap-diff\r\nContent-Type: multipart/mixed;boundary=b\r\n";
        let list = format!("Content-Type: application/resource-lists+xml\r\n\r\n{LIST}");
        let info = format!("Content-Type: application/vnd.3gpp.mcptt-info+xml\r\n\r\n{INFO}");
        for parts in [[&list, &info], [&info, &list]] {
            let body = format!("--b\r\n{}\r\n--b\r\n{}\r\n--b--\r\n", parts[0], parts[1]);
            let wish = ask(fields, &body).ok().unwrap();
            assert_eq!(wish.list, Some(vec!["a".to_owned()]));
            assert_eq!(wish.token.unwrap().expose(), "t");
        }
        let twice = format!("--b\r\n{list}\r\n--b\r\n{list}\r\n--b--\r\n");
        assert_eq!(code(fields, &twice), 415);
        let encoded = format!("--b\r\nContent-Transfer-Encoding: base64\r\n{list}\r\n--b--");
        assert_eq!(code(fields, &encoded), 415);
        assert_eq!(code(fields, "--b\r\n"), 400);
    }

    #[test]
    fn other_bodies_are_refused() {
        let with = |media: &str, body: &str| {
            ask(&format!("Event: xcap-diff\r\nContent-Type: {media}\r\n"), body).err().unwrap()
        };
        assert_eq!(with("text/plain", "x"), (415, vec![format!("Accept: {ACCEPT}")]));
        assert_eq!(code("Event: xcap-diff\r\n", "x"), 415);
        assert_eq!(with("application/resource-lists+xml", "<x").0, 400);
        let many = LIST.replace("<entry uri='a'/>", &"<entry uri='a'/>".repeat(6));
        assert_eq!(with("application/resource-lists+xml", &many).0, 413);
    }
}
