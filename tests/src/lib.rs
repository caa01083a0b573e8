//! Starts services and drives them as a terminal, a dispatcher or an operator could, and in no other way.
//!
//! [`Server`] is all services in this process, [`Process`] the real binary, which can be killed, [`Cluster`] the distributed
//! layout. All listen on free loopback ports and keep everything in a temporary folder of their own.

mod child;
mod client;
mod cluster;
mod process;
pub mod raw;
mod server;
pub mod sip;

pub use client::Client;
pub use cluster::Cluster;
pub use process::Process;
pub use server::Server;

/// The demo's fire brigade.
pub const ORGANISATION: &str = "city-fire";
/// The three users of the demo's fire brigade with their passwords: a firefighter, the dispatcher, another firefighter.
pub const ALEX: (&str, &str) = ("tel:+82571009990", "engine-seven");
/// The dispatcher.
pub const DANA: (&str, &str) = ("tel:+82571009991", "north-bridge");
/// The other firefighter.
pub const SAM: (&str, &str) = ("tel:+82571009992", "ladder-twelve");
/// The group that all three are in.
pub const ENGINE_7: &str = "tel:+82570000701";
/// The group that Alex is not in.
pub const INCIDENT: &str = "tel:+82570000702";
