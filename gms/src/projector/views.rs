//! The views of one group in its members' partitions.

use std::collections::BTreeMap;
use std::future;
use std::task::Poll;
use std::time::Duration;

use csc_proto::record::v1::IndexEntry;
use csc_store::{Change, Key, Record, StoreError, shared};
use csc_types::{GroupId, McpttId, OrgId, Partition, Revision, Timestamp};
use csc_xcap_server::{announce, aside};
use futures::stream::{self, StreamExt};
use prost::Message;

use super::{ProjectError, Projector};
use crate::domain::Members;
use crate::records::{decode, view_path};

/// Members of one commit.
pub(super) const BATCH: usize = 256;
/// Partitions that are written at the same time: enough to share the disk's syncs.
const AT_ONCE: usize = 32;
/// How long it is remembered that a view went.
pub(super) const TOMBSTONE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the views of a group must say.
#[derive(Debug)]
pub(super) struct State {
    pub(super) revision: Revision,
    /// The revision that last changed the members of the list.
    pub(super) named: Revision,
    pub(super) random: u64,
    pub(super) organisation: OrgId,
}

/// Members of one partition, written by one commit.
#[derive(Debug)]
struct Batch {
    partition: Partition,
    views: Vec<View>,
}

/// A view that is to be written.
#[derive(Debug)]
struct View {
    member: String,
    path: String,
    live: bool,
}

impl Projector {
    /// Writes the view of everybody in `concerned`: live for the `audience`, removed for the others. Whatever becomes of some
    /// of them, such as those in a partition that does not answer, the others see the group.
    pub(super) async fn write_views(
        &self,
        group: &GroupId,
        state: &State,
        concerned: &Members,
        audience: &Members,
    ) -> Result<(), ProjectError> {
        let batches = {
            let (group, concerned, audience) = (group.clone(), concerned.clone(), audience.clone());
            // Large groups take milliseconds to sort, and others wait for this thread.
            aside(concerned.octets().len(), move || batches(&group, &concerned, &audience)).await
        };
        let mut writes = Vec::new();
        for batch in &batches {
            writes.push(self.write_batch(group, state, batch));
        }
        let mut writing = stream::iter(writes).buffer_unordered(AT_ONCE);
        let mut all = Ok(());
        while let Some(written) = writing.next().await {
            all = all.and(written);
        }
        all
    }

    async fn write_batch(&self, group: &GroupId, state: &State, batch: &Batch) -> Result<(), ProjectError> {
        let keys: Vec<Key> = batch.views.iter().map(|view| shared::index_key(&view.path)).collect();
        let until = self.clock.now().plus(TOMBSTONE);
        let updated = self.records.update_async(batch.partition, &keys, async |found| {
            let change = batch.write(&found, state, until)?;
            give_way().await;
            Ok::<_, StoreError>(change)
        });
        self.metrics.views.inc_by(updated.await?.outcome);
        let live = |user: &McpttId| batch.views.iter().any(|view| view.live && view.member == user.as_str());
        self.turn_away(batch.partition, group, state.named, live).await
    }
}

impl Batch {
    /// What its views need, which are stored as `found`, to show `state`; and how many were not up to date.
    fn write(&self, found: &[Record], state: &State, until: Timestamp) -> Result<Change<u64>, StoreError> {
        let mut change = Change::nothing(0);
        for (view, record) in self.views.iter().zip(found) {
            let before: Option<IndexEntry> = decode(record)?;
            let seen = before.map_or(0, |entry| entry.group_revision);
            if seen >= state.revision.number() {
                continue;
            }
            change = write_view(change, view, state, until);
            change.outcome += 1;
        }
        Ok(change)
    }
}

/// Lets the other tasks of this thread go first. All batches are written by one task; what a commit of many answers at
/// once would keep requests waiting for milliseconds. It wakes its task at once, unlike [`tokio::task::yield_now`]: that
/// is how [`buffer_unordered`](StreamExt::buffer_unordered) knows that it is time to pause.
async fn give_way() {
    let mut gone_first = false;
    future::poll_fn(|context| {
        if std::mem::replace(&mut gone_first, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn batches(group: &GroupId, concerned: &Members, audience: &Members) -> Vec<Batch> {
    let mut by_partition: BTreeMap<Partition, Vec<View>> = BTreeMap::new();
    for (member, live) in concerned.beside(audience) {
        let path = view_path(member, group);
        let view = View { member: member.to_owned(), path, live };
        by_partition.entry(Partition::of(member)).or_default().push(view);
    }
    let mut batches = Vec::new();
    for (partition, mut views) in by_partition {
        while !views.is_empty() {
            let rest = views.split_off(views.len().min(BATCH));
            batches.push(Batch { partition, views });
            views = rest;
        }
    }
    batches
}

fn write_view(change: Change<u64>, view: &View, state: &State, until: Timestamp) -> Change<u64> {
    let entry = IndexEntry {
        random: state.random,
        group_revision: state.revision.number(),
        organisation: state.organisation.to_string(),
        removed: !view.live,
    };
    let (key, value) = (shared::index_key(&view.path), entry.encode_to_vec());
    let change = if view.live { change.put(key, value) } else { change.put_until(key, value, until) };
    change.log(announce(&view.path, &state.organisation))
}
