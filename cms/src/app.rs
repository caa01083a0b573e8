//! Wiring.

use std::sync::Arc;

use csc_auth::{Resource, TokenVerifier};
use csc_service::{Metrics, ReadyCheck, ServiceParts};
use csc_store::Records;
use csc_types::{Clock, Entropy, Partition};
use csc_xcap::usage::{CAPABILITIES, DIRECTORY, SERVICE_CONFIG, UE_CONFIG, USER_PROFILE};
use csc_xcap_server::{Callers, Provisioning, Settings, XcapServer};
use tonic::service::Routes;

use crate::config::Config;
use crate::library::CmsLibrary;

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
}

/// Builds the service. Nothing runs and nothing is read before it is mounted.
pub fn build(config: &Config, documents: &csc_xcap_server::Config, deps: Deps) -> ServiceParts {
    let callers = Callers::new(deps.verifier, deps.records.clone(), Resource::Cms);
    let settings = Settings {
        service: "cms",
        usages: vec![&USER_PROFILE, &SERVICE_CONFIG, &UE_CONFIG, &DIRECTORY, &CAPABILITIES],
        limits: config.limits(),
        config: documents.clone(),
    };
    let library = CmsLibrary::new(deps.records.clone(), deps.entropy, documents.url.clone());
    let server = XcapServer::new(settings, callers, deps.clock, Arc::new(library), &deps.metrics);
    let mut parts = ServiceParts::new("cms");
    let mount = server.mount();
    // An unknown application usage has the order of checks of a known one: 400, 401, then 404.
    parts.fallback = Some(mount.service.clone());
    parts.mounts.push(mount);
    parts.grpc = Some(Routes::new(Provisioning::service(server)));
    parts.ready.push(ReadyCheck::new("store", move || {
        let records = deps.records.clone();
        async move {
            records.store().position(Partition::INSTALLATION).await?;
            Ok(())
        }
    }));
    parts
}
