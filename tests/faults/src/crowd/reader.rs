//! Those who read records.

use std::sync::Arc;

use csc_store::{Key, Store};
use csc_types::{Entropy, Partition};
use tokio::time::sleep;

use super::{COLLECTIONS, GUEST, PAUSE, Shared, TALLY, somewhere};

/// A page of a scan: small, so that pages follow each other.
const PAGE: usize = 50;

/// What is read besides, for the crowd meets there most.
const NAMES: [&str; 3] = ["0", "1", "2"];

pub(super) async fn run(number: usize, store: Arc<dyn Store>, shared: Arc<Shared>) {
    let entropy = shared.entropy(number);
    let settled = Arc::clone(&store).settled();
    while !shared.over() {
        let choice = entropy.next_u64();
        let store = if choice.is_multiple_of(2) { &store } else { &settled };
        let partition = somewhere(&entropy);
        // What is not answered is no concern of a reader's.
        if choice % 32 < 2 {
            let _ = pages(store, &shared.tag, partition, GUEST).await;
        } else {
            let keys: Vec<Key> =
                [TALLY, GUEST].iter().flat_map(|at| NAMES.map(|name| shared.key(at, name))).collect();
            let _ = store.get(partition, &keys).await;
        }
        sleep(PAUSE).await;
    }
}

/// All records of a partition, read until the store answers.
pub(super) async fn snapshot(store: &Arc<dyn Store>, tag: &str, partition: Partition) {
    for collection in COLLECTIONS {
        while !pages(store, tag, partition, collection).await {
            sleep(PAUSE).await;
        }
    }
}

/// All records of a collection, page by page; whether the store answered.
async fn pages(store: &Arc<dyn Store>, tag: &str, partition: Partition, collection: &'static str) -> bool {
    let mut after: Option<String> = None;
    loop {
        match store.scan(partition, collection, tag, after.as_deref(), PAGE).await {
            Err(_) => return false,
            Ok(found) if found.len() < PAGE => return true,
            Ok(found) => after = found.into_iter().next_back().map(|(name, _)| name),
        }
    }
}
