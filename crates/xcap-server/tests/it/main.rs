//! The server with a library of nothing but a shelf: what is alike for every service that has documents.

#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod concurrency;
mod conditions;
mod documents;
mod history;
mod nodes;
mod provisioning;
mod questions;
mod world;
