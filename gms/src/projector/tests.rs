//! What happens when the projector is cut off, comes late, or loses its role.

mod accounts;
mod fair;
mod regroup;
mod replicas;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use csc_proto::record::v1::IndexEntry;
use csc_store::owner::{Fence, Shift};
use csc_store::testing::Between;
use csc_store::{Commit, CommitError, Embedded, Store, shared};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Caller, Entropy, GroupId, McpttId, Partition, Revision, Roles, User};
use csc_xcap::Names;
use csc_xcap_server::{Action, Author, Change, Decide, Library, New, Refusal, Snapshot};
use csc_xml::Limits;

use super::*;
use crate::domain::Members;
use crate::library::{Digest, GroupLibrary};
use crate::records::{
    canonical, group_key, group_keys, partition, projected_key, reach_key, read_group, regrouped_key,
    view_path,
};

/// Refuses every commit after `left` of them, as if the process had died there.
struct Dying {
    inner: Arc<Embedded>,
    left: AtomicUsize,
}

#[async_trait]
impl Between for Dying {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        let alive = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match alive {
            Ok(_) => self.inner.commit(partition, commit).await,
            Err(_) => Err(StoreError::Unavailable("dead".to_owned()).into()),
        }
    }
}

struct World {
    store: Arc<Embedded>,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    library: GroupLibrary,
    group: GroupId,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Arc::new(Embedded::in_memory(clock.clone(), &*entropy).unwrap());
        let records = Records::new(store.clone(), entropy.clone());
        let library = GroupLibrary::new(records, entropy.clone(), Names::of("fire".parse().unwrap()), 100);
        Self { store, clock, entropy, library, group: "tel:+9".parse().unwrap() }
    }

    fn projector_on(&self, store: Arc<dyn Store>) -> Projector {
        self.replica_on(store, Replicas::Alone).0
    }

    fn replica_on(&self, store: Arc<dyn Store>, replicas: Replicas) -> (Projector, Ownership) {
        let records = Records::new(store, self.entropy.clone());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let name = format!("{:016x}", self.entropy.next_u64());
        let editor = Editor::new(
            &records,
            self.entropy.clone(),
            clock.clone(),
            Names::of("fire".parse().unwrap()),
            Limits::DEFAULT,
            16,
        );
        Projector::new(&records, clock, &Metrics::new(), editor, name, replicas)
    }

    fn projector(&self) -> Projector {
        self.projector_on(self.store.clone())
    }

    async fn fence(&self) -> Fence {
        self.fences().await.remove(&partition(&self.group)).unwrap()
    }

    /// The role for every partition.
    async fn fences(&self) -> BTreeMap<Partition, Fence> {
        let (_, owner) = self.replica_on(self.store.clone(), Replicas::Alone);
        let (shifts, mut told) = mpsc::channel(1);
        let gained = async {
            let mut fences = BTreeMap::new();
            while fences.len() < usize::from(PARTITIONS) {
                if let Shift::Gained(at, fence) = told.recv().await.unwrap() {
                    fences.insert(at, fence);
                }
            }
            fences
        };
        tokio::select! {
            () = owner.run(shifts, std::future::pending()) => unreachable!("nobody stops it"),
            fences = gained => fences,
        }
    }

    fn caller() -> Caller {
        Caller::User(User {
            id: "tel:+0".parse().unwrap(),
            org: "fire".parse().unwrap(),
            roles: [csc_types::Role::Dispatcher].into_iter().collect::<Roles>(),
            ue_ids: Vec::new(),
        })
    }

    async fn put(&self, members: impl IntoIterator<Item = usize>) {
        self.put_as(&self.group, &document(&self.group, members, "")).await.unwrap();
    }

    /// Stores `content` as `group`, with everything that it says.
    async fn put_as(&self, group: &GroupId, content: &str) -> Result<(), Refusal> {
        let parsed = csc_xml::parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        let digest = self.library.digest(&canonical(group), &parsed).unwrap();
        let new = Stored(New { content: content.to_owned().into(), digest, created: false, dry_run: false });
        self.changing(group, Action::Stored, async |change| self.library.put(change, &new).await.map(|_| ()))
            .await
    }

    async fn delete(&self) {
        self.delete_group(&self.group).await.unwrap();
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), Refusal> {
        self.changing(group, Action::Deleted, async |change| {
            self.library.delete(change, &|_: &Snapshot| Ok(())).await
        })
        .await
    }

    async fn changing(
        &self,
        group: &GroupId,
        action: Action,
        change: impl AsyncFnOnce(Change<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let author = Author { name: "tel:+0".to_owned(), at: self.clock.now(), action, keep: 16 };
        change(Change {
            document: &canonical(group),
            caller: &Self::caller(),
            author: &author,
            organisation: &"fire".parse().unwrap(),
            creator: None,
        })
        .await
    }

    /// The group's document now.
    async fn content(&self, group: &GroupId) -> String {
        let found = self.store.get(partition(group), &group_keys(group)).await.unwrap();
        let group = read_group(&found).unwrap().unwrap();
        String::from_utf8(group.stored.content.to_vec()).unwrap()
    }

    async fn settle(&self) {
        self.settle_on(self.store.clone()).await.unwrap();
    }

    /// Does whatever is unfinished anywhere, as whoever gains all partitions would, until nothing is.
    async fn settle_on(&self, store: Arc<dyn Store>) -> Result<(), ProjectError> {
        let fences = self.fences().await;
        let projector = self.projector_on(store);
        loop {
            let mut done = true;
            for (partition, fence) in &fences {
                for due in projector.unfinished(*partition).await? {
                    done = false;
                    match projector.settle(&due, fence).await {
                        Err(ProjectError::Unfinished) => {}
                        settled => settled?,
                    }
                }
            }
            if done {
                return Ok(());
            }
        }
    }

    async fn entry(&self, number: usize) -> Option<IndexEntry> {
        self.entry_of(&self.group, number).await
    }

    async fn entry_of(&self, group: &GroupId, number: usize) -> Option<IndexEntry> {
        let member = member(number);
        let path = view_path(member.as_str(), group);
        let entry = shared::index_entry(&*self.store, Partition::of(member.as_str()), &path).await.unwrap();
        entry.map(|(entry, _)| entry)
    }

    /// The group's present revision.
    async fn revision(&self) -> Revision {
        let record = self.store.get(partition(&self.group), &[group_key(&self.group)]).await.unwrap();
        record[0].version
    }

    /// Exactly `members`, of the first `all`, see the group at its present revision.
    async fn assert_seen_by(&self, all: usize, members: impl Fn(usize) -> bool) {
        self.assert_group_seen_by(&self.group, all, members).await;
    }

    async fn assert_group_seen_by(&self, group: &GroupId, all: usize, members: impl Fn(usize) -> bool) {
        let record = self.store.get(partition(group), &[group_key(group)]).await.unwrap().remove(0);
        for number in 0..all {
            let live = self.entry_of(group, number).await.filter(|entry| !entry.removed);
            assert_eq!(live.is_some(), members(number), "{number}");
            if let Some(entry) = live {
                assert_eq!(entry.group_revision, record.version.number(), "{number}");
            }
        }
    }
}

