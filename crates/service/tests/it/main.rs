//! The process as its peers see it: over real sockets, with real TLS, well-behaved and hostile.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admin;
mod bus;
mod client;
mod drain;
mod edge;
mod files;
mod flood;
mod http2;
mod http2_client;
mod logs;
mod pki;
mod reload;
mod requests;
mod server;
mod settings;
mod slow;
mod tls;
