//! What this service reads and writes in the store.
//!
//! | collection | name | partition of | value |
//! | --- | --- | --- | --- |
//! | `cms.document` | canonical path | XUI, UE id, organisation | the document; its index entry lies beside it (`csc_xcap_server::Shelf`) |
//! | `cms.history` | canonical path | the same | its last revisions, without contents |
//! | `cms.preselected` | XUI | XUI | the canonical path of the profile to begin with |
//! | `cms.room` | what the paths of a user's or an organisation's documents of a usage begin with | the same | the newest of them, for a minute: one is counted after the other |
//! | `cms.held` | canonical path | XUI | the URIs of the services that an rls-services document holds |
//! | `cms.claim` | URI of a service | the URI | which document holds it ([`crate::claims`]) |
//!
//! It reads public account records, and the index entries of all services, and takes away its departures
//! (`csc_store::departure`) when nothing is left of a user.

use csc_proto::record::v1::Account;
use csc_store::{Key, Record, Records, Store, StoreError, shared};
use csc_types::{Etag, McpttId, OrgId, Partition};
use csc_xcap::{Collection, Document};
use csc_xcap_server::{Shelf, Shelved};
use prost::Message;

pub(crate) const SHELF: Shelf = Shelf { documents: "cms.document", history: "cms.history" };

/// Which profile of a user says that it is the one to begin with: its canonical path. In the partition of the user.
pub(crate) fn preselected_key(user: &McpttId) -> Key {
    Key::new("cms.preselected", user.as_str())
}

/// What each new document writes whose path begins with `room`, where there is room for so many only. It expires soon.
pub(crate) fn room_key(room: &str) -> Key {
    Key::new("cms.room", room)
}

/// The path that a record of [`preselected_key`] holds.
pub(crate) fn preselected(record: &Record) -> Result<Option<String>, StoreError> {
    let path = record.value.as_deref().map(|value| std::str::from_utf8(value).map(str::to_owned)).transpose();
    path.map_err(|_| damaged("a path that is not UTF-8"))
}

/// A record as a message; `None` if there is no record.
pub(crate) fn decode<M: Message + Default>(record: &Record) -> Result<Option<M>, StoreError> {
    let decoded = record.value.as_deref().map(M::decode).transpose();
    decoded.map_err(|error| damaged(&error.to_string()))
}

pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("cms: {what}"))
}

/// Index entries that are read at once.
const PAGE: usize = 512;

/// The records that decide about `document`: the document's own two, and the owner's account where there is one.
pub(crate) fn keys(document: &Document) -> Vec<Key> {
    let account = document.user().map(shared::account_key);
    SHELF.keys(&document.path()).into_iter().chain(account).collect()
}

/// What the records of [`keys`] say: the document, and the organisation of the tree that it stands in.
pub(crate) fn read(
    document: &Document,
    records: &[Record],
) -> Result<(Option<Shelved>, Option<OrgId>), StoreError> {
    let [content, index, account @ ..] = records else {
        return Err(StoreError::Damaged("no answer for a key".to_owned()));
    };
    let shelved = SHELF.read(content, index)?;
    let organisation = match (document.user(), account.first()) {
        (Some(user), Some(account)) => organisation_of(user, account)?,
        _ => document.organisation().or(shelved.as_ref().map(|(_, organisation)| organisation)).cloned(),
    };
    Ok((shelved, organisation))
}

fn organisation_of(user: &McpttId, account: &Record) -> Result<Option<OrgId>, StoreError> {
    let Some(value) = &account.value else { return Ok(None) };
    let damaged = |what: String| StoreError::Damaged(format!("account {user}: {what}"));
    let account = Account::decode(&**value).map_err(|error| damaged(error.to_string()))?;
    account.organisation.parse().map(Some).map_err(|_| damaged("organisation".to_owned()))
}

/// The organisation of a user; `None` if there is no such user.
pub(crate) async fn organisation(records: &Records, user: &McpttId) -> Result<Option<OrgId>, StoreError> {
    let account = records.get(Partition::of(user.as_str()), &shared::account_key(user)).await?;
    organisation_of(user, &account)
}

/// The documents of a collection that exist, by their canonical paths.
pub(crate) async fn listed(
    store: &dyn Store,
    collection: &Collection,
) -> Result<Vec<(String, Etag)>, StoreError> {
    let (partition, prefix) = (collection.partition(), collection.prefix());
    let mut listed = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = shared::index_scan(store, partition, &prefix, after.as_deref(), PAGE).await?;
        let full = page.len() == PAGE;
        for (path, entry, version) in page {
            after = Some(path.clone());
            if !entry.removed {
                listed.push((path, shared::etag(&entry, version)));
            }
        }
        if !full {
            return Ok(listed);
        }
    }
}
