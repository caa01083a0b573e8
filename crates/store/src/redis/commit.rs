//! A commit in the words of its script.

use std::sync::atomic::Ordering;

use csc_types::{Partition, Revision};
use redis::{Cmd, Value};

use super::connection::octets;
use super::keys::{self, Keys};
#[cfg(feature = "sabotage")]
use super::options::Sabotage;
use super::routes::Way;
use super::{Access, Inner};
use crate::{Commit, CommitError, Key, StoreError};

/// The collections of a commit, in the order in which their keys are given.
#[derive(Default)]
struct Collections(Vec<&'static str>);

impl Collections {
    /// The collection's number, from 1.
    fn number(&mut self, collection: &'static str) -> usize {
        if let Some(at) = self.0.iter().position(|known| *known == collection) {
            return at + 1;
        }
        self.0.push(collection);
        self.0.len()
    }
}

impl Inner {
    pub(super) async fn commit(
        &self,
        partition: Partition,
        commit: &Commit,
    ) -> Result<Revision, CommitError> {
        let birth = self.birth().await?;
        for put in commit.puts.iter().filter(|put| put.expires.is_some()) {
            self.expiring.note(put.key.collection);
        }
        let call = call(&self.access, partition, birth, commit);
        let counters = &self.access.counters;
        match self.call_one(Way::Commit, partition, call).await? {
            Value::Nil => {
                counters.conflicts.fetch_add(1, Ordering::Relaxed);
                Err(CommitError::Conflict)
            }
            answer => {
                let revision = octets(&answer).and_then(keys::number);
                let revision =
                    revision.ok_or_else(|| StoreError::Damaged("the answer to a commit".to_owned()))?;
                counters.commits.fetch_add(1, Ordering::Relaxed);
                Ok(Revision::new(revision))
            }
        }
    }
}

fn call(access: &Access, partition: Partition, birth: &str, commit: &Commit) -> Cmd {
    let mut collections = Collections::default();
    let mut place = |key: &Key| collections.number(key.collection);
    let checks: Vec<usize> = commit.checks.iter().map(|check| place(&check.key)).collect();
    let deletes: Vec<usize> = commit.deletes.iter().map(&mut place).collect();
    let puts: Vec<usize> = commit.puts.iter().map(|put| place(&put.key)).collect();

    let mut call = start(access, partition, birth, &collections.0, &commit.id.0);
    call.arg(checks.len());
    for (place, check) in checks.iter().zip(&commit.checks) {
        call.arg(place).arg(&check.key.name).arg(keys::version(check.version));
    }
    call.arg(deletes.len());
    for (place, key) in deletes.iter().zip(&commit.deletes) {
        call.arg(place).arg(&key.name);
    }
    call.arg(puts.len());
    for (place, put) in puts.iter().zip(&commit.puts) {
        call.arg(place).arg(&put.key.name).arg(keys::end(put.expires)).arg(put.value.as_ref());
    }
    call.arg(commit.log.len());
    for payload in &commit.log {
        call.arg(payload.as_ref());
    }
    call
}

/// A call that only sweeps `collections`.
pub(super) fn sweep(access: &Access, partition: Partition, birth: &str, collections: &[&'static str]) -> Cmd {
    let mut call = start(access, partition, birth, collections, b"");
    call.arg(0).arg(0).arg(0).arg(0);
    call
}

fn start(access: &Access, partition: Partition, birth: &str, collections: &[&'static str], id: &[u8]) -> Cmd {
    let keys = Keys::new(&access.options.prefix, partition);
    let mut names = vec![keys.birth(), keys.last(), keys.commits(), keys.log()];
    for collection in collections {
        names.extend([keys.records(collection), keys.names(collection), keys.ends(collection)]);
    }
    let now = access.clock.now().micros();
    let mut call = access.scripts.commit.with(&names);
    call.arg(birth).arg(id).arg(now);
    if access.options.callers_time() {
        call.arg(now);
    } else {
        #[cfg(feature = "sabotage")]
        let server = if access.options.breaks(Sabotage::Counter) { "0" } else { "" };
        #[cfg(not(feature = "sabotage"))]
        let server = "";
        call.arg(server);
    }
    call.arg(access.options.log_entries);
    call
}
