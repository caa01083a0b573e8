//! The embedded engine: one file, written by one thread, every commit durable before it is answered.
//!
//! Reads take a snapshot and go on while the writer works. A few records are read where the caller stands: they come
//! from the cache, and handing a microsecond's work to another thread costs more than doing it. More than
//! [`AT_HAND`] records, or the logs of a reader that is far behind, are read on tokio's blocking threads.

mod birth;
mod file;
mod layout;
mod memory;
mod read;
mod state;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use csc_types::{Clock, Entropy, Partition, Revision};
use redb::Database;
use tokio::sync::{Semaphore, oneshot};

pub use file::OpenError;
pub use state::Stats;

use self::birth::Births;
use self::state::State;
use self::writer::{Request, Writer};
use crate::{Commit, CommitError, Cursor, Key, Record, Store, StoreError, Tail};

/// How many entries each log keeps.
const LOG_ENTRIES: u64 = 10_000;

/// How many records are read without leaving the caller's thread.
const AT_HAND: usize = 64;

/// How the engine is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Octets of the file that are kept in memory. Default: 64 MiB.
    pub cache: usize,
    /// Commits that may wait for the disk; whoever comes then waits for a place. Default: 1024.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache: 64 << 20, queue: 1024 }
    }
}

/// The embedded engine. Dropping it waits for the commits that are under way, and closes the file.
pub struct Embedded {
    database: Arc<Database>,
    births: Births,
    state: Arc<State>,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    queue: usize,
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the store in the file at `path`, or makes it if there is no such file. The file has one opener.
    ///
    /// Reads the disk: call it before serving, or on a blocking thread. `clock` gives revisions and decides what has
    /// expired; `entropy` names a new installation.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if it is open already. A file that is a store but has no valid birth records opens; every
    /// read and commit then answers [`StoreError::NoBirthRecord`].
    pub fn open(
        path: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        let database = file::open(path, &options, entropy)?;
        Self::start(database, options, clock).map_err(|why| OpenError::engine(path, why))
    }

    /// A new store in memory, for tests: nothing of it outlives the value.
    ///
    /// # Errors
    /// None that can be acted on.
    pub fn in_memory(clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        let options = Options::default();
        let failed = |why| OpenError::engine(Path::new(":memory:"), why);
        let mut installation = [0; 16];
        entropy.fill(&mut installation);
        let database = file::builder(&options)
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(|why| failed(why.into()))?;
        birth::write(&database, &installation).map_err(failed)?;
        Self::start(database, options, clock).map_err(failed)
    }

    fn start(database: Database, options: Options, clock: Arc<dyn Clock>) -> Result<Self, redb::Error> {
        let births = Births::read(&database)?;
        let database = Arc::new(database);
        let state = Arc::new(State::new(if births.any() { read::positions(&database)? } else { Vec::new() }));
        let (requests, received) = mpsc::channel();
        let queue = options.queue.clamp(1, Semaphore::MAX_PERMITS);
        let writer = if births.any() {
            let writer = Writer::new(Arc::clone(&database), Arc::clone(&state), Arc::clone(&clock), queue)?;
            let run = move || writer.run(&received);
            Some(thread::Builder::new().name("store-writer".to_owned()).spawn(run)?)
        } else {
            None
        };
        Ok(Self {
            database,
            births,
            state,
            clock,
            places: Arc::new(Semaphore::new(queue)),
            queue,
            requests: Some(requests),
            writer,
        })
    }

    /// What it has done since it was opened.
    pub fn stats(&self) -> Stats {
        self.state.stats(self.queue - self.places.available_permits())
    }

    /// Waits until the engine has failed, and tells why. From then on every call answers
    /// [`StoreError::Unavailable`]; only opening the file anew helps, so the process should end.
    pub async fn failed(&self) -> String {
        self.state.failed().await
    }

    fn usable(&self, partition: Partition) -> Result<(), StoreError> {
        self.births.check(partition)?;
        self.state.check()
    }

    /// Runs `read` here if it touches few records, else on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        records: usize,
        read: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = if records <= AT_HAND {
            read(&self.database)
        } else {
            let database = Arc::clone(&self.database);
            tokio::task::spawn_blocking(move || read(&database))
                .await
                .map_err(|stopped| StoreError::Unavailable(stopped.to_string()))?
        };
        result.map_err(|error| {
            self.state.fail(&error);
            self.state.unavailable()
        })
    }

    /// At most `limit` entries behind each cursor. Mostly it is one or two, which are at hand; nobody knows before, so what
    /// turns out to be more is read again on a blocking thread.
    async fn tail_of(
        &self,
        cursors: Vec<(Partition, Cursor)>,
        limit: usize,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        let few = limit.min(AT_HAND / cursors.len().max(1));
        // Of a single entry each nobody could tell whether there are more.
        if few > 1 || few == limit {
            let near = cursors.clone();
            let read = move |database: &Database| read::tail(database, &near, few);
            let found = self.read(few * cursors.len(), read).await?;
            let is_cut = |tail: &Tail| matches!(tail, Tail::Entries { entries, .. } if entries.len() == few);
            if few == limit || !found.iter().any(|(_, tail)| is_cut(tail)) {
                return Ok(found);
            }
        }
        self.read(usize::MAX, move |database| read::tail(database, &cursors, limit)).await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was reported when it happened.
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.usable(partition)?;
        let (keys, now) = (keys.to_vec(), self.clock.now());
        self.read(keys.len(), move |database| read::get(database, partition, &keys, now)).await
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.usable(partition)?;
        let (prefix, after, now) = (prefix.to_owned(), after.map(str::to_owned), self.clock.now());
        self.read(limit, move |database| {
            read::scan(database, partition, collection, &prefix, after.as_deref(), limit, now)
        })
        .await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.usable(partition)?;
        let gone = || CommitError::Store(self.state.unavailable());
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        let (answer, answered) = oneshot::channel();
        let request = Request { partition, commit: commit.clone(), answer, place };
        self.requests.as_ref().ok_or_else(gone)?.send(request).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    fn settled(self: Arc<Self>) -> Arc<dyn Store> {
        self
    }

    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        self.usable(partition)?;
        Ok(self.state.position(partition))
    }

    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        let mut news = self.state.news();
        let patience = tokio::time::sleep(wait);
        tokio::pin!(patience);
        let limit = limit.max(1);
        loop {
            news.mark_unchanged();
            for (partition, _) in cursors {
                self.usable(*partition)?;
            }
            let behind = self.state.behind(cursors);
            if !behind.is_empty() {
                let found = self.tail_of(behind, limit).await?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
            tokio::select! {
                // The sender lives in the state, so the only news is news.
                _ = news.changed() => {}
                () = &mut patience => return Ok(Vec::new()),
            }
        }
    }
}
