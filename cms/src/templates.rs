//! The templates of organisations, taken apart once for as long as they stay what they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use csc_store::{Records, StoreError, shared};
use csc_types::{McpttId, OrgId, Partition, Revision};
use csc_xcap::usage::{UE_INIT_CONFIG, Usage};
use csc_xcap::{Document, Names, Place};
use csc_xcap_server::aside;
use csc_xml::Limits;

use crate::domain::{Template, Terminal};
use crate::records::SHELF;

/// Templates of one organisation. All of them are looked at when a terminal asks.
pub(crate) const MOST_TEMPLATES: usize = 64;
/// Octets of templates that are kept taken apart.
const KEPT: usize = 64 << 20;
/// What one costs beside its octets.
const OVERHEAD: usize = 1 << 10;

/// The templates of the installation.
pub(crate) struct Templates {
    records: Records,
    names: Names,
    limits: Limits,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By their canonical paths, with the revision they were read at.
    templates: HashMap<String, (Revision, Arc<Template>)>,
    /// At most [`KEPT`].
    octets: usize,
}

impl Templates {
    pub(crate) fn new(records: Records, names: Names, limits: Limits) -> Self {
        Self { records, names, limits, kept: Mutex::default() }
    }

    /// What `terminal` gets from `organisation`; `None` if no template is for it. Of templates that fit equally well, the
    /// first one by name counts.
    pub(crate) async fn copy_for(
        &self,
        terminal: &Terminal,
        organisation: &OrgId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let templates = self.of(organisation).await?;
        let fitting = templates.iter().rev().filter_map(|one| Some((one.fit(terminal)?, one)));
        Ok(fitting.max_by_key(|(fit, _)| *fit).map(|(_, template)| template.copy_for(terminal)))
    }

    /// Whether a template of `organisation` names the profile `index` of `user` as the one to begin with.
    pub(crate) async fn name_profile(
        &self,
        organisation: &OrgId,
        user: &McpttId,
        index: u8,
    ) -> Result<bool, StoreError> {
        let templates = self.of(organisation).await?;
        let named = |one: &Template| {
            one.default_profile.as_ref().is_some_and(|(who, which)| who == user && *which == index)
        };
        Ok(templates.iter().any(|template| named(template)))
    }

    /// The templates of an organisation, in the order of their names.
    async fn of(&self, organisation: &OrgId) -> Result<Vec<Arc<Template>>, StoreError> {
        let partition = Partition::of(organisation.as_str());
        let prefix = prefix_of(&UE_INIT_CONFIG, organisation);
        let listed = shared::index_scan(self.records.store(), partition, &prefix, None, MOST_TEMPLATES);
        let mut templates = Vec::new();
        for (path, _, version) in listed.await? {
            match self.kept(&path, version) {
                Some(template) => templates.push(template),
                // One that was deleted meanwhile is none any more.
                None => templates.extend(self.read(partition, path).await?),
            }
        }
        Ok(templates)
    }

    fn kept(&self, path: &str, version: Revision) -> Option<Arc<Template>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.templates
            .get(path)
            .filter(|(read_at, _)| *read_at == version)
            .map(|(_, template)| Arc::clone(template))
    }

    async fn read(&self, partition: Partition, path: String) -> Result<Option<Arc<Template>>, StoreError> {
        let [key, _] = SHELF.keys(&path);
        let record = self.records.get(partition, &key).await?;
        let Some(content) = record.value else { return Ok(None) };
        let (names, limits, octets) = (self.names.clone(), self.limits, content.len());
        let take_apart = move || {
            let document = csc_xml::parse(&content, &limits.of_stored(octets)).ok()?;
            Some(Arc::new(Template::new(content.clone(), &document, &names)))
        };
        let Some(template) = aside(octets, take_apart).await else { return Ok(None) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.octets += octets + OVERHEAD;
        if kept.octets > KEPT {
            *kept = Kept { octets: octets + OVERHEAD, ..Kept::default() };
        }
        kept.templates.insert(path, (record.version, Arc::clone(&template)));
        Ok(Some(template))
    }
}

/// What the canonical paths of the documents of `usage` begin with that belong to an organisation by their place.
pub(crate) fn prefix_of(usage: &'static Usage, organisation: &OrgId) -> String {
    let place = Place::Global { organisation: organisation.clone(), name: String::new() };
    Document { usage, place }.path()
}
