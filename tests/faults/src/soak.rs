//! Rounds of trouble: a crowd at work, something happens, everything heals, the history is judged.

use std::sync::Arc;

use anyhow::Result;
use csc_store::Store;
use csc_store::redis::{RedisOptions, RedisStore};
use csc_test_support::SeededEntropy;
use csc_types::{Entropy, SystemClock};

use crate::crowd::{Crowd, Size};
use crate::history::{Counts, Finding, History};
use crate::site::Site;
use crate::trouble::Trouble;

/// Who meets in a round.
const SIZE: Size = Size { writers: 32, readers: 4, tailers: 4 };

/// How many processes they are in.
const PROCESSES: usize = 2;

/// So many commits are acknowledged before the trouble, and after it.
const COMMITS: usize = 300;

/// How often an emptied store is emptied again before it is given up.
const ATTEMPTS: u32 = 5;

/// A site, its processes, and what comes next.
pub struct Soak {
    site: Site,
    stores: Vec<Arc<dyn Store>>,
    clock: Arc<SystemClock>,
    /// Decides what happens.
    entropy: Arc<SeededEntropy>,
    /// Names commits and installations: never twice the same, whatever the seed.
    names: Arc<SeededEntropy>,
    options: RedisOptions,
    /// The kinds of trouble still to come before all begin anew.
    deck: Vec<Trouble>,
}

/// What a round brought.
#[derive(Debug)]
pub struct Round {
    /// What happened to the site.
    pub trouble: Trouble,
    /// What the crowd was told.
    pub counts: Counts,
    /// Which promises were broken.
    pub findings: Vec<Finding>,
}

impl Soak {
    /// Starts the servers; `None` if Redis is not installed, `test` being skipped then. `adjust` makes the engine another
    /// one than it is by default.
    ///
    /// # Errors
    /// When the servers do not come up.
    pub async fn start(
        test: &str,
        seed: u64,
        adjust: impl FnOnce(&mut RedisOptions),
    ) -> Result<Option<Self>> {
        let Some(site) = Site::start(test).await? else { return Ok(None) };
        let mut options = site.options();
        adjust(&mut options);
        let mut soak = Self {
            site,
            stores: Vec::new(),
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(SeededEntropy::new(seed)),
            names: Arc::new(SeededEntropy::new(!seed)),
            options,
            deck: Vec::new(),
        };
        soak.install().await?;
        Ok(Some(soak))
    }

    /// Whoever broke its promises may have written after the store was emptied, and what it had sent may still arrive: its
    /// processes end first, and emptying is tried more than once.
    async fn begin_anew(&mut self) -> Result<()> {
        self.stores.clear();
        self.site.heal();
        let mut attempts = 0;
        loop {
            self.site.empty();
            attempts += 1;
            match self.install().await {
                Err(_) if attempts < ATTEMPTS => {}
                done => return done,
            }
        }
    }

    /// A new installation, and processes that know it.
    async fn install(&mut self) -> Result<()> {
        self.site.install(self.clock.clone(), self.names.clone()).await?;
        self.stores.clear();
        for _ in 0..PROCESSES {
            let options = self.options.clone();
            self.stores.push(Arc::new(RedisStore::open(options, self.clock.clone(), self.names.clone())?));
        }
        Ok(())
    }

    /// The next kind of trouble: each comes once before any comes again.
    pub fn draw(&mut self) -> Trouble {
        if self.deck.is_empty() {
            self.deck = Trouble::ALL.to_vec();
        }
        let number = self.entropy.next_u64() as usize % self.deck.len();
        self.deck.swap_remove(number)
    }

    /// One round with this trouble.
    ///
    /// # Errors
    /// When the servers, not the engine, do not do what they must.
    pub async fn round(&mut self, trouble: Trouble) -> Result<Round> {
        let history = History::new();
        let crowd = Crowd::start(&history, &self.stores, SIZE, self.entropy.next_u64());
        crowd.until_done(COMMITS).await;
        trouble.happen(&mut self.site, &self.entropy).await?;
        if trouble == Trouble::Empty {
            crowd.abandon().await;
            self.site.whole().await?;
            self.begin_anew().await?;
        } else {
            crowd.until_done(COMMITS).await;
            self.site.whole().await?;
            crowd.finish().await;
        }
        Ok(Round { trouble, counts: history.counts(), findings: history.check() })
    }
}
