//! The key management server (CSC-8, TS 33.180 annexes D and F): its certificate, and the keys of users.
//!
//! ```text
//! http ─► domain::request   what is asked for, in three body forms and a path
//!         auth, accounts    who asks, and whether it may still
//!         domain::subject   which identities of that user are meant
//!         domain::period    for which key period
//!         limit, pool       how often, how many at once
//!         domain::provision root + identity + period → UID → keys
//!         audit             one line for each key set, durable before the answer leaves
//!      ◄─ http::answer      KmsResponse in one of two dialects
//! ```
//!
//! The master secrets are a sealed file ([`root`]); nothing but `csc kms root create` makes one.

mod accounts;
mod app;
mod audit;
mod config;
mod domain;
mod http;
mod limit;
mod pool;
pub mod process;
pub mod root;
mod time;

pub use app::{BuildError, Deps, build};
pub use config::{Config, DialectSetting, UnknownWord, UserIdEncoding};
pub use process::Process;
