//! Wiring.

use std::sync::Arc;

use csc_auth::{Resource, TokenVerifier};
use csc_service::{Metrics, ServiceParts, Task};
use csc_store::Records;
use csc_store::owner::Replicas;
use csc_types::{Clock, Entropy};
use csc_xcap::usage::{GROUPS, TEST_APP, USAGES, Usage};
use csc_xcap_server::{Callers, Provisioning, Settings, XcapServer};
use tonic::service::Routes;

use crate::claims::Claims;
use crate::config::Config;
use crate::domain::{Local, UserDatabase};
use crate::http::with_intended_identities;
use crate::library::CmsLibrary;
use crate::remover::{Ground, Remover};
use crate::templates::Templates;

/// What the service needs from the process it runs in.
#[derive(Clone)]
pub struct Deps {
    /// The store.
    pub records: Records,
    /// When documents are changed.
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
    build_with(config, documents, deps, Arc::new(Local))
}

/// Builds the service with a user database that is not its own store.
pub fn build_with(
    config: &Config,
    documents: &csc_xcap_server::Config,
    deps: Deps,
    user_database: Arc<dyn UserDatabase>,
) -> ServiceParts {
    let Deps { records, clock, entropy, metrics, verifier, replica, replicas } = deps;
    let names = documents.names.clone();
    let installed = USAGES.into_iter().filter(|usage| *usage != &TEST_APP || documents.test_app);
    let installed: Vec<&'static Usage> = installed.collect();
    // Groups are another service's; the directory and the capabilities speak of them.
    let own: Vec<&'static Usage> = installed.iter().copied().filter(|usage| *usage != &GROUPS).collect();
    let ground = Ground { records: &records, clock: &clock, metrics: &metrics, replica, replicas };
    let (remover, ownership) = Remover::new(names.clone(), Arc::clone(&user_database), ground);
    let library = CmsLibrary {
        records: records.clone(),
        entropy,
        url: documents.url.clone(),
        names: names.clone(),
        usages: installed,
        open_profiles: documents.open_profiles,
        documents_per_user: config.documents_per_user,
        templates: Templates::new(records.clone(), names.clone(), config.limits()),
        claims: Claims::new(&records, names.clone(), Arc::clone(&clock)),
        user_database,
    };
    let settings =
        Settings { service: "cms", usages: own, limits: config.limits(), config: documents.clone() };
    let callers = Callers::new(verifier, records, Resource::Cms);
    let server = XcapServer::new(settings, callers, clock, Arc::new(library), &metrics);
    let mut parts = ServiceParts::new("cms");
    let mount = with_intended_identities(server.mount(), documents.trusted.clone(), names);
    // An unknown application usage has the order of checks of a known one: 400, 401, then 404.
    parts.fallback = Some(mount.service.clone());
    parts.mounts.push(mount);
    parts.tasks.push(Task::new("cms remover", move |shutdown| remover.run(ownership, shutdown)));
    parts.grpc = Some(Routes::new(Provisioning::service(server)));
    parts
}
