//! Request methods: those registered with IANA, and the rest.

/// A method. Methods compare octet by octet (RFC 3261 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is the method of the same name")]
pub enum Method {
    Ack,
    Bye,
    Cancel,
    Info,
    Invite,
    Message,
    Notify,
    Options,
    Prack,
    Publish,
    Refer,
    Register,
    Subscribe,
    Update,
    /// A method that is not registered.
    Other,
}

const TABLE: [(Method, &str); 14] = [
    (Method::Subscribe, "SUBSCRIBE"),
    (Method::Notify, "NOTIFY"),
    (Method::Options, "OPTIONS"),
    (Method::Ack, "ACK"),
    (Method::Bye, "BYE"),
    (Method::Cancel, "CANCEL"),
    (Method::Info, "INFO"),
    (Method::Invite, "INVITE"),
    (Method::Message, "MESSAGE"),
    (Method::Prack, "PRACK"),
    (Method::Publish, "PUBLISH"),
    (Method::Refer, "REFER"),
    (Method::Register, "REGISTER"),
    (Method::Update, "UPDATE"),
];

impl Method {
    pub(crate) fn of(text: &str) -> Method {
        TABLE.iter().find(|row| row.1 == text).map_or(Method::Other, |row| row.0)
    }
}
