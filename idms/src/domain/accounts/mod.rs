//! What accounts are now, told to the services that must know at once: the revocation stream.
//!
//! ```text
//! logs of all partitions ─► follow: one reader in this process ─► broadcast ─┬─► watcher: opening, then live
//! idms.changed ─► opening: every account changed within a token's life ──────┴─► watcher …
//! ```
//!
//! A watcher joins the broadcast first and reads its opening second, so it may hear of a change twice but never misses
//! one. The beat comes from the reader of the logs: whoever hears it knows that everything was told. When the reader
//! loses its place every watcher is cut; it comes back and gets a new opening.

mod follow;
mod opening;

use std::sync::{Arc, Mutex, PoisonError};

use csc_proto::record::v1::Account;
use csc_store::{Record, Records, StoreError, shared};
use csc_types::McpttId;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use prost::Message;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, WeakSender};

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An account as it is now; `None`: there is none.
    Account(McpttId, Option<Account>),
    /// The opening is complete.
    Opened,
    /// Everything that is known was told.
    Beat,
}

/// Why a watcher is told nothing more. It may come back at once.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// The logs cannot be read, or went on without the reader; or the process is ending.
    #[error("what changes is not known now")]
    Unknown,
    /// The watcher took its events too slowly.
    #[error("the watcher is too slow")]
    TooSlow,
    /// The opening cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The accounts, and who watches them. Clones share the watchers.
#[derive(Clone)]
pub struct Accounts {
    /// Settled: what is told is acted upon and cannot be taken back.
    records: Records,
    /// Where the reader of the logs tells. It holds the only strong end, so that all streams end with it.
    live: Arc<Mutex<Option<WeakSender<Told>>>>,
}

impl Accounts {
    /// The accounts in `records`; nobody hears of a change before [`Accounts::follow`] is polled.
    pub fn new(records: &Records) -> Self {
        Self { records: records.settled(), live: Arc::default() }
    }

    /// One account; `None` if there is none.
    ///
    /// # Errors
    /// When the store does not answer or the record cannot be read.
    pub async fn get(&self, id: &McpttId) -> Result<Option<Account>, StoreError> {
        shared::account(self.records.store(), id).await
    }

    /// Every account that changed within the life of an access token, then [`Told::Opened`], then what happens.
    ///
    /// # Errors
    /// [`Cut::Unknown`] while the logs are not being read.
    pub fn watch(&self) -> Result<BoxStream<'static, Result<Told, Cut>>, Cut> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let live = live.as_ref().and_then(WeakSender::upgrade).ok_or(Cut::Unknown)?.subscribe();
        let opening = opening::all(self.records.clone());
        Ok(opening.chain(stream::iter([Ok(Told::Opened)])).chain(happening(live)).boxed())
    }
}

/// What the reader of the logs tells, until it is cut.
fn happening(live: Receiver<Told>) -> impl Stream<Item = Result<Told, Cut>> {
    stream::unfold(Some(live), |live| async {
        let mut live = live?;
        match live.recv().await {
            Ok(told) => Some((Ok(told), Some(live))),
            Err(RecvError::Lagged(_)) => Some((Err(Cut::TooSlow), None)),
            Err(RecvError::Closed) => Some((Err(Cut::Unknown), None)),
        }
    })
}

/// The account a record holds. Of a damaged one nobody knows the status: it is told as one, and permits nothing.
fn read(id: &McpttId, record: &Record) -> Option<Account> {
    let value = record.value.as_deref()?;
    Some(Account::decode(value).unwrap_or_else(|error| {
        tracing::error!(%id, %error, "damaged account record");
        Account::default()
    }))
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn a_watcher_that_is_too_slow_is_cut() {
        let (live, receiver) = broadcast::channel(2);
        let mut watcher = Box::pin(happening(receiver));
        live.send(Told::Opened).unwrap();
        assert_eq!(watcher.next().await.unwrap().unwrap(), Told::Opened);
        for _ in 0..3 {
            live.send(Told::Beat).unwrap();
        }
        assert!(matches!(watcher.next().await, Some(Err(Cut::TooSlow))));
        assert!(watcher.next().await.is_none());
    }
}
