//! An edge that runs, and clients of it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use csc::Edge;
use csc_process::{Platform, Program};
use csc_service::config::Settings;
use csc_service::{OsEntropy, Shutdown, ShutdownTrigger};
use csc_types::SystemClock;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::pki::Pki;
use crate::upstream::Replica;

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

/// Where the services are.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) idms: Vec<SocketAddr>,
    pub(crate) cms: Vec<SocketAddr>,
    pub(crate) gms: Vec<SocketAddr>,
    pub(crate) kms: Vec<SocketAddr>,
    /// More lines of the section `[edge]`; patience when there are none.
    pub(crate) edge: &'static str,
    /// More lines of the section `[http]`.
    pub(crate) http: &'static str,
    /// More sections.
    pub(crate) sections: &'static str,
}

impl Layout {
    /// All requests of the tests go to cms unless they are about routing.
    pub(crate) fn cms(replicas: &[&Replica]) -> Self {
        Self { cms: replicas.iter().map(|replica| replica.address).collect(), ..Self::default() }
    }
}

/// An edge that runs.
pub(crate) struct Running {
    pub(crate) https: SocketAddr,
    admin: SocketAddr,
    tls: Arc<ClientConfig>,
    stop: ShutdownTrigger,
    done: JoinHandle<anyhow::Result<()>>,
}

/// An answer with its whole body.
pub(crate) type Answer = Response<Bytes>;

pub(crate) async fn start(pki: &Pki, layout: Layout) -> Running {
    let file = pki.at("edge.toml");
    std::fs::write(&file, toml(&layout)).unwrap();
    let mut settings = Settings::load(Some(&file), []);
    let edge = Edge::read(&mut settings);
    settings.finish().unwrap();
    let platform = Platform::new(Arc::new(SystemClock::new()), Arc::new(OsEntropy));
    let running = edge.build(platform).await.unwrap();
    let (https, admin) = (running.address("https").unwrap(), running.address("admin").unwrap());
    let (stop, stopping) = Shutdown::new();
    let done = tokio::spawn(async move { running.run(stopping.requested()).await });
    let config = ClientConfig::builder().with_root_certificates(pki.public.roots()).with_no_client_auth();
    Running { https, admin, tls: Arc::new(config), stop, done }
}

fn toml(layout: &Layout) -> String {
    let edge = if layout.edge.is_empty() { "replica_time = \"1m\"" } else { layout.edge };
    let mut text = format!(
        "[http]\nlisten = [\"127.0.0.1:0\"]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclient_ca = \"ue-ca.pem\"\n{}\n\
         [bus]\nlisten = \"127.0.0.1:0\"\ncertificate = \"edge.pem\"\nkey = \"edge.key\"\nca = \"bus-ca.pem\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n{}\n[edge]\n{}\n",
        layout.http, layout.sections, edge
    );
    for (name, places) in
        [("idms", &layout.idms), ("cms", &layout.cms), ("gms", &layout.gms), ("kms", &layout.kms)]
    {
        let mut places: Vec<_> = places.iter().map(ToString::to_string).collect();
        if places.is_empty() {
            places.push(NOBODY.to_owned());
        }
        writeln!(text, "{name} = {places:?}").unwrap();
    }
    text
}

impl Running {
    /// Shows `certificate` to the edge from now on.
    pub(crate) fn with_certificate(mut self, pki: &Pki, own: crate::pki::Issued) -> Self {
        let config = ClientConfig::builder().with_root_certificates(pki.public.roots());
        self.tls = Arc::new(config.with_client_auth_cert(vec![own.certificate], own.key).unwrap());
        self
    }

    async fn tls(&self, protocol: Option<&[u8]>) -> TlsStream<TcpStream> {
        let mut config = (*self.tls).clone();
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        let stream = TcpStream::connect(self.https).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A connection with HTTP/1.1.
    pub(crate) async fn client(&self) -> SendRequest<Full<Bytes>> {
        let (sender, connection) = handshake(TokioIo::new(self.tls(Some(b"http/1.1")).await)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// The answer to `request` over HTTP/2.
    pub(crate) async fn ask_2(&self, request: Request<Full<Bytes>>) -> Answer {
        let io = TokioIo::new(self.tls(Some(b"h2")).await);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    /// The answer to `request`.
    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        ask(&mut self.client().await, request).await
    }

    /// The answer to a GET of `target`.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(Request::get(target).header("host", "csc.example.org").body(Full::default()).unwrap()).await
    }

    /// Sends exactly `octets`, and reads until the edge closes.
    pub(crate) async fn raw(&self, octets: &[u8]) -> String {
        let mut stream = self.tls(None).await;
        stream.write_all(octets).await.unwrap();
        let mut answer = Vec::new();
        // An end without close_notify is an end too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// Waits until `up` replicas of `upstream` are connected.
    pub(crate) async fn connected(&self, upstream: &str, up: usize) {
        let line = format!("csc_edge_upstream_up{{upstream=\"{upstream}\"}} {up}");
        while !self.metrics().await.contains(&line) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn metrics(&self) -> String {
        self.operator("/metrics").await
    }

    /// Whether it says that it is ready.
    pub(crate) async fn ready(&self) -> bool {
        self.operator("/readyz").await.starts_with("HTTP/1.1 200 ")
    }

    async fn operator(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Stops it; whatever is under way is answered first.
    pub(crate) async fn stop(self) {
        self.stop.request();
        self.done.await.unwrap().unwrap();
    }
}

pub(crate) async fn ask(client: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Answer {
    client.ready().await.unwrap();
    let (head, body) = client.send_request(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}
