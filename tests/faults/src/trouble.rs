//! What can happen to a site, one thing at a time: the promise is about the loss of any one node.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use csc_test_support::SeededEntropy;
use csc_types::Entropy;
use tokio::task::block_in_place;

use crate::proxy::{Cut, Direction, Weather, Who};
use crate::site::{CLIENTS, Site};

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trouble {
    /// Clients still see the master; its replicas and the Sentinels do not, and replace it.
    IsolateMaster,
    /// Nobody sees the master any more.
    HideMaster,
    /// The master dies at once and comes back later.
    KillMaster,
    /// The master stops in its tracks, is replaced, and goes on as if nothing had happened.
    FreezeMaster,
    /// A replica dies and comes back.
    KillReplica,
    /// A replica stops in its tracks and goes on.
    FreezeReplica,
    /// Clients do not reach the master, everybody else does.
    HideFromClients,
    /// What the servers answer to clients vanishes.
    SwallowReplies,
    /// Replies of single commits are lost, one after the other.
    LoseReplies,
    /// All connections of clients are cut, again and again.
    CutClients,
    /// Everything takes longer.
    Delay,
    /// Somebody empties the store. Nothing heals that.
    Empty,
    /// An operator orders the Sentinels to replace a master that is well (`SENTINEL FAILOVER`). For a moment there are two
    /// masters, the old one with a replica that has not been told: one confirmation alone proves nothing then. Not drawn by
    /// a soak, for the promise of one confirmation is about the loss of a node.
    Replace,
}

impl Trouble {
    /// All that one confirmation is a match for.
    pub const ALL: [Self; 12] = [
        Self::IsolateMaster,
        Self::HideMaster,
        Self::KillMaster,
        Self::FreezeMaster,
        Self::KillReplica,
        Self::FreezeReplica,
        Self::HideFromClients,
        Self::SwallowReplies,
        Self::LoseReplies,
        Self::CutClients,
        Self::Delay,
        Self::Empty,
    ];

    /// Lets it happen to `site`, and takes it away again; `entropy` decides what the kind leaves open.
    ///
    /// # Errors
    /// When the servers do not do what they must, such as promote a replica.
    pub async fn happen(self, site: &mut Site, entropy: &SeededEntropy) -> Result<()> {
        let master = site.master().context("there is a master")?;
        let replica = (master + 1 + (entropy.next_u64() % 2) as usize) % site.nodes.len();
        let brief = Duration::from_millis(500 + entropy.next_u64() % 2500);
        // Now shorter, now longer than a call may take.
        let longer = brief * 3;
        match self {
            Self::IsolateMaster => {
                site.isolate(master);
                site.promoted(master).await?;
                tokio::time::sleep(brief).await;
            }
            Self::HideMaster => {
                site.isolate(master);
                site.hide(master, CLIENTS);
                site.promoted(master).await?;
                tokio::time::sleep(brief).await;
            }
            Self::KillMaster => {
                block_in_place(|| site.nodes[master].server.kill());
                site.promoted(master).await?;
                tokio::time::sleep(brief).await;
                restart(site, master);
            }
            Self::FreezeMaster => {
                site.nodes[master].server.freeze();
                site.promoted(master).await?;
                tokio::time::sleep(brief).await;
                site.nodes[master].server.thaw();
            }
            Self::Replace => {
                site.replace();
                site.promoted(master).await?;
                tokio::time::sleep(brief).await;
            }
            Self::KillReplica => {
                block_in_place(|| site.nodes[replica].server.kill());
                tokio::time::sleep(brief).await;
                restart(site, replica);
            }
            Self::FreezeReplica => {
                site.nodes[replica].server.freeze();
                tokio::time::sleep(brief).await;
                site.nodes[replica].server.thaw();
            }
            Self::HideFromClients => weather(site, master, Weather::Held, longer).await,
            Self::SwallowReplies => weather(site, master, Weather::Swallow(Direction::Down), longer).await,
            Self::LoseReplies => {
                for _ in 0..10 {
                    let lost = site.nodes[master].proxy.lose_reply(CLIENTS, "EVALSHA");
                    // A crowd sends something all the time; if not, the next one is as good.
                    let _ = tokio::time::timeout(brief, lost).await;
                }
            }
            Self::CutClients => {
                for _ in 0..10 {
                    site.nodes[master].proxy.cut(CLIENTS, Cut::Reset);
                    tokio::time::sleep(brief / 10).await;
                }
            }
            Self::Delay => {
                let late = Duration::from_millis(20 + entropy.next_u64() % 100);
                for node in &site.nodes {
                    node.proxy.set(Who::All, Weather::Delay(late));
                }
                tokio::time::sleep(brief).await;
            }
            Self::Empty => {
                site.empty();
                // Long enough for everybody to look, on a busy machine, too.
                tokio::time::sleep(longer).await;
            }
        }
        site.heal();
        Ok(())
    }
}

async fn weather(site: &Site, master: usize, weather: Weather, span: Duration) {
    site.nodes[master].proxy.set(CLIENTS, weather);
    tokio::time::sleep(span).await;
}

fn restart(site: &mut Site, number: usize) {
    block_in_place(|| site.nodes[number].server.run());
}
