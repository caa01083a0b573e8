//! What a process of one service is made of: its store, its token verifier, its way from a configuration file to the
//! end.
//!
//! Every program (the five services, the edge, and all services in one process) is a [`Program`]: it reads its sections
//! of the configuration, builds itself on a [`Platform`], and hands back a [`Running`] process whose sockets are bound.
//! `main.rs` of each is one call of [`main`].
//!
//! ```text
//! main ─► Settings::load ─► Program::read … ─► finish ─► telemetry ─► Program::build ─► Running::run(signal)
//! ```

mod host;
mod program;
mod store;
mod verifier;

pub use host::{Common, Host};
pub use program::{Platform, Program, Running, conclude, main, reference, run};
pub use store::{Opened, StoreConfig};
pub use verifier::{AuthConfig, TokenRules, keep_fresh};
