//! The service over real UDP sockets, driven as terminals, a CSCF and an MCPTT server would. Time is a clock that the
//! test moves, unless a test is about load.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod burst;
mod delivery;
mod forms;
mod hostile;
mod identity;
mod refusals;
mod replicas;
mod restart;
mod rights;
mod sipp;
mod torture;
mod ue;
mod world;
