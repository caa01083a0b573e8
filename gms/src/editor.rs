//! Changes of groups that the server makes by itself, each one commit like a PUT: document, index entry, member set,
//! history and log entry.

use std::sync::Arc;

use csc_store::{Change as Commit, Record, Records, StoreError, UpdateError};
use csc_types::{Clock, Entropy, GroupId};
use csc_xcap::Names;
use csc_xcap_server::{Action, Author, Entry, Volume, aside};
use csc_xml::Limits;

use crate::domain::Edit;
use crate::records::{
    Group, SHELF, canonical, changed, damaged, has_left, named, partition, read_group, with_history,
    write_group,
};

/// Who the history says it was.
const NAME: &str = "gms";

/// Changes groups. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Editor {
    records: Records,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    names: Names,
    limits: Limits,
    /// Revisions that a history keeps.
    history: usize,
}

impl Editor {
    /// Changes the groups of `records`: of what is settled, since it acts on what it reads.
    pub(crate) fn new(
        records: &Records,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
        names: Names,
        limits: Limits,
        history: usize,
    ) -> Self {
        Self { records: records.settled(), entropy, clock, names, limits, history }
    }

    /// Makes the change, if there is such a group and it does not show it already. Returns whether it was made. It may be
    /// repeated.
    pub(crate) async fn edit(&self, group: &GroupId, edit: &Edit) -> Result<bool, StoreError> {
        let path = canonical(group).path();
        let updated = self
            .records
            .update_async(partition(group), &changed(group, &path), |found| {
                let path = &path;
                async move { self.decide(group, path, &found, edit).await }
            })
            .await;
        match updated {
            Ok(updated) => Ok(updated.outcome),
            Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => Err(error),
            Err(UpdateError::Stale | UpdateError::Contended) => {
                Err(StoreError::Unavailable("others keep changing the same group".to_owned()))
            }
        }
    }

    async fn decide(
        &self,
        group: &GroupId,
        path: &str,
        found: &[Record],
        edit: &Edit,
    ) -> Result<Commit<bool>, StoreError> {
        let (found, history) = with_history(found)?;
        let unchanged = Commit::nothing(false);
        let Some(mut state) = read_group(found)? else { return Ok(unchanged) };
        if let Edit::Remove(user) = edit
            && !has_left(self.records.store(), user, named(found)).await?
        {
            return Ok(unchanged);
        }
        let before = state.members.clone();
        if !changes(&mut state, edit) {
            return Ok(unchanged);
        }
        let Some(content) = self.splice(&state, edit).await? else { return Ok(unchanged) };
        let author =
            Author { name: NAME.to_owned(), at: self.clock.now(), action: action(edit), keep: self.history };
        let entry = Entry { path, organisation: &state.organisation, author: &author, history };
        let random = self.entropy.next_u64();
        let change =
            write_group(Commit::nothing(true), group, &state.record(), &state.members, Some(&before));
        SHELF.put(change, &entry, Volume { random, content: content.into() })
    }

    /// The new octets of the group's document; `None`: it shows the change already.
    async fn splice(&self, group: &Group, edit: &Edit) -> Result<Option<String>, StoreError> {
        let (content, edit) = (group.stored.content.clone(), edit.clone());
        let names = self.names.clone();
        // It was within the limits when it was put; we may have added to it since.
        let limits = self.limits.of_stored(content.len());
        aside(content.len(), move || {
            let document =
                csc_xml::parse(&content, &limits).map_err(|refused| damaged(&refused.to_string()))?;
            // Of a creator there is nothing in the document.
            let unlisted = || matches!(edit, Edit::Remove(_)).then(|| document.input_text().to_owned());
            let edited = edit.apply(&document, &names).or_else(unlisted);
            // Nobody could read or mend the group any more if it were no document.
            if let Some(edited) = &edited {
                let limits = limits.of_stored(edited.len());
                csc_xml::parse(edited.as_bytes(), &limits)
                    .map_err(|refused| damaged(&refused.to_string()))?;
            }
            Ok(edited)
        })
        .await
    }
}

/// What becomes of the group beside its document; `false`: nothing, and so nothing of the document.
fn changes(group: &mut Group, edit: &Edit) -> bool {
    match edit {
        Edit::Remove(user) => {
            let listed = group.members.contains(user);
            if listed {
                group.members = group.members.without(user);
            }
            let created = group.creator.take_if(|creator| *creator == *user).is_some();
            listed || created
        }
        Edit::Regroup { organisation, .. } if group.organisation != *organisation => false,
        Edit::Regroup { into, again, .. } => {
            let free = group.regrouped_into.is_none() && group.constituents.is_empty();
            if free {
                group.regrouped_into = Some(into.clone());
            }
            free || *again && group.regrouped_into.as_ref() == Some(into)
        }
        Edit::Release(into) => group.regrouped_into.take_if(|named| *named == *into).is_some(),
        Edit::Renew => !group.constituents.is_empty(),
    }
}

fn action(edit: &Edit) -> Action {
    match edit {
        Edit::Remove(_) | Edit::Release(_) => Action::NodeDeleted,
        Edit::Regroup { .. } => Action::NodeStored,
        Edit::Renew => Action::Stored,
    }
}
