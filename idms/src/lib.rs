//! Identity management server.

pub mod crypto;
pub mod domain;
pub mod hashing;
pub mod records;
