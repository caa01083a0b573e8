//! `idms.claim`.

use bytes::Bytes;
use csc_store::Key;
use csc_types::{McpttId, Timestamp};
use prost::Message;

use super::{Stored, Unreadable, field, message};
use crate::domain::claim::Claim;

/// Where the claim to `uri` lies, in the partition of the URI.
pub fn claim_key(uri: &McpttId) -> Key {
    Key::new("idms.claim", uri.as_str())
}

#[derive(Clone, PartialEq, Message)]
struct ClaimRecord {
    #[prost(string, tag = "1")]
    owner: String,
    /// Microseconds since 1970.
    #[prost(uint64, tag = "2")]
    since: u64,
    #[prost(bool, tag = "3")]
    confirmed: bool,
}

impl Stored for Claim {
    fn encode(&self) -> Bytes {
        let record = ClaimRecord {
            owner: self.owner.to_string(),
            since: self.since.micros(),
            confirmed: self.confirmed,
        };
        record.encode_to_vec().into()
    }

    fn decode(_: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: ClaimRecord = message(value)?;
        Ok(Self {
            owner: field(&record.owner, "owner")?,
            since: Timestamp::from_micros(record.since),
            confirmed: record.confirmed,
        })
    }
}
