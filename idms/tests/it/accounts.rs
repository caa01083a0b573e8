//! `csc.identity.v1.Accounts`: one account, and accounts as they change.

use std::sync::Arc;
use std::time::Duration;

use csc_auth::{Accounts, Reason};
use csc_proto::identity::v1::accounts_client::AccountsClient;
use csc_proto::identity::v1::accounts_event::Event;
use csc_proto::identity::v1::{
    AccountState, AccountsEvent, DeleteUserRequest, GetAccountRequest, WatchAccountsRequest,
};
use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status;
use csc_store::{Commit, CommitId, Key, Put, Store, StoreError};
use csc_types::Partition;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use crate::world::{ALEX, World, user};

const KIM: &str = "tel:+82571009991";
/// Life of an access token, and the leeway behind it.
const NOTED: u64 = 7201 + 60;
/// What cannot happen any more has not happened in this time.
const LIMIT: Duration = Duration::from_secs(30);

/// A stream, opened as soon as the service reads its logs.
struct Watcher(Streaming<AccountsEvent>);

impl Watcher {
    async fn on(channel: &Channel) -> Self {
        let mut accounts = AccountsClient::new(channel.clone());
        let opened = async {
            loop {
                match accounts.watch(WatchAccountsRequest {}).await {
                    Ok(stream) => return Self(stream.into_inner()),
                    Err(status) => assert_eq!(status.code(), Code::Unavailable),
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LIMIT, opened).await.unwrap()
    }

    async fn next(&mut self) -> Result<Event, tonic::Status> {
        let message = timeout(LIMIT, self.0.message()).await.unwrap()?;
        Ok(message.expect("a stream that ends says why").event.unwrap())
    }

    /// What comes before the opening is complete.
    async fn opening(&mut self) -> Vec<(String, Option<Account>)> {
        let mut accounts = Vec::new();
        loop {
            match self.next().await.unwrap() {
                Event::Account(AccountState { mcptt_id, account }) => accounts.push((mcptt_id, account)),
                Event::Opened(_) => return accounts,
                Event::Beat(_) => panic!("a beat before the opening is complete"),
            }
        }
    }

    /// Goes on until it is told an account that `fits`. Others may come again unchanged.
    async fn hears(&mut self, fits: impl Fn(&str, &Account) -> bool) {
        loop {
            match self.next().await.unwrap() {
                Event::Account(AccountState { mcptt_id, account: Some(account) })
                    if fits(&mcptt_id, &account) =>
                {
                    return;
                }
                Event::Account(_) | Event::Beat(_) => {}
                Event::Opened(_) => panic!("opened twice"),
            }
        }
    }

    /// Why it is cut.
    async fn cut(&mut self) -> Code {
        loop {
            if let Err(status) = self.next().await {
                return status.code();
            }
        }
    }
}

#[tokio::test]
async fn the_opening_is_every_account_that_changed_within_the_life_of_a_token() {
    let mut world = World::new().await;
    let mut watcher = Watcher::on(&world.channel).await;
    let opening = watcher.opening().await;
    assert_eq!(opening.len(), 1);
    let (id, account) = &opening[0];
    assert_eq!((id.as_str(), account.as_ref().unwrap().status()), (ALEX, Status::Enabled));
    assert_eq!(account.as_ref().unwrap().roles, ["dispatcher"]);
    while !matches!(watcher.next().await.unwrap(), Event::Beat(_)) {}

    world.advance(NOTED - 1);
    world.directory.put_user(user(KIM)).await.unwrap();
    let mut both: Vec<_> = Watcher::on(&world.channel).await.opening().await;
    both.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(both.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [ALEX, KIM]);
    world.advance(1);
    let opening = Watcher::on(&world.channel).await.opening().await;
    assert_eq!(opening.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [KIM]);
    // What changes nothing is no change.
    world.directory.put_user(user(ALEX)).await.unwrap();
    assert_eq!(Watcher::on(&world.channel).await.opening().await.len(), 1);
}

#[tokio::test]
async fn every_watcher_of_every_process_hears_of_each_change() {
    let mut world = World::new().await;
    let other = world.join();
    let mut watchers = Vec::new();
    for channel in [&world.channel, &world.channel, &other] {
        let mut watcher = Watcher::on(channel).await;
        watcher.opening().await;
        watchers.push(watcher);
    }
    let mut alex = user(ALEX);
    for (disabled, roles) in [(true, vec![]), (false, vec!["administrator".to_owned()])] {
        alex.disabled = disabled;
        alex.roles = roles.clone();
        world.directory.put_user(alex.clone()).await.unwrap();
        let status = if disabled { Status::Disabled } else { Status::Enabled };
        for watcher in &mut watchers {
            let fits = |account: &Account| account.status() == status && account.roles == roles;
            watcher.hears(|id, account| id == ALEX && fits(account)).await;
        }
    }
}

#[tokio::test]
async fn a_deleted_account_is_told_for_the_life_of_a_token() {
    let mut world = World::new().await;
    let mut watcher = Watcher::on(&world.channel).await;
    watcher.opening().await;
    let request = DeleteUserRequest { mcptt_id: ALEX.to_owned(), dry_run: false };
    world.directory.delete_user(request.clone()).await.unwrap();
    loop {
        match watcher.next().await.unwrap() {
            Event::Account(AccountState { mcptt_id, account: None }) if mcptt_id == ALEX => break,
            Event::Account(_) | Event::Beat(_) => {}
            Event::Opened(_) => panic!("opened twice"),
        }
    }
    world.advance(NOTED - 1);
    // What is gone cannot go again.
    world.directory.delete_user(request).await.unwrap();
    assert_eq!(Watcher::on(&world.channel).await.opening().await, [(ALEX.to_owned(), None)]);
    world.advance(1);
    assert_eq!(Watcher::on(&world.channel).await.opening().await, []);
}

#[tokio::test]
async fn an_opening_of_many_pages_is_whole() {
    let world = World::new().await;
    // More than two pages in one partition; none of them has an account.
    let name = |n: u32| format!("tel:+8257{n:06}");
    let puts = (0..600).map(|n| {
        let key = Key::new("idms.changed", name(n));
        Put { key, value: Vec::new().into(), expires: None }
    });
    let (checks, deletes, log) = (vec![], vec![], vec![]);
    let commit = Commit { id: CommitId([1; 16]), checks, puts: puts.collect(), deletes, log };
    world.store.commit(Partition::new(63).unwrap(), &commit).await.unwrap();
    let mut opening = Watcher::on(&world.channel).await.opening().await;
    opening.retain(|(id, _)| id != ALEX);
    assert_eq!(opening, (0..600).map(|n| (name(n), None)).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_lost_the_place_in_a_log_cuts_every_watcher_and_begins_anew() {
    let mut world = World::new().await;
    let mut watchers = [Watcher::on(&world.channel).await, Watcher::on(&world.channel).await];
    for watcher in &mut watchers {
        watcher.opening().await;
    }
    world.store.lose();
    for watcher in &mut watchers {
        assert_eq!(watcher.cut().await, Code::Unavailable);
    }
    let mut watcher = Watcher::on(&world.channel).await;
    assert_eq!(watcher.opening().await.len(), 1);
    world.directory.put_user(user(KIM)).await.unwrap();
    watcher.hears(|id, _| id == KIM).await;
}

#[tokio::test]
async fn without_the_store_there_is_no_beat_and_no_opening() {
    let mut world = World::new().await;
    let mut watcher = Watcher::on(&world.channel).await;
    watcher.opening().await;
    world.store.down(true);
    world.store.unread(1).await;
    // What was on its way has arrived long before the reader has failed so often that a beat would be due.
    let mut beats = 0_usize;
    let mut failing = std::pin::pin!(world.store.unread(20));
    loop {
        tokio::select! {
            () = &mut failing => break,
            told = watcher.next() => {
                beats += usize::from(matches!(told.unwrap(), Event::Beat(_)));
            }
        }
    }
    assert!(beats <= 1, "it beats although it knows nothing");
    assert_eq!(Watcher::on(&world.channel).await.cut().await, Code::Unavailable);
    world.store.down(false);
    // It goes on where it was.
    world.directory.put_user(user(KIM)).await.unwrap();
    watcher.hears(|id, _| id == KIM).await;
}

#[tokio::test]
async fn a_damaged_record_permits_nothing_and_holds_nobody_up() {
    let mut world = World::new().await;
    let key = csc_store::shared::account_key(&ALEX.parse().unwrap());
    let puts = vec![Put { key, value: b"\xff".as_slice().into(), expires: None }];
    let (checks, deletes, log) = (vec![], vec![], vec![]);
    let commit = Commit { id: CommitId([1; 16]), checks, puts, deletes, log };
    world.store.commit(Partition::of(ALEX), &commit).await.unwrap();
    world.directory.put_user(user(KIM)).await.unwrap();
    let mut opening = Watcher::on(&world.channel).await.opening().await;
    opening.sort_by(|one, other| one.0.cmp(&other.0));
    let statuses: Vec<_> = opening.iter().map(|(_, account)| account.as_ref().unwrap().status()).collect();
    assert_eq!(statuses, [Status::Unspecified, Status::Enabled]);
}

#[tokio::test]
async fn a_process_that_stops_ends_its_streams() {
    let mut world = World::new().await;
    let mut watcher = Watcher::on(&world.channel).await;
    watcher.opening().await;
    world.stop();
    assert_eq!(watcher.cut().await, Code::Unavailable);
    let again = AccountsClient::new(world.channel.clone()).watch(WatchAccountsRequest {}).await;
    assert_eq!(again.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_resource_server_refuses_who_was_disabled() {
    let mut world = World::new().await;
    let accounts = Arc::new(Accounts::new(vec![world.channel.clone()], world.clock.clone()));
    let following = Arc::clone(&accounts);
    let following = tokio::spawn(async move { following.follow().await });
    let until = async |expected: Result<(), Reason>| {
        let reached = async {
            while accounts.admit(&ALEX.parse().unwrap()) != expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LIMIT, reached).await.unwrap();
    };
    until(Ok(())).await;
    let mut alex = user(ALEX);
    for disabled in [true, false, true] {
        alex.disabled = disabled;
        world.directory.put_user(alex.clone()).await.unwrap();
        until(if disabled { Err(Reason::Invalid) } else { Ok(()) }).await;
    }
    alex.disabled = false;
    for deleted in [false, true] {
        if deleted {
            let request = DeleteUserRequest { mcptt_id: ALEX.to_owned(), dry_run: false };
            world.directory.delete_user(request).await.unwrap();
        } else {
            world.directory.put_user(alex.clone()).await.unwrap();
        }
        until(if deleted { Err(Reason::Invalid) } else { Ok(()) }).await;
    }
    // A process that begins anew knows as much from the opening.
    world.store.lose();
    world.advance(5);
    until(Err(Reason::Invalid)).await;
    following.abort();
}

#[tokio::test]
async fn one_account() {
    let world = World::new().await;
    let mut accounts = AccountsClient::new(world.channel.clone());
    let mut get = async |id: &str| {
        let request = GetAccountRequest { mcptt_id: id.to_owned() };
        accounts.get(request).await.map(|answer| answer.into_inner().account)
    };
    assert_eq!(get(ALEX).await.unwrap().unwrap().organisation, "city-fire");
    assert_eq!(get("tel:+82-57-100-9990").await.unwrap().unwrap().status(), Status::Enabled);
    assert_eq!(get(KIM).await.unwrap(), None);
    assert_eq!(get("alex").await.unwrap_err().code(), Code::InvalidArgument);
    for (error, code) in [
        (StoreError::Unavailable("test".to_owned()), Code::Unavailable),
        (StoreError::Damaged("test".to_owned()), Code::Internal),
    ] {
        world.store.fail(Some(("account", error)));
        assert_eq!(get(ALEX).await.unwrap_err().code(), code);
    }
}
