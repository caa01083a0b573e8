//! A client that can misbehave: it writes octets and reads what comes back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use csc_service::Identity;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::pki::{Pki, load};
use crate::server::PATIENCE;

pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A TLS configuration that trusts `pki` and may show `identity`.
pub(crate) fn trusting(
    pki: &Pki,
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<&Identity>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(pki.ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = builder.with_root_certificates(roots);
    match identity {
        Some(identity) => {
            let (chain, key) = load(identity);
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    }
}

/// A connection after the handshake.
pub(crate) struct Client {
    reader: ReadHalf<TlsStream<TcpStream>>,
    pub(crate) writer: WriteHalf<TlsStream<TcpStream>>,
    buffer: Vec<u8>,
    pub(crate) kind: Option<HandshakeKind>,
    pub(crate) version: Option<rustls::ProtocolVersion>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header field, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, pki: &Pki) -> Self {
        Self::with(address, trusting(pki, &VERSIONS, None)).await.unwrap()
    }

    /// Connects with a configuration; an error is one of the handshake.
    pub(crate) async fn with(address: SocketAddr, config: impl Into<Arc<ClientConfig>>) -> io::Result<Self> {
        let attempt = async {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            TlsConnector::from(config.into()).connect(name, stream).await
        };
        let stream = timeout(PATIENCE, attempt).await.expect("the handshake ends")?;
        let (kind, version) = (stream.get_ref().1.handshake_kind(), stream.get_ref().1.protocol_version());
        let (reader, writer) = split(stream);
        Ok(Self { reader, writer, buffer: Vec::new(), kind, version })
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        self.writer.write_all(octets.as_ref()).await?;
        self.writer.flush().await
    }

    /// Sends a GET and reads the answer.
    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await.unwrap();
        self.answer().await.unwrap()
    }

    /// The next answer; its body is as long as it says. An error means the connection ended first.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            self.more().await?;
        }
        answer.body = self.buffer.drain(..length).collect();
        Ok(answer)
    }

    async fn more(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.reader.read(&mut chunk)).await.expect("octets or an end")?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(())
    }

    /// Reads until the server has closed; what came besides is returned.
    pub(crate) async fn closed(mut self) -> Vec<u8> {
        while self.more().await.is_ok() {}
        self.buffer
    }
}

/// Reads from a bare socket until the server has closed it.
pub(crate) async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut octets)).await.expect("the server closes");
    octets
}
