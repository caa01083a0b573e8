//! Puts the service together.

use std::sync::Arc;

use csc_service::{Metrics, ServiceParts, Task};
use csc_store::Records;
use csc_types::{Clock, Entropy};

use crate::config::Config;
use crate::crypto::files::{ServerSecret, ServerSecretError};
use crate::crypto::sign::{SigningKey, SigningKeyError};
use crate::domain::accounts::Accounts;
use crate::domain::directory::Directory;
use crate::domain::grants::{Grants, Tokens};
use crate::domain::throttle::Throttle;
use crate::hashing::Hasher;
use crate::http::Endpoints;

/// What the service needs from the process that runs it.
#[derive(Clone)]
pub struct Deps {
    /// The store.
    pub records: Records,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where metrics are registered.
    pub metrics: Metrics,
}

/// Why the service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The signing key is no good.
    #[error("idms.signing_key")]
    SigningKey(#[from] SigningKeyError),
    /// The server secret is no good.
    #[error("idms.server_secret")]
    ServerSecret(#[from] ServerSecretError),
}

/// Builds the service. Nothing is read from the store, so it may be built while the store is away.
///
/// # Errors
/// When a key cannot be used.
pub fn build(config: &Config, deps: Deps) -> Result<ServiceParts, BuildError> {
    let Deps { records, clock, entropy, metrics } = deps;
    let key = SigningKey::from_pem(config.signing_key.expose())?;
    let ServerSecret { child_key, sealer } = ServerSecret::from_file(config.server_secret.expose())?;
    let hasher = Hasher::new(config.password_cost, config.hashing, Arc::clone(&entropy));
    let jwks = key.jwks();

    let directory = Directory {
        records: records.clone(),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
        hasher: hasher.clone(),
        sealer: sealer.clone(),
        access_token: config.lifetimes.access_token,
    };
    let accounts = Accounts::new(&records);
    let grants = Grants {
        records,
        throttle: Throttle::new(config.throttle, &*entropy),
        clock,
        entropy,
        hasher,
        tokens: Tokens { key, sealer, issuer: config.issuer.clone(), audience: config.audience.clone() },
        child_key,
        lifetimes: config.lifetimes,
    };
    Ok(ServiceParts {
        mounts: vec![Endpoints::new(grants, jwks.clone(), &metrics).mount()],
        grpc: Some(crate::grpc::routes(directory, accounts.clone(), jwks)),
        tasks: vec![follow(accounts)],
        ..ServiceParts::new("idms")
    })
}

/// Reads the logs for whoever watches accounts. All their streams end with it: an open one would hold up the bus.
fn follow(accounts: Accounts) -> Task {
    Task::new("idms accounts", move |shutdown| async move {
        tokio::select! {
            () = accounts.follow() => {}
            () = shutdown.requested() => {}
        }
        Ok(())
    })
}
