//! A message: start line, header index, body (RFC 3261 section 7).

use std::ops::Range;

use bytes::Bytes;

use crate::grammar::{number, token};
use crate::scan::scan;
use crate::{Core, Defect, Headers, Limits, Method, Name, Status, Uri};

/// A message of either kind.
#[derive(Debug, Clone)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request whose start line, field lines and length are in order; [`Request::core`] checks the
/// fields that every request has.
#[derive(Debug, Clone)]
pub struct Request {
    raw: Bytes,
    method: Range<usize>,
    uri: Range<usize>,
    headers: Headers,
    body: Bytes,
}

/// A response whose start line, field lines and length are in order.
#[derive(Debug, Clone)]
pub struct Response {
    status: Status,
    headers: Headers,
    body: Bytes,
}

/// A message that broke the rules, and what is left of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{defect}")]
pub struct Refused {
    /// What was wrong first.
    pub defect: Defect,
    remains: Option<Headers>,
}

impl Message {
    /// Reads one datagram, which is one message: octets behind Content-Length are cut, and without
    /// Content-Length the body is the rest (RFC 3261 sections 18.3 and 20.14).
    pub fn parse(datagram: Bytes, limits: &Limits) -> Result<Message, Refused> {
        // What is too large is read as far as it may be, for the sake of its answer.
        let most = limits.message.min(u32::MAX as usize);
        let too_large = (datagram.len() > most).then_some(Defect::TooLarge);
        let found = scan(datagram.slice(..datagram.len().min(most)), limits).map_err(Refused::nothing)?;
        let (start, answerable) = start_line(&found.raw, found.start);
        let headers = found.headers;
        let body = content(&found.raw, found.body, &headers, limits);
        let defect =
            too_large.or(start.as_ref().err().copied()).or(found.defect).or(body.as_ref().err().copied());
        match (start, body, defect) {
            (Ok(Start::Request { method, uri }), Ok(body), None) => {
                Ok(Message::Request(Request { raw: found.raw, method, uri, headers, body }))
            }
            (Ok(Start::Response(status)), Ok(body), None) => {
                Ok(Message::Response(Response { status, headers, body }))
            }
            (_, _, defect) => Err(Refused {
                defect: defect.unwrap_or(Defect::StartLine),
                remains: answerable.then_some(headers),
            }),
        }
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> Method {
        Method::of(self.method_text())
    }

    /// The method as it is written.
    pub fn method_text(&self) -> &str {
        text(&self.raw[self.method.clone()])
    }

    /// The Request-URI.
    pub fn uri(&self) -> Uri<'_> {
        Uri::parse(text(&self.raw[self.uri.clone()])).expect("checked when the message was read")
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The fields that every request has, CSeq naming the request's own method.
    pub fn core(&self) -> Result<Core<'_>, Defect> {
        let core = self.headers.core()?;
        if core.cseq.method != self.method_text() {
            return Err(Defect::MethodMismatch);
        }
        Ok(core)
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl Refused {
    /// A refusal with nothing left to answer.
    pub(crate) fn nothing(defect: Defect) -> Refused {
        Refused { defect, remains: None }
    }

    /// The same remains, refused for another reason.
    pub(crate) fn because(self, defect: Defect) -> Refused {
        Refused { defect, ..self }
    }

    /// The fields that the refusal of a request is made from. `None` where nothing may be answered:
    /// a response, an ACK, or octets that are no SIP at all.
    pub fn answerable(&self) -> Option<&Headers> {
        self.remains.as_ref().filter(|headers| headers.lines(Name::Via).next().is_some())
    }
}

enum Start {
    Request { method: Range<usize>, uri: Range<usize> },
    Response(Status),
}

/// The start line, and whether a refusal may be sent for it.
fn start_line(raw: &[u8], span: Range<usize>) -> (Result<Start, Defect>, bool) {
    let line = &raw[span.clone()];
    if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return (status_line(line), false);
    }
    let broken = (Err(Defect::StartLine), false);
    // Every octet of a request line is ASCII.
    let Ok(line) = std::str::from_utf8(line) else { return broken };
    let Some((method, rest)) = line.split_once(' ') else { return broken };
    let trimmed = rest.trim_end_matches(' ');
    let Some((uri, version)) = trimmed.rsplit_once(' ') else { return broken };
    let known = version.eq_ignore_ascii_case("SIP/2.0");
    if !token(method) || !(known || other_version(version)) {
        return broken;
    }
    let answerable = method != "ACK";
    if !known {
        return (Err(Defect::Version), answerable);
    }
    if trimmed.len() != rest.len() || uri.contains(' ') {
        return (Err(Defect::StartLine), answerable);
    }
    match Uri::parse(uri) {
        Some(parsed) if parsed.sip().is_none_or(|sip| sip.headers.is_none()) => {}
        _ => return (Err(Defect::RequestUri), answerable),
    }
    let method = span.start..span.start + method.len();
    let uri = method.end + 1..method.end + 1 + uri.len();
    (Ok(Start::Request { method, uri }), answerable)
}

/// `SIP/2.0 SP 3DIGIT [SP reason]`; the phrase is for people, and the blank before an absent one is
/// not insisted on (RFC 4475 section 3.1.1.13).
fn status_line(line: &[u8]) -> Result<Start, Defect> {
    let (version, rest) = line.split_at_checked(8).ok_or(Defect::StartLine)?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0 ") {
        return Err(Defect::Version);
    }
    let (digits, phrase) = rest.split_at_checked(3).ok_or(Defect::StartLine)?;
    let code = std::str::from_utf8(digits).ok().and_then(|digits| number(digits, 699));
    let status = code.and_then(|code| u16::try_from(code).ok()).and_then(Status::new);
    if !(phrase.is_empty() || phrase[0] == b' ') {
        return Err(Defect::StartLine);
    }
    status.map(Start::Response).ok_or(Defect::StartLine)
}

/// Whether `text` is `SIP/` and another version than 2.0.
fn other_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("SIP/"))
        && text[4..].split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// The body of a message that fills `raw`.
fn content(raw: &Bytes, at: Option<usize>, headers: &Headers, limits: &Limits) -> Result<Bytes, Defect> {
    let rest = raw.slice(at.ok_or(Defect::Unterminated)?..);
    match content_length(headers, limits)? {
        None => Ok(rest),
        Some(length) if length <= rest.len() => Ok(rest.slice(..length)),
        Some(_) => Err(Defect::BodyTooShort),
    }
}

/// Content-Length: one decimal number that this process could ever hold.
pub(crate) fn content_length(headers: &Headers, limits: &Limits) -> Result<Option<usize>, Defect> {
    let value = headers.single(Name::ContentLength).map_err(|_| Defect::RepeatedContentLength)?;
    let Some(value) = value else { return Ok(None) };
    let length = number(value, u64::from(u32::MAX)).ok_or(Defect::ContentLength)?;
    let length = usize::try_from(length).map_err(|_| Defect::ContentLength)?;
    if length > limits.message { Err(Defect::ContentLength) } else { Ok(Some(length)) }
}

fn text(part: &[u8]) -> &str {
    std::str::from_utf8(part).expect("a request line is ASCII, checked when the message was read")
}
