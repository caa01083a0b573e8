//! A disk whose power can be cut.
//!
//! What was synced stays. Of what was written since, each sector may have reached the disk or not, in any order, as
//! drives with a cache do it. The length of the file behaves like any other write.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// What reaches the disk whole or not at all.
const SECTOR: usize = 512;

/// The next number of a repeatable sequence (splitmix64).
pub(super) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What a program does to a disk.
enum Written {
    At(usize, Vec<u8>),
    Length(usize),
}

impl Written {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::At(offset, data) => {
                if image.len() < offset + data.len() {
                    image.resize(offset + data.len(), 0);
                }
                image[*offset..offset + data.len()].copy_from_slice(data);
            }
            Self::Length(length) => image.resize(*length, 0),
        }
    }
}

#[derive(Default)]
struct Inner {
    /// What a reader sees.
    cached: Vec<u8>,
    /// What a power cut leaves in any case.
    synced: Vec<u8>,
    /// What came after, in sectors.
    unsynced: Vec<Written>,
    /// Operations that still succeed; `None`: all.
    left: Option<u64>,
    /// Whether the next sync fails.
    broken: bool,
    operations: u64,
}

impl Inner {
    /// Counts one operation; an error once the power is gone.
    fn powered(&mut self) -> io::Result<()> {
        self.operations += 1;
        match &mut self.left {
            Some(0) => Err(io::Error::other("no power")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Cloning gives another handle to the same disk.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// A disk with this content.
    pub(super) fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Inner { cached: image.clone(), synced: image, ..Inner::default() })))
    }

    /// What a power cut would leave in any case.
    pub(super) fn synced(&self) -> Vec<u8> {
        self.0.lock().unwrap().synced.clone()
    }

    /// A disk that holds what this one had synced.
    pub(super) fn copy(&self) -> Self {
        Self::holding(self.synced())
    }

    /// The power goes after `operations` more reads, writes and syncs.
    pub(super) fn cut_after(&self, operations: u64) {
        self.0.lock().unwrap().left = Some(operations);
    }

    /// The next sync fails, and drops what it should have kept; the one after it claims success.
    pub(super) fn break_next_sync(&self) {
        self.0.lock().unwrap().broken = true;
    }

    pub(super) fn operations(&self) -> u64 {
        self.0.lock().unwrap().operations
    }

    /// The disk as it is found after the cut, with the power back.
    pub(super) fn after_cut(&self, seed: &mut u64) -> Self {
        let mut inner = self.0.lock().unwrap();
        let mut image = std::mem::take(&mut inner.synced);
        let mut unsynced = std::mem::take(&mut inner.unsynced);
        // Sometimes nothing more arrived, sometimes nearly all of it.
        let share = random(seed) % 101;
        if random(seed).is_multiple_of(2) {
            for n in (1..unsynced.len()).rev() {
                unsynced.swap(n, usize::try_from(random(seed)).unwrap() % (n + 1));
            }
        }
        for written in unsynced {
            if random(seed) % 100 < share {
                written.apply(&mut image);
            }
        }
        Self::holding(image)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        let mut inner = self.0.lock().unwrap();
        inner.powered()?;
        Ok(inner.cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let mut inner = self.0.lock().unwrap();
        inner.powered()?;
        let offset = usize::try_from(offset).unwrap();
        let stored = inner.cached.get(offset..offset + out.len());
        out.copy_from_slice(stored.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        let mut inner = self.0.lock().unwrap();
        inner.powered()?;
        let written = Written::Length(usize::try_from(length).unwrap());
        written.apply(&mut inner.cached);
        inner.unsynced.push(written);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut inner = self.0.lock().unwrap();
        inner.powered()?;
        let unsynced = std::mem::take(&mut inner.unsynced);
        if std::mem::take(&mut inner.broken) {
            return Err(io::Error::other("the disk could not keep it"));
        }
        for written in unsynced {
            written.apply(&mut inner.synced);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut inner = self.0.lock().unwrap();
        inner.powered()?;
        let offset = usize::try_from(offset).unwrap();
        let mut at = offset;
        for sector in sectors(offset, data) {
            let written = Written::At(at, sector.to_vec());
            at += sector.len();
            written.apply(&mut inner.cached);
            inner.unsynced.push(written);
        }
        Ok(())
    }
}

/// Cuts `data`, which begins at `offset`, where sectors end.
fn sectors(offset: usize, data: &[u8]) -> Vec<&[u8]> {
    let (first, rest) = data.split_at(data.len().min((SECTOR - offset % SECTOR) % SECTOR));
    let first = (!first.is_empty()).then_some(first);
    first.into_iter().chain(rest.chunks(SECTOR)).collect()
}
