//! Configuration documents over HTTP. The names of tests begin with the lines of the specification they check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod documents;
mod generated;
mod listener;
mod outages;
mod presence;
mod profiles;
mod provisioning;
mod removal;
mod replicas;
mod store;
mod targets;
mod terminals;
mod unique;
mod usages;
mod world;
