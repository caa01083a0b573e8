//! Groups that fail, or change all the time, hold nobody up.

use super::*;

/// A store in which a group changes before each commit.
struct Restless {
    world: Arc<World>,
    changes: AtomicUsize,
    /// Its document after so many changes.
    document: fn(&GroupId, usize) -> String,
}

impl Restless {
    fn new(world: &Arc<World>, document: fn(&GroupId, usize) -> String) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), changes: AtomicUsize::new(0), document })
    }
}

#[async_trait]
impl Between for Restless {
    fn inner(&self) -> &dyn Store {
        &*self.world.store
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        let change = self.changes.fetch_add(1, Ordering::SeqCst);
        assert!(change < 1000, "others never have a turn");
        let group = &self.world.group;
        self.world.put_as(group, &(self.document)(group, change)).await.unwrap();
        self.world.store.commit(partition, commit).await
    }
}

/// Who is there from the beginning sees the group while somebody joins it all the time.
#[tokio::test]
async fn a_group_that_never_rests_is_seen_and_gives_others_a_turn() {
    let world = Arc::new(World::new());
    let fence = world.fence().await;
    world.put(0..2).await;
    let restless = Restless::new(&world, |group, change| document(group, 0..change % 5 + 3, ""));
    let projector = world.projector_on(restless.clone());
    for _ in 0..3 {
        let before = world.revision().await;
        projector.project(&world.group, &fence).await.unwrap();
        for number in 0..2 {
            assert!(world.entry(number).await.unwrap().group_revision >= before.number(), "{number}");
        }
        // What is left comes with its log entry.
        let left = group::unfinished(&*world.store, partition(&world.group)).await.unwrap();
        assert_eq!(left, std::slice::from_ref(&world.group));
    }
    world.settle().await;
    assert!(group::unfinished(&*world.store, partition(&world.group)).await.unwrap().is_empty());
    let members = (restless.changes.load(Ordering::SeqCst) - 1) % 5 + 3;
    world.assert_seen_by(8, |number| number < members).await;
}

#[tokio::test]
async fn a_temporary_group_that_never_rests_is_seen_by_its_constituents() {
    let world = Arc::new(World::new());
    let constituent: GroupId = "tel:+71".parse().unwrap();
    world.put_as(&constituent, &document(&constituent, 0..2, "")).await.unwrap();
    world.settle().await;
    let fence = world.fence().await;
    fn temporary(group: &GroupId, change: usize) -> String {
        regroup::temporary(group, &["tel:+71".parse().unwrap()])
            .replace("<list>", &format!("<display-name>{change}</display-name><list>"))
    }
    world.put_as(&world.group, &temporary(&world.group, 0)).await.unwrap();
    let restless = Restless::new(&world, temporary);
    world.projector_on(restless).project(&world.group, &fence).await.unwrap();
    for number in 0..2 {
        assert!(world.entry(number).await.is_some(), "{number}");
    }
    assert!(world.content(&constituent).await.contains("on-network-regrouped"));
    world.delete().await;
    world.settle().await;
    world.assert_seen_by(5, |_| false).await;
    assert!(!world.content(&constituent).await.contains("on-network-regrouped"));
}

/// Who joins a constituent that never rests sees the temporary group, which is told of it once.
#[tokio::test]
async fn a_constituent_that_never_rests_tells_what_is_new() {
    let world = Arc::new(World::new());
    let temporary: GroupId = "tel:+70".parse().unwrap();
    world.put(0..1).await;
    world
        .put_as(&temporary, &regroup::temporary(&temporary, std::slice::from_ref(&world.group)))
        .await
        .unwrap();
    world.settle().await;
    fn constituent(group: &GroupId, change: usize) -> String {
        let regrouped = "<i:on-network-regrouped xmlns:i='urn:3gpp:ns:mcpttGroupInfo:1.0' \
                         temporary-MCPTT-group-ID='tel:+70'/>";
        document(group, 0..2, regrouped)
            .replace("<list>", &format!("<display-name>{change}</display-name><list>"))
    }
    world.put_as(&world.group, &constituent(&world.group, 0)).await.unwrap();
    let fence = world.fence().await;
    let projector = world.projector_on(Restless::new(&world, constituent));
    let revision = async || {
        let found = world.store.get(partition(&temporary), &[group_key(&temporary)]).await.unwrap();
        found[0].version
    };
    let before = revision().await;
    projector.project(&world.group, &fence).await.unwrap();
    let told = revision().await;
    assert!(told > before);
    for _ in 0..2 {
        projector.project(&world.group, &fence).await.unwrap();
    }
    assert_eq!(revision().await, told);
    world.settle().await;
    for number in [0, 1, 4] {
        assert!(world.entry_of(&temporary, number).await.is_some_and(|entry| !entry.removed), "{number}");
    }
}

/// A store one partition of which does not answer.
struct Partial {
    inner: Arc<Embedded>,
    away: Partition,
}

#[async_trait]
impl Between for Partial {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        if partition == self.away {
            return Err(StoreError::Unavailable("away".to_owned()).into());
        }
        self.inner.commit(partition, commit).await
    }
}

#[tokio::test]
async fn a_partition_that_is_away_keeps_the_group_from_nobody_else() {
    const ALL: usize = 100;
    let world = World::new();
    let fence = world.fence().await;
    world.put(0..ALL).await;
    let home = |number: usize| Partition::of(member(number).as_str());
    let away = (0..ALL).map(home).find(|at| *at != partition(&world.group)).unwrap();
    let projector = world.projector_on(Arc::new(Partial { inner: world.store.clone(), away }));
    let put_off = projector.project(&world.group, &fence).await;
    assert!(matches!(put_off, Err(ProjectError::Store(_))), "{put_off:?}");
    world.assert_seen_by(ALL, |number| home(number) != away).await;
    world.settle().await;
    world.assert_seen_by(ALL, |_| true).await;
}

#[tokio::test]
async fn groups_that_fail_hold_nobody_up() {
    let mut world = World::new();
    let records = Records::new(world.store.clone(), world.entropy.clone());
    for number in 0..2 * AT_ONCE {
        let group: GroupId = format!("tel:+1{number:02}").parse().unwrap();
        let key = [group_key(&group)];
        // Of half of them the group itself cannot be read, of the others how far their views are.
        let damaged = records.update(partition(&group), &key, |_| {
            let change = csc_store::Change::nothing(());
            let change = if number % 2 == 0 {
                change.put(group_key(&group), vec![0xff])
            } else {
                change.put(group_key(&group), Vec::new()).put(projected_key(&group), vec![0xff])
            };
            Ok::<_, StoreError>(change)
        });
        damaged.await.unwrap();
    }
    world.group = "tel:+9".parse().unwrap();
    world.put(0..1).await;
    let (_trigger, shutdown) = Shutdown::new();
    let (projector, ownership) = world.replica_on(world.store.clone(), Replicas::Alone);
    let running = tokio::spawn(projector.run(ownership, shutdown));
    let member = member(0);
    let at = Partition::of(member.as_str());
    loop {
        let position = world.store.position(at).await.unwrap();
        if world.entry(0).await.is_some() {
            break;
        }
        let news = world.store.tail(&[(at, position)], 1, Duration::from_secs(60)).await.unwrap();
        assert!(!news.is_empty(), "the sound group is never projected");
    }
    running.abort();
}
