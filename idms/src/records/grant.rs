//! `idms.code` and `idms.refresh`.

use bytes::Bytes;
use csc_store::Key;
use csc_types::Timestamp;
use prost::Message;

use super::user::{scope_names, scopes};
use super::{Stored, Unreadable, field, message, octets};
use crate::domain::claims::Validity;
use crate::domain::grant::{CodeRecord, Family, Grant, Issued, Refreshed};
use crate::domain::opaque::{Code, FamilyId};
use crate::domain::pkce::Challenge;

/// Where the record of `code` lies, in the partition of its user.
pub fn code_key(code: &Code) -> Key {
    Key::new("idms.code", code.name())
}

/// Where the record of `family` lies, in the partition of its user.
pub fn family_key(family: FamilyId) -> Key {
    Key::new("idms.refresh", family.name())
}

#[derive(Clone, PartialEq, Message)]
struct GrantRecord {
    #[prost(string, tag = "1")]
    user: String,
    #[prost(string, tag = "2")]
    client: String,
    #[prost(string, repeated, tag = "3")]
    scopes: Vec<String>,
    /// Microseconds since 1970.
    #[prost(uint64, tag = "4")]
    auth_time: u64,
    #[prost(uint64, tag = "5")]
    session_epoch: u64,
}

impl GrantRecord {
    fn new(grant: &Grant) -> Self {
        Self {
            user: grant.user.to_string(),
            client: grant.client.to_string(),
            scopes: scope_names(grant.scopes),
            auth_time: grant.auth_time.micros(),
            session_epoch: grant.session_epoch,
        }
    }

    fn grant(record: Option<Self>) -> Result<Grant, Unreadable> {
        let record = record.ok_or(Unreadable("grant"))?;
        Ok(Grant {
            user: field(&record.user, "user")?,
            client: field(&record.client, "client")?,
            scopes: scopes(&record.scopes)?,
            auth_time: Timestamp::from_micros(record.auth_time),
            session_epoch: record.session_epoch,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct CodeMessage {
    #[prost(message, optional, tag = "1")]
    grant: Option<GrantRecord>,
    #[prost(string, tag = "2")]
    redirect_uri: String,
    #[prost(bytes = "vec", tag = "3")]
    challenge: Vec<u8>,
    #[prost(string, optional, tag = "4")]
    nonce: Option<String>,
}

impl Stored for CodeRecord {
    fn encode(&self) -> Bytes {
        let record = CodeMessage {
            grant: Some(GrantRecord::new(&self.grant)),
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.digest().to_vec(),
            nonce: self.nonce.clone(),
        };
        record.encode_to_vec().into()
    }

    fn decode(_: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: CodeMessage = message(value)?;
        Ok(Self {
            grant: GrantRecord::grant(record.grant)?,
            redirect_uri: record.redirect_uri,
            challenge: Challenge::from_digest(octets(&record.challenge, "challenge")?),
            nonce: record.nonce,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct FamilyRecord {
    #[prost(message, optional, tag = "1")]
    grant: Option<GrantRecord>,
    #[prost(uint64, tag = "2")]
    generation: u64,
    #[prost(bytes = "vec", tag = "3")]
    current: Vec<u8>,
    /// Microseconds since 1970.
    #[prost(uint64, tag = "4")]
    usable_until: u64,
    #[prost(message, optional, tag = "5")]
    last: Option<RefreshedRecord>,
    #[prost(bool, tag = "6")]
    revoked: bool,
}

#[derive(Clone, PartialEq, Message)]
struct RefreshedRecord {
    #[prost(bytes = "vec", tag = "1")]
    parent: Vec<u8>,
    /// Microseconds since 1970.
    #[prost(uint64, tag = "2")]
    at: u64,
    #[prost(string, tag = "3")]
    token_id: String,
    /// Seconds since 1970.
    #[prost(uint64, tag = "4")]
    token_from: u64,
    /// Seconds since 1970.
    #[prost(uint64, tag = "5")]
    token_until: u64,
    #[prost(string, repeated, tag = "6")]
    token_scopes: Vec<String>,
}

impl Stored for Family {
    fn encode(&self) -> Bytes {
        let last = self.last.as_ref().map(|last| RefreshedRecord {
            parent: last.parent.to_vec(),
            at: last.at.micros(),
            token_id: last.issued.id.clone(),
            token_from: last.issued.validity.from,
            token_until: last.issued.validity.until,
            token_scopes: scope_names(last.issued.scopes),
        });
        let record = FamilyRecord {
            grant: Some(GrantRecord::new(&self.grant)),
            generation: self.generation,
            current: self.current.to_vec(),
            usable_until: self.usable_until.micros(),
            last,
            revoked: self.revoked,
        };
        record.encode_to_vec().into()
    }

    fn decode(_: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: FamilyRecord = message(value)?;
        let last = record.last.map(|last| {
            Ok(Refreshed {
                parent: octets(&last.parent, "parent")?,
                at: Timestamp::from_micros(last.at),
                issued: Issued {
                    id: last.token_id,
                    validity: Validity { from: last.token_from, until: last.token_until },
                    scopes: scopes(&last.token_scopes)?,
                },
            })
        });
        Ok(Self {
            grant: GrantRecord::grant(record.grant)?,
            generation: record.generation,
            current: octets(&record.current, "current")?,
            usable_until: Timestamp::from_micros(record.usable_until),
            last: last.transpose()?,
            revoked: record.revoked,
        })
    }
}
