//! Those who write.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use csc_store::{Change, Check, Commit, CommitError, CommitId, Key, Put, Records, Store};
use csc_test_support::SeededEntropy;
use csc_types::{Entropy, Revision};
use tokio::time::sleep;

use super::{CODE, Code, GUEST, PAUSE, Shared, TALLY, somewhere};

/// So many records of a kind are there in a partition to meet at.
const RECORDS: u64 = 3;

/// So many unspent codes are known to everybody.
const CODES: usize = 4;

struct Writer {
    number: usize,
    entropy: Arc<SeededEntropy>,
    records: Records,
    shared: Arc<Shared>,
    /// Makes every value another one.
    next: AtomicU64,
}

pub(super) async fn run(number: usize, store: Arc<dyn Store>, shared: Arc<Shared>) {
    let entropy = shared.entropy(number);
    let records = Records::new(store, Arc::clone(&entropy) as Arc<dyn Entropy>);
    let writer = Writer { number, entropy, records, shared, next: AtomicU64::new(0) };
    while !writer.shared.over() {
        let applied = match writer.entropy.next_u64() % 8 {
            0..4 => writer.count().await,
            4..6 => writer.come_or_go().await,
            6 => writer.make().await,
            _ => writer.spend().await,
        };
        writer.shared.done.fetch_add(usize::from(applied), Ordering::SeqCst);
        sleep(PAUSE).await;
    }
}

impl Writer {
    fn unique(&self, what: &str) -> String {
        format!("{}{what} {} {}", self.shared.tag, self.number, self.next.fetch_add(1, Ordering::SeqCst))
    }

    fn one_of(&self, collection: &'static str) -> Key {
        self.shared.key(collection, self.entropy.next_u64() % RECORDS)
    }

    /// Changes a record that others change, too, and says so in the log.
    async fn count(&self) -> bool {
        let key = self.one_of(TALLY);
        let change = |_: &[csc_store::Record]| {
            let change = Change::nothing(()).put(key.clone(), self.unique("tally"));
            Ok::<_, std::convert::Infallible>(change.log(self.unique("counted")))
        };
        let partition = somewhere(&self.entropy);
        self.records.update(partition, std::slice::from_ref(&key), change).await.is_ok()
    }

    /// Puts a record where none is, or takes it away.
    async fn come_or_go(&self) -> bool {
        let key = self.one_of(GUEST);
        let change = |found: &[csc_store::Record]| {
            let change = Change::nothing(()).log(self.unique("guest"));
            Ok::<_, std::convert::Infallible>(if found.iter().any(|record| record.value.is_some()) {
                change.delete(key.clone())
            } else {
                change.put(key.clone(), self.unique("guest"))
            })
        };
        let partition = somewhere(&self.entropy);
        self.records.update(partition, std::slice::from_ref(&key), change).await.is_ok()
    }

    /// Makes a code and tells everybody.
    async fn make(&self) -> bool {
        let partition = somewhere(&self.entropy);
        let key = Key::new(CODE, self.unique("code"));
        let check = Check { key: key.clone(), version: Revision::ABSENT };
        let commit = self.put(check, self.unique("unspent"));
        let Ok(version) = self.records.store().commit(partition, &commit).await else { return false };
        let mut codes = self.shared.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.push(Code { partition, key, version });
        if codes.len() > CODES {
            codes.remove(0);
        }
        true
    }

    /// Spends a code that others may be spending, too.
    async fn spend(&self) -> bool {
        let found = {
            let codes = self.shared.codes.lock().unwrap_or_else(PoisonError::into_inner);
            let number = self.entropy.next_u64() as usize;
            number.checked_rem(codes.len()).map(|number| codes[number].clone())
        };
        let Some(Code { partition, key, version }) = found else { return false };
        let commit = self.put(Check { key: key.clone(), version }, self.unique("spent"));
        let answer = self.records.store().commit(partition, &commit).await;
        if matches!(answer, Ok(_) | Err(CommitError::Conflict)) {
            let mut codes = self.shared.codes.lock().unwrap_or_else(PoisonError::into_inner);
            codes.retain(|code| code.key != key);
        }
        answer.is_ok()
    }

    fn put(&self, check: Check, value: String) -> Commit {
        let put = Put { key: check.key.clone(), value: value.into(), expires: None };
        Commit {
            id: CommitId::random(self.entropy.as_ref()),
            checks: vec![check],
            puts: vec![put],
            deletes: Vec::new(),
            log: vec![self.unique("coded").into()],
        }
    }
}
