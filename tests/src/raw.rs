//! Octets to a server, octets back: for requests that no well-behaved client would send.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long any one answer may take: a bound for a hung server, not a measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer, split but not interpreted.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header section, from the status line on, without the blank line at its end.
    pub head: String,
    /// What followed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of the header field `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }
}

/// A TLS connection to `address` that trusts the CA certificate in `ca`.
pub async fn connect(address: SocketAddr, ca: &Path) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a CA certificate")).expect("a good one");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a TLS handshake")
}

/// A request with these header fields beside Host and, where there is a body, Content-Length.
pub fn request(method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: csc.example.org\r\n");
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}

/// Whether `/readyz` of the admin listener at `address` says yes.
pub async fn is_ready(address: SocketAddr) -> bool {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200"))
    };
    tokio::time::timeout(PATIENCE, exchange).await.ok().flatten().unwrap_or_default()
}

/// Sends `request` as it is on a new connection and reads one answer.
pub async fn exchange(address: SocketAddr, ca: &Path, request: &[u8]) -> Answer {
    bounded(async {
        let (mut reader, mut writer) = tokio::io::split(connect(address, ca).await);
        answer(&mut reader, &mut writer, request).await
    })
    .await
}

/// The same with a request that nothing can follow: the server closes the connection behind its answer.
pub async fn last_exchange(address: SocketAddr, ca: &Path, request: &[u8]) -> Answer {
    bounded(async {
        let (mut reader, mut writer) = tokio::io::split(connect(address, ca).await);
        let answer = answer(&mut reader, &mut writer, request).await;
        let mut rest = Vec::new();
        // An end by reset is one as well: the server need not take what it refused.
        let _ = reader.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "more than one answer: {:?}", String::from_utf8_lossy(&rest));
        answer
    })
    .await
}

/// A connection for one request after the other, as clients keep it.
pub struct Connection {
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
}

impl Connection {
    /// A new one to `address`; see [`connect`].
    pub async fn open(address: SocketAddr, ca: &Path) -> Self {
        let (reader, writer) = tokio::io::split(connect(address, ca).await);
        Self { reader, writer }
    }

    /// Sends `request` as it is and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Answer {
        bounded(answer(&mut self.reader, &mut self.writer, request)).await
    }
}

async fn bounded(exchange: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer, and the end if it is the last, in time")
}

/// Writes `request` while it reads the answer: a server may answer before it has read everything, or without reading it.
async fn answer(
    reader: &mut (impl AsyncReadExt + Unpin),
    writer: &mut (impl AsyncWriteExt + Unpin),
    request: &[u8],
) -> Answer {
    let mut answer = pin!(read(reader, request.starts_with(b"HEAD ")));
    let write = async {
        let written = writer.write_all(request).await;
        (written, writer.flush().await)
    };
    tokio::select! {
        answer = &mut answer => answer,
        _ = write => answer.await,
    }
}

/// Reads one answer: header section, then, unless it answers a HEAD, Content-Length octets or what comes until the end.
async fn read(stream: &mut (impl AsyncReadExt + Unpin), to_head: bool) -> Answer {
    let mut received = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end].to_vec()).expect("a header section is text");
            let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
            let mut answer = Answer { status, head, body: received[end + 4..].to_vec() };
            let length =
                answer.header("content-length").map(|length| length.parse::<usize>().expect("a number"));
            let no_body = to_head || matches!(status, 204 | 304);
            while !no_body && length.is_none_or(|length| answer.body.len() < length) {
                match stream.read(&mut chunk).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => answer.body.extend_from_slice(&chunk[..count]),
                }
            }
            return answer;
        }
        match stream.read(&mut chunk).await {
            Ok(0) => {
                panic!("the connection ended before an answer: {:?}", String::from_utf8_lossy(&received))
            }
            Ok(count) => received.extend_from_slice(&chunk[..count]),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}
