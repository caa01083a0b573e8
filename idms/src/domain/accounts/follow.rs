//! The one reader of the logs in this process.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use csc_proto::event::v1::{LogEntry, log_entry::Change};
use csc_store::{Cursor, StoreError, Tail};
use csc_types::{McpttId, Partition};
use futures::FutureExt;
use prost::Message;
use tokio::sync::broadcast::{self, Sender};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::opening::accounts;
use super::{Accounts, Told};

/// How often watchers hear that everything was told, and how long a read waits for news in between.
const BEAT: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_millis(500);
/// Entries of one log that are read at once.
const LIMIT: usize = 512;
/// Events that a watcher may be behind before it is cut. It may take its opening in the meantime.
const BEHIND: usize = 4096;
/// How long to wait when the store does not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of a read.
enum Read {
    /// Everything there was, or a part of it.
    All,
    Part,
    /// A log went on without us.
    Lost,
}

impl Accounts {
    /// Tells watchers what changes, for as long as it is polled. It never ends.
    pub async fn follow(&self) {
        loop {
            match self.positions().await {
                Ok(cursors) => self.tell(cursors).await,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "account stream waits for the store"
                    );
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn positions(&self) -> Result<Vec<(Partition, Cursor)>, StoreError> {
        let mut cursors = Vec::new();
        for partition in Partition::all() {
            cursors.push((partition, self.records.store().position(partition).await?));
        }
        Ok(cursors)
    }

    /// Tells what comes behind `cursors`, until a log goes on without us.
    async fn tell(&self, mut cursors: Vec<(Partition, Cursor)>) {
        let live = broadcast::channel(BEHIND).0;
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live.downgrade());
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answers = true;
        loop {
            match self.read(&mut cursors, &live).await {
                Ok(Read::All) => {
                    answers = true;
                    if is_due(&mut beat) {
                        // Without watchers nobody is told.
                        let _ = live.send(Told::Beat);
                    }
                }
                Ok(Read::Part) => answers = true,
                Ok(Read::Lost) => {
                    tracing::warn!("a log went on without the account stream; watchers are cut");
                    return;
                }
                // No beat: watchers learn by it that nobody knows what changes.
                Err(error) => {
                    if std::mem::take(&mut answers) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "logs cannot be read now");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Reads what is behind `cursors`, tells it, and moves them.
    async fn read(
        &self,
        cursors: &mut [(Partition, Cursor)],
        live: &Sender<Told>,
    ) -> Result<Read, StoreError> {
        let mut read = Read::All;
        for (partition, tail) in self.records.store().tail(cursors, LIMIT, WAIT).await? {
            let Tail::Entries { entries, cursor } = tail else { return Ok(Read::Lost) };
            if entries.len() >= LIMIT {
                read = Read::Part;
            }
            let ids: BTreeSet<McpttId> =
                entries.iter().filter_map(|entry| changed_account(&entry.payload)).collect();
            for told in accounts(&self.records, partition, ids.into_iter().collect()).await? {
                let _ = live.send(told);
            }
            // Only now: what could not be told is read again.
            for place in cursors.iter_mut().filter(|place| place.0 == partition) {
                place.1 = cursor;
            }
        }
        Ok(read)
    }
}

/// Whether a beat is due; the next then counts from now.
fn is_due(beat: &mut Interval) -> bool {
    beat.tick().now_or_never().is_some()
}

/// The account that an entry announces.
fn changed_account(payload: &[u8]) -> Option<McpttId> {
    match LogEntry::decode(payload).ok()?.change? {
        Change::Account(changed) => changed.mcptt_id.parse().ok(),
        Change::Document(_) | Change::Subscription(_) => None,
    }
}
