//! Users whose accounts are gone.

use csc_proto::record::v1::Account;
use csc_store::Change as Commit;
use prost::Message;

use super::*;
use crate::records::{USER, UserRecord, UserState, user_key};

impl World {
    fn records(&self) -> Records {
        Records::new(self.store.clone(), self.entropy.clone())
    }

    pub(super) async fn account(&self, number: usize, there: bool) {
        let user = member(number);
        let key = shared::account_key(&user);
        let records = self.records();
        let changed = records.update(Partition::of(user.as_str()), std::slice::from_ref(&key), |_| {
            let change = Commit::nothing(());
            Ok::<_, StoreError>(match there {
                true => change.put(key.clone(), Account::default().encode_to_vec()),
                false => change.delete(key.clone()),
            })
        });
        changed.await.unwrap();
    }

    async fn state(&self, number: usize) -> Option<UserState> {
        let user = member(number);
        let key = user_key(&user);
        let record = self.records().get(Partition::of(user.as_str()), &key).await.unwrap();
        UserRecord::read(&record).unwrap().map(|user| user.state())
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
        world.settle().await;
        assert_eq!(world.content(&world.group).await, document(&world.group, [0, 2, 3], ""));
        assert_eq!(world.content(&other).await, document(&other, [0], ""));
        world.assert_seen_by(4, |number| number != 1).await;
        world.assert_group_seen_by(&other, 4, |number| number == 0).await;
        assert_eq!(world.state(1).await, Some(UserState::Left));
        // Who never had an account stays, and nothing is remembered of it.
        assert_eq!((world.state(0).await, world.state(3).await), (Some(UserState::Present), None));
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
    assert_eq!(world.state(1).await, Some(UserState::Present));
    world.put([1, 2]).await;
    world.settle().await;
    world.assert_seen_by(4, |number| number == 1 || number == 2).await;
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
    assert_eq!(world.state(1).await, Some(UserState::Left));
}

#[tokio::test]
async fn it_is_forgotten_after_a_day() {
    let (world, _) = settled().await;
    world.account(1, false).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    assert_eq!(world.state(1).await, None);
    let left = world.store.scan(Partition::of(member(1).as_str()), USER, "", None, 10).await.unwrap();
    assert!(left.iter().all(|(name, _)| name != member(1).as_str()));
}
