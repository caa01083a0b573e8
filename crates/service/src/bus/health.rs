//! `grpc.health.v1` on the bus: whether this process is ready, as `/readyz` says it.

use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

/// The health of the whole process, which is what the empty service name stands for.
const PROCESS: &str = "";

/// Tells the bus whether this process is ready.
#[derive(Clone)]
pub(crate) struct Health(HealthReporter);

impl Health {
    /// Not ready yet; and what serves it.
    pub(crate) async fn new() -> (Self, Routes) {
        let (reporter, server) = health_reporter();
        let health = Self(reporter);
        health.ready(false).await;
        (health, Routes::new(server))
    }

    pub(crate) async fn ready(&self, ready: bool) {
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.0.set_service_status(PROCESS, status).await;
    }
}
