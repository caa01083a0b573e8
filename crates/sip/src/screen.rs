//! The checks that every request meets before its method's own (RFC 3261 section 8.2), and where its
//! response goes (section 18.2.2).

use std::net::SocketAddr;

use sip_codec::{Core, Method, Name, Request, Status, Uri, Via};

use crate::Refusal;

/// What this server can do.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// The methods it serves.
    pub methods: &'static [Method],
    /// The same as the value of Allow.
    pub allow: &'static str,
    /// The extensions it knows, as they stand in Require.
    pub extensions: &'static [&'static str],
}

/// Why a request does not go on to its method.
#[derive(Debug)]
pub enum Unserved {
    /// It is refused. No transaction is kept: the same request gets the same answer.
    Refuse(Refusal),
    /// It gets no answer.
    Ignore,
}

/// Screens a request; what passes goes on to its method. The order is: method unknown, required fields,
/// method not served, scheme of the Request-URI, extensions, content encoding.
pub fn screen<'a>(request: &'a Request, capabilities: &Capabilities) -> Result<Core<'a>, Unserved> {
    // An ACK belongs to an INVITE, and each INVITE was refused without keeping a transaction.
    if request.method() == Method::Ack {
        return Err(Unserved::Ignore);
    }
    check(request, capabilities).map_err(Unserved::Refuse)
}

fn check<'a>(request: &'a Request, capabilities: &Capabilities) -> Result<Core<'a>, Refusal> {
    if request.method() == Method::Other {
        return Err(Refusal::new(Status::NOT_IMPLEMENTED).with(Name::Allow, capabilities.allow));
    }
    let core = request.core()?;
    if request.method() == Method::Cancel {
        // Nothing here stays unanswered long enough to be cancelled (section 9.2).
        return Err(Status::NO_SUCH_TRANSACTION.into());
    }
    if !capabilities.methods.contains(&request.method()) {
        return Err(Refusal::new(Status::METHOD_NOT_ALLOWED).with(Name::Allow, capabilities.allow));
    }
    if matches!(request.uri(), Uri::Other(_)) {
        return Err(Status::UNSUPPORTED_URI_SCHEME.into());
    }
    let mut unknown = request.headers().tokens(Name::Require)?;
    unknown.retain(|tag| !capabilities.extensions.contains(tag));
    if !unknown.is_empty() {
        return Err(Refusal::new(Status::BAD_EXTENSION).with(Name::Unsupported, unknown.join(", ")));
    }
    let identity = |tag: &str| tag.is_empty() || tag.eq_ignore_ascii_case("identity");
    if !request.headers().values(Name::ContentEncoding).all(identity) {
        return Err(Refusal::new(Status::UNSUPPORTED_MEDIA_TYPE).with(Name::AcceptEncoding, "identity"));
    }
    Ok(core)
}

/// Where a response over UDP goes: to the address the request came from, at its port where `rport` asks
/// for it (RFC 3581 section 4) and at the port of `sent-by` else. `maddr` is not followed, so that no
/// request can point our answers at a third party.
pub fn reply_to(via: Option<Via<'_>>, source: SocketAddr) -> SocketAddr {
    let Some(via) = via else {
        return source;
    };
    if via.rport().is_some() {
        return source;
    }
    SocketAddr::new(source.ip(), via.port.unwrap_or(5060))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_go_to_the_source() {
        let source = "192.0.2.9:7000".parse().unwrap();
        let target = |text| reply_to(Via::parse(text), source).to_string();
        assert_eq!(target("SIP/2.0/UDP 198.51.100.1:5080;branch=a"), "192.0.2.9:5080");
        assert_eq!(target("SIP/2.0/UDP 198.51.100.1;maddr=203.0.113.1"), "192.0.2.9:5060");
        assert_eq!(target("SIP/2.0/UDP 198.51.100.1;rport"), "192.0.2.9:7000");
        assert_eq!(target("SIP/2.0/UDP ;;"), "192.0.2.9:7000");
    }
}
