//! The identity service over its HTTP and gRPC interfaces, on the embedded store.
#![allow(clippy::unwrap_used, reason = "in a test every failure is a panic")]

mod accounts;
mod authreq;
mod deletion;
mod departure;
mod directory;
mod endpoints;
mod golden;
mod logs;
mod tokenrefresh;
mod tokenreq;
mod world;
mod wrapped;
