//! What one look has read of the store. Nothing is read twice, and what many subscriptions will ask for is read at once:
//! one request per partition, all partitions side by side. Where the store is another machine that is the difference
//! between one round trip and thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use csc_proto::record::v1::{Account, IndexEntry};
use csc_store::{Key, Record, Store, StoreError, shared};
use csc_types::{Etag, McpttId, OrgId, Partition, Revision};
use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _};

use crate::records::decode;

/// Records and index entries read at once.
pub(super) const PAGE: usize = 256;
/// Requests under way at once.
const SIDE_BY_SIDE: usize = 64;

/// An index entry that stands for a document.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) etag: Etag,
    pub(super) organisation: OrgId,
}

/// What many will ask for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) accounts: HashSet<McpttId>,
    pub(super) entries: BTreeSet<(Partition, String)>,
    /// Prefixes of index entries.
    pub(super) below: BTreeSet<(Partition, String)>,
}

/// What was read so far.
pub(super) struct Cache<'a> {
    store: &'a dyn Store,
    entries: HashMap<String, Option<Entry>>,
    accounts: HashMap<McpttId, Option<Account>>,
    /// The paths below a prefix in a partition, where that was few enough to be read at once.
    below: HashMap<(Partition, String), Vec<String>>,
    /// Partitions that did not answer: nobody waits for one twice.
    failed: HashMap<Partition, StoreError>,
}

