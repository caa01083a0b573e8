//! The views of one group in its members' partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use csc_proto::record::v1::IndexEntry;
use csc_store::{Change, Key, Record, StoreError};
use csc_types::{GroupId, McpttId, OrgId, Partition, Revision, Timestamp};
use csc_xcap_server::announce;
use futures::stream::{self, StreamExt};
use prost::Message;

use super::{ProjectError, Projector};
use crate::records::{decode, view, view_key};

/// Members of one commit.
pub(super) const BATCH: usize = 256;
/// Partitions that are written at the same time: enough to share the disk's syncs.
const AT_ONCE: usize = 32;
/// How long it is remembered that a view went.
const TOMBSTONE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the views of a group must say.
pub(super) struct State {
    pub(super) revision: Revision,
    pub(super) random: u64,
    pub(super) organisation: OrgId,
    pub(super) deleted: bool,
}

impl Projector {
    /// Writes the view of everybody in `concerned`: live for the `audience`, removed for the others. Returns how many
    /// were not up to date.
    pub(super) async fn write_views(
        &self,
        group: &GroupId,
        state: &State,
        concerned: &BTreeSet<McpttId>,
        audience: &BTreeSet<McpttId>,
    ) -> Result<u64, ProjectError> {
        let mut by_partition: BTreeMap<Partition, Vec<&McpttId>> = BTreeMap::new();
        for member in concerned {
            by_partition.entry(Partition::of(member.as_str())).or_default().push(member);
        }
        let mut batches = Vec::new();
        for (partition, members) in &by_partition {
            for batch in members.chunks(BATCH) {
                batches.push(self.write_batch(*partition, group, state, batch, audience));
            }
        }
        let mut writing = stream::iter(batches).buffer_unordered(AT_ONCE);
        let mut sum = 0;
        while let Some(written) = writing.next().await {
            sum += written?;
        }
        Ok(sum)
    }

    async fn write_batch(
        &self,
        partition: Partition,
        group: &GroupId,
        state: &State,
        batch: &[&McpttId],
        audience: &BTreeSet<McpttId>,
    ) -> Result<u64, ProjectError> {
        let keys: Vec<Key> = batch.iter().map(|member| view_key(member, group)).collect();
        let until = self.clock.now().plus(TOMBSTONE);
        let updated = self.records.update(partition, &keys, |found| {
            let mut change = Change::nothing(0);
            for (member, record) in batch.iter().zip(found) {
                if seen(record)? >= state.revision {
                    continue;
                }
                change = write_view(change, member, group, state, audience.contains(*member), until);
                change.outcome += 1;
            }
            Ok::<_, StoreError>(change)
        });
        Ok(updated.await?.outcome)
    }
}

/// The revision of the group that a view shows.
fn seen(record: &Record) -> Result<Revision, StoreError> {
    let entry: Option<IndexEntry> = decode(record)?;
    Ok(Revision::new(entry.map_or(0, |entry| entry.group_revision)))
}

fn write_view(
    change: Change<u64>,
    member: &McpttId,
    group: &GroupId,
    state: &State,
    live: bool,
    until: Timestamp,
) -> Change<u64> {
    let entry = IndexEntry {
        random: state.random,
        group_revision: state.revision.number(),
        organisation: state.organisation.to_string(),
        removed: !live,
    };
    let (key, value) = (view_key(member, group), entry.encode_to_vec());
    let change = if live { change.put(key, value) } else { change.put_until(key, value, until) };
    change.log(announce(&view(member, group).path(), &state.organisation))
}
