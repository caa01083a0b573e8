//! The subscription proxy: SIP SUBSCRIBE in, xcap-diff NOTIFY out (RFC 6665, RFC 5875; TS 24.481 and TS 24.484 6.3.13).
//!
//! A subscriber names documents and collections. Its dialog is a record in its own partition of the store, so it
//! survives a restart; the owner of the partition notifies. Whatever changes a document writes a log entry, and an entry
//! only says that something changed: the notifier compares what the subscriber acknowledged with what there is.

mod accept;
mod app;
mod config;
mod documents;
mod domain;
mod engine;
mod identity;
pub mod process;
mod records;

pub use app::{BuildError, Deps, build};
pub use config::{Config, SentBy, ServerSetting, SipContact};
pub use domain::hop::{NotAPeer, Peer};
pub use domain::target::Naming;
pub use process::Process;
