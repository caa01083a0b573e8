//! `idms.client`.

use bytes::Bytes;
use csc_store::Key;
use csc_types::ClientId;
use prost::Message;

use super::user::{scope_names, scopes};
use super::{Stored, Unreadable, field, fields, message, non_empty};
use crate::domain::client::{Client, IdTokenAlgorithm, Sealed};

/// Where the record of `client` lies, in its own partition.
pub fn client_key(client: &ClientId) -> Key {
    Key::new("idms.client", client.as_str())
}

#[derive(Clone, PartialEq, Message)]
struct ClientRecord {
    #[prost(string, tag = "1")]
    organisation: String,
    #[prost(string, repeated, tag = "2")]
    redirect_uris: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    scopes: Vec<String>,
    #[prost(enumeration = "Algorithm", tag = "4")]
    id_token: i32,
    #[prost(bytes = "vec", tag = "5")]
    sealed_secret: Vec<u8>,
    #[prost(string, tag = "6")]
    audience: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
enum Algorithm {
    Unspecified = 0,
    Hs256 = 1,
    Rs256 = 2,
}

impl Stored for Client {
    fn encode(&self) -> Bytes {
        let id_token = match self.id_token {
            IdTokenAlgorithm::Hs256 => Algorithm::Hs256,
            IdTokenAlgorithm::Rs256 => Algorithm::Rs256,
        };
        let record = ClientRecord {
            organisation: self.organisation.to_string(),
            redirect_uris: self.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            scopes: scope_names(self.scopes),
            id_token: id_token.into(),
            sealed_secret: self.secret.as_ref().map(|sealed| sealed.0.clone()).unwrap_or_default(),
            audience: self.audience.clone().unwrap_or_default(),
        };
        record.encode_to_vec().into()
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: ClientRecord = message(value)?;
        let id_token = match record.id_token() {
            Algorithm::Hs256 => IdTokenAlgorithm::Hs256,
            Algorithm::Rs256 => IdTokenAlgorithm::Rs256,
            Algorithm::Unspecified => return Err(Unreadable("id_token")),
        };
        Ok(Self {
            id: field(&key.name, "name")?,
            organisation: field(&record.organisation, "organisation")?,
            redirect_uris: fields(&record.redirect_uris, "redirect_uris")?,
            scopes: scopes(&record.scopes)?,
            id_token,
            secret: (!record.sealed_secret.is_empty()).then_some(Sealed(record.sealed_secret)),
            audience: non_empty(record.audience),
        })
    }
}
