//! Administration of organisations, users and clients. Every change is idempotent: asked for again it changes nothing
//! and says so, so that a provisioning run may be repeated, also after it was broken off.

mod claims;
mod clients;
mod deletion;
mod users;

use std::sync::Arc;
use std::time::Duration;

use csc_store::{Change, Records, UpdateError};
use csc_types::{Clock, Entropy, McpttId, OrgId, Partition};

use super::fault::Fault;
use super::organisation::Organisation;
use crate::crypto::seal::Sealer;
use crate::hashing::Hasher;
use crate::records::{self, Stored as _, organisation_key};

pub use clients::NewClient;
pub use deletion::Deletion;
pub use users::NewUser;

/// How often a change is begun again because somebody else changed the same user.
const ATTEMPTS: usize = 8;

/// Changes organisations, users and clients.
#[derive(Clone)]
pub struct Directory {
    /// The store.
    pub records: Records,
    /// Dates claims.
    pub clock: Arc<dyn Clock>,
    /// Makes subjects, salts and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Seals client secrets.
    pub sealer: Sealer,
    /// How long an access token is good.
    pub access_token: Duration,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was there and was other.
    Changed,
    /// It was so already.
    Unchanged,
}

/// Whether a change is made, or only said what it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Make it.
    Apply,
    /// Only say what it would be.
    DryRun,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The organisation does not exist.
    #[error("organisation {0} does not exist")]
    NoSuchOrganisation(OrgId),
    /// Another user has this URI as its MCPTT ID or UserUri.
    #[error("{0} belongs to another user")]
    NameTaken(McpttId),
    /// Somebody of this name was deleted, and these services have not removed all that they keep of that user.
    #[error(
        "{0} was deleted, and what is left of that user is still being removed: try again (waiting for {1})"
    )]
    Leaving(McpttId, String),
    /// A new user needs a password.
    #[error("a new user needs a password")]
    PasswordMissing,
    /// HS256 needs a client secret.
    #[error("id_token_algorithm HS256 needs a secret")]
    SecretMissing,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<csc_store::StoreError> for DirectoryError {
    fn from(error: csc_store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl Directory {
    /// Creates or changes an organisation.
    pub async fn put_organisation(&self, wanted: Organisation, mode: Mode) -> Result<Outcome, Fault> {
        let key = organisation_key(&wanted.id);
        let change = |found: &[csc_store::Record]| {
            let present: Option<Organisation> = records::read(&key, &found[0])?;
            let outcome = outcome(present.as_ref(), &wanted);
            Ok::<_, Fault>(match (outcome, mode) {
                (Outcome::Unchanged, _) | (_, Mode::DryRun) => Change::nothing(outcome),
                _ => Change::nothing(outcome).put(key.clone(), wanted.encode()),
            })
        };
        let partition = Partition::of(wanted.id.as_str());
        Ok(self.records.update(partition, std::slice::from_ref(&key), change).await?.outcome)
    }

    /// An organisation is never removed, so one that is there once stays. In a dry run it may be one that the real run
    /// would have made by now, and is not asked for.
    async fn require_organisation(&self, organisation: &OrgId, mode: Mode) -> Result<(), DirectoryError> {
        let partition = Partition::of(organisation.as_str());
        let there = mode == Mode::DryRun
            || self.records.get(partition, &organisation_key(organisation)).await?.value.is_some();
        if there { Ok(()) } else { Err(DirectoryError::NoSuchOrganisation(organisation.clone())) }
    }
}

fn outcome<T: PartialEq>(present: Option<&T>, wanted: &T) -> Outcome {
    match present {
        None => Outcome::Created,
        Some(present) if present == wanted => Outcome::Unchanged,
        Some(_) => Outcome::Changed,
    }
}

fn rejected(error: UpdateError<DirectoryError>) -> DirectoryError {
    match error {
        UpdateError::Rejected(error) => error,
        UpdateError::Stale | UpdateError::Contended => Fault::Contended.into(),
        UpdateError::Store(error) => error.into(),
    }
}
