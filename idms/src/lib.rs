//! Identity management server (CSC-1): logs users in and gives them tokens; keeps organisations, users and clients.
//!
//! Served are the field dialect of `spec/csc-interface.md` over HTTPS and `csc.identity.v1` over gRPC. [`app::build`]
//! makes the service; see the README for its clauses and its settings.

pub mod app;
pub mod config;
pub mod crypto;
pub mod domain;
mod grpc;
pub mod hashing;
mod http;
pub mod process;
pub mod records;

pub use app::{BuildError, Deps, build};
pub use config::Config;
pub use process::Process;
