//! An OpenTelemetry collector in the test's own process: it keeps what services export.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

pub use opentelemetry_proto::tonic::trace::v1::Span;

/// How long spans may take to arrive: a bound for a hung exporter, not a measurement.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running collector on a free loopback port. It ends with the test's runtime.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: mpsc::UnboundedReceiver<ExportTraceServiceRequest>,
    kept: Vec<ResourceSpans>,
}

impl Collector {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let (sender, received) = mpsc::unbounded_channel();
        let server = Server::builder().add_service(TraceServiceServer::new(Keeper(sender)));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(socket)));
        Self { address, received, kept: Vec::new() }
    }

    /// What a service has to export to: `http://127.0.0.1:…`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until `done` holds for all spans that were exported.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn until(&mut self, what: &str, done: impl Fn(&[&Span]) -> bool) {
        while !done(&self.spans()) {
            match timeout(PATIENCE, self.received.recv()).await {
                Ok(Some(request)) => self.kept.extend(request.resource_spans),
                _ => {
                    let names: Vec<&str> = self.spans().iter().map(|span| span.name.as_str()).collect();
                    panic!("{what} is missing; there are {names:?}");
                }
            }
        }
    }

    /// All spans that were waited for.
    pub fn spans(&self) -> Vec<&Span> {
        let scopes = self.kept.iter().flat_map(|of_resource| &of_resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }

    /// The text attributes of those who exported them.
    pub fn resources(&self) -> Vec<(&str, &str)> {
        let attributes = self.kept.iter().filter_map(|spans| spans.resource.as_ref());
        let pairs = attributes.flat_map(|resource| &resource.attributes);
        pairs
            .filter_map(|pair| match pair.value.as_ref()?.value.as_ref()? {
                Value::StringValue(text) => Some((pair.key.as_str(), text.as_str())),
                _ => None,
            })
            .collect()
    }

    /// Everything that was waited for, as it came over the wire.
    pub fn octets(&self) -> Vec<u8> {
        self.kept.iter().flat_map(|spans| spans.encode_to_vec()).collect()
    }
}

/// Hands on what it gets.
struct Keeper(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        // An error means that the test has seen enough.
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
