//! Users whose accounts are gone, and those who have their names afterwards.

use csc_proto::record::v1::Account;
use csc_store::Change as Commit;
use csc_store::departure::{self, GMS, Leaving};
use prost::Message;

use super::*;
use crate::domain::Edit;

impl World {
    fn records(&self) -> Records {
        Records::new(self.store.clone(), self.entropy.clone())
    }

    /// Makes or removes an account, as idms does.
    pub(super) async fn account(&self, number: usize, there: bool) {
        self.clock.advance(Duration::from_secs(1));
        let user = member(number);
        let keys = [shared::account_key(&user), GMS.departure_key(&user)];
        let records = self.records();
        let changed = records.update(Partition::of(user.as_str()), &keys, |found| {
            let (change, account) = (Commit::nothing(()), keys[0].clone());
            Ok::<_, StoreError>(match there {
                true => {
                    let leaving = Leaving::read(&found[1])?;
                    assert!(!matches!(leaving, Some(Leaving::Pending(_))), "refused by idms");
                    change.put(account, Account::default().encode_to_vec())
                }
                false => change.delete(account).put(keys[1].clone(), departure::pending()),
            })
        });
        changed.await.unwrap();
        self.clock.advance(Duration::from_secs(1));
    }

    async fn leaving(&self, number: usize) -> Option<Leaving> {
        let user = member(number);
        let record =
            self.records().get(Partition::of(user.as_str()), &GMS.departure_key(&user)).await.unwrap();
        Leaving::read(&record).unwrap()
    }

    async fn has_left(&self, number: usize) -> bool {
        matches!(self.leaving(number).await, Some(Leaving::Cleared(_)))
    }
}

/// A world where members 0 to 3 see two groups, and all but the last have accounts.
async fn settled() -> (World, GroupId) {
    let world = World::new();
    let other: GroupId = "sip:g@example.org".parse().unwrap();
    for number in 0..3 {
        world.account(number, true).await;
    }
    world.put(0..4).await;
    world.put_as(&other, &document(&other, 0..2, "")).await.unwrap();
    world.settle().await;
    (world, other)
}

#[tokio::test]
async fn cut_off_anywhere_nothing_of_a_user_stays() {
    for survived in 0.. {
        let (world, other) = settled().await;
        world.account(1, false).await;
        let dying = Arc::new(Dying { inner: world.store.clone(), left: AtomicUsize::new(survived) });
        let finished = world.settle_on(dying).await.is_ok();
        // Whenever somebody else may have the name, nothing is left of the user.
        if world.has_left(1).await {
            assert_eq!(world.content(&world.group).await, document(&world.group, [0, 2, 3], ""));
            world.assert_seen_by(4, |number| number != 1).await;
            world.assert_group_seen_by(&other, 4, |number| number == 0).await;
        }
        world.settle().await;
        assert_eq!(world.content(&world.group).await, document(&world.group, [0, 2, 3], ""));
        assert_eq!(world.content(&other).await, document(&other, [0], ""));
        world.assert_seen_by(4, |number| number != 1).await;
        world.assert_group_seen_by(&other, 4, |number| number == 0).await;
        assert!(world.has_left(1).await);
        // Who never had an account stays, and nothing is remembered of it.
        assert_eq!((world.leaving(0).await, world.leaving(3).await), (None, None));
        if finished {
            assert!(survived > 5, "it takes several commits");
            return;
        }
    }
}

#[tokio::test]
async fn the_last_members_may_go() {
    let (world, other) = settled().await;
    world.account(0, false).await;
    world.account(1, false).await;
    world.settle().await;
    assert_eq!(world.content(&other).await, document(&other, [], ""));
    world.assert_group_seen_by(&other, 4, |_| false).await;
}

#[tokio::test]
async fn a_view_that_comes_too_late_goes_again() {
    let (world, _) = settled().await;
    world.account(1, false).await;
    world.settle().await;
    // Put by somebody who has an old copy of the document.
    world.put([1, 2]).await;
    world.settle().await;
    assert_eq!(world.content(&world.group).await, document(&world.group, [2], ""));
    world.assert_seen_by(4, |number| number == 2).await;
    // A new account under the same name is somebody else.
    world.account(1, true).await;
    world.settle().await;
    world.put([1, 2]).await;
    world.settle().await;
    world.assert_seen_by(4, |number| number == 1 || number == 2).await;
}

