//! Configuration management server (CSC-4; TS 24.484): initial configuration of terminals, user profiles, service
//! configuration, UE configuration, the lists and rules of presence (RFC 4826, RFC 5025, RFC 4827), and what is generated: a
//! user's directory and the server's capabilities.
//!
//! Each is an application usage of `csc-xcap`; `csc-xcap-server` speaks HTTP. What is left for this crate is where
//! the documents lie, what the generated ones hold, which values are unique over the installation, and that the documents
//! of a user go with the user.

mod app;
mod claims;
mod config;
mod domain;
mod http;
mod library;
pub mod process;
mod records;
mod remover;
mod templates;

pub use app::{Deps, build, build_with};
pub use config::Config;
pub use domain::{Local, Unconfirmed, UserDatabase};
pub use process::Process;
