//! Birth records: what tells an empty store from the wrong one.
//!
//! `<installation>|<partitions>|<format>`, the same in all partitions. A partition is read and written only while it holds
//! the record that partition 0 held when this engine first saw it.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

/// Says in the log that a birth record is missing or foreign, not with every call that finds it so.
#[derive(Default)]
pub(super) struct Alarm(Mutex<Option<Duration>>);

impl Alarm {
    const EVERY: Duration = Duration::from_secs(10);

    pub(super) fn raise(&self, now: Duration, why: &Failure) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now >= last + Self::EVERY) {
            *last = Some(now);
            tracing::error!(%why, "store has no valid birth record, it is not read or written");
        }
    }
}

impl Inner {
    /// What the birth record of every partition must be.
    pub(super) async fn birth(&self) -> Result<&str, StoreError> {
        let read = async || {
            let birth = self.read_birth(Partition::INSTALLATION).await?;
            let checked = birth.ok_or_else(|| "none".to_owned()).and_then(check);
            checked.map_err(|why| {
                let key = Keys::new(&self.access.options.prefix, Partition::INSTALLATION).birth();
                self.unborn(Failure::Birth(format!("{key}: {why}")))
            })
        };
        Ok(self.birth.get_or_try_init(read).await?)
    }

    /// Counts and tells that a birth record is missing or foreign.
    pub(super) fn unborn(&self, why: Failure) -> StoreError {
        self.access.counters.unborn.fetch_add(1, Ordering::Relaxed);
        self.alarm.raise(self.access.clock.monotonic(), &why);
        why.into()
    }

    async fn read_birth(&self, partition: Partition) -> Result<Option<String>, StoreError> {
        let found = self.read_births(&[partition]).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn read_births(&self, partitions: &[Partition]) -> Result<Vec<Option<String>>, StoreError> {
        let get = |partition: &Partition| {
            let mut get = cmd("GET");
            get.arg(Keys::new(&self.access.options.prefix, *partition).birth());
            (*partition, get)
        };
        let asked: Vec<_> = partitions.iter().map(get).collect();
        let found = self.call(Way::Settled, &asked).await?.into_iter();
        found
            .map(|birth| match (&birth, octets(&birth)) {
                (Value::Nil, _) => Ok(None),
                (_, Some(octets)) => Ok(Some(String::from_utf8_lossy(octets).into_owned())),
                _ => Err(StoreError::Damaged("a birth record".to_owned())),
            })
            .collect()
    }
}

fn check(birth: String) -> Result<String, String> {
    let mut fields = birth.split('|').skip(1);
    let (partitions, format) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    if format != FORMAT.to_string() {
        return Err(format!("format {format:?}, this program knows format {FORMAT}"));
    }
    if partitions != PARTITIONS.to_string() {
        return Err(format!("{partitions} partitions, this program has {PARTITIONS}"));
    }
    Ok(birth)
}

/// Stamps all partitions, that of the installation last: what was interrupted before that can be done again.
pub(super) async fn install(inner: &Inner) -> Result<(), InstallError> {
    if let Some(birth) = inner.read_birth(Partition::INSTALLATION).await? {
        return Err(InstallError::Installed(birth));
    }
    let all: Vec<Partition> = Partition::all().collect();
    // Nothing is stamped before all were looked at: if partition 0 alone was lost, the others keep their records.
    let held = |partition: &Partition| {
        let keys = Keys::new(&inner.access.options.prefix, *partition);
        let mut exists = cmd("EXISTS");
        exists.arg(keys.last()).arg(keys.commits()).arg(keys.log());
        (*partition, exists)
    };
    let held: Vec<_> = all.iter().map(held).collect();
    let answers = inner.call(Way::Settled, &held).await?;
    if let Some(at) = answers.iter().position(|answer| *answer != Value::Int(0)) {
        return Err(InstallError::NotEmpty(held[at].0.number()));
    }
    let mut installation = [0; 16];
    inner.access.entropy.fill(&mut installation);
    let birth = format!("{:032x}|{PARTITIONS}|{FORMAT}", u128::from_be_bytes(installation));
    let stamp = |partition: &Partition| {
        let keys = Keys::new(&inner.access.options.prefix, *partition);
        let names = [keys.birth(), keys.last(), keys.commits(), keys.log()];
        let mut stamp = inner.access.scripts.install.with(&names);
        stamp.arg(&birth);
        (*partition, stamp)
    };
    let (first, others): (Vec<_>, Vec<_>) =
        all.iter().map(stamp).partition(|(partition, _)| *partition == Partition::INSTALLATION);
    for stamps in [others, first] {
        let answers = inner.call(Way::Commit, &stamps).await?;
        if let Some(at) = answers.iter().position(|answer| *answer != Value::Int(1)) {
            return Err(InstallError::NotEmpty(stamps[at].0.number()));
        }
    }
    let found = inner.read_births(&all).await?;
    match all.iter().zip(found).find(|(_, found)| found.as_deref() != Some(birth.as_str())) {
        Some((partition, _)) => Err(InstallError::Raced(partition.number())),
        None => Ok(()),
    }
}
