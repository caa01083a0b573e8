//! The gRPC bus between services.

use std::convert::Infallible;

use hyper_util::rt::TokioIo;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};

/// Octets in flight each way between two services of one process.
const PIPE: usize = 64 * 1024;

/// A channel to `routes` in this process: the same clients, the same encoding, no socket. To be called inside of a
/// tokio runtime; the connection is made with the first call.
pub fn in_process(routes: Routes) -> Channel {
    let connector = tower::service_fn(move |_| {
        let (client, server) = tokio::io::duplex(PIPE);
        let incoming = tokio_stream::once(Ok::<_, Infallible>(server));
        let serving = Server::builder().add_routes(routes.clone()).serve_with_incoming(incoming);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = &error as &dyn std::error::Error, "in-process channel failed");
            }
        });
        async { Ok::<_, Infallible>(TokioIo::new(client)) }
    });
    // The name is never resolved; it only becomes the `:authority` of the calls.
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector)
}
