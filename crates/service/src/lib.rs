//! What every service does alike: configuration, telemetry, listeners, readiness, graceful stop.

pub mod bus;
pub mod config;
pub mod http;
mod metrics;
mod os;
mod parts;
mod shutdown;

pub use metrics::Metrics;
pub use os::{OsEntropy, shutdown_signal};
pub use parts::{ReadyCheck, ServiceParts, Task};
pub use shutdown::{Shutdown, ShutdownTrigger};
