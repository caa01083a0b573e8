//! What happened to a document: its last revisions with who, when and how much. Contents are not kept.
//!
//! One record for each document, in a collection of its service, written in the commit of the change itself. The
//! version of the record is therefore the revision of its newest entry; older entries carry theirs.

use std::time::Duration;

use csc_store::{Change, Key, Put, Record, StoreError};
use csc_types::{Etag, Revision, Timestamp};
use prost::Message;

/// How long the history of a deleted document is kept: whoever asks why it is gone asks soon, and names that nobody uses
/// any more must not pile up.
const KEPT_AFTER_DELETION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Who changes a document, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name of the caller.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// What it does.
    pub action: Action,
    /// How many revisions the history keeps; with 0 there is none, and one that there was goes with the change.
    pub keep: usize,
}

/// How a document was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Action {
    /// Written by a later version of this software.
    Unknown = 0,
    /// The whole document was stored.
    Stored = 1,
    /// An element or attribute was stored.
    NodeStored = 2,
    /// An element or attribute was deleted.
    NodeDeleted = 3,
    /// The document was deleted.
    Deleted = 4,
}

/// A revision of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revised {
    /// The tag it had; none once it was deleted.
    pub etag: Option<Etag>,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How.
    pub action: Action,
    /// How large it was.
    pub octets: u64,
}

/// The stored form; the oldest entry first.
#[derive(Clone, PartialEq, Message)]
struct History {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    /// The revision of its commit; 0: the version of the record.
    #[prost(uint64, tag = "1")]
    revision: u64,
    /// The random half of the tag.
    #[prost(fixed64, tag = "2")]
    random: u64,
    /// Microseconds of Unix time.
    #[prost(uint64, tag = "3")]
    at: u64,
    #[prost(string, tag = "4")]
    by: String,
    #[prost(enumeration = "Action", tag = "5")]
    action: i32,
    #[prost(uint64, tag = "6")]
    octets: u64,
}

/// What a history record says, newest first.
///
/// # Errors
/// When it is damaged.
pub(crate) fn read(record: &Record) -> Result<Vec<Revised>, StoreError> {
    let revised = |entry: Entry| Revised {
        etag: (entry.action() != Action::Deleted)
            .then(|| Etag::of(Revision::new(entry.revision), entry.random)),
        at: Timestamp::from_micros(entry.at),
        action: entry.action(),
        octets: entry.octets,
        by: entry.by,
    };
    Ok(entries(record)?.into_iter().rev().map(revised).collect())
}

/// Adds to `change` that the record at `key` gets one more entry, or goes where none is kept; `before`: what it is now.
/// `written`: the random half of the new tag and the size, unless the document goes.
///
/// # Errors
/// When it is damaged.
pub(crate) fn add<T>(
    mut change: Change<T>,
    key: Key,
    before: &Record,
    author: &Author,
    written: Option<(u64, usize)>,
) -> Result<Change<T>, StoreError> {
    if author.keep == 0 {
        return Ok(if before.value.is_some() { change.delete(key) } else { change });
    }
    let mut entries = entries(before)?;
    let (random, octets) = written.unwrap_or_default();
    entries.push(Entry {
        revision: 0,
        random,
        at: author.at.micros(),
        by: author.name.clone(),
        action: author.action.into(),
        octets: octets as u64,
    });
    entries.drain(..entries.len().saturating_sub(author.keep));
    let expires = written.is_none().then(|| author.at.plus(KEPT_AFTER_DELETION));
    change.puts.push(Put { key, value: History { entries }.encode_to_vec().into(), expires });
    Ok(change)
}

fn entries(record: &Record) -> Result<Vec<Entry>, StoreError> {
    let Some(value) = &record.value else { return Ok(Vec::new()) };
    let damaged = |error: prost::DecodeError| StoreError::Damaged(format!("history: {error}"));
    let mut entries = History::decode(&**value).map_err(damaged)?.entries;
    for entry in entries.iter_mut().filter(|entry| entry.revision == 0) {
        entry.revision = record.version.number();
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(name: &str, action: Action, keep: usize) -> Author {
        Author { name: name.to_owned(), at: Timestamp::from_micros(300), action, keep }
    }

    fn key() -> Key {
        Key::new("test.history", "a")
    }

    /// What becomes of the record by one more change.
    fn added(before: &Record, author: &Author, written: Option<(u64, usize)>) -> Change<()> {
        add(Change::nothing(()), key(), before, author, written).unwrap()
    }

    /// Stored data of version 1. It must decode for ever.
    #[test]
    fn golden() {
        let stored = "0a1a08ac02110700000000000000180a220674656c3a2b312801300f0a0d18ac02220674656c3a2b322804";
        let value = Some(hex::decode(stored).unwrap().into());
        let record = Record { version: Revision::new(301), value };
        let seen = read(&record).unwrap();
        let entry = |etag: Option<Etag>, by: &str, at: u64, action, octets| Revised {
            etag,
            by: by.to_owned(),
            at: Timestamp::from_micros(at),
            action,
            octets,
        };
        let oldest = entry(Some(Etag::of(Revision::new(300), 7)), "tel:+1", 10, Action::Stored, 15);
        assert_eq!(seen, [entry(None, "tel:+2", 300, Action::Deleted, 0), oldest]);
    }

    #[test]
    fn the_newest_entry_has_the_revision_of_its_commit() {
        let mut record = Record::default();
        let mut change = |revision: u64, keep: usize| {
            let put =
                added(&record, &author("tel:+1", Action::Stored, keep), Some((revision, 9))).puts.remove(0);
            record = Record { version: Revision::new(revision * 10), value: Some(put.value) };
            read(&record).unwrap().into_iter().map(|revised| revised.etag).collect::<Vec<_>>()
        };
        let etags = (1..=5).map(|revision| change(revision, 3)).last().unwrap();
        let tag = |number: u64| Some(Etag::of(Revision::new(number * 10), number));
        assert_eq!(etags, [5, 4, 3].map(tag));
        // Of fewer, the newest stay.
        assert_eq!(change(6, 2), [6, 5].map(tag));
    }

    #[test]
    fn what_is_deleted_is_forgotten_in_the_end() {
        let deleted = author("tel:+1", Action::Deleted, 3);
        let change = added(&Record::default(), &deleted, None);
        assert_eq!(change.puts[0].expires, Some(deleted.at.plus(KEPT_AFTER_DELETION)));
    }

    #[test]
    fn where_none_is_kept_what_there_is_goes() {
        let nobody = author("a", Action::Stored, 0);
        let change = added(&Record::default(), &nobody, Some((1, 9)));
        assert!(change.puts.is_empty() && change.deletes.is_empty());
        // A damaged one, too.
        let record = Record { version: Revision::new(1), value: Some(vec![1, 2, 3].into()) };
        for written in [Some((1, 9)), None] {
            let change = added(&record, &nobody, written);
            assert!(change.puts.is_empty());
            assert_eq!(change.deletes, [key()]);
        }
    }

    #[test]
    fn damage_is_told() {
        assert!(read(&Record { version: Revision::new(1), value: Some(vec![1, 2, 3].into()) }).is_err());
    }
}
