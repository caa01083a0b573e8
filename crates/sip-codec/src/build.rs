//! Writing messages. Whatever a value holds, it stays inside its own header field.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::grammar::{comma, token};
use crate::{Address, Headers, Name, Rport, Status, Uri, Via};

/// A complete message, ready to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded(Bytes);

impl Encoded {
    /// A message that was built before and kept meanwhile.
    pub fn stored(octets: impl Into<Bytes>) -> Encoded {
        Encoded(octets.into())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The octets.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Why a message was not written. The message as a whole is refused: a value cut or cleaned up would
/// mean something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A value holds a line end.
    #[error("value of {0} holds a line end")]
    LineEnd(Name),
    /// [`Name::Other`] cannot be written.
    #[error("header field without a name")]
    Nameless,
    /// The method is no token or the Request-URI is no URI.
    #[error("malformed request line")]
    RequestLine,
    /// The reason phrase holds a control character.
    #[error("malformed reason phrase")]
    Reason,
    /// The tag for To is no token.
    #[error("malformed tag")]
    Tag,
}

/// Builds a response out of the request it answers (RFC 3261 section 8.2.6).
#[derive(Debug)]
pub struct ResponseBuilder(Writer);

impl ResponseBuilder {
    /// A response with the usual phrase of `status`. See [`ResponseBuilder::with_phrase`].
    pub fn new(request: &Headers, status: Status, to_tag: &str, source: SocketAddr) -> ResponseBuilder {
        Self::with_phrase(request, status, status.phrase(), to_tag, source)
    }

    /// Starts a response: every Via, From, To, Call-ID and CSeq are copied as they are, and Record-Route
    /// into a success. To gets `to_tag` unless it has a tag. The first Via learns from `source`, the
    /// address the request came from (section 18.2.1, RFC 3581 section 4).
    pub fn with_phrase(
        request: &Headers,
        status: Status,
        phrase: &str,
        to_tag: &str,
        source: SocketAddr,
    ) -> ResponseBuilder {
        let mut out = Writer::new();
        if phrase.chars().any(char::is_control) {
            out.fail(BuildError::Reason);
        }
        out.push(&format!("SIP/2.0 {} {phrase}\r\n", status.code()));
        for (index, line) in request.lines(Name::Via).enumerate() {
            if index == 0 {
                let (first, rest) = line.split_at(comma(line));
                out.field(Name::Via, &[&stamp(first, source), rest]);
            } else {
                out.field(Name::Via, &[line]);
            }
        }
        if status.is_success() {
            for line in request.lines(Name::RecordRoute) {
                out.field(Name::RecordRoute, &[line]);
            }
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            // A request that repeats one of them is refused with the first.
            let Some(line) = request.lines(name).next() else { continue };
            let tagless =
                name == Name::To && Address::parse(line).is_some_and(|to| to.params.get("tag").is_none());
            if tagless {
                if !token(to_tag) {
                    out.fail(BuildError::Tag);
                }
                out.field(name, &[line, ";tag=", to_tag]);
            } else {
                out.field(name, &[line]);
            }
        }
        ResponseBuilder(out)
    }

    /// Adds a header field.
    pub fn header(mut self, name: Name, value: &str) -> ResponseBuilder {
        self.0.field(name, &[value]);
        self
    }

    /// Gives the response a body.
    pub fn body(mut self, media_type: &str, body: &[u8]) -> ResponseBuilder {
        self.0.body(media_type, body);
        self
    }

    /// The response, with its Content-Length.
    pub fn finish(self) -> Result<Encoded, BuildError> {
        self.0.finish()
    }
}

/// Builds a request. The caller adds every field but Content-Length.
#[derive(Debug)]
pub struct RequestBuilder(Writer);

impl RequestBuilder {
    /// Starts a request.
    pub fn new(method: &str, uri: &str) -> RequestBuilder {
        let mut out = Writer::new();
        if !token(method) || Uri::parse(uri).is_none() {
            out.fail(BuildError::RequestLine);
        }
        for part in [method, " ", uri, " SIP/2.0\r\n"] {
            out.push(part);
        }
        RequestBuilder(out)
    }

    /// Adds a header field.
    pub fn header(mut self, name: Name, value: &str) -> RequestBuilder {
        self.0.field(name, &[value]);
        self
    }

    /// Gives the request a body.
    pub fn body(mut self, media_type: &str, body: &[u8]) -> RequestBuilder {
        self.0.body(media_type, body);
        self
    }

