//! What a service is asked about its documents.

use async_trait::async_trait;
use bytes::Bytes;
use csc_store::{StoreError, UpdateError};
use csc_types::{Caller, Etag, McpttId, OrgId};
use csc_xcap::Document;
use csc_xcap::access::Membership;
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;

use crate::refusal::Refusal;

/// The documents of a service. Storing one and announcing it is one commit.
#[async_trait]
pub trait Library: Send + Sync + 'static {
    /// What the service takes out of a document before it stores it.
    type Digest: Send + Sync + 'static;

    /// Reads what matters of a document that is well-formed and passes its usage's own checks.
    ///
    /// # Errors
    /// A constraint that only the service knows.
    fn digest(&self, document: &Document, content: &csc_xml::Document<'_>) -> Result<Self::Digest, Conflict>;

    /// What there is at `document`, as far as it concerns `caller`. Of a generated document the content is left out.
    async fn look(&self, document: &Document, caller: &Caller) -> Result<Snapshot, StoreError>;

    /// Makes a generated document; `root` is the XCAP root by which it was asked for. `None`: there is none.
    async fn generate(&self, document: &Document, root: Option<&Root>) -> Result<Option<Stored>, StoreError>;

    /// Stores a document if `judge` agrees with what is there at the moment of the commit.
    async fn put(&self, change: Change<'_, Self::Digest>, judge: Judge<'_>) -> Result<Written, Refusal>;

    /// Deletes a document if `judge` agrees with what is there at the moment of the commit.
    async fn delete(&self, document: &Document, caller: &Caller, judge: Judge<'_>) -> Result<(), Refusal>;
}

/// Decides over what a commit finds; it may run more than once.
pub type Judge<'a> = &'a (dyn Fn(&Snapshot) -> Result<(), Refusal> + Send + Sync);

/// What there is at the place of a document.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// See [`csc_xcap::access::Facts::organisation`].
    pub organisation: Option<OrgId>,
    /// What the caller is to the group.
    pub membership: Membership,
    /// See [`csc_xcap::access::Facts::open_profile`].
    pub open_profile: bool,
    /// The document, if it exists.
    pub current: Option<Stored>,
}

impl Snapshot {
    /// The document's tag, if it exists.
    pub fn etag(&self) -> Option<&Etag> {
        self.current.as_ref().map(|stored| &stored.etag)
    }
}

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its tag.
    pub etag: Etag,
    /// Its octets, as they were put.
    pub content: Bytes,
}

/// A document to be stored.
#[derive(Debug)]
pub struct Change<'a, D> {
    /// Where.
    pub document: &'a Document,
    /// For whom `judge` is to decide.
    pub caller: &'a Caller,
    /// Its octets.
    pub content: Bytes,
    /// What [`Library::digest`] found in it.
    pub digest: D,
    /// To whom it belongs if it is new and does not belong to an organisation by its place.
    pub organisation: OrgId,
    /// Who makes it, if it is new.
    pub creator: Option<McpttId>,
}

/// What became of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// It did not exist before.
    pub created: bool,
    /// Its new tag.
    pub etag: Etag,
}

impl From<UpdateError<Refusal>> for Refusal {
    fn from(error: UpdateError<Refusal>) -> Self {
        match error {
            UpdateError::Rejected(refusal) => refusal,
            UpdateError::Store(error) => Self::Store(error),
            UpdateError::Stale | UpdateError::Contended => Self::Contended,
        }
    }
}
