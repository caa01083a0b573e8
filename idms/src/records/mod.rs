//! The records of this service on the store: where they lie, how they are written, what they are in the domain.
//!
//! | collection | name | partition of | holds |
//! |---|---|---|---|
//! | `idms.organisation` | the organisation | the organisation | [`Organisation`](crate::domain::organisation::Organisation) |
//! | `idms.client` | the client_id | the client_id | [`Client`](crate::domain::client::Client) |
//! | `idms.user` | the MCPTT ID | the MCPTT ID | [`User`](crate::domain::user::User) |
//! | `account` | the MCPTT ID | the MCPTT ID | its public record, written in the same commit |
//! | `idms.changed` | the MCPTT ID | the MCPTT ID | nothing: its being there says that the account changed within a token's life |
//! | `idms.deleted` | the MCPTT ID | the MCPTT ID | what a deletion has not finished: [`Deleted`](crate::domain::user::Deleted) |
//! | `idms.claim` | a UserUri | the UserUri | whose it is: [`Claim`](crate::domain::claim::Claim) |
//! | `idms.code` | the hash of a code | its user | [`CodeRecord`](crate::domain::grant::CodeRecord) |
//! | `idms.refresh` | a family | its user | [`Family`](crate::domain::grant::Family) |
//!
//! Values are Protocol Buffers; fields are only ever added. `tests/golden` holds one of each that must still decode.

mod claim;
mod client;
mod deleted;
mod grant;
mod organisation;
mod user;

use bytes::Bytes;
use csc_store::{Key, Record, StoreError};
use prost::Message;

pub use claim::claim_key;
pub use client::client_key;
pub use deleted::deleted_key;
pub use grant::{code_key, family_key};
pub use organisation::organisation_key;
pub use user::{CHANGED, user_key, with_user, without_user};

/// A domain value that is stored as one record.
pub trait Stored: Sized {
    /// The record's value.
    fn encode(&self) -> Bytes;

    /// The value that was stored under `key`; the error says what does not fit.
    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable>;
}

/// What `record` holds, which was read from `key`; `None` if there is none.
///
/// # Errors
/// When the value cannot be read.
pub fn read<T: Stored>(key: &Key, record: &Record) -> Result<Option<T>, StoreError> {
    let decode = |value| {
        T::decode(key, value)
            .map_err(|why| StoreError::Damaged(format!("{} {}: {}", key.collection, key.name, why.0)))
    };
    record.value.as_deref().map(decode).transpose()
}

/// Why a stored value cannot be read. Never its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(&'static str);

fn message<M: Message + Default>(value: &[u8]) -> Result<M, Unreadable> {
    M::decode(value).map_err(|_| Unreadable("no protocol buffer"))
}

fn field<T: std::str::FromStr>(text: &str, name: &'static str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable(name))
}

fn octets<const N: usize>(value: &[u8], name: &'static str) -> Result<[u8; N], Unreadable> {
    value.try_into().map_err(|_| Unreadable(name))
}

fn fields<T: std::str::FromStr>(texts: &[String], name: &'static str) -> Result<Vec<T>, Unreadable> {
    texts.iter().map(|text| field(text, name)).collect()
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
