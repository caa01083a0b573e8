//! SIP transactions and dialogs of a notifier, as state machines (RFC 3261, RFC 6665).
//!
//! Nothing here does I/O, reads a clock or draws a random number: messages, `now` and unguessable
//! branches come in, and what to send and whom to tell comes out. `now` is a monotonic reading
//! (`csc_types::Clock::monotonic`). A driver asks each table for its `next_deadline`, and calls
//! `expire` when it has passed.
//!
//! ```text
//!  datagram ─ sip_codec::Message ─┬─ request ── screen ── ServerTransactions ── the service
//!                                 └─ response ─────────── ClientTransactions ── the service
//! ```

mod client;
mod dialog;
mod refusal;
mod screen;
mod server;
mod timers;

pub use client::{ClientTransactions, Expired, Final, InUse};
pub use dialog::{Dialog, Order, branch};
pub use refusal::Refusal;
pub use screen::{Capabilities, Unserved, reply_to, screen};
pub use server::{Arrival, Limits, ServerTransactions, TransactionKey};
pub use timers::{T1, T2, TRANSACTION};