/// A document as `decide` would have made it.
struct Stored(New<Digest>);

#[async_trait]
impl Decide<Digest> for Stored {
    async fn decide(&self, _: &Snapshot) -> Result<New<Digest>, Refusal> {
        Ok(self.0.clone())
    }
}

/// The document of `group` with these members; `more` comes behind the list.
fn document(group: &GroupId, members: impl IntoIterator<Item = usize>, more: &str) -> String {
    let entries: String =
        members.into_iter().map(|number| format!("<entry uri='{}'/>", member(number))).collect();
    format!(
        "<group xmlns='urn:oma:xml:poc:list-service'><list-service uri='{group}'><list>{entries}</list>{more}\
         </list-service></group>"
    )
}

fn member(number: usize) -> McpttId {
    format!("tel:+82{number:04}").parse().unwrap()
}

#[tokio::test]
async fn cut_off_anywhere_it_goes_on() {
    const ALL: usize = 12;
    for survived in 0.. {
        let world = World::new();
        let fence = world.fence().await;
        world.put(0..6).await;
        world.projector().project(&world.group, &fence).await.unwrap();
        world.put(3..9).await;
        let dying = Arc::new(Dying { inner: world.store.clone(), left: AtomicUsize::new(survived) });
        let result = world.projector_on(dying).project(&world.group, &fence).await;
        let finished = result.is_ok();
        // Changed again before anybody went on: nobody whom the second state reached may be left behind.
        world.put(6..ALL).await;
        let unfinished = group::unfinished(&*world.store, partition(&world.group)).await.unwrap();
        assert_eq!(unfinished, std::slice::from_ref(&world.group));
        world.projector().project(&world.group, &fence).await.unwrap();
        world.assert_seen_by(ALL, |number| number >= 6).await;
        assert_eq!(group::unfinished(&*world.store, partition(&world.group)).await.unwrap(), []);
        if finished {
            assert!(survived > 3, "the second projection takes several commits");
            return;
        }
    }
}

