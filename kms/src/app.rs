//! Wiring: the service as the process that runs it sees it.

use std::io;
use std::sync::Arc;

use csc_auth::{Accounts, TokenVerifier};
use csc_sakke::NtpSeconds;
use csc_service::http::Mount;
use csc_service::{Metrics, ReadyCheck, ServiceParts};
use csc_store::Records;
use csc_types::{Clock, Entropy};
use tokio::sync::oneshot;

use crate::accounts;
use crate::audit::Audit;
use crate::config::Config;
use crate::http::{Kms, Settings};
use crate::limit::Limit;
use crate::pool::Pool;
use crate::root::{self, RootError};

/// What the service works with.
#[derive(Clone)]
pub struct Deps {
    /// The store, for account records and audit lines.
    pub records: Records,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Verifies access tokens.
    pub verifier: Arc<TokenVerifier>,
    /// Who may not have keys any more. The service follows the stream itself.
    pub accounts: Arc<Accounts>,
    /// Where its metrics are registered.
    pub metrics: Metrics,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration has mistakes that were not looked at.
    #[error("nothing is configured to unseal the root with")]
    NoKek,
    /// There is no root.
    #[error("there is no root {path}; make one with `csc kms root create`")]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// The root is not good. It is never made anew: that would orphan the keys of every user.
    #[error("cannot load the root {path}")]
    Root {
        /// Where it was looked for.
        path: String,
        /// What is wrong.
        source: RootError,
    },
    /// No key period has begun yet: no key could be given to anybody.
    #[error("kms.user_key_offset lies in the future")]
    Offset,
    /// The process is ending.
    #[error("loading the root was interrupted")]
    Interrupted,
}

/// Loads the root and builds the service around it.
///
/// # Errors
/// See [`BuildError`].
pub async fn build(config: &Config, deps: Deps) -> Result<ServiceParts, BuildError> {
    let kek = config.kek.clone().ok_or(BuildError::NoKek)?;
    if config.periods.number_at(NtpSeconds::from_unix(deps.clock.now().seconds())).is_none() {
        return Err(BuildError::Offset);
    }
    let path = config.root.clone();
    // Deriving a key from a passphrase and building the table of multiples take a moment.
    let loading = tokio::task::spawn_blocking(move || {
        root::load(&path, &kek).map_err(|source| {
            let path = path.display().to_string();
            match source {
                RootError::File(why) if why.kind() == io::ErrorKind::NotFound => BuildError::Missing { path },
                source => BuildError::Root { path, source },
            }
        })
    });
    let root = Arc::new(loading.await.map_err(|_| BuildError::Interrupted)??);
    tracing::info!(kms_uri = root.kms_uri(), "root unsealed");

    let Deps { records, clock, entropy, verifier, accounts, metrics } = deps;
    let mut parts = ServiceParts::new("kms");
    let (users, gone) = oneshot::channel();
    parts.tasks.push(accounts::follow(Arc::clone(&accounts), gone, &metrics));
    parts.ready.push(ready(Arc::clone(&accounts)));
    let kms = Arc::new(Kms {
        audit: Audit::new(records.clone(), Arc::clone(&clock), entropy.as_ref(), root.kms_uri()),
        limit: Limit::new(config.requests_per_minute),
        pool: Pool::new(config.workers, config.queue),
        root,
        settings: Settings {
            kms_id: config.kms_id.clone(),
            issuer: config.issuer.clone(),
            user_domains: config.user_domains.clone(),
            periods: config.periods,
            previous_period: config.previous_period,
            user_id: config.user_id,
            dialect: config.dialect,
            body_limit: config.body_limit,
        },
        requests: metrics.counter(
            "csc_kms_requests_total",
            "KMS requests by outcome.",
            &["request", "status"],
        ),
        key_sets: metrics.counter("csc_kms_key_sets_total", "Key sets that were given out.", &[]),
        seconds: metrics.seconds("csc_kms_issue_seconds", "Time to compute the key sets of a request.", &[]),
        records,
        clock,
        verifier,
        accounts,
        _users: users,
    });
    let service = tower::service_fn(move |request| {
        let kms = Arc::clone(&kms);
        async move { Ok(kms.serve(request).await) }
    });
    parts.mounts.push(Mount::new(["keymanagement"], service));
    Ok(parts)
}

/// Ready once the stream of accounts has begun.
fn ready(accounts: Arc<Accounts>) -> ReadyCheck {
    ReadyCheck::new("accounts", move || {
        let opened = accounts.has_opened();
        async move {
            anyhow::ensure!(opened, "the identity server has not told its accounts yet");
            Ok(())
        }
    })
}
