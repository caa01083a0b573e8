//! The GLMS dialect over HTTP. The names of tests begin with the lines of the specification they check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod groups;
mod listener;
mod multicast;
mod search;
mod world;
