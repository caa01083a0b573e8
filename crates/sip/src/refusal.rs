//! An answer other than success.

use std::net::SocketAddr;

use sip_codec::{BuildError, Defect, Encoded, Headers, Name, ResponseBuilder, Status};

/// A refusal: status, phrase and the header fields that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}")]
pub struct Refusal {
    /// The status.
    pub status: Status,
    phrase: String,
    fields: Vec<(Name, String)>,
}

impl Refusal {
    /// A refusal with the usual phrase of `status`.
    pub fn new(status: Status) -> Refusal {
        Refusal { status, phrase: status.phrase().to_owned(), fields: Vec::new() }
    }

    /// The same with one more header field.
    pub fn with(mut self, name: Name, value: impl Into<String>) -> Refusal {
        self.fields.push((name, value.into()));
        self
    }

    /// The response to the request with `headers`, which came from `source`.
    pub fn answer(&self, headers: &Headers, to_tag: &str, source: SocketAddr) -> Result<Encoded, BuildError> {
        let mut out = ResponseBuilder::with_phrase(headers, self.status, &self.phrase, to_tag, source);
        for (name, value) in &self.fields {
            out = out.header(*name, value);
        }
        out.finish()
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Refusal {
        Refusal::new(status)
    }
}

/// The phrase names the defect, as RFC 3261 section 21.4.1 asks.
impl From<Defect> for Refusal {
    fn from(defect: Defect) -> Refusal {
        let status = defect.status();
        let phrase = if status == Status::BAD_REQUEST {
            format!("{}: {defect}", status.phrase())
        } else {
            return status.into();
        };
        Refusal { status, phrase, fields: Vec::new() }
    }
}
