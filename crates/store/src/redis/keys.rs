//! Names of keys, and how records and log ids are written. Part of format 1; the golden test holds them.

use bytes::Bytes;
use csc_types::{Partition, Revision, Timestamp};

use crate::{LogId, Record};

/// Digits of a version and of an end in front of a value.
const DIGITS: usize = 16;

/// The latest end that Lua's numbers hold exactly: the year 2255.
const LAST_END: u64 = (1 << 53) - 1;

/// The keys of one partition.
pub(super) struct Keys<'a> {
    prefix: &'a str,
    partition: u16,
}

impl<'a> Keys<'a> {
    pub(super) fn new(prefix: &'a str, partition: Partition) -> Self {
        Self { prefix, partition: partition.number() }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{{p{}}}:{name}", self.prefix, self.partition)
    }

    pub(super) fn birth(&self) -> String {
        self.key("birth")
    }

    pub(super) fn last(&self) -> String {
        self.key("last")
    }

    pub(super) fn commits(&self) -> String {
        self.key("commits")
    }

    pub(super) fn log(&self) -> String {
        self.key("log")
    }

    pub(super) fn records(&self, collection: &str) -> String {
        self.key(&format!("{collection}:records"))
    }

    pub(super) fn names(&self, collection: &str) -> String {
        self.key(&format!("{collection}:names"))
    }

    pub(super) fn ends(&self, collection: &str) -> String {
        self.key(&format!("{collection}:ends"))
    }

    /// The slot all of them lie in: CRC-16 (XMODEM) of the hash tag, of which Redis Cluster has 16 384.
    pub(super) fn slot(partition: Partition) -> u16 {
        let mut crc: u16 = 0;
        for octet in format!("p{}", partition.number()).bytes() {
            crc ^= u16::from(octet) << 8;
            for _ in 0..8 {
                crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            }
        }
        crc % 16_384
    }
}

pub(super) fn version(revision: Revision) -> String {
    format!("{:016}", revision.number())
}

pub(super) fn end(expires: Option<Timestamp>) -> String {
    // A record that ends at the beginning of time is as expired as one that ended a microsecond later.
    format!("{:016}", expires.map_or(0, |end| end.micros().clamp(1, LAST_END)))
}

/// Reads what a commit wrote: version, end, value. `None` if it did not write that.
pub(super) fn record(stored: Option<Vec<u8>>, now: Timestamp) -> Option<Record> {
    let Some(stored) = stored else { return Some(Record::default()) };
    let version = Revision::new(number(stored.get(..DIGITS)?)?);
    let end = number(stored.get(DIGITS..2 * DIGITS)?)?;
    let value = (end == 0 || now.micros() < end).then(|| Bytes::from(stored).slice(2 * DIGITS..));
    Some(Record { version, value })
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub(super) fn log_id(text: &[u8]) -> Option<LogId> {
    let (revision, index) = std::str::from_utf8(text).ok()?.split_once('-')?;
    Some(LogId { revision: Revision::new(revision.parse().ok()?), index: index.parse().ok()? })
}

pub(super) fn log_id_text(id: LogId) -> String {
    format!("{}-{}", id.revision, id.index)
}

/// The smallest range of the names that begin with `prefix` and come after `after`, in the words of `ZRANGE BYLEX`.
pub(super) fn range(prefix: &str, after: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let begin = match after {
        Some(after) if after >= prefix => [b"(", after.as_bytes()].concat(),
        _ => [b"[", prefix.as_bytes()].concat(),
    };
    // No octet of a text is 255, so one can be added to the last.
    let behind = prefix.as_bytes().split_last().map(|(last, rest)| [b"(", rest, &[last + 1]].concat());
    (begin, behind.unwrap_or_else(|| b"+".to_vec()))
}
