//! The cached keys: fetched before they are needed, kept until replaced, asked for again when a token names a key that
//! is not among them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use csc_types::Clock;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::keys::KeySet;
use crate::refused::Reason;

/// Least time between two fetches that tokens cause: whoever sends tokens with invented key ids must not make us
/// hammer the IdMS.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a request waits for a fetch.
const DEADLINE: Duration = Duration::from_secs(2);
/// How often the keys are fetched without being asked for, so that a withdrawn key dies.
const REFRESH: Duration = Duration::from_secs(60);
/// The same when the last fetch failed: without any keys a service can do nothing, with older ones it can wait.
const RETRY_WITHOUT: Duration = Duration::from_millis(500);
const RETRY_WITH: Duration = Duration::from_secs(5);

/// Where the public keys come from.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The JWK set as JSON.
    async fn jwks(&self) -> Result<String, KeySourceError>;
}

/// The keys could not be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeySourceError(pub String);

pub(crate) struct KeyCache {
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// Held during a fetch, so that there is one at a time.
    last: Mutex<Option<Attempt>>,
}

#[derive(Clone, Copy)]
struct Attempt {
    /// When it ended, on the monotonic clock.
    at: Duration,
    succeeded: bool,
}

impl KeyCache {
    pub(crate) fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, keys: RwLock::new(None), last: Mutex::new(None) }
    }

    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A key set that has `kid`.
    ///
    /// # Errors
    /// [`Reason::Invalid`] when the IdMS does not know it either; [`Reason::Unavailable`] when that cannot be found
    /// out: a token signed by a brand-new key must not be called invalid, or the UE throws it away.
    pub(crate) async fn with_key(&self, kid: &str) -> Result<Arc<KeySet>, Reason> {
        let known = || self.current().filter(|keys| keys.has(kid));
        if let Some(keys) = known() {
            return Ok(keys);
        }
        let mut last = self.last.lock().await;
        if let Some(keys) = known() {
            return Ok(keys); // fetched while we waited
        }
        let now = self.clock.monotonic();
        let attempt = match *last {
            Some(attempt) if now.saturating_sub(attempt.at) < INTERVAL => attempt,
            _ => self.fetch(&mut last).await,
        };
        match known() {
            Some(keys) => Ok(keys),
            None if attempt.succeeded => Err(Reason::Invalid),
            None => Err(Reason::Unavailable),
        }
    }

    /// Fetches the keys now.
    pub(crate) async fn refresh(&self) -> bool {
        let mut last = self.last.lock().await;
        self.fetch(&mut last).await.succeeded
    }

    async fn fetch(&self, last: &mut Option<Attempt>) -> Attempt {
        let answer = match timeout(DEADLINE, self.source.jwks()).await {
            Ok(Ok(jwks)) => KeySet::parse(&jwks).map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        let succeeded = answer.is_ok();
        match answer {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys)),
            Err(error) => tracing::warn!(error, "public keys cannot be fetched; keeping those at hand"),
        }
        let attempt = Attempt { at: self.clock.monotonic(), succeeded };
        *last = Some(attempt);
        attempt
    }

    /// Keeps the keys fresh for as long as it is polled.
    pub(crate) async fn keep_fresh(&self) {
        loop {
            let pause = match (self.refresh().await, self.current()) {
                (true, _) => REFRESH,
                (false, Some(_)) => RETRY_WITH,
                (false, None) => RETRY_WITHOUT,
            };
            sleep(pause).await;
        }
    }
}
