//! Access tokens at the resource servers (`spec/csc-interface.md`, "Presenting a token").
//!
//! A [`TokenVerifier`] takes the token out of a request's headers in either dialect, checks it offline against the
//! cached public keys of the IdMS, and gives [`Claims`]; with the account record of its user these make a
//! [`csc_types::Caller`]. Whatever is wrong becomes a [`Refused`], which knows its status and its challenge.
//!
//! [`Accounts`] hears from the IdMS which users may not act any more, for services that must know within a second.
//!
//! josekit checks signatures and nothing else: its own claim checks accept a token without `aud` or `exp` and panic on
//! a huge one. Neither a token nor a part of one is ever logged.

mod accounts;
mod cache;
mod claims;
mod grpc;
mod jws;
mod keys;
mod presented;
mod refused;
mod scope;
mod verifier;

#[cfg(test)]
mod tests;

pub use accounts::{Accounts, SILENCE};
pub use cache::{KeySource, KeySourceError};
pub use claims::{Claims, caller};
pub use grpc::GrpcKeys;
pub use presented::Dialect;
pub use refused::{Reason, Refused};
pub use scope::{Scope, Scopes};
pub use verifier::{Resource, TokenVerifier, Verified, VerifierConfig};
