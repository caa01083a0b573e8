//! Wiring: binds the socket and gives the engine to whoever runs the process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csc_auth::TokenVerifier;
use csc_service::{Metrics, ReadyCheck, ServiceParts, Task};
use csc_store::Records;
use csc_store::owner::{Ownership, Replicas};
use csc_types::{Clock, Entropy};

use crate::accept::Accept;
use crate::config::Config;
use crate::domain::notify::Sender;
use crate::domain::tag::Tags;
use crate::domain::target::Naming;
use crate::engine::{self, EngineMetrics, SipSocket};
use crate::records::ROLE;

/// What the service needs from the process.
pub struct Deps {
    /// The store.
    pub records: Records,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness: branches.
    pub entropy: Arc<dyn Entropy>,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// Verifies the access tokens of SUBSCRIBEs.
    pub verifier: Arc<TokenVerifier>,
    /// How documents are named.
    pub naming: Naming,
    /// Whether other processes notify for the same store.
    pub replicas: Replicas,
}

/// Why the service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The socket.
    #[error("cannot listen for SIP on {address}: {error}")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// Builds the service, and tells at which address its socket is bound; nothing is served before the task runs.
///
/// # Errors
/// When the address cannot be bound.
pub async fn build(config: &Config, deps: Deps) -> Result<(ServiceParts, SocketAddr), BuildError> {
    let address = config.listen;
    let socket = SipSocket::bind(address, config.receive_buffer)
        .map_err(|error| BuildError::Bind { address, error })?;
    let local = socket.local();
    let sender = Sender {
        sent_by: config.sent_by.as_ref().map_or_else(|| local.to_string(), |by| by.as_str().to_owned()),
        contact: config
            .contact
            .as_ref()
            .map_or_else(|| format!("sip:subscription-proxy@{local}"), |uri| uri.as_str().to_owned()),
        xcap_root: deps.naming.root_uri.clone(),
        quoted_etags: config.quoted_etags,
    };
    let replica = format!("{:016x}", deps.entropy.next_u64());
    let ownership = Ownership::new(&deps.records, deps.clock.clone(), ROLE, replica, deps.replicas);
    let accept = Arc::new(Accept {
        settled: deps.records.settled(),
        records: deps.records,
        clock: deps.clock,
        verifier: deps.verifier,
        naming: Arc::new(deps.naming),
        tags: Tags::new(config.tag_secret.clone()),
        config: Arc::new(config.clone()),
        sender,
    });
    let metrics = EngineMetrics::new(&deps.metrics);
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = ready.clone();
    let run = move |shutdown| engine::run(accept, socket, deps.entropy, metrics, ownership, ready, shutdown);
    let mut parts = ServiceParts::new("subscription-proxy");
    parts.ready.push(ReadyCheck::new("notifier", move || {
        let ready = is_ready.load(Ordering::Acquire);
        async move { if ready { Ok(()) } else { Err(anyhow::anyhow!("the logs are not followed yet")) } }
    }));
    parts.tasks.push(Task::new("notifier", run));
    Ok((parts, local))
}