/// The group named a user who was deleted, and whose name somebody else has, all before its projector came to it; and it
/// came to it several times.
#[tokio::test]
async fn whom_a_group_named_before_nobody_inherits() {
    for survived in 0.. {
        let (world, other) = settled().await;
        world.put([0, 2]).await;
        world.put_as(&other, &document(&other, [0], "")).await.unwrap();
        world.settle().await;
        world.put(0..3).await;
        world.account(1, false).await;
        let fence = world.fences().await.remove(&Partition::of(member(1).as_str())).unwrap();
        let projector = world.projector();
        // There is no view yet by which the group would be found.
        projector.follow_account(&member(1), &fence).await.unwrap();
        assert!(world.has_left(1).await);
        world.account(1, true).await;
        let dying = Arc::new(Dying { inner: world.store.clone(), left: AtomicUsize::new(survived) });
        let finished = world.settle_on(dying).await.is_ok();
        world.settle().await;
        assert_eq!(world.content(&world.group).await, document(&world.group, [0, 2], ""));
        world.assert_seen_by(4, |number| number == 0 || number == 2).await;
        // The new user's own places stay.
        world.put(0..3).await;
        world.settle().await;
        world.assert_seen_by(4, |number| number != 3).await;
        if finished {
            assert!(survived > 5, "it takes several commits");
            return;
        }
    }
}

#[tokio::test]
async fn who_is_in_many_groups_leaves_them_all() {
    const MANY: usize = 600;
    let world = World::new();
    world.account(1, true).await;
    let groups: Vec<GroupId> = (0..MANY).map(|n| format!("sip:{n}@example.org").parse().unwrap()).collect();
    for group in &groups {
        world.put_as(group, &document(group, [0, 1], "")).await.unwrap();
    }
    world.settle().await;
    world.assert_group_seen_by(&groups[MANY - 1], 2, |_| true).await;
    world.account(1, false).await;
    world.settle().await;
    assert!(world.has_left(1).await);
    for group in &groups {
        assert_eq!(world.content(group).await, document(group, [0], ""));
        world.assert_group_seen_by(group, 2, |number| number == 0).await;
    }
}

/// A replica that stood still removes nothing of whoever has the name when it goes on.
#[tokio::test]
async fn a_removal_that_comes_too_late_finds_somebody_else() {
    let (world, other) = settled().await;
    world.account(1, false).await;
    world.settle().await;
    world.account(1, true).await;
    world.put_as(&other, &document(&other, 0..2, "")).await.unwrap();
    let late = Edit::Remove(member(1));
    assert!(!world.projector().editor.edit(&other, &late).await.unwrap());
    world.settle().await;
    world.assert_group_seen_by(&other, 4, |number| number < 2).await;
}

#[tokio::test]
async fn who_is_put_back_while_leaving_goes_again() {
    let (world, other) = settled().await;
    world.account(1, false).await;
    let fence = world.fences().await.remove(&Partition::of(member(1).as_str())).unwrap();
    let first = world.projector().follow_account(&member(1), &fence).await;
    assert!(matches!(first, Err(ProjectError::Unfinished)), "{first:?}");
    assert_eq!(world.content(&other).await, document(&other, [0], ""));
    // By somebody who did not see it go; the view was never removed meanwhile.
    world.put_as(&other, &document(&other, 0..2, "")).await.unwrap();
    world.settle().await;
    assert_eq!(world.content(&other).await, document(&other, [0], ""));
    world.assert_group_seen_by(&other, 4, |number| number == 0).await;
    assert!(world.has_left(1).await);
}

#[tokio::test]
async fn it_is_forgotten_after_a_day() {
    let (world, _) = settled().await;
    world.account(1, false).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    assert_eq!(world.leaving(1).await, None);
}
