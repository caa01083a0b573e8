//! `idms.organisation`.

use bytes::Bytes;
use csc_store::Key;
use csc_types::OrgId;
use prost::Message;

use super::{Stored, Unreadable, field, message};
use crate::domain::organisation::Organisation;

/// Where the record of `organisation` lies, in its own partition.
pub fn organisation_key(organisation: &OrgId) -> Key {
    Key::new("idms.organisation", organisation.as_str())
}

#[derive(Clone, PartialEq, Message)]
struct OrganisationRecord {
    #[prost(string, tag = "1")]
    display_name: String,
}

impl Stored for Organisation {
    fn encode(&self) -> Bytes {
        OrganisationRecord { display_name: self.display_name.clone() }.encode_to_vec().into()
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let OrganisationRecord { display_name } = message(value)?;
        Ok(Self { id: field(&key.name, "name")?, display_name })
    }
}
