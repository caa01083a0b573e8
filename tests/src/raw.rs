//! Octets to a server, octets back: for requests that no well-behaved client would send.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long any one answer may take: a bound for a hung server, not a measurement.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Sends `request` as it is on a new connection and reads one answer.
pub async fn exchange(address: SocketAddr, ca: &Path, request: &[u8]) -> Answer {
    let mut stream = connect(address, ca).await;
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    tokio::time::timeout(PATIENCE, read(&mut stream)).await.expect("an answer in time")
}

/// Reads one answer: header section, then Content-Length octets or what comes until the end.
pub async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Answer {
    let mut received = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end].to_vec()).expect("a header section is text");
            let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
            let mut answer = Answer { status, head, body: received[end + 4..].to_vec() };
            let length =
                answer.header("content-length").map(|length| length.parse::<usize>().expect("a number"));
            let no_body = matches!(status, 204 | 304);
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
