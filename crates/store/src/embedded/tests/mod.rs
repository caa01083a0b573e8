//! The conformance suite over a file, and what only this engine has.

mod birth;
mod disk;
mod durability;
mod file;
mod golden;
mod sweep;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Clock, Partition};
use redb::{Database, ReadableDatabase, Table};
use tempfile::TempDir;

use super::layout::{BIRTH, BirthValue};
use super::{Embedded, Options};
use crate::Store;
use crate::conformance::Engine;

crate::conformance_tests!(async { Some(InFile::new()) });

/// A store in a file of its own.
struct InFile {
    directory: TempDir,
    clock: Arc<ManualClock>,
}

impl InFile {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(1_800_000_000)) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn embedded(&self) -> Embedded {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Embedded::open(&self.path(), Options::default(), clock, &SeededEntropy::new(7)).unwrap()
    }

    /// Changes the table of birth records behind the engine's back.
    fn tamper(&self, change: impl FnOnce(&mut Table<'_, u16, BirthValue>)) {
        let database = Database::open(self.path()).unwrap();
        let transaction = database.begin_write().unwrap();
        change(&mut transaction.open_table(BIRTH).unwrap());
        transaction.commit().unwrap();
    }

    fn births(&self) -> Vec<(u16, [u8; 16], u16, u32)> {
        let database = Database::open(self.path()).unwrap();
        let births = database.begin_read().unwrap().open_table(BIRTH).unwrap();
        let all = births.range(0..).unwrap().map(|birth| {
            let (partition, birth) = birth.unwrap();
            let (installation, partitions, format) = birth.value();
            (partition.value(), *installation, partitions, format)
        });
        all.collect()
    }
}

#[async_trait]
impl Engine for InFile {
    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.embedded())
    }

    async fn back_up(&self) {
        std::fs::copy(self.path(), self.directory.path().join("copy")).unwrap();
    }

    async fn restore(&self) {
        std::fs::copy(self.directory.path().join("copy"), self.path()).unwrap();
    }

    async fn lose_birth(&self, partition: Partition) {
        self.tamper(|births| drop(births.remove(partition.number()).unwrap().unwrap()));
    }

    async fn swap_birth(&self, partition: Partition) {
        self.tamper(|births| {
            births
                .insert(partition.number(), (&[0xee; 16], csc_types::PARTITIONS, super::layout::FORMAT))
                .unwrap();
        });
    }
}
