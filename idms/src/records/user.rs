//! `idms.user`, and `account`, which other services read.

use bytes::Bytes;
use csc_proto::event::v1::{AccountChanged, LogEntry, log_entry::Change};
use csc_proto::record::v1::{Account, account::Status};
use csc_service::trace::Cause;
use csc_store::shared::account_key;
use csc_store::{Change as Commit, Key};
use csc_types::{McpttId, Timestamp};
use prost::Message;

use super::{Stored, Unreadable, field, fields, message, non_empty, octets, texts};
use crate::domain::password::{Cost, PasswordHash};
use crate::domain::scope::Scopes;
use crate::domain::user::{Profile, User};

/// Where the record of `user` lies, in its own partition.
pub fn user_key(user: &McpttId) -> Key {
    Key::new("idms.user", user.as_str())
}

/// The collection that notes which accounts changed lately: a record for each, without content, that expires when every
/// access token made before the change has.
pub const CHANGED: &str = "idms.changed";

/// Adds to `commit` all that is written when what others know of a user changes: the user, its public record, the note
/// that it changed, which is good until `noted_until`, and the log entry.
pub fn with_user<T>(commit: Commit<T>, user: &User, noted_until: Timestamp) -> Commit<T> {
    let commit = commit.put(user_key(&user.id), user.encode()).put(account_key(&user.id), account(user));
    announced(commit, &user.id, noted_until)
}

/// Adds to `commit` what removes a user and its public record, and the same note and log entry.
pub fn without_user<T>(commit: Commit<T>, user: &McpttId, noted_until: Timestamp) -> Commit<T> {
    let commit = commit.delete(user_key(user)).delete(account_key(user));
    announced(commit, user, noted_until)
}

fn announced<T>(commit: Commit<T>, user: &McpttId, noted_until: Timestamp) -> Commit<T> {
    commit.put_until(Key::new(CHANGED, user.as_str()), Bytes::new(), noted_until).log(account_changed(user))
}

/// The value of the public account record.
fn account(user: &User) -> Bytes {
    let profile = &user.profile;
    let status = if profile.enabled { Status::Enabled } else { Status::Disabled };
    let account = Account {
        status: status.into(),
        organisation: profile.organisation.to_string(),
        roles: profile.roles.iter().map(|role| role.to_string()).collect(),
        ue_ids: texts(&profile.ue_ids),
        user_uris: texts(&profile.user_uris),
        kms_uri: profile.kms_uri.clone().unwrap_or_default(),
        subject: user.subject.clone(),
    };
    account.encode_to_vec().into()
}

/// The log entry that goes with it.
fn account_changed(user: &McpttId) -> Bytes {
    let change = Change::Account(AccountChanged { mcptt_id: user.to_string() });
    LogEntry { change: Some(change), traceparent: Cause::current().traceparent() }.encode_to_vec().into()
}

#[derive(Clone, PartialEq, Message)]
struct UserRecord {
    #[prost(string, tag = "1")]
    organisation: String,
    #[prost(string, repeated, tag = "2")]
    roles: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    ue_ids: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    user_uris: Vec<String>,
    #[prost(string, tag = "5")]
    kms_uri: String,
    #[prost(bool, tag = "6")]
    disabled: bool,
    /// Empty: whatever the client may.
    #[prost(string, repeated, tag = "7")]
    scopes: Vec<String>,
    #[prost(string, tag = "8")]
    subject: String,
    #[prost(message, optional, tag = "9")]
    password: Option<PasswordRecord>,
    #[prost(uint64, tag = "10")]
    session_epoch: u64,
}

/// An Argon2id hash (RFC 9106), version 19.
#[derive(Clone, PartialEq, Message)]
struct PasswordRecord {
    #[prost(uint32, tag = "1")]
    memory: u32,
    #[prost(uint32, tag = "2")]
    passes: u32,
    #[prost(uint32, tag = "3")]
    lanes: u32,
    #[prost(bytes = "vec", tag = "4")]
    salt: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    tag: Vec<u8>,
}

impl Stored for User {
    fn encode(&self) -> Bytes {
        let Self { id: _, profile, subject, password, session_epoch } = self;
        let record = UserRecord {
            organisation: profile.organisation.to_string(),
            roles: profile.roles.iter().map(|role| role.to_string()).collect(),
            ue_ids: texts(&profile.ue_ids),
            user_uris: texts(&profile.user_uris),
            kms_uri: profile.kms_uri.clone().unwrap_or_default(),
            disabled: !profile.enabled,
            scopes: profile.scopes.map(scope_names).unwrap_or_default(),
            subject: subject.clone(),
            password: Some(PasswordRecord {
                memory: password.cost.memory,
                passes: password.cost.passes,
                lanes: password.cost.lanes,
                salt: password.salt.to_vec(),
                tag: password.tag.to_vec(),
            }),
            session_epoch: *session_epoch,
        };
        record.encode_to_vec().into()
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        let record: UserRecord = message(value)?;
        let password = record.password.ok_or(Unreadable("password"))?;
        let scopes = if record.scopes.is_empty() { None } else { Some(scopes(&record.scopes)?) };
        Ok(Self {
            id: field(&key.name, "name")?,
            profile: Profile {
                organisation: field(&record.organisation, "organisation")?,
                roles: fields(&record.roles, "roles")?.into_iter().collect(),
                ue_ids: fields(&record.ue_ids, "ue_ids")?,
                user_uris: fields(&record.user_uris, "user_uris")?,
                kms_uri: non_empty(record.kms_uri),
                enabled: !record.disabled,
                scopes,
            },
            subject: record.subject,
            password: PasswordHash {
                cost: Cost { memory: password.memory, passes: password.passes, lanes: password.lanes },
                salt: octets(&password.salt, "salt")?,
                tag: octets(&password.tag, "tag")?,
            },
            session_epoch: record.session_epoch,
        })
    }
}

/// The names that a record holds.
pub(super) fn scope_names(scopes: Scopes) -> Vec<String> {
    scopes.names().map(str::to_owned).collect()
}

/// The set that a record names. An unknown scope is an error: dropping it could turn a restriction into none.
pub(super) fn scopes(names: &[String]) -> Result<Scopes, Unreadable> {
    Scopes::from_names(names.iter().map(String::as_str)).map_err(|_| Unreadable("scopes"))
}
