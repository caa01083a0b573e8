//! Typed access to the collections that several services read: `account` and `index`.
//!
//! Both lie in the partition of the name they belong to. A reader that also follows the log takes its position first
//! and reads these second.

use csc_proto::record::v1::{Account, IndexEntry};
use csc_types::{Etag, McpttId, Partition, Revision};
use prost::Message;

use crate::{Key, Record, Store, StoreError};

const ACCOUNT: &str = "account";
const INDEX: &str = "index";

/// Where the public account record of `xui` lies, in the partition of the XUI. Written by idms.
pub fn account_key(xui: &McpttId) -> Key {
    Key::new(ACCOUNT, xui.as_str())
}

/// Where the index entry of the document with this canonical path lies. Written by the service of the document.
pub fn index_key(path: &str) -> Key {
    Key::new(INDEX, path)
}

/// The public account record of a user; `None` if there is no such user.
///
/// # Errors
/// When the store does not answer or the record cannot be read.
pub async fn account(store: &dyn Store, xui: &McpttId) -> Result<Option<Account>, StoreError> {
    let key = account_key(xui);
    let record = one(store, Partition::of(xui.as_str()), &key).await?;
    record.value.as_deref().map(|value| decode(&key, value)).transpose()
}

/// The MCPTT IDs of `partition` that have an account and come after `after`, in order, `limit` at most.
///
/// # Errors
/// When the store does not answer.
pub async fn account_names(
    store: &dyn Store,
    partition: Partition,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let found = store.scan(partition, ACCOUNT, "", after, limit).await?;
    Ok(found.into_iter().map(|(name, _)| name).collect())
}

/// The index entry of a document or view in `partition`, with the revision that wrote it.
///
/// # Errors
/// When the store does not answer or the record cannot be read.
pub async fn index_entry(
    store: &dyn Store,
    partition: Partition,
    path: &str,
) -> Result<Option<(IndexEntry, Revision)>, StoreError> {
    let key = index_key(path);
    let record = one(store, partition, &key).await?;
    let entry = record.value.as_deref().map(|value| decode(&key, value)).transpose()?;
    Ok(entry.map(|entry| (entry, record.version)))
}

/// A document of the index: its canonical path, its entry, and the revision that wrote the entry.
pub type Indexed = (String, IndexEntry, Revision);

/// The documents of `partition` whose canonical paths begin with `prefix` and come after `after`, in order, `limit`
/// at most. Tombstones of views are among them.
///
/// # Errors
/// When the store does not answer or a record cannot be read.
pub async fn index_scan(
    store: &dyn Store,
    partition: Partition,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Indexed>, StoreError> {
    let mut found = Vec::new();
    for (path, record) in store.scan(partition, INDEX, prefix, after, limit).await? {
        if let Some(value) = &record.value {
            let entry = decode(&index_key(&path), value)?;
            found.push((path, entry, record.version));
        }
    }
    Ok(found)
}

/// The ETag of an indexed document. `version`: the revision that wrote the entry; a view has its group's instead.
pub fn etag(entry: &IndexEntry, version: Revision) -> Etag {
    let revision = if entry.group_revision == 0 { version } else { Revision::new(entry.group_revision) };
    Etag::of(revision, entry.random)
}

async fn one(store: &dyn Store, partition: Partition, key: &Key) -> Result<Record, StoreError> {
    let found = store.get(partition, std::slice::from_ref(key)).await?;
    found.into_iter().next().ok_or_else(|| StoreError::Damaged("no answer for a key".to_owned()))
}

fn decode<M: Message + Default>(key: &Key, value: &[u8]) -> Result<M, StoreError> {
    M::decode(value).map_err(|why| StoreError::Damaged(format!("{} {}: {why}", key.collection, key.name)))
}
