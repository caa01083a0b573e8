//! How a document lies in the store: its octets in a collection of its service, its index entry beside it in the
//! shared collection `index`, its history, and a log entry that announces it, all of one commit. The revision of that
//! commit and the random half in the index entry are its ETag.

use bytes::Bytes;
use csc_proto::event::v1::log_entry;
use csc_proto::event::v1::{DocumentChanged, LogEntry};
use csc_proto::record::v1::IndexEntry;
use csc_service::trace::Cause;
use csc_store::{Change, Key, Record, StoreError, shared};
use csc_types::OrgId;
use prost::Message;

use crate::history::{self, Author, Revised};
use crate::library::Stored;

/// Where a service keeps its documents.
#[derive(Clone, Copy, Debug)]
pub struct Shelf {
    /// The collection, such as `cms.document`; a document's name in it is its canonical path.
    pub documents: &'static str,
    /// The collection of their histories, such as `cms.history`, by the same names.
    pub history: &'static str,
}

/// A document and to whom it belongs.
pub type Shelved = (Stored, OrgId);

impl Shelf {
    /// The records of the document at `path`: to be read together, and the first one to be queued for.
    pub fn keys(&self, path: &str) -> [Key; 2] {
        [Key::new(self.documents, path), shared::index_key(path)]
    }

    /// The record of the history of the document at `path`: whoever changes the document reads it, too.
    pub fn history_key(&self, path: &str) -> Key {
        Key::new(self.history, path)
    }

    /// The history of a document, newest revision first, from the record of [`Shelf::history_key`].
    ///
    /// # Errors
    /// When it is damaged.
    pub fn history(&self, record: &Record) -> Result<Vec<Revised>, StoreError> {
        history::read(record)
    }

    /// What the records of [`Shelf::keys`] say; `None` if there is no document.
    ///
    /// # Errors
    /// When the two do not belong together: they are only ever written together.
    pub fn read(&self, content: &Record, index: &Record) -> Result<Option<Shelved>, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("{}: {what}", self.documents));
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

    /// Adds to `change` that `entry` becomes what `volume` holds.
    ///
    /// # Errors
    /// When the history is damaged.
    pub fn put<T>(
        &self,
        change: Change<T>,
        entry: &Entry<'_>,
        volume: Volume,
    ) -> Result<Change<T>, StoreError> {
        let Entry { path, organisation, author, history } = entry;
        let [document, index] = self.keys(path);
        let written = Some((volume.random, volume.content.len()));
        let change = history::add(change, self.history_key(path), history, author, written)?;
        let entry = IndexEntry {
            random: volume.random,
            group_revision: 0,
            organisation: organisation.to_string(),
            removed: false,
        };
        let change = change.put(document, volume.content).put(index, entry.encode_to_vec());
        Ok(change.log(announce(path, organisation)))
    }

    /// Adds to `change` that `entry` goes.
    ///
    /// # Errors
    /// When the history is damaged.
    pub fn delete<T>(&self, change: Change<T>, entry: &Entry<'_>) -> Result<Change<T>, StoreError> {
        let Entry { path, organisation, author, history } = entry;
        let [document, index] = self.keys(path);
        let change = history::add(change, self.history_key(path), history, author, None)?;
        Ok(change.delete(document).delete(index).log(announce(path, organisation)))
    }
}

/// A document that is changed.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its canonical path.
    pub path: &'a str,
    /// To whom it belongs.
    pub organisation: &'a OrgId,
    /// Who changes it.
    pub author: &'a Author,
    /// What was read at [`Shelf::history_key`].
    pub history: &'a Record,
}

/// What becomes of it.
#[derive(Clone, Debug)]
pub struct Volume {
    /// 64 new random bits for its tag.
    pub random: u64,
    /// Its octets.
    pub content: Bytes,
}

/// The log entry that says that the document or view at `path` was created, changed or removed, in the trace that goes on
/// now.
pub fn announce(path: &str, organisation: &OrgId) -> Vec<u8> {
    let document = DocumentChanged { path: path.to_owned(), organisation: organisation.to_string() };
    let traceparent = Cause::current().traceparent();
    LogEntry { change: Some(log_entry::Change::Document(document)), traceparent }.encode_to_vec()
}
