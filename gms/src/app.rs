//! Wiring.

use std::sync::Arc;

use csc_auth::{Resource, TokenVerifier};
use csc_service::{Metrics, ServiceParts, Task};
use csc_store::Records;
use csc_store::owner::Replicas;
use csc_types::{Clock, Entropy};
use csc_xcap::usage::GROUPS;
use csc_xcap_server::{Callers, Provisioning, Settings, XcapServer};
use tonic::service::Routes;

use crate::config::Config;
use crate::editor::Editor;
use crate::glms::{Glms, Ground};
use crate::grpc::GroupsService;
use crate::library::GroupLibrary;
use crate::projector::Projector;

/// What the service needs from the process it runs in.
#[derive(Clone)]
pub struct Deps {
    /// The store.
    pub records: Records,
    /// When groups are changed, and when tombstones of views go.
    pub clock: Arc<dyn Clock>,
    /// The random halves of ETags.
    pub entropy: Arc<dyn Entropy>,
    /// Where to count.
    pub metrics: Metrics,
    /// Who checks access tokens.
    pub verifier: Arc<TokenVerifier>,
    /// The name of this process among its replicas; no other process has had it.
    pub replica: String,
    /// Whether there may be others.
    pub replicas: Replicas,
}

/// Builds the service. Nothing runs and nothing is read before it is mounted.
pub fn build(config: &Config, documents: &csc_xcap_server::Config, deps: Deps) -> ServiceParts {
    let callers = Callers::new(deps.verifier, deps.records.clone(), Resource::Gms);
    let settings = Settings {
        service: "gms",
        usages: vec![&GROUPS],
        limits: config.limits(),
        config: documents.clone(),
    };
    let names = documents.names.clone();
    let editor = Editor::new(
        &deps.records,
        Arc::clone(&deps.entropy),
        Arc::clone(&deps.clock),
        names.clone(),
        config.limits(),
        documents.history,
    );
    let groups = GroupsService::service(deps.records.clone(), names.clone());
    let library = GroupLibrary::new(
        deps.records.clone(),
        Arc::clone(&deps.entropy),
        names.clone(),
        config.group_entries,
    );
    let (library, clock) = (Arc::new(library), Arc::clone(&deps.clock));
    let server = XcapServer::new(settings, callers.clone(), clock, Arc::clone(&library), &deps.metrics);
    let glms = config.glms.as_ref().map(|glms| {
        let ground = Ground {
            groups: server.mount().service,
            library,
            callers,
            records: deps.records.clone(),
            names,
            trusted: documents.trusted.clone(),
            limits: config.limits(),
            clock: Arc::clone(&deps.clock),
            entropy: deps.entropy,
        };
        Glms::new(glms.clone(), ground, &deps.metrics)
    });
    let (projector, ownership) =
        Projector::new(&deps.records, deps.clock, &deps.metrics, editor, deps.replica, deps.replicas);
    let mut parts = ServiceParts::new("gms");
    parts.mounts.push(server.mount());
    parts.mounts.extend(glms.map(|glms| glms.mount()));
    parts.grpc = Some(Routes::new(Provisioning::service(server)).add_service(groups));
    parts.tasks.push(Task::new("gms projector", move |shutdown| projector.run(ownership, shutdown)));
    parts
}
