//! HTTPS, HTTP/1.1 and HTTP/2: the words that services and the listener share.

mod admission;
mod body;
mod config;
mod edge;
mod guard;
mod http1;
mod http2;
mod limits;
mod linger;
mod listener;
mod phase;
mod reason;
mod requests;
mod route;
mod trusted;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use rustls_pki_types::CertificateDer;
use tower::Service;
use tower::util::BoxCloneSyncService;

pub use axum::body::Body;
pub use body::{BodyError, read_body};
pub use config::{Clients, HttpConfig, Public};
pub use edge::{CLIENT_ADDRESS, CLIENT_CERTIFICATE};
pub use limits::Limits;
pub use reason::{REASON, from_service, has_reason, with_reason};
pub use trusted::TrustedPeers;

pub(crate) use listener::Listener;
pub(crate) use requests::{Audience, Shared};
pub(crate) use route::Router;

/// What answers requests. The request target is the one that came over the wire, octet for octet, and [`Peer`] is
/// among the extensions.
pub type HttpService = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// A service and the part of the URI space that is its own.
#[derive(Clone)]
pub struct Mount {
    /// The first path segments, percent-decoded, behind an XCAP root prefix if there is one: `idms`, or an AUID.
    pub segments: Vec<String>,
    /// What answers there.
    pub service: HttpService,
}

impl Mount {
    /// `service` answers below each of `segments`.
    pub fn new<S, F>(segments: impl IntoIterator<Item = impl Into<String>>, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future = F>,
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<http::Response<Body>, Infallible>> + Send + 'static,
    {
        Self {
            segments: segments.into_iter().map(Into::into).collect(),
            service: BoxCloneSyncService::new(service),
        }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("segments", &self.segments).finish_non_exhaustive()
    }
}

/// Who asks: whoever is at the other end of the connection or, behind an edge, whoever is at the other end of the edge's.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its certificate, verified against the client CA of the listener or of the edge; `None` if it showed none.
    pub certificate: Option<CertificateDer<'static>>,
}
