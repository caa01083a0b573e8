//! Framing: `Decoder` and `Encoder` of tokio-util, for datagrams and for streams.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::message::content_length;
use crate::scan::scan;
use crate::{Defect, Encoded, Limits, Message, Name, Refused};

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// What is in the buffer is one message (UDP).
    Datagram,
    /// Messages follow each other, each with its Content-Length (TCP, TLS; RFC 3261 section 18.3).
    Stream,
}

/// Reads and writes SIP messages. An item is a message or, where only the message is bad, its
/// refusal; an error means that the next message cannot be found and the connection has to close.
#[derive(Debug)]
pub struct SipCodec {
    framing: Framing,
    limits: Limits,
    /// How much of the buffer was searched for the end of a header.
    searched: usize,
    /// Octets of the message whose header is complete.
    wanted: Option<usize>,
}

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The connection failed.
    #[error("connection failed")]
    Io(#[from] std::io::Error),
    /// What arrived has no readable length. Its refusal may be sent before closing.
    #[error("message without a readable end")]
    Broken(#[source] Refused),
}

impl SipCodec {
    /// A codec for one connection, or for one datagram socket.
    pub fn new(framing: Framing, limits: Limits) -> SipCodec {
        SipCodec { framing, limits, searched: 0, wanted: None }
    }

    /// The octets of the first message in `buffer`, once its header is complete.
    fn length(&mut self, buffer: &BytesMut) -> Result<Option<usize>, StreamError> {
        if self.wanted.is_some() {
            return Ok(self.wanted);
        }
        let from = self.searched.saturating_sub(3);
        let Some(end) = memchr::memmem::find(&buffer[from..], b"\r\n\r\n") else {
            self.searched = buffer.len();
            self.plausible(buffer)?;
            return Ok(None);
        };
        let end = from + end + 4;
        let header = Bytes::copy_from_slice(&buffer[..end]);
        let length = scan(header.clone(), &self.limits)
            .and_then(|found| content_length(&found.headers, &self.limits))
            // Without it a stream cannot be framed (RFC 3261 section 20.14).
            .and_then(|length| length.ok_or(Defect::Missing(Name::ContentLength)))
            .map_err(|defect| broken(defect, header, &self.limits))?;
        if end + length > self.limits.message {
            return Err(broken(Defect::TooLarge, Bytes::copy_from_slice(&buffer[..end]), &self.limits));
        }
        self.wanted = Some(end + length);
        Ok(self.wanted)
    }

    /// Refuses a beginning that can no longer become a message, instead of waiting for more of it.
    fn plausible(&self, buffer: &BytesMut) -> Result<(), StreamError> {
        let line = memchr::memchr(b'\n', buffer);
        let defect = match line {
            _ if buffer.len() > self.limits.message => Defect::TooLarge,
            None if buffer.len() > self.limits.line => Defect::LineTooLong,
            Some(end) => {
                // A start line with an empty header is refused for its start line alone.
                let mut alone = buffer[..end].to_vec();
                alone.extend_from_slice(b"\n\r\n");
                match Message::parse(alone.into(), &self.limits) {
                    Err(Refused { defect: defect @ (Defect::StartLine | Defect::LineEnd), .. }) => defect,
                    _ => return Ok(()),
                }
            }
            None => return Ok(()),
        };
        Err(broken(defect, Bytes::copy_from_slice(buffer), &self.limits))
    }
}

/// The error for a stream that starts with `start`, with what is left of it to answer.
fn broken(defect: Defect, start: Bytes, limits: &Limits) -> StreamError {
    let refused = match Message::parse(start, limits) {
        Err(refused) => refused.because(defect),
        Ok(_) => Refused::nothing(defect),
    };
    StreamError::Broken(refused)
}

impl Decoder for SipCodec {
    type Item = Result<Message, Refused>;
    type Error = StreamError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, StreamError> {
        if self.framing == Framing::Datagram {
            let datagram = buffer.split().freeze();
            return Ok((!datagram.is_empty()).then(|| Message::parse(datagram, &self.limits)));
        }
        // Line ends between messages are keep-alives (RFC 5626 section 3.5.1).
        while self.wanted.is_none() && buffer.starts_with(b"\r\n") {
            let _ = buffer.split_to(2);
            self.searched = 0;
        }
        if buffer.is_empty() || &buffer[..] == b"\r" {
            return Ok(None);
        }
        let Some(length) = self.length(buffer)? else {
            return Ok(None);
        };
        if buffer.len() < length {
            buffer.reserve(length - buffer.len());
            return Ok(None);
        }
        (self.searched, self.wanted) = (0, None);
        let message = buffer.split_to(length).freeze();
        Ok(Some(Message::parse(message, &self.limits)))
    }
}

impl Encoder<Encoded> for SipCodec {
    type Error = StreamError;

    fn encode(&mut self, message: Encoded, buffer: &mut BytesMut) -> Result<(), StreamError> {
        buffer.extend_from_slice(message.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec() -> SipCodec {
        SipCodec::new(Framing::Stream, Limits { message: 2_000, fields: 20, line: 200 })
    }

    fn message(body: &str) -> String {
        format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKa\r\nl: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn bodies(codec: &mut SipCodec, buffer: &mut BytesMut) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(item) = codec.decode(buffer).unwrap() {
            let Message::Request(request) = item.unwrap() else { panic!("a request") };
            found.push(String::from_utf8(request.body().to_vec()).unwrap());
        }
        found
    }

    #[test]
    fn one_octet_at_a_time() {
        let text = format!("\r\n\r\n{}\r\n{}", message("one"), message("two"));
        let (mut codec, mut buffer, mut found) = (codec(), BytesMut::new(), Vec::new());
        for byte in text.bytes() {
            buffer.extend_from_slice(&[byte]);
            found.extend(bodies(&mut codec, &mut buffer));
        }
        assert_eq!(found, ["one", "two"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn two_messages_in_one_read() {
        let mut buffer = BytesMut::from((message("one") + &message("") + "OPT").as_str());
        let mut codec = codec();
        assert_eq!(bodies(&mut codec, &mut buffer), ["one", ""]);
        assert_eq!(&buffer[..], b"OPT");
    }

    #[test]
    fn what_cannot_become_a_message_is_an_error_at_once() {
        let long = "a".repeat(201);
        let endless = "OPTIONS sip:a@b SIP/2.0\r\n".to_owned() + &"X: y\r\n".repeat(400);
        for garbage in [
            "hello\r\n",
            "GET / HTTP/1.1\r\n",
            "OPTIONS sip:a@b SIP/2.0\n",
            &long,
            &endless,
            "OPTIONS sip:a@b SIP/2.0\r\n\r\n",
            "OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nl: 1\r\n\r\n",
            "OPTIONS sip:a@b SIP/2.0\r\nl: -1\r\n\r\n",
            "OPTIONS sip:a@b SIP/2.0\r\nl: 1999\r\n\r\n",
        ] {
            assert!(codec().decode(&mut BytesMut::from(garbage)).is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn a_framing_error_can_still_be_answered() {
        let text = message("x").replace("l: 1", "l: one");
        let Err(StreamError::Broken(refused)) = codec().decode(&mut BytesMut::from(text.as_str())) else {
            panic!("an error")
        };
        assert_eq!(refused.defect, Defect::ContentLength);
        assert!(refused.answerable().is_some());
    }

    #[test]
    fn a_bad_message_of_readable_length_leaves_the_stream_intact() {
        let bad = message("").replace("Via: ", "Via ");
        let mut buffer = BytesMut::from((bad + &message("next")).as_str());
        let mut codec = codec();
        assert_eq!(codec.decode(&mut buffer).unwrap().unwrap().unwrap_err().defect, Defect::FieldLine);
        assert_eq!(bodies(&mut codec, &mut buffer), ["next"]);
    }

    #[test]
    fn a_datagram_is_one_message_and_is_cut() {
        let mut codec = SipCodec::new(Framing::Datagram, Limits::default());
        let mut buffer = BytesMut::from((message("one") + &message("two")).as_str());
        assert_eq!(bodies(&mut codec, &mut buffer), ["one"]);
    }

    #[test]
    fn encoding_appends_the_message() {
        let sent = crate::RequestBuilder::new("OPTIONS", "sip:a@b").finish().unwrap();
        let mut buffer = BytesMut::from("x");
        codec().encode(sent.clone(), &mut buffer).unwrap();
        assert_eq!(&buffer[1..], &sent.as_bytes()[..]);
    }
}
