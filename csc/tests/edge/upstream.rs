//! A replica of a service, as far as the edge can tell: HTTP/2 over the TLS of the bus.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use csc_service::Shutdown;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::pki::Pki;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) authority: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a replica answers.
pub(crate) type Handler = Arc<dyn Fn(Seen) -> BoxFuture<'static, Response<Full<Bytes>>> + Send + Sync>;

/// What a replica does with a connection.
type Serve = Arc<dyn Fn(TlsStream<TcpStream>, Shutdown) -> BoxFuture<'static, ()> + Send + Sync>;

/// A replica that runs.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    stop: csc_service::ShutdownTrigger,
    done: JoinHandle<()>,
}

/// `200` with the name of the replica.
pub(crate) fn named(name: &'static str) -> Handler {
    Arc::new(move |_| Box::pin(async move { Response::new(Full::from(name)) }))
}

impl Replica {
    /// The service `name` at a free port.
    pub(crate) async fn start(pki: &Pki, name: &str, handler: Handler) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), pki, name, handler).await
    }

    /// The same at `address`.
    pub(crate) async fn start_at(address: SocketAddr, pki: &Pki, name: &str, handler: Handler) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&seen);
        let serve: Serve = Arc::new(move |stream, stopping| {
            let (handler, all) = (Arc::clone(&handler), Arc::clone(&all));
            Box::pin(serve(stream, stopping, handler, all))
        });
        Self::with(address, pki, name, seen, serve).await
    }

    /// The service `name`, of which each connection is served by `serve`.
    pub(crate) async fn raw<F>(
        pki: &Pki,
        name: &str,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serve: Serve = Arc::new(move |stream, _| Box::pin(serve(stream)));
        Self::with("127.0.0.1:0".parse().unwrap(), pki, name, Arc::default(), serve).await
    }

    async fn with(
        address: SocketAddr,
        pki: &Pki,
        name: &str,
        seen: Arc<Mutex<Vec<Seen>>>,
        serve: Serve,
    ) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let tls = acceptor(pki, name);
        let (stop, stopping) = Shutdown::new();
        let done = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let stream = tokio::select! {
                    accepted = socket.accept() => accepted.unwrap().0,
                    () = stopping.requested() => break,
                };
                let (tls, serve, stopping) = (tls.clone(), Arc::clone(&serve), stopping.clone());
                connections.spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, stopping).await;
                    }
                });
            }
            drop(socket);
            while connections.join_next().await.is_some() {}
        });
        Self { address, seen, stop, done }
    }

    /// Takes no new connections, tells those it has, and ends when every request is answered.
    pub(crate) async fn drain(self) -> Vec<Seen> {
        self.stop.request();
        self.done.await.unwrap();
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The requests that came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn acceptor(pki: &Pki, name: &str) -> TlsAcceptor {
    let clients = WebPkiClientVerifier::builder(Arc::new(pki.bus.roots())).build().unwrap();
    let own = pki.bus.issue(name);
    let config = ServerConfig::builder().with_client_cert_verifier(clients);
    let mut config = config.with_single_cert(vec![own.certificate], own.key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: TlsStream<TcpStream>,
    stopping: Shutdown,
    handler: Handler,
    all: Arc<Mutex<Vec<Seen>>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (handler, all) = (Arc::clone(&handler), Arc::clone(&all));
        async move {
            let (head, body) = request.into_parts();
            // Who takes a request back before it is whole has not asked for anything.
            let body = body.collect().await?.to_bytes();
            let seen = Seen {
                method: head.method,
                target: head.uri.path_and_query().unwrap().as_str().to_owned(),
                authority: head.uri.authority().map(ToString::to_string),
                headers: head.headers,
                body,
            };
            all.lock().unwrap().push(seen.clone());
            Ok::<_, hyper::Error>(handler(seen).await)
        }
    });
    let connection =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => {}
        () = stopping.requested() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
