//! The service as a terminal sees it: requests in, answers out, in process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod answers;
mod audit;
mod refusals;
mod schema;
mod server;
mod start;
