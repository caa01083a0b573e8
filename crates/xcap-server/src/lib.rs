//! XCAP over HTTP (RFC 4825) for any set of application usages.
//!
//! A service has a [`Library`]: what it knows about its documents and how it changes them. [`XcapServer`] does what is
//! alike for all: the order of checks, conditional headers, bodies of nodes, error documents. A change of a document or
//! of one of its nodes is decided inside the commit, over what is there at that moment ([`Decide`]): access, conditions,
//! media type, then the edit, schema and constraints, so nobody's update is lost. Access alone is looked at before, too:
//! whoever may not write is told so before its body is read.
//!
//! ```text
//! target 400 → token 401 → usage, tree 404 → access 403 → method 405 → Content-Range 400 → size 413
//!        → conditions 412, 304 → content coding, media type 415 → body 409 → commit (503 where the store cannot promise)
//! ```

mod callers;
mod config;
pub mod declared;
mod history;
mod http;
mod library;
mod metrics;
mod precondition;
mod provision;
mod refusal;
mod shelf;
#[cfg(feature = "testing")]
pub mod testing;
mod work;

pub use callers::{Asserted, Callers};
pub use config::{Config, RootUrl};
pub use history::{Action, Author, Revised};
pub use http::{Settings, XcapServer};
pub use library::{Change, Decide, Judge, Library, New, Question, Snapshot, Stored, Written};
pub use precondition::{Outcome, Precondition};
pub use provision::Provisioning;
pub use refusal::Refusal;
pub use shelf::{Entry, Shelf, Shelved, Volume, announce};
pub use work::aside;
