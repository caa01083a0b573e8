//! What a service is asked about its documents.

use async_trait::async_trait;
use bytes::Bytes;
use csc_store::{StoreError, UpdateError};
use csc_types::{Caller, Etag, McpttId, OrgId};
use csc_xcap::Document;
use csc_xcap::access::Membership;
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;

use crate::history::{Author, Revised};
use crate::refusal::Refusal;

/// The documents of a service. Storing one and announcing it is one commit.
#[async_trait]
pub trait Library: Send + Sync + 'static {
    /// What the service takes out of a document before it stores it; the default of a document that is no XML.
    type Digest: Default + Send + Sync + 'static;

    /// Reads what matters of a document that is well-formed and passes its usage's own checks. A large one is read on
    /// another thread.
    ///
    /// # Errors
    /// A constraint that only the service knows.
    fn digest(&self, document: &Document, content: &csc_xml::Document<'_>) -> Result<Self::Digest, Conflict>;

    /// What there is at `document`, as far as it concerns `caller`. Of a generated document the content is left out.
    async fn look(&self, document: &Document, caller: &Caller) -> Result<Snapshot, StoreError>;

    /// Makes a generated document; `root` is the XCAP root by which it was asked for. `None`: there is none.
    async fn generate(&self, document: &Document, root: Option<&Root>) -> Result<Option<Stored>, StoreError>;

    /// Stores what `decide` makes of what is there at the moment of the commit.
    async fn put(&self, change: Change<'_>, decide: &dyn Decide<Self::Digest>) -> Result<Written, Refusal>;

    /// Deletes a document if `judge` agrees with what is there at the moment of the commit.
    async fn delete(&self, change: Change<'_>, judge: Judge<'_>) -> Result<(), Refusal>;

    /// The last revisions of a stored document, newest first.
    async fn history(&self, document: &Document) -> Result<Vec<Revised>, StoreError>;

    /// What may be asked of `document` by POST; most documents answer nothing.
    fn question(&self, _: &Document) -> Option<&'static Question> {
        None
    }
}

/// Decides over what a commit finds; it may run more than once.
pub type Judge<'a> = &'a (dyn Fn(&Snapshot) -> Result<(), Refusal> + Send + Sync);

/// Makes a document out of what a commit finds. It may run more than once, and takes as long as the document is large:
/// those who change the same document wait meanwhile ([`csc_store::Records::update_async`]).
#[async_trait]
pub trait Decide<D>: Send + Sync {
    /// The new document.
    async fn decide(&self, found: &Snapshot) -> Result<New<D>, Refusal>;
}

/// A document to be stored.
#[derive(Clone, Debug)]
pub struct New<D> {
    /// Its octets.
    pub content: Bytes,
    /// What [`Library::digest`] found in it.
    pub digest: D,
    /// What was asked for, the document or its node, did not exist before.
    pub created: bool,
    /// It is only asked whether it could be stored: nothing is written, here or anywhere.
    pub dry_run: bool,
}

/// What can be asked of a document by POST.
#[derive(Debug)]
pub struct Question {
    /// The media type of the request.
    pub media_type: &'static str,
    /// Answers what the first document asks about the second, which the caller may read. The answer has the media type
    /// of the usage.
    pub answer: fn(&csc_xml::Document<'_>, &csc_xml::Document<'_>) -> Result<Bytes, Refusal>,
}

/// What there is at the place of a document.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// See [`csc_xcap::access::Facts::organisation`].
    pub organisation: Option<OrgId>,
    /// What the caller is to the group.
    pub membership: Membership,
    /// See [`csc_xcap::access::Facts::open_profile`].
    pub open_profile: bool,
    /// The caller may make documents here, but somebody else's, which it must not see, has this name already: what a PUT of
    /// the document is answered in place of 403.
    pub taken: Option<Conflict>,
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

/// A change of a document.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Where.
    pub document: &'a Document,
    /// For whom the snapshot is to be.
    pub caller: &'a Caller,
    /// For the history.
    pub author: &'a Author,
    /// To whom it belongs if it is new and does not belong to an organisation by its place.
    pub organisation: &'a OrgId,
    /// Who makes it, if it is new.
    pub creator: Option<&'a McpttId>,
}

/// What became of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// See [`New::created`].
    pub created: bool,
    /// The document's new tag; of a dry run it means nothing.
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
