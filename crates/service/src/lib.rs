//! What every service does alike: configuration, telemetry, listeners, readiness, graceful stop.
//!
//! A service is built into [`ServiceParts`]: what it serves, what it does by itself, what it must have reached to be
//! ready. An [`App`] takes any number of them, binds every socket, and runs:
//!
//! ```text
//! Settings::load ─► Config::read … ─► finish ─► build services ─► App::new().mount(…).bind() ─► Bound::run(stop)
//! ```

mod admin;
mod app;
pub mod bus;
pub mod config;
pub mod http;
mod metrics;
mod os;
mod parts;
mod shutdown;
mod telemetry;
mod tls;
pub mod trace;

pub use app::{Addresses, AdminConfig, App, AppConfig, BindError, Bound};
pub use metrics::Metrics;
pub use os::{OsEntropy, shutdown_signal};
pub use parts::{ReadyCheck, ServiceParts, Task};
pub use shutdown::{Shutdown, ShutdownTrigger};
pub use telemetry::{Filter, LogFormat, TelemetryConfig, TelemetryError, telemetry};
pub use tls::{Identity, TlsError, client_tls};
