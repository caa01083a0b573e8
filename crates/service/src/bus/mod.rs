//! The gRPC bus between services: always mutual TLS, or a pipe inside of one process.

mod access;
mod behalf;
mod config;
mod connect;
mod health;
mod io;
mod listener;
mod member;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};
use tower::util::MapFutureLayer;

use crate::trace;

pub use behalf::{caller, pass_on};
pub use config::BusConfig;
pub use connect::{Address, Credentials, Peers, connect};
pub use member::{BusDomain, Member, Members};

pub(crate) use health::Health;
pub(crate) use listener::BusListener;

/// Octets in flight each way between two services of one process.
const PIPE: usize = 64 * 1024;
/// Most a caller waits for an answer to begin, when it sets no deadline of its own.
const CALL: Duration = Duration::from_secs(10);

/// Who calls: among the extensions of every request that came over the bus, and of none that came from this process.
#[derive(Clone, Copy, Debug)]
pub struct BusPeer {
    /// The caller's address.
    pub address: SocketAddr,
    /// What its certificate says that it is.
    pub members: Members,
}

/// A channel to `routes` in this process: the same clients, the same encoding, no socket. To be called inside of a
/// tokio runtime; the connection is made with the first call.
pub fn in_process(routes: Routes) -> Channel {
    let connector = tower::service_fn(move |_| {
        let (client, server) = tokio::io::duplex(PIPE);
        let incoming = tokio_stream::once(Ok::<_, Infallible>(server));
        let server = Server::builder()
            .trace_fn(trace::served)
            .layer(MapFutureLayer::new(trace::ended))
            .add_routes(routes.clone());
        let serving = server.serve_with_incoming(incoming);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = &error as &dyn std::error::Error, "in-process channel failed");
            }
        });
        async { Ok::<_, Infallible>(TokioIo::new(client)) }
    });
    // The name is never resolved; it only becomes the `:authority` of the calls.
    Endpoint::from_static("http://in-process").timeout(CALL).connect_with_connector_lazy(connector)
}
