//! A store that keeps its promises, with a crowd of clients.

use std::sync::Arc;

use csc_store::{Embedded, Store};
use csc_test_support::SeededEntropy;
use csc_types::SystemClock;

use crate::crowd::{Crowd, Size};
use crate::history::History;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_engine_keeps_its_promises() {
    let store = embedded();
    let history = History::new();
    let crowd = Crowd::start(&history, &[store], Size { writers: 8, readers: 2, tailers: 2 }, 7);
    crowd.until_done(500).await;
    crowd.finish().await;
    assert_eq!(history.check(), []);
    let counts = history.counts();
    assert!(counts.done >= 500 && counts.reads > 0 && counts.entries > 0, "{counts:?}");
    assert_eq!((counts.unknown, counts.lost), (0, 0), "{counts:?}");
}

fn embedded() -> Arc<dyn Store> {
    let clock = Arc::new(SystemClock::new());
    Arc::new(Embedded::in_memory(clock, &SeededEntropy::new(1)).expect("a store in memory opens"))
}
