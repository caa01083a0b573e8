//! The file itself: who may open it, what is taken for a new one, and where reads run.

use std::fs;
use std::sync::Arc;

use csc_test_support::SeededEntropy;
use csc_types::{Clock, Partition};
use redb::Database;

use super::InFile;
use crate::{Change, Embedded, Key, OpenError, Options, Records, Store, StoreError};

fn open(file: &InFile) -> Result<Embedded, OpenError> {
    let clock: Arc<dyn Clock> = file.clock.clone();
    Embedded::open(&file.path(), Options::default(), clock, &SeededEntropy::new(8))
}

#[tokio::test]
async fn it_has_one_opener() {
    let file = InFile::new();
    let first = file.embedded();
    let second = open(&file).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)));
    assert_eq!(second.to_string(), format!("store {} is in use by another process", file.path().display()));
    drop(first);
    assert!(open(&file).is_ok(), "dropping it closes it");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let file = InFile::new();
    let _store = file.embedded();
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> =
        fs::read_dir(file.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["store"], "nothing of the making is left");
}

/// A file that is there but is no store was damaged; it is not overwritten.
#[tokio::test]
async fn damage_is_not_taken_for_a_new_file() {
    let file = InFile::new();
    for content in [&b""[..], b"\0\0\0\0", b"a text of somebody else"] {
        fs::write(file.path(), content).unwrap();
        let why = open(&file).err().unwrap().to_string();
        assert!(why.contains("put a backup in its place"), "{why}");
        assert_eq!(fs::read(file.path()).unwrap(), content);
    }
    fs::remove_file(file.path()).unwrap();

    // A database without our tables.
    drop(Database::create(file.path()).unwrap());
    let store = open(&file).unwrap();
    for partition in Partition::all() {
        let refused = store.get(partition, &[]).await;
        assert!(matches!(refused, Err(StoreError::NoBirthRecord { .. })), "{refused:?}");
    }
    assert!(store.position(Partition::INSTALLATION).await.is_err());
}

#[tokio::test]
async fn a_missing_directory_is_an_error() {
    let file = InFile::new();
    fs::remove_dir(file.directory.path()).unwrap();
    assert!(matches!(open(&file), Err(OpenError::Io { .. })));
}

/// The counters that `/metrics` shows.
#[tokio::test]
async fn it_counts_what_it_does() {
    let file = InFile::new();
    let store = Arc::new(file.embedded());
    let records = Records::new(store.clone(), Arc::new(SeededEntropy::new(2)));
    let key = Key::new("test", "a");
    for _ in 0..3 {
        let keys = std::slice::from_ref(&key);
        let change = |_: &[_]| Ok::<_, ()>(Change::nothing(()).put(key.clone(), "1"));
        records.update(Partition::INSTALLATION, keys, change).await.unwrap();
    }
    let stats = store.stats();
    assert_eq!((stats.commits, stats.conflicts, stats.transactions, stats.queued), (3, 0, 3, 0));
}
