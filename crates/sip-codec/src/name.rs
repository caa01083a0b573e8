//! Header field names: the ones this crate knows, their compact forms, and the rest.

use std::fmt;

/// A header field name. Names compare without regard to case, and a compact form is the long one
/// (RFC 3261 sections 7.3.1 and 7.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is the header field of the same name")]
pub enum Name {
    Accept,
    AcceptEncoding,
    Allow,
    AllowEvents,
    CallId,
    Contact,
    ContentEncoding,
    ContentLength,
    ContentTransferEncoding,
    ContentType,
    CSeq,
    Event,
    Expires,
    From,
    MaxForwards,
    MinExpires,
    PAssertedIdentity,
    PAssertedService,
    ProxyRequire,
    RecordRoute,
    Require,
    RetryAfter,
    Route,
    Server,
    SubscriptionState,
    Supported,
    To,
    Unsupported,
    UserAgent,
    Via,
    Warning,
    /// Any other name.
    Other,
}

/// Every known name: as it is written, and its compact form.
const TABLE: [(Name, &str, Option<u8>); 31] = [
    (Name::Via, "Via", Some(b'v')),
    (Name::From, "From", Some(b'f')),
    (Name::To, "To", Some(b't')),
    (Name::CallId, "Call-ID", Some(b'i')),
    (Name::CSeq, "CSeq", None),
    (Name::Contact, "Contact", Some(b'm')),
    (Name::MaxForwards, "Max-Forwards", None),
    (Name::ContentLength, "Content-Length", Some(b'l')),
    (Name::ContentType, "Content-Type", Some(b'c')),
    (Name::ContentEncoding, "Content-Encoding", Some(b'e')),
    (Name::ContentTransferEncoding, "Content-Transfer-Encoding", None),
    (Name::Event, "Event", Some(b'o')),
    (Name::Expires, "Expires", None),
    (Name::Accept, "Accept", None),
    (Name::AcceptEncoding, "Accept-Encoding", None),
    (Name::RecordRoute, "Record-Route", None),
    (Name::Route, "Route", None),
    (Name::SubscriptionState, "Subscription-State", None),
    (Name::PAssertedIdentity, "P-Asserted-Identity", None),
    (Name::PAssertedService, "P-Asserted-Service", None),
    (Name::Allow, "Allow", None),
    (Name::AllowEvents, "Allow-Events", Some(b'u')),
    (Name::MinExpires, "Min-Expires", None),
    (Name::ProxyRequire, "Proxy-Require", None),
    (Name::Require, "Require", None),
    (Name::RetryAfter, "Retry-After", None),
    (Name::Server, "Server", None),
    (Name::Supported, "Supported", Some(b'k')),
    (Name::Unsupported, "Unsupported", None),
    (Name::UserAgent, "User-Agent", None),
    (Name::Warning, "Warning", None),
];

impl Name {
    /// The name that `text` spells.
    pub(crate) fn of(text: &[u8]) -> Name {
        if let [letter] = text {
            let letter = letter.to_ascii_lowercase();
            return TABLE
                .iter()
                .find(|(_, _, compact)| *compact == Some(letter))
                .map_or(Name::Other, |row| row.0);
        }
        TABLE
            .iter()
            .find(|(_, long, _)| long.as_bytes().eq_ignore_ascii_case(text))
            .map_or(Name::Other, |row| row.0)
    }

    /// The name as it is written; `None` for [`Name::Other`].
    pub(crate) fn as_str(self) -> Option<&'static str> {
        TABLE.iter().find(|row| row.0 == self).map(|row| row.1)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("header field"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_know_their_compact_forms() {
        for (name, long, compact) in TABLE {
            assert_eq!(Name::of(long.as_bytes()), name);
            assert_eq!(Name::of(long.to_ascii_uppercase().as_bytes()), name);
            if let Some(letter) = compact {
                assert_eq!(Name::of(&[letter]), name);
                assert_eq!(Name::of(&[letter.to_ascii_uppercase()]), name);
            }
        }
        assert_eq!(Name::of(b"P-Access-Network-Info"), Name::Other);
        assert_eq!(Name::of(b"z"), Name::Other);
        assert_eq!(Name::of(b""), Name::Other);
    }
}
