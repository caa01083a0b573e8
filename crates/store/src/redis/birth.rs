//! Birth records: what tells an empty store from the wrong one.
//!
//! `<installation>|<partitions>|<format>`, the same in all partitions. A partition is read and written only while it holds
//! the record that partition 0 held when this engine first saw it.

use csc_types::{PARTITIONS, Partition};
use redis::{Value, cmd};

use super::connection::octets;
use super::failure::Failure;
use super::keys::Keys;
use super::routes::Way;
use super::{Inner, OptionsError};
use crate::StoreError;

/// The format of keys and values; another one is refused.
const FORMAT: u32 = 1;

/// Why a store was not made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// There is an installation already.
    #[error("the store belongs to an installation: {0}")]
    Installed(String),
    /// There is data without a birth record. It is not written over.
    #[error("partition {0} holds data: remove it, restore its birth record, or take another prefix")]
    NotEmpty(u16),
    /// Somebody else did the same at the same time; which of the two the partitions belong to is mixed. Nothing but birth
    /// records was written: remove them and begin again.
    #[error("partition {0} was stamped by somebody else at the same time")]
    Raced(u16),
    /// The servers do not answer, or too few replicas have confirmed. Run it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Inner {
    /// What the birth record of every partition must be.
    pub(super) async fn birth(&self) -> Result<&str, StoreError> {
        let read = async || {
            let birth = self
                .read_birth(Partition::INSTALLATION)
                .await?
                .ok_or_else(|| none(Partition::INSTALLATION))?;
            check(&birth).map_err(|why| Failure::Birth(format!("{{p0}} {why}")))?;
            Ok::<_, StoreError>(birth)
        };
        Ok(self.birth.get_or_try_init(read).await?)
    }

    async fn read_birth(&self, partition: Partition) -> Result<Option<String>, StoreError> {
        let mut get = cmd("GET");
        get.arg(Keys::new(&self.access.options.prefix, partition).birth());
        let found = self.call_one(Way::Settled, partition, get).await?;
        match (&found, octets(&found)) {
            (Value::Nil, _) => Ok(None),
            (_, Some(octets)) => Ok(Some(String::from_utf8_lossy(octets).into_owned())),
            _ => Err(StoreError::Damaged("a birth record".to_owned())),
        }
    }
}

fn none(partition: Partition) -> StoreError {
    StoreError::NoBirthRecord { partition: partition.number(), why: "none".to_owned() }
}

fn check(birth: &str) -> Result<(), String> {
    let mut fields = birth.split('|').skip(1);
    let (partitions, format) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    if format != FORMAT.to_string() {
        return Err(format!("format {format:?}, this program knows format {FORMAT}"));
    }
    if partitions != PARTITIONS.to_string() {
        return Err(format!("{partitions} partitions, this program has {PARTITIONS}"));
    }
    Ok(())
}

/// Stamps all partitions, that of the installation last: what was interrupted before that can be done again.
pub(super) async fn install(inner: &Inner) -> Result<(), InstallError> {
    if let Some(birth) = inner.read_birth(Partition::INSTALLATION).await? {
        return Err(InstallError::Installed(birth));
    }
    let mut installation = [0; 16];
    inner.access.entropy.fill(&mut installation);
    let birth = format!("{:032x}|{PARTITIONS}|{FORMAT}", u128::from_be_bytes(installation));
    let (first, others): (Vec<_>, Vec<_>) = Partition::all().partition(|p| *p == Partition::INSTALLATION);
    for partition in others.iter().chain(&first).copied() {
        let keys = Keys::new(&inner.access.options.prefix, partition);
        let names = [keys.birth(), keys.last(), keys.commits(), keys.log()];
        let mut stamp = inner.access.scripts.install.with(&names);
        stamp.arg(&birth);
        if inner.call_one(Way::Commit, partition, stamp).await? != Value::Int(1) {
            return Err(InstallError::NotEmpty(partition.number()));
        }
    }
    for partition in Partition::all() {
        if inner.read_birth(partition).await?.as_deref() != Some(birth.as_str()) {
            return Err(InstallError::Raced(partition.number()));
        }
    }
    Ok(())
}
