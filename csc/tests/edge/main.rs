//! The edge from outside: clients in front of it, replicas behind it, all in this process over loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod messages;
mod pki;
mod rolling;
mod routes;
mod service;
mod services;
mod targets;
mod upstream;
mod world;
