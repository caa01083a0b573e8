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

/// Every known name: as it is written, and its compact form. Shorter names come first.
const TABLE: [(Name, &str, Option<u8>); 31] = [
    (Name::To, "To", Some(b't')),
    (Name::Via, "Via", Some(b'v')),
    (Name::From, "From", Some(b'f')),
    (Name::CSeq, "CSeq", None),
    (Name::Event, "Event", Some(b'o')),
    (Name::Route, "Route", None),
    (Name::Allow, "Allow", None),
    (Name::Accept, "Accept", None),
    (Name::Server, "Server", None),
    (Name::CallId, "Call-ID", Some(b'i')),
    (Name::Contact, "Contact", Some(b'm')),
    (Name::Expires, "Expires", None),
    (Name::Require, "Require", None),
    (Name::Warning, "Warning", None),
    (Name::Supported, "Supported", Some(b'k')),
    (Name::UserAgent, "User-Agent", None),
    (Name::MinExpires, "Min-Expires", None),
    (Name::RetryAfter, "Retry-After", None),
    (Name::Unsupported, "Unsupported", None),
    (Name::MaxForwards, "Max-Forwards", None),
    (Name::ContentType, "Content-Type", Some(b'c')),
    (Name::RecordRoute, "Record-Route", None),
    (Name::AllowEvents, "Allow-Events", Some(b'u')),
    (Name::ProxyRequire, "Proxy-Require", None),
    (Name::ContentLength, "Content-Length", Some(b'l')),
    (Name::AcceptEncoding, "Accept-Encoding", None),
    (Name::ContentEncoding, "Content-Encoding", Some(b'e')),
    (Name::SubscriptionState, "Subscription-State", None),
    (Name::PAssertedService, "P-Asserted-Service", None),
    (Name::PAssertedIdentity, "P-Asserted-Identity", None),
    (Name::ContentTransferEncoding, "Content-Transfer-Encoding", None),
];

/// The longest name, and where in the table the names of each length begin.
const LONGEST: usize = 25;
const STARTS: [usize; LONGEST + 2] = {
    let mut starts = [0; LONGEST + 2];
    let mut row = 0;
    while row < TABLE.len() {
        let mut length = TABLE[row].1.len() + 1;
        while length < starts.len() {
            starts[length] = row + 1;
            length += 1;
        }
        row += 1;
    }
    starts
};

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
        if text.len() > LONGEST {
            return Name::Other;
        }
        // Only names of the same length are compared.
        TABLE[STARTS[text.len()]..STARTS[text.len() + 1]]
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
    fn the_table_is_in_order() {
        assert!(TABLE.is_sorted_by_key(|row| row.1.len()));
        assert_eq!(TABLE.last().map(|row| row.1.len()), Some(LONGEST));
    }

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
