//! Birth records: what tells an empty store from the wrong one.
//!
//! Each partition holds `(installation, number of partitions, format)`. They are written once, when the file is made,
//! and must all agree with the record of partition 0. A partition without one, or with another's, is not read and not
//! written.

use csc_types::{PARTITIONS, Partition};
use redb::{Database, ReadableDatabase, TableError};

use super::layout::{BIRTH, FORMAT, Tables};
use crate::StoreError;

/// Stamps a new file. `installation`: random, the same in all partitions.
pub(super) fn write(database: &Database, installation: &[u8; 16]) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    {
        Tables::open(&transaction)?;
        let mut births = transaction.open_table(BIRTH)?;
        for partition in Partition::all() {
            births.insert(partition.number(), (installation, PARTITIONS, FORMAT))?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// What each partition's record says, read once: nobody else can write the file while it is open.
#[derive(Debug)]
pub(super) struct Births(Vec<Result<(), String>>);

impl Births {
    pub(super) fn read(database: &Database) -> Result<Self, redb::Error> {
        let transaction = database.begin_read()?;
        let births = match transaction.open_table(BIRTH) {
            Ok(births) => births,
            Err(TableError::TableDoesNotExist(_)) => {
                return Ok(Self(
                    Partition::all().map(|_| Err("none in the whole file".to_owned())).collect(),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        let root = births.get(Partition::INSTALLATION.number())?.map(|birth| *birth.value().0);
        let mut found = Vec::with_capacity(usize::from(PARTITIONS));
        for partition in Partition::all() {
            let birth = births.get(partition.number())?;
            found.push(match birth.as_ref().map(redb::AccessGuard::value) {
                None => Err("none".to_owned()),
                Some((_, _, format)) if format != FORMAT => {
                    Err(format!("format {format}, this program knows format {FORMAT}"))
                }
                Some((_, partitions, _)) if partitions != PARTITIONS => {
                    Err(format!("{partitions} partitions, this program has {PARTITIONS}"))
                }
                Some((installation, _, _)) if Some(*installation) != root => {
                    Err("of another installation than partition 0".to_owned())
                }
                Some(_) => Ok(()),
            });
        }
        Ok(Self(found))
    }

    /// Whether any partition may be read: if none, the tables may be missing, too.
    pub(super) fn any(&self) -> bool {
        self.0.iter().any(Result::is_ok)
    }

    /// Whether `partition` may be read and written.
    pub(super) fn check(&self, partition: Partition) -> Result<(), StoreError> {
        match &self.0[usize::from(partition.number())] {
            Ok(()) => Ok(()),
            Err(why) => Err(StoreError::NoBirthRecord { partition: partition.number(), why: why.clone() }),
        }
    }
}
