//! Reads in one snapshot of the file.

use bytes::Bytes;
use csc_types::{Partition, Revision, Timestamp};
use redb::{Database, ReadableDatabase};

use super::layout::{HEADS, Head, LOG, RECORDS};
use crate::{Cursor, Key, LogEntry, LogId, Record, Tail};

pub(super) fn get(
    database: &Database,
    partition: Partition,
    keys: &[Key],
    now: Timestamp,
) -> Result<Vec<Record>, redb::Error> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let record = records.get((partition.number(), key.collection, key.name.as_str()))?;
        found.push(record.map_or_else(Record::default, |record| seen(record.value(), now)));
    }
    Ok(found)
}

pub(super) fn scan(
    database: &Database,
    partition: Partition,
    collection: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<(String, Record)>, redb::Error> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    let start = after.map_or(prefix, |after| after.max(prefix));
    let mut found = Vec::new();
    for entry in records.range((partition.number(), collection, start)..)? {
        if found.len() == limit {
            break;
        }
        let (key, value) = entry?;
        let (in_partition, in_collection, name) = key.value();
        if in_partition != partition.number() || in_collection != collection || !name.starts_with(prefix) {
            break;
        }
        let record = seen(value.value(), now);
        if after != Some(name) && record.value.is_some() {
            found.push((name.to_owned(), record));
        }
    }
    Ok(found)
}

pub(super) fn tail(
    database: &Database,
    cursors: &[(Partition, Cursor)],
    limit: usize,
) -> Result<Vec<(Partition, Tail)>, redb::Error> {
    let transaction = database.begin_read()?;
    let log = transaction.open_table(LOG)?;
    let heads = transaction.open_table(HEADS)?;
    let mut news = Vec::new();
    for &(partition, cursor) in cursors {
        let number = partition.number();
        let place = (number, cursor.id.revision.number(), cursor.id.index);
        let there = if cursor == Cursor::START {
            Head::read(&heads, number)?.trimmed == (0, 0)
        } else {
            log.get(place)?.is_some_and(|entry| *entry.value().0 == cursor.commit)
        };
        if !there {
            news.push((partition, Tail::Lost));
            continue;
        }
        let mut entries = Vec::new();
        let mut behind = cursor;
        for entry in log.range(place..=(number, u64::MAX, u32::MAX))? {
            if entries.len() == limit {
                break;
            }
            let (key, value) = entry?;
            let (_, revision, index) = key.value();
            let (commit, payload) = value.value();
            let id = LogId { revision: Revision::new(revision), index };
            if id == cursor.id {
                continue;
            }
            behind = Cursor { id, commit: *commit };
            entries.push(LogEntry { id, payload: Bytes::copy_from_slice(payload) });
        }
        if !entries.is_empty() {
            news.push((partition, Tail::Entries { entries, cursor: behind }));
        }
    }
    Ok(news)
}

/// The cursor behind the last entry of each partition's log.
pub(super) fn positions(database: &Database) -> Result<Vec<Cursor>, redb::Error> {
    let log = database.begin_read()?.open_table(LOG)?;
    let mut positions = Vec::new();
    for partition in Partition::all() {
        let number = partition.number();
        let last = log.range((number, 0, 0)..=(number, u64::MAX, u32::MAX))?.next_back().transpose()?;
        positions.push(last.map_or(Cursor::START, |(key, value)| {
            let (_, revision, index) = key.value();
            Cursor { id: LogId { revision: Revision::new(revision), index }, commit: *value.value().0 }
        }));
    }
    Ok(positions)
}

fn seen((version, expires, value): (u64, u64, &[u8]), now: Timestamp) -> Record {
    let value = (now.micros() < expires).then(|| Bytes::copy_from_slice(value));
    Record { version: Revision::new(version), value }
}
