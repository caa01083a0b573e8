//! The Redis engine under faults, with real servers. Each test starts and stops its own.

mod alone;
mod aof;
mod cluster;
mod failover;
mod lost_reply;
mod refusals;
