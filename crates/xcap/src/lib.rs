//! XCAP (RFC 4825) without HTTP and without a store.
//!
//! A request target becomes a [`uri::Target`]; its document selector becomes a typed, canonical [`Document`] by way of
//! [`Names`] and the table of [`usage`]s; [`access::decide`] says who may do what with it. Its node selector finds a node
//! ([`select`]) or changes one ([`edit`]). What a document must look like stands with its usage, what went wrong becomes an
//! [`error::Conflict`], and what changed a [`diff`] document.

pub mod access;
pub mod diff;
mod document;
pub mod edit;
pub mod error;
mod names;
pub mod search;
pub mod select;
pub mod uri;
pub mod usage;

pub use document::{Collection, Document, Place};
pub use names::Names;
