//! `idms.deleted`.

use bytes::Bytes;
use csc_store::Key;
use csc_types::McpttId;
use prost::Message;

use super::{Stored, Unreadable, fields, message, texts};
use crate::domain::user::Deleted;

/// Where it is noted what the deletion of `user` has not finished, in the partition of the user.
pub fn deleted_key(user: &McpttId) -> Key {
    Key::new("idms.deleted", user.as_str())
}

#[derive(Clone, PartialEq, Message)]
struct DeletedRecord {
    #[prost(string, repeated, tag = "1")]
    user_uris: Vec<String>,
}

impl Stored for Deleted {
    fn encode(&self) -> Bytes {
        DeletedRecord { user_uris: texts(&self.user_uris) }.encode_to_vec().into()
    }

    fn decode(_: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: DeletedRecord = message(value)?;
        Ok(Self { user_uris: fields(&record.user_uris, "user_uris")? })
    }
}
