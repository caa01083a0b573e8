//! An HTTP/2 client over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{VERSIONS, trusting};
use crate::pki::Pki;
use crate::server::PATIENCE;

/// A connection that negotiated HTTP/2.
#[derive(Clone)]
pub(crate) struct Http2 {
    requests: SendRequest<Full<Bytes>>,
    ended: Arc<tokio::sync::Mutex<JoinHandle<hyper::Result<()>>>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A TLS connection that negotiated HTTP/2, for those who write frames themselves.
pub(crate) async fn tls(
    address: SocketAddr,
    config: rustls::ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = config;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    Ok(stream)
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr, pki: &Pki) -> Self {
        Self::with(address, trusting(pki, &VERSIONS, None)).await.unwrap()
    }

    pub(crate) async fn with(address: SocketAddr, config: rustls::ClientConfig) -> std::io::Result<Self> {
        let stream = timeout(PATIENCE, tls(address, config)).await.expect("the handshake ends")?;
        let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        Ok(Self { requests, ended: Arc::new(tokio::sync::Mutex::new(tokio::spawn(connection))) })
    }

    pub(crate) async fn get(&self, target: &str) -> hyper::Result<Answer> {
        self.send("GET", target, &[], Bytes::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(HeaderName, String)],
        body: Bytes,
    ) -> hyper::Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("https://localhost{target}"));
        request = request.version(Version::HTTP_2);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut requests = self.requests.clone();
        let exchange = async {
            requests.ready().await?;
            let answer = requests.send_request(request.body(Full::new(body)).unwrap()).await?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            Ok(Answer { status: parts.status, headers: parts.headers, text })
        };
        timeout(PATIENCE, exchange).await.expect("an answer")
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(&self) -> hyper::Result<()> {
        let mut ended = self.ended.lock().await;
        timeout(PATIENCE, &mut *ended).await.expect("the connection ends").unwrap()
    }
}
