//! Orders of events that no peer can force from outside.

mod stage;

use async_trait::async_trait;
use csc_store::owner::{Replicas, claim};
use csc_store::testing::Between;
use csc_store::{Change, Embedded, Key, Record, Records, Store, StoreError};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::Revision;
use csc_xcap_server::testing::{Bench, NOW};
use prost::Message as _;
use tokio::sync::oneshot;

use self::stage::{HERE, Stage, TAG};
use super::writer::{Stale, Write, Written};
use super::*;
use crate::records::{DialogRecord, ROLE, dialog_key};

/// A store that does not answer the first read.
struct Away {
    inner: Embedded,
    fails: AtomicBool,
}

#[async_trait]
impl Between for Away {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Unavailable("for once".to_owned()));
        }
        self.inner.get(partition, keys).await
    }
}

fn ended(version: u64) -> Written {
    Written::Ended(TAG.into(), Revision::new(version))
}

#[tokio::test]
async fn a_dialog_begun_anew_outlives_the_news_that_the_old_one_is_gone() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let number = stage.gain().await;
    for version in [1, 3] {
        // The removal of version 1 was committed, then the new dialog, and the reader was faster.
        let stored = stage.stored(version);
        stage.engine.found(Found::Loaded(TAG.into(), number, Some(stored)));
    }
    stage.engine.written(number, ended(1));
    assert_eq!(stage.count(), 1);
    let writes = stage.engine.next_writes(HERE);
    assert!(matches!(&writes[..], [Write::Progress(..)]), "its progress is stored anew");
    stage.engine.written(number, ended(3));
    assert!(stage.engine.entries.is_empty() && stage.engine.by_user.is_empty());
}

#[tokio::test]
async fn what_comes_late_for_an_earlier_holding_does_not_count() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let first = stage.gain().await;
    let mut released = stage.lose();
    stage.turn();
    assert!(released.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    // While nothing is held.
    let stored = stage.stored(1);
    stage.engine.found(Found::Loaded(TAG.into(), first, Some(stored)));
    assert_eq!(stage.count(), 0);
    let second = stage.gain().await;
    assert_ne!(first, second);
    // Its CSeq numbers may have been used since.
    let stored = stage.stored(1);
    stage.engine.found(Found::Loaded(TAG.into(), first, Some(stored)));
    assert_eq!(stage.count(), 0);
    let stored = stage.stored(1);
    stage.engine.found(Found::Loaded(TAG.into(), second, Some(stored)));
    assert_eq!(stage.count(), 1);
    stage.engine.found(Found::Loaded(TAG.into(), first, None));
    stage.engine.done(Done::Wrote(HERE, first, Ok(vec![ended(1)])));
    stage.engine.done(Done::Wrote(HERE, first, Err(Stale)));
    assert_eq!(stage.count(), 1);
    stage.engine.done(Done::Wrote(HERE, second, Err(Stale)));
    assert!(stage.engine.holdings.is_empty() && stage.engine.entries.is_empty());
}

#[tokio::test]
async fn a_partition_is_released_when_its_notifies_are_answered_and_stored() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let number = stage.gain().await;
    stage.notified(number);
    assert_eq!(stage.engine.client.len(), 1);
    let mut released = stage.lose();
    stage.turn();
    assert!(released.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
    // A change meanwhile is the next owner's business.
    let entry = stage.engine.entries.get_mut(TAG).unwrap();
    entry.subscription.saw("a".to_owned(), Some("2-2".parse().unwrap()));
    if !stage.engine.socket.is_flushed() {
        stage.engine.socket.ready().await.unwrap();
    }
    let mut buffer = [0; 2048];
    let (length, from) = stage.ue.recv_from(&mut buffer).await.unwrap();
    let answer = String::from_utf8(buffer[..length].to_vec()).unwrap();
    let answer = answer.split("Content-Length").next().unwrap().lines().skip(1);
    let fields: Vec<&str> = answer.filter(|line| !line.starts_with("Content")).collect();
    let answer = format!("SIP/2.0 200 OK\r\n{}\r\n\r\n", fields.join("\r\n"));
    stage.engine.datagram(answer.into_bytes().into(), from);
    assert!(stage.engine.client.is_empty());
    stage.turn();
    assert!(stage.engine.client.is_empty(), "nothing new is sent");
    stage.write().await;
    stage.turn();
    assert!(released.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    assert!(stage.engine.holdings.is_empty() && stage.engine.entries.is_empty());
    let key = crate::records::delivery_key(TAG);
    assert!(stage.records.get(HERE, &key).await.unwrap().value.is_some(), "what was answered is stored");
}

#[tokio::test]
async fn a_silent_subscriber_does_not_hold_up_the_hand_over() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let number = stage.gain().await;
    stage.notified(number);
    let mut released = stage.lose();
    stage.clock.advance(csc_sip::T1);
    stage.turn();
    assert!(released.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    assert!(stage.engine.client.is_empty(), "no copy leaves after it");
}

#[tokio::test]
async fn without_the_lease_nothing_is_said() {
    let mut stage = Stage::new(Replicas::Several).await;
    let number = stage.gain().await;
    stage.notified(number);
    assert!(stage.engine.client.is_empty());
    // However often there is something to say, it waits once.
    for etag in ["2-2", "3-3"] {
        let entry = stage.engine.entries.get_mut(TAG).unwrap();
        entry.subscription.saw("a".to_owned(), Some(etag.parse().unwrap()));
        stage.engine.ready.push_back(TAG.into());
        stage.turn();
    }
    assert_eq!(stage.engine.unleased, [Tag::from(TAG)].into());
}

#[tokio::test]
async fn dialogs_that_change_while_a_partition_is_read_are_read_after_it() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let (dialog, key) = (stage.dialog(), dialog_key(TAG));
    let put = stage.records.update(HERE, &[], |_| {
        Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), dialog.encode_to_vec()))
    });
    put.await.unwrap();
    let number = stage.gain().await;
    stage.engine.heard(News::Dialog(TAG.to_owned(), Cause::NONE));
    assert!(stage.engine.jobs.is_empty());
    stage.page().await;
    assert_eq!(stage.count(), 1);
    let jobs = stage.engine.next_jobs();
    assert!(matches!(&jobs[0], Job::Load(tag, of) if &**tag == TAG && *of == number));
}

