//! Reads in the words of their scripts.

use std::time::Duration;

use csc_types::Partition;
use redis::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::octets;
use super::keys::{self, Keys};
use super::routes::Way;
use super::{Inner, PAGE, PAGE_OCTETS};
use crate::{Cursor, Key, LogEntry, Record, StoreError, Tail};

impl Inner {
    pub(super) async fn get(
        &self,
        way: Way,
        partition: Partition,
        keys: &[Key],
    ) -> Result<Vec<Record>, StoreError> {
        let birth = self.birth().await?;
        let here = Keys::new(&self.access.options.prefix, partition);
        let mut collections: Vec<&str> = keys.iter().map(|key| key.collection).collect();
        collections.sort_unstable();
        collections.dedup();
        let mut names = vec![here.birth()];
        names.extend(collections.iter().map(|collection| here.records(collection)));
        let mut call = self.access.scripts.get.with(&names);
        call.arg(birth);
        for key in keys {
            let number = collections.partition_point(|known| *known < key.collection) + 1;
            call.arg(number).arg(&key.name);
        }
        let now = self.access.clock.now();
        let stored = array(self.call_one(way, partition, call).await?)?;
        if stored.len() != keys.len() {
            return Err(StoreError::Damaged(format!("{} records for {} keys", stored.len(), keys.len())));
        }
        stored
            .into_iter()
            .zip(keys)
            .map(|(stored, key)| keys::record(string(stored)?, now).ok_or_else(|| damaged(partition, key)))
            .collect()
    }

    pub(super) async fn scan(
        &self,
        way: Way,
        partition: Partition,
        collection: &'static str,
        (prefix, after): (&str, Option<&str>),
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        let birth = self.birth().await?;
        let here = Keys::new(&self.access.options.prefix, partition);
        let names = [here.birth(), here.records(collection), here.names(collection)];
        let mut after = after.map(str::to_owned);
        let mut found = Vec::new();
        while found.len() < limit {
            let (begin, behind) = keys::range(prefix, after.as_deref());
            let mut call = self.access.scripts.scan.with(&names);
            call.arg(birth).arg(begin).arg(behind).arg((limit - found.len()).min(PAGE)).arg(PAGE_OCTETS);
            let now = self.access.clock.now();
            let mut page = array(self.call_one(way, partition, call).await?)?.into_iter();
            let last = page.next() == Some(Value::Int(1));
            while let (Some(name), Some(stored)) = (page.next(), page.next()) {
                let name = string(name)?.and_then(|name| String::from_utf8(name).ok());
                let name = name.ok_or_else(|| StoreError::Damaged(format!("a name in {collection}")))?;
                let record = keys::record(string(stored)?, now);
                let record = record.ok_or_else(|| damaged(partition, &Key::new(collection, name.clone())))?;
                if record.value.is_some() {
                    found.push((name.clone(), record));
                }
                after = Some(name);
            }
            if last {
                break;
            }
        }
        Ok(found)
    }

    pub(super) async fn position(&self, way: Way, partition: Partition) -> Result<Cursor, StoreError> {
        let birth = self.birth().await?;
        let here = Keys::new(&self.access.options.prefix, partition);
        let mut call = self.access.scripts.position.with(&[here.birth(), here.log()]);
        call.arg(birth);
        match array(self.call_one(way, partition, call).await?)?.as_slice() {
            [] => Ok(Cursor::START),
            [id, commit] => cursor(id, commit),
            _ => Err(StoreError::Damaged("the end of a log".to_owned())),
        }
    }

    /// See [`super::watch`] for how it waits.
    pub(super) async fn tail(
        &self,
        way: Way,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        let end = Instant::now() + wait;
        let mut news = self.watch.news();
        loop {
            news.mark_unchanged();
            // What is there at the end of the wait is found even if nobody has told of it yet.
            let over = Instant::now() >= end;
            let asked = if over { cursors.to_vec() } else { self.watch.worth_asking(cursors) };
            if !asked.is_empty() {
                let found = self.read_logs(way, &asked, limit.max(1)).await?;
                let silent =
                    |asked: &&(Partition, Cursor)| found.iter().all(|(partition, _)| *partition != asked.0);
                self.watch.prove(asked.iter().filter(silent).copied());
                self.watch.prove(found.iter().filter_map(|(partition, tail)| match tail {
                    Tail::Entries { cursor, .. } => Some((*partition, *cursor)),
                    Tail::Lost => None,
                }));
                if !found.is_empty() {
                    return Ok(found);
                }
            }
            if over {
                return Ok(Vec::new());
            }
            tokio::select! {
                // The sender lives as long as this engine.
                _ = news.changed() => {}
                () = sleep_until(end) => {}
                () = sleep(super::watch::PROVED_FOR) => {}
            }
        }
    }

    /// What follows each cursor; partitions without news are left out.
    async fn read_logs(
        &self,
        way: Way,
        cursors: &[(Partition, Cursor)],
        limit: usize,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        let birth = self.birth().await?;
        let mut calls = Vec::with_capacity(cursors.len());
        for (partition, cursor) in cursors {
            let here = Keys::new(&self.access.options.prefix, *partition);
            let mut call = self.access.scripts.tail.with(&[here.birth(), here.log()]);
            call.arg(birth).arg(keys::log_id_text(cursor.id)).arg(&cursor.commit).arg(limit).arg(PAGE_OCTETS);
            calls.push((*partition, call));
        }
        let mut news = Vec::new();
        for ((partition, cursor), answer) in cursors.iter().zip(self.call(way, &calls).await?) {
            if answer == Value::Nil {
                news.push((*partition, Tail::Lost));
                continue;
            }
            let (mut entries, mut behind) = (Vec::new(), *cursor);
            let mut fields = array(answer)?.into_iter();
            while let (Some(id), Some(commit), Some(payload)) = (fields.next(), fields.next(), fields.next())
            {
                behind = self::cursor(&id, &commit)?;
                let payload =
                    string(payload)?.ok_or_else(|| StoreError::Damaged("a log entry".to_owned()))?;
                entries.push(LogEntry { id: behind.id, payload: payload.into() });
            }
            if !entries.is_empty() {
                news.push((*partition, Tail::Entries { entries, cursor: behind }));
            }
        }
        Ok(news)
    }
}

fn damaged(partition: Partition, key: &Key) -> StoreError {
    StoreError::Damaged(format!("{} {} in partition {}", key.collection, key.name, partition.number()))
}

fn cursor(id: &Value, commit: &Value) -> Result<Cursor, StoreError> {
    let id = octets(id).and_then(keys::log_id);
    let commit = octets(commit).and_then(|commit| commit.try_into().ok());
    let cursor = id.zip(commit).map(|(id, commit)| Cursor { id, commit });
    cursor.ok_or_else(|| StoreError::Damaged("a log entry".to_owned()))
}

fn array(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(StoreError::Damaged("an answer that is no array".to_owned())),
    }
}

fn string(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(octets) => Ok(Some(octets)),
        _ => Err(StoreError::Damaged("an answer that is no string".to_owned())),
    }
}
