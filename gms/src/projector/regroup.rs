//! Temporary groups (TS 24.481 6.3.14, 6.3.15): groups that are regrouped into one for a while, until its document is
//! deleted.
//!
//! The document of a temporary group names its constituents (`on-network-temporary`); that of each constituent says into
//! which group it is regrouped (`on-network-regrouped`), and this is what makes the members of the constituent see the
//! temporary group, too. Whoever forms a group writes the first; the server the second, as an ordinary change by
//! splicing, in the constituent's own partition. So
//!
//! 1. `gms.regrouped` of the temporary group grows by its constituents, before any of them is told;
//! 2. constituents are told, those that are none any more are released; only then are their members read. When others
//!    become constituents, or the user is gone who made the group, those that were told already are told again;
//! 3. a constituent whose members changed afterwards renews the temporary group, which is then projected again.
//!
//! All of it may be repeated.

use std::collections::BTreeSet;
use std::error::Error;

use csc_store::owner::Fence;
use csc_store::{Change, Record, StoreError};
use csc_types::{GroupId, McpttId};
use prost::Message;

use super::group::Target;
use super::{ProjectError, Projector};
use crate::domain::{Edit, Members};
use crate::records::{
    GroupRecord, RegroupedRecord, group_key, members_of_constituent, parsed, partition, regrouped_key,
};

/// Who is said to have made a temporary group that was provisioned, or whose maker is gone.
const NOBODY: &str = "sip:anonymous@anonymous.invalid";

/// What a group has to do with other groups.
pub(super) struct Regrouping {
    /// Those that are regrouped into it.
    pub(super) constituents: BTreeSet<GroupId>,
    /// Those that may say so now.
    told: BTreeSet<GroupId>,
    /// The temporary group that it is regrouped into.
    into: Option<GroupId>,
    /// Who made it.
    requestor: McpttId,
    /// Whom all that are told name as such.
    named: Option<McpttId>,
    /// There is no such group any more.
    pub(super) deleted: bool,
}

impl Regrouping {
    pub(super) fn read(group: &GroupRecord, regrouped: &Record) -> Result<Self, StoreError> {
        let (told, named) = RegroupedRecord::read(regrouped)?;
        let requestor = match group.maker()? {
            Some(requestor) => requestor,
            None => parsed(NOBODY, "requestor")?,
        };
        Ok(Self {
            constituents: if group.deleted { BTreeSet::new() } else { group.regrouped()? },
            told,
            into: group.temporary()?,
            requestor,
            named,
            deleted: group.deleted,
        })
    }

    /// Whether all constituents, and nobody else, say what the temporary group says now.
    fn is_settled(&self) -> bool {
        let named = self.constituents.is_empty() || self.named.as_ref() == Some(&self.requestor);
        self.told == self.constituents && named
    }

    /// Notes that nobody but the constituents is told any more, and that they all say the same.
    pub(super) fn finish(&self, group: &GroupId, change: Change<()>) -> Change<()> {
        match (self.is_settled(), self.constituents.is_empty()) {
            (true, _) => change,
            (false, true) => change.delete(regrouped_key(group)),
            (false, false) => note(group, change, &self.constituents, Some(&self.requestor)),
        }
    }
}

fn note(
    group: &GroupId,
    change: Change<()>,
    told: &BTreeSet<GroupId>,
    requestor: Option<&McpttId>,
) -> Change<()> {
    change.put(regrouped_key(group), RegroupedRecord::of(told, requestor).encode_to_vec())
}

impl Projector {
    /// Tells the constituents of a temporary group that they are, and those that are no more.
    pub(super) async fn tell_constituents(
        &self,
        group: &GroupId,
        fence: &Fence,
        target: &Target,
    ) -> Result<(), ProjectError> {
        let Regrouping { constituents, told, requestor, .. } = &target.regrouping;
        if !constituents.is_subset(told) {
            let keys = [regrouped_key(group)];
            let noted = self.records.update(partition(group), &keys, |found| {
                let told = found.first().map(RegroupedRecord::read).transpose()?.unwrap_or_default().0;
                let widened: BTreeSet<GroupId> = constituents.union(&told).cloned().collect();
                Ok::<_, StoreError>(note(group, Change::nothing(()).check(fence.check()), &widened, None))
            });
            noted.await?;
        }
        for released in told.difference(constituents) {
            self.tell(released, &Edit::Release(group.clone())).await?;
        }
        let regroup = Edit::Regroup {
            into: group.clone(),
            organisation: target.state.organisation.clone(),
            requestor: requestor.clone(),
            constituents: constituents.clone(),
            again: !target.regrouping.is_settled(),
        };
        for constituent in constituents {
            self.tell(constituent, &regroup).await?;
        }
        Ok(())
    }

    /// A constituent that cannot be read holds up neither the others nor the temporary group.
    async fn tell(&self, constituent: &GroupId, edit: &Edit) -> Result<(), ProjectError> {
        match self.editor.edit(constituent, edit).await {
            Err(error @ StoreError::Damaged(_)) => {
                tracing::warn!(%constituent, error = &error as &dyn Error, "constituent not told");
                Ok(())
            }
            told => Ok(told.map(|_| ())?),
        }
    }

    /// Whoever is a member of a constituent that is regrouped into `group`.
    pub(super) async fn members_of(&self, group: &GroupId, target: &Target) -> Result<Members, ProjectError> {
        let (store, organisation) = (self.records.store(), target.state.organisation.as_str());
        let mut members = Members::default();
        for constituent in &target.regrouping.constituents {
            let theirs = members_of_constituent(store, constituent, group, organisation).await?;
            members = members.union(&theirs);
        }
        Ok(members)
    }

    /// The members of a constituent changed: so does whoever sees the temporary group. `false`: there is none.
    pub(super) async fn tell_temporary_group(
        &self,
        group: &GroupId,
        regrouping: &Regrouping,
    ) -> Result<bool, ProjectError> {
        let Some(into) = &regrouping.into else { return Ok(false) };
        let record = self.records.get(partition(into), &group_key(into)).await?;
        let temporary = GroupRecord::read(&record)?;
        let ours = match temporary {
            Some(temporary) if !temporary.deleted => temporary.regrouped()?.contains(group),
            _ => false,
        };
        if ours {
            self.editor.edit(into, &Edit::Renew).await?;
        }
        Ok(ours)
    }
}