#[tokio::test]
async fn a_partition_of_many_dialogs_is_read_page_by_page() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let many = loader::PAGE * 2 + 1;
    let written = stage.records.update(HERE, &[], |_| {
        let put = |change: Change<()>, n| {
            let (call_id, subscriber) = (format!("c{n}"), format!("tel:+82{n}"));
            let dialog = DialogRecord { call_id, subscriber, ..stage.dialog() };
            change.put(dialog_key(&format!("{n:034x}")), dialog.encode_to_vec())
        };
        Ok::<_, StoreError>((0..many).fold(Change::nothing(()), put))
    });
    written.await.unwrap();
    stage.gain().await;
    // While the rest is read it is lost and gained again: what was read for the first time does not count.
    let stale = stage.pages.recv().await.unwrap();
    drop(stage.lose());
    stage.turn();
    stage.gain().await;
    stage.engine.page(stale);
    assert_eq!(stage.count(), 0);
    while stage.count() < many {
        stage.page().await;
    }
}

#[tokio::test]
async fn a_notify_that_could_not_be_repeated_ends_nothing() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let number = stage.gain().await;
    stage.notified(number);
    // As after a process was stopped for a minute, or its store was away.
    let clock: Arc<dyn csc_types::Clock> = stage.clock.clone();
    stage.engine.lease = Ownership::new(&stage.records, clock, ROLE, "r", Replicas::Several).lease();
    stage.clock.advance(Duration::from_secs(60));
    let now = stage.engine.now();
    stage.engine.timers(now);
    assert!(stage.engine.client.is_empty());
    stage.turn();
    assert!(stage.engine.next_writes(HERE).is_empty(), "its records stay");
    assert_eq!(stage.count(), 1);
}

#[tokio::test]
async fn a_fence_that_is_stale_ends_the_holding_and_writes_nothing() {
    let mut stage = Stage::new(Replicas::Alone).await;
    let number = stage.gain().await;
    claim(&stage.records, HERE, ROLE.owners, "another").await.unwrap();
    let stored = stage.stored(1);
    stage.engine.stored(TAG.into(), number, stored);
    let holding = stage.engine.holdings.get_mut(&HERE).unwrap();
    stage.engine.entries.get_mut(TAG).unwrap().reserve(&TAG.into(), holding);
    stage.write().await;
    assert!(stage.engine.holdings.is_empty() && stage.engine.entries.is_empty());
    let key = crate::records::delivery_key(TAG);
    assert!(stage.records.get(HERE, &key).await.unwrap().value.is_none());
}

/// Steady news of others must not keep what failed from being read again.
#[tokio::test]
async fn what_the_store_did_not_answer_is_read_again_under_load() {
    let clock = Arc::new(ManualClock::at(NOW));
    let mut bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
    let inner = Embedded::in_memory(clock.clone(), &*bench.entropy).unwrap();
    let away = Away { inner, fails: AtomicBool::new(true) };
    bench.records = Records::new(Arc::new(away), Arc::clone(&bench.entropy));
    let stage = Stage::on(bench, clock, Replicas::Alone).await;
    let watch = Arc::new(stage.stored(1).watch);
    let (batches, jobs) = mpsc::channel(1);
    let (results, mut found) = mpsc::channel(1);
    let reader = tokio::spawn(reader::run(stage.engine.accept.clone(), jobs, results));
    let mut seen = Vec::new();
    for generation in 1..500 {
        let (tag, watch) = (Tag::from(TAG), watch.clone());
        let look = Job::Look { tag, generation, watch, what: reader::What::All };
        batches.send(vec![look]).await.unwrap();
        let told = found.recv().await.unwrap();
        assert!(generation > 1 || told.is_empty(), "the store was away");
        seen.extend(told.iter().map(|found| match found {
            Found::Seen(_, generation, _) => *generation,
            Found::Loaded(..) => panic!("nothing was loaded"),
        }));
        if seen.contains(&1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(seen.contains(&1), "it was forgotten");
    drop(batches);
    reader.await.unwrap().unwrap();
}
