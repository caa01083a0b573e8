//! The documents of this service.

use std::sync::Arc;

use async_trait::async_trait;
use csc_store::{Change as Commit, Records, StoreError};
use csc_types::{Caller, Entropy, Etag, McpttId, Revision};
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;
use csc_xcap::usage::{GROUPS, SERVICE_CONFIG, UE_CONFIG, USER_PROFILE};
use csc_xcap::{Collection, Document, Place};
use csc_xcap_server::{Change, Judge, Library, Refusal, RootUrl, Snapshot, Stored, Written};

use crate::domain::{Folder, capabilities, directory};
use crate::records::{self, SHELF};

/// The documents of users, terminals and organisations, and the generated ones.
pub(crate) struct CmsLibrary {
    records: Records,
    entropy: Arc<dyn Entropy>,
    url: RootUrl,
}

impl CmsLibrary {
    pub(crate) fn new(records: Records, entropy: Arc<dyn Entropy>, url: RootUrl) -> Self {
        Self { records, entropy, url }
    }

    async fn stored(&self, document: &Document) -> Result<Snapshot, StoreError> {
        let found = self.records.store().get(document.partition(), &records::keys(document)).await?;
        snapshot(document, &found)
    }

    /// The service configuration of `user`'s organisation: the global document under another name.
    async fn service_config_of(&self, user: &McpttId) -> Result<Snapshot, StoreError> {
        let Some(organisation) = records::organisation(&self.records, user).await? else {
            return Ok(Snapshot::default());
        };
        let global = Document { usage: &SERVICE_CONFIG, place: Place::Organisation(organisation) };
        self.stored(&global).await
    }

    async fn directory_of(&self, user: &McpttId, root: Option<&Root>) -> Result<Stored, StoreError> {
        let mut folders = Vec::new();
        for usage in [&UE_CONFIG, &USER_PROFILE, &SERVICE_CONFIG, &GROUPS] {
            let collection = Collection { usage, user: user.clone() };
            let mut entries = records::listed(self.records.store(), &collection).await?;
            if usage == &SERVICE_CONFIG {
                let view = Document { usage, place: Place::ServiceConfigView(user.clone()) };
                let current = self.service_config_of(user).await?.current;
                entries.extend(current.map(|stored| (view.path(), stored.etag)));
            }
            folders.push(Folder { usage, entries, counted: usage == &GROUPS });
        }
        Ok(directory(&self.url, root.map_or("", |root| &root.prefix), &folders))
    }
}

#[async_trait]
impl Library for CmsLibrary {
    type Digest = ();

    fn digest(&self, _: &Document, _: &csc_xml::Document<'_>) -> Result<(), Conflict> {
        Ok(())
    }

    async fn look(&self, document: &Document, _: &Caller) -> Result<Snapshot, StoreError> {
        match &document.place {
            Place::ServiceConfigView(user) => self.service_config_of(user).await,
            Place::Directory(user) => {
                let organisation = records::organisation(&self.records, user).await?;
                Ok(Snapshot { organisation, ..Snapshot::default() })
            }
            Place::Capabilities | Place::Group(_) | Place::GroupView { .. } => Ok(Snapshot::default()),
            Place::User { .. } | Place::Ue(_) | Place::Organisation(_) => self.stored(document).await,
        }
    }

    async fn generate(&self, document: &Document, root: Option<&Root>) -> Result<Option<Stored>, StoreError> {
        match &document.place {
            Place::Directory(user) => self.directory_of(user, root).await.map(Some),
            Place::Capabilities => Ok(Some(capabilities())),
            _ => Ok(None),
        }
    }

    async fn put(&self, change: Change<'_, ()>, judge: Judge<'_>) -> Result<Written, Refusal> {
        let Change { document, content, organisation, .. } = change;
        let path = document.path();
        let updated = self
            .records
            .update(document.partition(), &records::keys(document), |found| {
                let snapshot = snapshot(document, found)?;
                judge(&snapshot)?;
                let random = self.entropy.next_u64();
                let belongs_to = snapshot.organisation.as_ref().unwrap_or(&organisation);
                let written = Commit::nothing((snapshot.current.is_none(), random));
                Ok(SHELF.put(written, &path, belongs_to, random, content.clone()))
            })
            .await
            .map_err(Refusal::from)?;
        let (created, random) = updated.outcome;
        let revision = updated.revision.unwrap_or(Revision::ABSENT);
        Ok(Written { created, etag: Etag::of(revision, random) })
    }

    async fn delete(&self, document: &Document, _: &Caller, judge: Judge<'_>) -> Result<(), Refusal> {
        let path = document.path();
        self.records
            .update(document.partition(), &records::keys(document), |found| {
                let snapshot = snapshot(document, found)?;
                judge(&snapshot)?;
                Ok(match &snapshot.organisation {
                    Some(organisation) => SHELF.delete(Commit::nothing(()), &path, organisation),
                    None => Commit::nothing(()),
                })
            })
            .await
            .map_err(Refusal::from)?;
        Ok(())
    }
}

fn snapshot(document: &Document, found: &[csc_store::Record]) -> Result<Snapshot, StoreError> {
    let (shelved, organisation) = records::read(document, found)?;
    let organisation = match &document.place {
        Place::Organisation(organisation) => Some(organisation.clone()),
        _ => organisation,
    };
    Ok(Snapshot { organisation, current: shelved.map(|(stored, _)| stored), ..Snapshot::default() })
}
