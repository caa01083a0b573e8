//! The documents of this service.

mod change;

use std::sync::Arc;

use async_trait::async_trait;
use csc_store::{Records, StoreError};
use csc_types::{Caller, Entropy, McpttId};
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;
use csc_xcap::usage::{
    CAPABILITIES, DIRECTORY, GROUPS, RLS_SERVICES, SERVICE_CONFIG, USER_PROFILE, Usage, rls_services,
    user_profile,
};
use csc_xcap::{Collection, Document, Names, Place};
use csc_xcap_server::{Change, Decide, Judge, Library, Refusal, Revised, RootUrl, Snapshot, Stored, Written};
use futures::future::try_join_all;

use crate::claims::Claims;
use crate::domain::{Folder, Terminal, UserDatabase, capabilities, directory, generated};
use crate::records::{self, SHELF};
use crate::templates::Templates;

/// The documents of users, terminals and organisations, and the generated ones.
pub(crate) struct CmsLibrary {
    pub(crate) records: Records,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) url: RootUrl,
    pub(crate) names: Names,
    /// Those of the installation, groups included.
    pub(crate) usages: Vec<&'static Usage>,
    /// Setting: a default profile that a template names is for everybody.
    pub(crate) open_profiles: bool,
    /// Documents of one usage that a user may keep.
    pub(crate) documents_per_user: usize,
    pub(crate) templates: Templates,
    pub(crate) claims: Claims,
    pub(crate) user_database: Arc<dyn UserDatabase>,
}

/// What of a document concerns others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    /// URIs of services, which are unique over the installation.
    services: Vec<String>,
    /// It says that it is the profile to begin with.
    preselected: bool,
}

impl CmsLibrary {
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

    async fn folder(&self, usage: &'static Usage, user: &McpttId) -> Result<Folder, StoreError> {
        let collection = Collection { usage, user: user.clone() };
        let mut entries = records::listed(self.records.store(), &collection).await?;
        if usage == &SERVICE_CONFIG {
            let view = Document { usage, place: Place::ServiceConfigView(user.clone()) };
            let current = self.service_config_of(user).await?.current;
            entries.extend(current.map(|stored| (view.path(), stored.etag)));
        }
        Ok(Folder { usage, entries, counted: usage == &GROUPS })
    }

    async fn directory_of(&self, user: &McpttId, root: Option<&Root>) -> Result<Stored, StoreError> {
        let listed = self.usages.iter().filter(|usage| ![&DIRECTORY, &CAPABILITIES].contains(*usage));
        let folders = try_join_all(listed.map(|usage| self.folder(usage, user))).await?;
        Ok(directory(&self.url, root.map_or("", |root| &root.prefix), &folders))
    }

    /// Whether everybody may read a profile: a template of the user's organisation names it as the one to begin with.
    async fn is_open_profile(&self, document: &Document, snapshot: &Snapshot) -> Result<bool, StoreError> {
        let (true, Some(organisation)) = (self.open_profiles, &snapshot.organisation) else {
            return Ok(false);
        };
        match &document.place {
            Place::User { user, name } if document.usage == &USER_PROFILE => {
                let Some(index) = user_profile::index_of(name) else { return Ok(false) };
                self.templates.name_profile(organisation, user, index).await
            }
            _ => Ok(false),
        }
    }
}

#[async_trait]
impl Library for CmsLibrary {
    type Digest = Digest;

    fn digest(&self, document: &Document, content: &csc_xml::Document<'_>) -> Result<Digest, Conflict> {
        let root = content.root_element();
        let mut digest = Digest::default();
        if document.usage == &RLS_SERVICES {
            digest.services = rls_services::services(document, root, &self.names)?;
        }
        digest.preselected = document.usage == &USER_PROFILE && user_profile::is_preselected(root);
        Ok(digest)
    }

    async fn look(&self, document: &Document, _: &Caller) -> Result<Snapshot, StoreError> {
        match &document.place {
            Place::ServiceConfigView(user) => self.service_config_of(user).await,
            Place::Directory(user) => {
                let organisation = records::organisation(&self.records, user).await?;
                Ok(Snapshot { organisation, ..Snapshot::default() })
            }
            Place::InitialConfig { organisation, .. } => {
                Ok(Snapshot { organisation: Some(organisation.clone()), ..Snapshot::default() })
            }
            Place::Capabilities | Place::Group(_) | Place::GroupView { .. } => Ok(Snapshot::default()),
            Place::User { .. } | Place::Ue(_) | Place::Organisation(_) | Place::Global { .. } => {
                let snapshot = self.stored(document).await?;
                let open_profile = self.is_open_profile(document, &snapshot).await?;
                Ok(Snapshot { open_profile, ..snapshot })
            }
        }
    }

    async fn generate(&self, document: &Document, root: Option<&Root>) -> Result<Option<Stored>, StoreError> {
        match &document.place {
            Place::Directory(user) => self.directory_of(user, root).await.map(Some),
            Place::Capabilities => Ok(Some(capabilities(&self.usages))),
            Place::InitialConfig { ue, organisation } => {
                let terminal = Terminal::new(ue.clone());
                let copy = self.templates.copy_for(&terminal, organisation).await?;
                Ok(copy.map(|copy| generated(copy.into())))
            }
            _ => Ok(None),
        }
    }

    async fn put(&self, change: Change<'_>, decide: &dyn Decide<Digest>) -> Result<Written, Refusal> {
        self.store(change, decide).await
    }

    async fn delete(&self, change: Change<'_>, judge: Judge<'_>) -> Result<(), Refusal> {
        self.remove(change, judge).await
    }

    async fn history(&self, document: &Document) -> Result<Vec<Revised>, StoreError> {
        let key = SHELF.history_key(&document.path());
        SHELF.history(&self.records.get(document.partition(), &key).await?)
    }
}

fn snapshot(document: &Document, found: &[csc_store::Record]) -> Result<Snapshot, StoreError> {
    let (shelved, organisation) = records::read(document, found)?;
    Ok(Snapshot { organisation, current: shelved.map(|(stored, _)| stored), ..Snapshot::default() })
}
