//! Which users may not act any more, whatever their tokens say: the stream `identity.v1.Accounts` of the IdMS.
//!
//! The stream opens with every account that changed within the life of an access token, goes on with each change, and
//! beats every second. Kept of it are the accounts that are disabled or gone. Whoever heard nothing for five seconds knows
//! nothing, and admits nobody.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use csc_proto::identity::v1::accounts_client::AccountsClient;
use csc_proto::identity::v1::accounts_event::Event;
use csc_proto::identity::v1::{AccountState, WatchAccountsRequest};
use csc_proto::record::v1::account;
use csc_types::{Clock, McpttId};
use tokio::time::{sleep, timeout};
use tonic::Status;
use tonic::transport::Channel;

use crate::refused::Reason;

/// After this long without a word from the IdMS nothing is known any more.
pub const SILENCE: Duration = Duration::from_secs(5);
/// Least and longest wait in front of another attempt: several fit into [`SILENCE`].
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// What the IdMS says of accounts as they change. Give [`Accounts::follow`] a task.
pub struct Accounts {
    channels: Vec<Channel>,
    clock: Arc<dyn Clock>,
    /// When this was made, on the monotonic clock.
    made: Duration,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// When a stream that had opened said something last, on the monotonic clock. What comes before a stream has opened
    /// does not count: changes made meanwhile may not have been told yet.
    heard: Option<Duration>,
    /// Which stream this is, the first being 1.
    stream: u64,
    /// Whether it has opened.
    open: bool,
    /// Who may not act, and which stream said so last.
    refused: HashMap<McpttId, u64>,
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the identity server ended the stream")]
    Ended,
    #[error("the identity server said nothing for too long")]
    Silent,
    #[error(transparent)]
    Status(#[from] Status),
}

impl Accounts {
    /// Follows the IdMS at the other end of `channels`: one for each replica of it, or one that stands for all of them.
    /// They are tried in turn, so a replica that can be reached but knows nothing is left for another.
    pub fn new(channels: Vec<Channel>, clock: Arc<dyn Clock>) -> Self {
        let made = clock.monotonic();
        Self { channels, clock, made, state: RwLock::default() }
    }

    /// Whether tokens of `id` still count, as far as the stream tells.
    ///
    /// # Errors
    /// [`Reason::Invalid`] when the account is disabled or gone; [`Reason::Unavailable`] when no stream has ever opened or
    /// nothing was heard for [`SILENCE`].
    pub fn admit(&self, id: &McpttId) -> Result<(), Reason> {
        let now = self.clock.monotonic();
        let state = self.read();
        if state.heard.is_none_or(|heard| now.saturating_sub(heard) >= SILENCE) {
            return Err(Reason::Unavailable);
        }
        if state.refused.contains_key(id) { Err(Reason::Invalid) } else { Ok(()) }
    }

    /// Whether a stream has ever opened; before, nobody is admitted.
    pub fn has_opened(&self) -> bool {
        self.read().heard.is_some()
    }

    /// For how long nothing has been heard; before the first stream has opened, since this was made.
    pub fn silent_for(&self) -> Duration {
        let since = self.read().heard.unwrap_or(self.made);
        self.clock.monotonic().saturating_sub(since)
    }

    /// Keeps a stream open for as long as it is polled. It never ends.
    pub async fn follow(&self) {
        let (mut turn, mut pause) = (0, SHORTEST);
        loop {
            if let Some(channel) = self.channels.get(turn) {
                let Err(interrupted) = self.listen(channel).await;
                let error = &interrupted as &dyn std::error::Error;
                if self.read().open {
                    // Its users tell of a silence that lasts.
                    tracing::info!(error, "account stream interrupted");
                    pause = SHORTEST;
                } else {
                    tracing::debug!(error, "account stream cannot be opened");
                    pause = (2 * pause).min(LONGEST);
                }
            }
            turn = (turn + 1) % self.channels.len().max(1);
            sleep(pause).await;
        }
    }

    /// One stream, from its opening to its end.
    async fn listen(&self, channel: &Channel) -> Result<Infallible, Interrupted> {
        self.write().begin();
        let mut idms = AccountsClient::new(channel.clone());
        let answer = timeout(SILENCE, idms.watch(WatchAccountsRequest {})).await;
        let mut stream = answer.map_err(|_| Interrupted::Silent)??.into_inner();
        loop {
            let message = timeout(SILENCE, stream.message()).await.map_err(|_| Interrupted::Silent)??;
            let event = message.ok_or(Interrupted::Ended)?.event;
            self.write().hear(event, self.clock.monotonic());
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self) {
        self.stream += 1;
        self.open = false;
    }

    fn hear(&mut self, event: Option<Event>, now: Duration) {
        match event {
            Some(Event::Account(account)) => self.account(account),
            Some(Event::Opened(_)) => {
                self.open = true;
                // What this stream has not said again is older than every good token, or never became durable.
                self.refused.retain(|_, said| *said == self.stream);
            }
            // A later release may have more to say.
            Some(Event::Beat(_)) | None => {}
        }
        if self.open {
            self.heard = Some(now);
        }
    }

    fn account(&mut self, AccountState { mcptt_id, account }: AccountState) {
        let Ok(id) = mcptt_id.parse() else {
            tracing::error!("account stream names no user");
            return;
        };
        if account.is_some_and(|account| account.status() == account::Status::Enabled) {
            self.refused.remove(&id);
        } else {
            self.refused.insert(id, self.stream);
        }
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("silent_for", &self.silent_for()).finish_non_exhaustive()
    }
}
