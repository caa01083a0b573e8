//! What a service hands to the process that runs it.

use std::fmt;

use futures::future::BoxFuture;
use tonic::service::Routes;

use crate::http::{HttpService, Mount};
use crate::shutdown::Shutdown;

/// A built service: what it serves and what it does by itself. Nothing runs before [`crate::Bound::run`].
pub struct ServiceParts {
    /// The service's name, for logs and metrics: `idms`.
    pub name: &'static str,
    /// What it serves to UEs over HTTPS.
    pub mounts: Vec<Mount>,
    /// What answers paths that are nobody's; one service of a process at most has it.
    pub fallback: Option<HttpService>,
    /// What it serves to other services over gRPC.
    pub grpc: Option<Routes>,
    /// What it does by itself.
    pub tasks: Vec<Task>,
    /// What it must have reached once before it is ready.
    pub ready: Vec<ReadyCheck>,
}

impl ServiceParts {
    /// A service that does nothing yet.
    pub fn new(name: &'static str) -> Self {
        Self { name, mounts: Vec::new(), fallback: None, grpc: None, tasks: Vec::new(), ready: Vec::new() }
    }
}

impl fmt::Debug for ServiceParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, mounts, fallback, grpc, tasks, ready } = self;
        f.debug_struct("ServiceParts")
            .field("name", name)
            .field("mounts", mounts)
            .field("fallback", &fallback.is_some())
            .field("grpc", &grpc.is_some())
            .field("tasks", tasks)
            .field("ready", ready)
            .finish()
    }
}

/// Work that goes on beside the requests. An error or a panic takes the process down: it drains and exits with an
/// error, and whoever supervises it starts it again. Ending well is allowed at any time.
pub struct Task {
    /// For logs: `gms projector`.
    pub name: &'static str,
    /// The work. It ends soon after [`Shutdown`] is requested; it is dropped when the grace period is over.
    pub run: Box<dyn FnOnce(Shutdown) -> BoxFuture<'static, anyhow::Result<()>> + Send>,
}

impl Task {
    /// The task `name`.
    pub fn new<F, R>(name: &'static str, run: F) -> Self
    where
        F: FnOnce(Shutdown) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self { name, run: Box::new(move |shutdown| Box::pin(run(shutdown))) }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.name).finish()
    }
}

/// Something that must have been reached once before the process is ready, such as the store. It is asked again and
/// again until it answers well, and never after that: a store that goes away must not take all replicas out of
/// service at once.
pub struct ReadyCheck {
    /// For `/readyz` and logs: `store`.
    pub name: &'static str,
    /// One attempt.
    pub check: Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>,
}

impl ReadyCheck {
    /// The check `name`.
    pub fn new<F, R>(name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self { name, check: Box::new(move || Box::pin(check())) }
    }
}

impl fmt::Debug for ReadyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadyCheck").field(&self.name).finish()
    }
}