    /// The request, with its Content-Length.
    pub fn finish(self) -> Result<Encoded, BuildError> {
        self.0.finish()
    }
}

/// The first Via of a response: `received` where the source is not what `sent-by` says or `rport` is
/// asked for, and `rport` filled in. A value that cannot be read is copied.
fn stamp(value: &str, source: SocketAddr) -> String {
    let Some(via) = Via::parse(value) else {
        return value.to_owned();
    };
    let asked = via.rport() == Some(Rport::Asked);
    let ip = source.ip().to_canonical();
    let host = via.host.trim_start_matches('[').trim_end_matches(']');
    let same = host.parse().is_ok_and(|host: std::net::IpAddr| host == ip);
    let mut out = value[..value.len() - via.params.as_str().len()].trim_end().to_owned();
    for (name, param) in via.params.iter() {
        if name.eq_ignore_ascii_case("received") {
            continue;
        }
        out.push(';');
        out.push_str(name);
        if name.eq_ignore_ascii_case("rport") && asked {
            out.push_str(&format!("={}", source.port()));
        } else if let Some(param) = param {
            out.push('=');
            out.push_str(param);
        }
    }
    if asked || !same {
        out.push_str(&format!(";received={ip}"));
    }
    out
}

#[derive(Debug)]
struct Writer {
    head: Vec<u8>,
    body: Vec<u8>,
    error: Option<BuildError>,
}

impl Writer {
    fn new() -> Writer {
        Writer { head: Vec::with_capacity(1024), body: Vec::new(), error: None }
    }

    fn push(&mut self, text: &str) {
        self.head.extend_from_slice(text.as_bytes());
    }

    fn field(&mut self, name: Name, value: &[&str]) {
        let Some(written) = name.as_str() else {
            return self.fail(BuildError::Nameless);
        };
        if value.iter().any(|part| part.contains(['\r', '\n'])) {
            self.fail(BuildError::LineEnd(name));
        }
        self.push(written);
        self.push(": ");
        for part in value {
            self.push(part);
        }
        self.push("\r\n");
    }

    fn body(&mut self, media_type: &str, body: &[u8]) {
        self.field(Name::ContentType, &[media_type]);
        self.body = body.to_vec();
    }

    fn fail(&mut self, error: BuildError) {
        self.error.get_or_insert(error);
    }

    fn finish(mut self) -> Result<Encoded, BuildError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.push(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        self.head.extend_from_slice(&self.body);
        Ok(Encoded(Bytes::from(self.head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_via_learns_its_source() {
        let source = "192.0.2.9:7000".parse().unwrap();
        for (value, want) in [
            ("SIP/2.0/UDP 192.0.2.9;branch=a", "SIP/2.0/UDP 192.0.2.9;branch=a"),
            (
                "SIP/2.0/UDP 192.0.2.9;rport;branch=a",
                "SIP/2.0/UDP 192.0.2.9;rport=7000;branch=a;received=192.0.2.9",
            ),
            ("SIP/2.0/UDP h:1 ; branch=a;received=1.2.3.4", "SIP/2.0/UDP h:1;branch=a;received=192.0.2.9"),
            ("SIP/2.0/UDP h;rport=5", "SIP/2.0/UDP h;rport=5;received=192.0.2.9"),
            ("SIP/2.0/UDP h;;", "SIP/2.0/UDP h;;"),
        ] {
            assert_eq!(stamp(value, source), want);
        }
        let six = "[::ffff:192.0.2.9]:7000".parse().unwrap();
        assert_eq!(stamp("SIP/2.0/UDP 192.0.2.9", six), "SIP/2.0/UDP 192.0.2.9");
    }

    #[test]
    fn no_value_begins_a_line_of_its_own() {
        let bad = |name, value| RequestBuilder::new("NOTIFY", "sip:a@b").header(name, value).finish();
        assert_eq!(bad(Name::Event, "a\r\nX: y"), Err(BuildError::LineEnd(Name::Event)));
        assert_eq!(bad(Name::Event, "a\nX: y"), Err(BuildError::LineEnd(Name::Event)));
        assert_eq!(bad(Name::Event, "a\rX: y"), Err(BuildError::LineEnd(Name::Event)));
        assert_eq!(bad(Name::Other, "a"), Err(BuildError::Nameless));
        for (method, uri) in
            [("NO TIFY", "sip:a@b"), ("", "sip:a@b"), ("NOTIFY", "sip:a b"), ("NOTIFY", "sip:a\r\n")]
        {
            assert_eq!(RequestBuilder::new(method, uri).finish(), Err(BuildError::RequestLine));
        }
        let media = RequestBuilder::new("NOTIFY", "sip:a@b").body("a/b\r\nX: y", b"").finish();
        assert_eq!(media, Err(BuildError::LineEnd(Name::ContentType)));
    }

    #[test]
    fn content_length_counts_octets() {
        let text = "경보".as_bytes();
        let sent = RequestBuilder::new("NOTIFY", "sip:a@b").body("text/plain", text).finish().unwrap();
        assert!(
            sent.as_bytes().starts_with(
                b"NOTIFY sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n"
            )
        );
        assert!(sent.as_bytes().ends_with(text));
    }
}
