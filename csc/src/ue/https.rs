//! One keep-alive HTTPS connection, as a terminal holds it. The request target goes out exactly as given.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long a terminal waits for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer it takes.
const LARGEST: usize = 16 * 1024 * 1024;

/// An HTTPS connection that is made when first needed and again after it broke.
pub struct Https {
    authority: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    connection: Option<http1::SendRequest<Full<Bytes>>>,
}

impl Https {
    /// A connection to `server` (`https://host:port`) that trusts the certificates in the PEM file `ca`.
    ///
    /// # Errors
    /// If `server` is no such URL or the file holds no certificate.
    pub fn new(server: &str, ca: &Path) -> anyhow::Result<Self> {
        let authority = server.trim_end_matches('/').strip_prefix("https://");
        let authority = authority.with_context(|| format!("{server} is not https://host:port"))?.to_owned();
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;

        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(ca).with_context(|| format!("reading {}", ca.display()))?;
        for certificate in certificates {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            bail!("{} holds no certificate", ca.display());
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { authority, name, tls: TlsConnector::from(Arc::new(config)), connection: None })
    }

    /// Sends `request`, whose URI is the bare request target, and returns the whole answer.
    ///
    /// # Errors
    /// If no answer comes within half a minute, or the connection fails.
    pub async fn send(&mut self, mut request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        if !request.headers().contains_key(http::header::HOST) {
            request.headers_mut().insert(http::header::HOST, self.authority.parse()?);
        }
        let what = format!("{} {} at {}", request.method(), request.uri().path(), self.authority);
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(answer) => answer.with_context(|| what),
            Err(_) => {
                self.connection = None;
                bail!("{what}: no answer within {} s", PATIENCE.as_secs())
            }
        }
    }

    async fn exchange(&mut self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let mut connection = match self.connection.take() {
            Some(open) if !open.is_closed() => open,
            _ => self.connect().await?,
        };
        connection.ready().await?;
        let answer = connection.send_request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|error| anyhow::anyhow!(error))?;
        self.connection = Some(connection);
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    async fn connect(&self) -> anyhow::Result<http1::SendRequest<Full<Bytes>>> {
        let address = if self.authority.contains(':') {
            self.authority.clone()
        } else {
            format!("{}:443", self.authority)
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(self.name.clone(), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A broken connection shows at the next request.
            let _ = connection.await;
        });
        Ok(sender)
    }
}
