//! How a document lies in the store: its octets in a collection of its service, its index entry beside it in the
//! shared collection `index`, and a log entry that announces it, all of one commit. The revision of that commit and the
//! random half in the index entry are its ETag.

use bytes::Bytes;
use csc_proto::event::v1::log_entry;
use csc_proto::event::v1::{DocumentChanged, LogEntry};
use csc_proto::record::v1::IndexEntry;
use csc_service::trace::Cause;
use csc_store::{Change, Key, Record, StoreError, shared};
use csc_types::OrgId;
use prost::Message;

use crate::library::Stored;

/// Where a service keeps its documents.
#[derive(Clone, Copy, Debug)]
pub struct Shelf {
    /// The collection, such as `cms.document`; a document's name in it is its canonical path.
    pub collection: &'static str,
}

/// A document and to whom it belongs.
pub type Shelved = (Stored, OrgId);

impl Shelf {
    /// The records of the document at `path`: to be read together, and the first one to be queued for.
    pub fn keys(&self, path: &str) -> [Key; 2] {
        [Key::new(self.collection, path), shared::index_key(path)]
    }

    /// What the records of [`Shelf::keys`] say; `None` if there is no document.
    ///
    /// # Errors
    /// When the two do not belong together: they are only ever written together.
    pub fn read(&self, content: &Record, index: &Record) -> Result<Option<Shelved>, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("{}: {what}", self.collection));
        match (&content.value, &index.value) {
            (None, None) => Ok(None),
            (Some(octets), Some(entry)) if content.version == index.version => {
                let entry = IndexEntry::decode(&**entry).map_err(|error| damaged(&error.to_string()))?;
                let organisation =
                    entry.organisation.parse().map_err(|_| damaged("organisation in an index entry"))?;
                let etag = shared::etag(&entry, index.version);
                Ok(Some((Stored { etag, content: octets.clone() }, organisation)))
            }
            _ => Err(damaged("a document without its index entry, or the reverse")),
        }
    }

    /// Adds to `change` that the document at `path` becomes `content`. `random`: 64 new random bits for its tag.
    pub fn put<T>(
        &self,
        change: Change<T>,
        path: &str,
        organisation: &OrgId,
        random: u64,
        content: Bytes,
    ) -> Change<T> {
        let [document, index] = self.keys(path);
        let entry =
            IndexEntry { random, group_revision: 0, organisation: organisation.to_string(), removed: false };
        change.put(document, content).put(index, entry.encode_to_vec()).log(announce(path, organisation))
    }

    /// Adds to `change` that the document at `path` goes.
    pub fn delete<T>(&self, change: Change<T>, path: &str, organisation: &OrgId) -> Change<T> {
        let [document, index] = self.keys(path);
        change.delete(document).delete(index).log(announce(path, organisation))
    }
}

/// The log entry that says that the document or view at `path` was created, changed or removed, in the trace that goes on
/// now.
pub fn announce(path: &str, organisation: &OrgId) -> Vec<u8> {
    let document = DocumentChanged { path: path.to_owned(), organisation: organisation.to_string() };
    let traceparent = Cause::current().traceparent();
    LogEntry { change: Some(log_entry::Change::Document(document)), traceparent }.encode_to_vec()
}
