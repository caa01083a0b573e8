//! What goes wrong without anybody asking wrongly.

use csc_store::{StoreError, UpdateError};

use crate::crypto::seal::SealError;
use crate::crypto::sign::SignError;
use crate::hashing::HasherError;

/// A fault on our side.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store did not answer, or a record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others changed the same records each time.
    #[error("others keep changing the same records")]
    Contended,
    /// A password could not be hashed.
    #[error(transparent)]
    Hasher(#[from] HasherError),
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A secret could not be sealed or unsealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Fault {
    /// Whether asking again in a moment may help.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Store(StoreError::Unavailable(_) | StoreError::NoBirthRecord { .. })
            | Self::Contended
            | Self::Hasher(HasherError::Full) => true,
            Self::Store(StoreError::Damaged(_)) | Self::Hasher(_) | Self::Sign(_) | Self::Seal(_) => false,
        }
    }
}

impl From<UpdateError<Self>> for Fault {
    fn from(error: UpdateError<Self>) -> Self {
        match error {
            UpdateError::Rejected(fault) => fault,
            UpdateError::Stale | UpdateError::Contended => Self::Contended,
            UpdateError::Store(error) => Self::Store(error),
        }
    }
}

impl From<UpdateError<StoreError>> for Fault {
    fn from(error: UpdateError<StoreError>) -> Self {
        match error {
            UpdateError::Rejected(error) | UpdateError::Store(error) => Self::Store(error),
            UpdateError::Stale | UpdateError::Contended => Self::Contended,
        }
    }
}
