//! For whom the edge asks: two header fields that only an edge may set.
//!
//! The edge ends the UE's TLS and forwards its requests. What it alone knows of the UE travels in these fields; they are
//! taken off every request before a handler sees it, and believed only on a listener that nobody but an edge can reach.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use rustls_pki_types::CertificateDer;

use super::Peer;

/// The UE's address and port, `192.0.2.1:40000` or `[2001:db8::1]:40000`; the port may be left out.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("csc-client-address");

/// The UE's certificate if it showed one, which the edge has verified: DER in base64.
pub const CLIENT_CERTIFICATE: HeaderName = HeaderName::from_static("csc-client-certificate");

/// Takes the fields off a request that came from `peer`.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(CLIENT_ADDRESS);
    headers.remove(CLIENT_CERTIFICATE);
}

/// Whom the edge forwards for, by the fields of its request. `None` if it does not say, or not clearly.
pub(super) fn client(headers: &HeaderMap) -> Option<Peer> {
    let address = address(only(headers, &CLIENT_ADDRESS)??.to_str().ok()?)?;
    let certificate = match only(headers, &CLIENT_CERTIFICATE)? {
        Some(value) => Some(CertificateDer::from(STANDARD.decode(value.as_bytes()).ok()?)),
        None => None,
    };
    Some(Peer { address, certificate })
}

/// The one value of a field, if there is one; `None` when there are several.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().is_none().then_some(first)
}

fn address(text: &str) -> Option<SocketAddr> {
    let bare = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 0));
    text.parse().ok().or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fields: &[(HeaderName, &str)]) -> Option<Peer> {
        let fields = fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        fields.for_each(|(name, value)| {
            headers.append(name, value);
        });
        client(&headers)
    }

    #[test]
    fn what_an_edge_says() {
        for (text, address) in [
            ("192.0.2.1:40000", "192.0.2.1:40000"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
            ("192.0.2.1", "192.0.2.1:0"),
            ("2001:db8::1", "[2001:db8::1]:0"),
        ] {
            let peer = said(&[(CLIENT_ADDRESS, text)]).unwrap();
            assert_eq!((peer.address.to_string().as_str(), peer.certificate), (address, None));
        }
        let peer = said(&[(CLIENT_ADDRESS, "192.0.2.1:1"), (CLIENT_CERTIFICATE, "AQID")]).unwrap();
        assert_eq!(peer.certificate.unwrap().as_ref(), [1, 2, 3]);
    }

    #[test]
    fn what_is_not_clear_is_not_believed() {
        let good = (CLIENT_ADDRESS, "192.0.2.1:1");
        assert!(said(&[]).is_none());
        for wrong in ["", "ue", "192.0.2.1:1, 192.0.2.2:1", "192.0.2.1:65536", " 192.0.2.1"] {
            assert!(said(&[(CLIENT_ADDRESS, wrong)]).is_none(), "{wrong}");
        }
        assert!(said(&[good.clone(), good.clone()]).is_none());
        assert!(said(&[good.clone(), (CLIENT_CERTIFICATE, "AQI")]).is_none());
        assert!(said(&[good, (CLIENT_CERTIFICATE, "AQID"), (CLIENT_CERTIFICATE, "AQID")]).is_none());
    }
}
