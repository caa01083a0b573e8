//! Configuration management server (CSC-4; TS 24.484): user profiles, UE configuration, service configuration, and the
//! documents that are generated: a user's directory and the server's capabilities.
//!
//! Each is an application usage of `csc-xcap`; `csc-xcap-server` speaks HTTP. What is left for this crate is where
//! the documents lie and what the generated ones hold.

mod app;
mod config;
mod domain;
mod library;
pub mod process;
mod records;

pub use app::{Deps, build};
pub use config::Config;
pub use process::Process;
