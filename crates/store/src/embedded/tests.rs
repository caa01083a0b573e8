//! What only this engine has: a file.

use std::sync::Arc;

use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::Partition;

use super::*;
use crate::{Change, Records};

#[tokio::test]
async fn reopens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let key = Key::new("test", "a");
    let open = || Embedded::open(&path, Options::default(), clock.clone(), &SeededEntropy::new(1)).unwrap();
    let records = Records::new(Arc::new(open()), Arc::new(SeededEntropy::new(2)));
    let updated = records
        .update(Partition::INSTALLATION, std::slice::from_ref(&key), |seen| {
            assert_eq!(seen[0], Record::default());
            Ok::<_, ()>(Change::nothing(7).put(key.clone(), "one").log("entry"))
        })
        .await
        .unwrap();
    assert_eq!(updated.outcome, 7);
    drop(records);
    let store = open();
    let found = store.get(Partition::INSTALLATION, std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(found[0].version, updated.revision.unwrap());
    assert_eq!(found[0].value.as_deref(), Some(&b"one"[..]));
}