impl<'a> Cache<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Cache<'a> {
        Cache {
            store,
            entries: HashMap::new(),
            accounts: HashMap::new(),
            below: HashMap::new(),
            failed: HashMap::new(),
        }
    }

    /// The account of `id`, whatever its status.
    pub(super) async fn account(&mut self, id: &McpttId) -> Result<Option<Account>, StoreError> {
        if let Some(known) = self.accounts.get(id) {
            return Ok(known.clone());
        }
        let partition = Partition::of(id.as_str());
        self.answers(partition)?;
        let account =
            shared::account(self.store, id).await.inspect_err(|error| self.fails(partition, error))?;
        self.accounts.insert(id.clone(), account.clone());
        Ok(account)
    }

    /// The organisation of an account that was read.
    pub(super) fn organisation(&self, id: &McpttId) -> Option<OrgId> {
        self.accounts.get(id)?.as_ref()?.organisation.parse().ok()
    }

    /// The document at `path`, if the index has it.
    pub(super) async fn entry(
        &mut self,
        partition: Partition,
        path: &str,
    ) -> Result<Option<Entry>, StoreError> {
        if let Some(known) = self.entries.get(path) {
            return Ok(known.clone());
        }
        self.answers(partition)?;
        let read = shared::index_entry(self.store, partition, path).await;
        let entry = match read.inspect_err(|error| self.fails(partition, error))? {
            Some((entry, version)) => usable(path, &entry, version)?,
            None => None,
        };
        self.entries.insert(path.to_owned(), entry.clone());
        Ok(entry)
    }

    /// The next paths below `prefix` after `after`, and whether there may be more.
    pub(super) async fn below(
        &mut self,
        partition: Partition,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<(Vec<String>, bool), StoreError> {
        if after.is_none()
            && let Some(paths) = self.below.get(&(partition, prefix.to_owned()))
        {
            return Ok((paths.clone(), false));
        }
        self.answers(partition)?;
        let page = shared::index_scan(self.store, partition, prefix, after, PAGE).await;
        let page = page.inspect_err(|error| self.fails(partition, error))?;
        let more = page.len() == PAGE;
        Ok((self.keep(page)?, more))
    }

    /// Reads what is wanted and not known yet. What cannot be read is left to whoever asks for it.
    pub(super) async fn gather(&mut self, mut wanted: Wanted) {
        wanted.accounts.retain(|id| !self.accounts.contains_key(id));
        wanted.entries.retain(|(_, path)| !self.entries.contains_key(path));
        wanted.below.retain(|below| !self.below.contains_key(below));
        let mut records: BTreeMap<Partition, (Vec<What>, Vec<Key>)> = BTreeMap::new();
        for id in wanted.accounts {
            let (whats, keys) = records.entry(Partition::of(id.as_str())).or_default();
            keys.push(shared::account_key(&id));
            whats.push(What::Account(id));
        }
        for (partition, path) in wanted.entries {
            let (whats, keys) = records.entry(partition).or_default();
            keys.push(shared::index_key(&path));
            whats.push(What::Entry(path));
        }
        let store = self.store;
        let mut gets = Vec::new();
        for (partition, (whats, keys)) in &records {
            for (whats, keys) in whats.chunks(PAGE).zip(keys.chunks(PAGE)) {
                gets.push(
                    async move { (*partition, whats, keys, store.get(*partition, keys).await) }.boxed(),
                );
            }
        }
        let mut gets = stream::iter(gets).buffer_unordered(SIDE_BY_SIDE);
        while let Some((partition, whats, keys, found)) = gets.next().await {
            match found {
                Ok(found) => {
                    for ((what, key), record) in whats.iter().zip(keys).zip(&found) {
                        self.take(what, key, record);
                    }
                }
                Err(error) => self.fails(partition, &error),
            }
        }
        let mut scans = Vec::new();
        for (partition, prefix) in wanted.below {
            let scan = async move {
                let page = shared::index_scan(store, partition, &prefix, None, PAGE).await;
                (partition, prefix, page)
            };
            scans.push(scan.boxed());
        }
        let mut scans = stream::iter(scans).buffer_unordered(SIDE_BY_SIDE);
        while let Some((partition, prefix, page)) = scans.next().await {
            match page {
                Ok(page) if page.len() < PAGE => {
                    // A damaged entry is told by whoever asks for it.
                    if let Ok(paths) = self.keep(page) {
                        self.below.insert((partition, prefix), paths);
                    }
                }
                Ok(_) => {}
                Err(error) => self.fails(partition, &error),
            }
        }
    }

    /// Remembers a record. A damaged one is told by whoever asks for it.
    fn take(&mut self, what: &What, key: &Key, record: &Record) {
        match what {
            What::Account(id) => {
                let account = record.value.as_deref().map(|value| decode::<Account>(key, value)).transpose();
                if let Ok(account) = account {
                    self.accounts.insert(id.clone(), account);
                }
            }
            What::Entry(path) => {
                let entry = record.value.as_deref().map(|value| decode::<IndexEntry>(key, value)).transpose();
                let entry = entry.and_then(|entry| match entry {
                    Some(entry) => usable(path, &entry, record.version),
                    None => Ok(None),
                });
                if let Ok(entry) = entry {
                    self.entries.insert(path.clone(), entry);
                }
            }
        }
    }

    /// Remembers a page of the index, and gives its paths.
    fn keep(&mut self, page: Vec<shared::Indexed>) -> Result<Vec<String>, StoreError> {
        let mut paths = Vec::with_capacity(page.len());
        for (path, entry, version) in page {
            self.entries.insert(path.clone(), usable(&path, &entry, version)?);
            paths.push(path);
        }
        Ok(paths)
    }

    fn answers(&self, partition: Partition) -> Result<(), StoreError> {
        self.failed.get(&partition).map_or(Ok(()), |error| Err(error.clone()))
    }

    fn fails(&mut self, partition: Partition, error: &StoreError) {
        if !matches!(error, StoreError::Damaged(_)) {
            self.failed.insert(partition, error.clone());
        }
    }
}

enum What {
    Account(McpttId),
    Entry(String),
}

/// An index entry that stands for a document; tombstones of views do not.
fn usable(path: &str, entry: &IndexEntry, version: Revision) -> Result<Option<Entry>, StoreError> {
    if entry.removed {
        return Ok(None);
    }
    let organisation = entry.organisation.parse();
    let organisation =
        organisation.map_err(|_| StoreError::Damaged(format!("index {path}: organisation")))?;
    Ok(Some(Entry { etag: shared::etag(entry, version), organisation }))
}
