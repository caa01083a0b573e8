//! Those who follow the logs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_store::{Cursor, Store, Tail};
use csc_types::Partition;
use tokio::time::sleep;

use super::{PAUSE, Shared, partitions, reader};
use crate::history::HEARD;

/// Entries of one answer: few, so that answers follow each other.
const LIMIT: usize = 32;

/// How long to wait for news.
const WAIT: Duration = Duration::from_millis(100);

pub(super) async fn run(store: Arc<dyn Store>, shared: Arc<Shared>) {
    let mut cursors = Vec::new();
    for partition in partitions() {
        cursors.push((partition, place(&store, &shared.tag, partition).await));
    }
    loop {
        let last = shared.written.load(Ordering::SeqCst);
        match store.tail(&cursors, LIMIT, if last { HEARD } else { WAIT }).await {
            // Nothing is written any more, and nothing is new: that was all.
            Ok(news) if news.is_empty() && last => return,
            Ok(news) => {
                for (partition, tail) in news {
                    let cursor = match tail {
                        Tail::Entries { cursor, .. } => cursor,
                        Tail::Lost => place(&store, &shared.tag, partition).await,
                    };
                    cursors.retain(|(known, _)| *known != partition);
                    cursors.push((partition, cursor));
                }
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Position first, snapshot second.
async fn place(store: &Arc<dyn Store>, tag: &str, partition: Partition) -> Cursor {
    loop {
        if let Ok(cursor) = store.position(partition).await {
            reader::snapshot(store, tag, partition).await;
            return cursor;
        }
        sleep(PAUSE).await;
    }
}
