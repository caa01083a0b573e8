//! SIP messages on the wire (RFC 3261 and the extensions that RFC 6665 event notification needs).
//!
//! Reading: [`Message::parse`] takes one datagram, [`SipCodec`] frames a stream. Both index the
//! header without copying it; [`Headers`] gives typed access on demand. A message that breaks the
//! rules comes back as [`Refused`] with what is needed to answer it.
//!
//! Writing: [`ResponseBuilder`] and [`RequestBuilder`] make complete messages, count the octets of
//! the body, and refuse any value that could begin a line of its own.
//!
//! No I/O, no clock, no randomness: transactions and dialogs are the business of `csc-sip`.

mod address;
mod build;
mod defect;
mod grammar;
mod headers;
mod limits;
mod message;
mod method;
mod multipart;
mod name;
mod params;
mod scan;
mod status;
mod stream;
mod uri;
mod values;
mod via;

pub use address::Address;
pub use build::{BuildError, Encoded, RequestBuilder, ResponseBuilder};
pub use defect::Defect;
pub use headers::{Core, Headers};
pub use limits::Limits;
pub use message::{Message, Refused, Request, Response};
pub use method::Method;
pub use multipart::{Part, split_multipart};
pub use name::Name;
pub use params::Params;
pub use status::Status;
pub use stream::{Framing, SipCodec, StreamError};
pub use uri::{SipUri, TelUri, Uri};
pub use values::{CSeq, Event, MediaType, SubscriptionState};
pub use via::{MAGIC_COOKIE, Rport, Via};
