//! Birth records of the file.

use std::collections::HashSet;

use csc_types::{PARTITIONS, Partition};

use super::super::layout::FORMAT;
use super::InFile;
use crate::{Key, Store, StoreError};

/// Every partition is stamped alike, once, and nothing stamps it again.
#[tokio::test]
async fn a_new_file_is_stamped_once() {
    let file = InFile::new();
    drop(file.embedded());
    let births = file.births();
    assert_eq!(births.len(), usize::from(PARTITIONS));
    let stamps: HashSet<_> = births
        .iter()
        .map(|(_, installation, partitions, format)| (installation, *partitions, *format))
        .collect();
    assert_eq!(stamps.len(), 1);
    assert!(stamps.iter().all(|(_, partitions, format)| (*partitions, *format) == (PARTITIONS, FORMAT)));

    file.tamper(|births| drop(births.remove(5).unwrap().unwrap()));
    drop(file.embedded());
    assert_eq!(file.births().len(), usize::from(PARTITIONS) - 1, "opening it replaces no record");
}

/// Why a partition is refused, in words an operator can act on.
#[tokio::test]
async fn what_is_wrong_is_named() {
    let file = InFile::new();
    drop(file.embedded());
    let installation = file.births()[0].1;
    file.tamper(|births| {
        births.insert(1, (&installation, PARTITIONS, FORMAT + 1)).unwrap();
        births.insert(2, (&installation, PARTITIONS * 2, FORMAT)).unwrap();
        births.insert(3, (&[9; 16], PARTITIONS, FORMAT)).unwrap();
        births.remove(4).unwrap();
    });
    let store = file.embedded();
    let why = async |number| {
        let partition = Partition::new(number).unwrap();
        match store.get(partition, &[Key::new("test", "a")]).await {
            Err(StoreError::NoBirthRecord { why, .. }) => why,
            other => panic!("refused, not {other:?}"),
        }
    };
    assert_eq!(why(1).await, "format 2, this program knows format 1");
    assert_eq!(why(2).await, "128 partitions, this program has 64");
    assert_eq!(why(3).await, "of another installation than partition 0");
    assert_eq!(why(4).await, "none");
    assert!(store.get(Partition::INSTALLATION, &[]).await.is_ok());
}

/// Partition 0 says whose store it is; without its record no partition can be trusted.
#[tokio::test]
async fn without_partition_zero_all_are_refused() {
    let file = InFile::new();
    drop(file.embedded());
    file.tamper(|births| drop(births.remove(0).unwrap().unwrap()));
    let store = file.embedded();
    for partition in Partition::all() {
        let refused = store.get(partition, &[]).await;
        assert!(matches!(refused, Err(StoreError::NoBirthRecord { .. })), "{refused:?}");
    }
}