#[tokio::test]
async fn cut_off_while_deleting() {
    for survived in 0.. {
        let world = World::new();
        let fence = world.fence().await;
        world.put(0..6).await;
        world.projector().project(&world.group, &fence).await.unwrap();
        world.delete().await;
        let dying = Arc::new(Dying { inner: world.store.clone(), left: AtomicUsize::new(survived) });
        let finished = world.projector_on(dying).project(&world.group, &fence).await.is_ok();
        world.projector().project(&world.group, &fence).await.unwrap();
        world.assert_seen_by(6, |_| false).await;
        let group = &world.group;
        let keys = [group_key(group), projected_key(group), reach_key(group), regrouped_key(group)];
        for record in world.store.get(partition(&world.group), &keys).await.unwrap() {
            assert_eq!(record.value, None, "nothing dangles");
        }
        if finished {
            return;
        }
    }
}

#[tokio::test]
async fn a_tombstone_stays_for_a_day() {
    let world = World::new();
    let fence = world.fence().await;
    world.put(0..2).await;
    world.projector().project(&world.group, &fence).await.unwrap();
    world.put(1..2).await;
    world.projector().project(&world.group, &fence).await.unwrap();
    assert!(world.entry(0).await.is_some_and(|entry| entry.removed));
    // Who has gone is not looked at in every turn from now on.
    let reach = world.store.get(partition(&world.group), &[reach_key(&world.group)]).await.unwrap();
    assert_eq!(reach[0].value.as_deref(), Some(format!("{}\n", member(1)).as_bytes()));
    world.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert!(world.entry(0).await.is_some_and(|entry| entry.removed));
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.entry(0).await, None);
    assert!(world.entry(1).await.is_some());
    // Back among the members, the view stays for good.
    world.put(0..2).await;
    world.projector().project(&world.group, &fence).await.unwrap();
    world.clock.advance(Duration::from_secs(48 * 60 * 60));
    world.assert_seen_by(2, |_| true).await;
}

#[tokio::test]
async fn an_older_state_never_replaces_a_newer_one() {
    let world = World::new();
    let fence = world.fence().await;
    world.put(0..2).await;
    let organisation = "fire".parse().unwrap();
    let revision = world.revision().await;
    let old = views::State { revision, named: revision, random: 1, organisation };
    world.put(1..2).await;
    world.projector().project(&world.group, &fence).await.unwrap();
    let newer = world.entry(1).await;
    // A projector that still believes in the first state writes what it believes.
    let believed: Members = [member(1)].iter().collect();
    let projector = world.projector();
    projector.write_views(&world.group, &old, &believed, &believed).await.unwrap();
    assert_eq!((projector.metrics.views.get(), world.entry(1).await), (0, newer));
}

#[tokio::test]
async fn who_lost_the_role_stops() {
    let world = World::new();
    let stale = world.fence().await;
    world.put(0..2).await;
    let fresh = world.fence().await;
    let refused = world.projector().project(&world.group, &stale).await;
    assert!(matches!(refused, Err(ProjectError::Fenced)), "{refused:?}");
    world.projector().project(&world.group, &fresh).await.unwrap();
    world.assert_seen_by(2, |_| true).await;
}

#[tokio::test]
async fn nothing_to_do_writes_nothing() {
    let world = World::new();
    let fence = world.fence().await;
    world.put(0..2).await;
    world.projector().project(&world.group, &fence).await.unwrap();
    let dead = Arc::new(Dying { inner: world.store.clone(), left: AtomicUsize::new(0) });
    world.projector_on(dead).project(&world.group, &fence).await.unwrap();
    let unknown: GroupId = "tel:+99".parse().unwrap();
    world.projector().project(&unknown, &fence).await.unwrap();
}
