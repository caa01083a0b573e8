//! Groups over HTTP, in both dialects, and what members see of them. The names of tests begin with the lines of the specification they
//! check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod bus;
mod documents;
mod flood;
mod glms;
mod limits;
mod matrix;
mod projection;
mod world;
