//! The connection to the collector.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::TraceConfig;
use crate::tls::{self, TlsError};

const CONNECT: Duration = Duration::from_secs(5);
/// Most a batch may take.
pub(super) const CALL: Duration = Duration::from_secs(10);

/// A channel to the collector. The connection is made with the first batch, and again when it was lost. To be called inside
/// of a tokio runtime.
pub(super) fn channel(config: &TraceConfig) -> Result<Channel, TlsError> {
    let uri = &config.endpoint.0;
    let host = uri.host().unwrap_or_default().to_owned();
    // TLS is ours, not tonic's, so the scheme that tonic sees stays http.
    let authority = uri.authority().map_or("", |authority| authority.as_str()).to_owned();
    let plain = format!("http://{authority}");
    let endpoint = Endpoint::from_shared(plain).expect("an authority makes a URI");
    let endpoint = endpoint.timeout(CALL).connect_timeout(CONNECT);
    let Some((ca, identity)) = &config.tls else { return Ok(endpoint.connect_lazy()) };
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare)
        .map_err(|_| TlsError { file: ca.clone(), problem: format!("certifies nobody called {host}") })?;
    let tls = TlsConnector::from(Arc::new(tls::client(identity, ca, tls::HTTP_2)?));
    let connector = tower::service_fn(move |_| {
        let (tls, name, authority) = (tls.clone(), name.clone(), authority.clone());
        async move {
            let stream = TcpStream::connect(authority).await?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(TokioIo::new(tls.connect(name, stream).await?))
        }
    });
    Ok(endpoint.connect_with_connector_lazy(connector))
}
