//! Group management server (CSC-2; TS 24.481): group documents, and what each member sees of them.
//!
//! A group lives in the group's partition: document, index entry, member set and log entry change in one commit, and
//! membership is checked there, so a member's view is never stale. The projector carries every change to the
//! members' partitions afterwards: an index entry and a log entry for each view.

mod app;
mod config;
mod domain;
mod editor;
pub mod glms;
mod grpc;
mod library;
pub mod process;
mod projector;
mod records;

pub use app::{Deps, build};
pub use config::Config;
pub use process::Process;
