//! What the servers say and do when something is wrong with them, each with its reaction. Every test has a server of its own.

use std::sync::Arc;
use std::time::Duration;

use csc_test_support::redis::{Replicated, Reply, Server, Setting};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Clock, Partition, SystemClock};
use zeroize::Zeroizing;

use super::super::{COMMANDS, InstallError, Password, RedisOptions, RedisStore, Topology};
use crate::{Commit, CommitError, CommitId, Key, Put, Store, StoreError};

const HERE: Partition = Partition::INSTALLATION;

fn options(server: &Server, min_replicas: u32) -> RedisOptions {
    let mut options = RedisOptions::new(Topology::Standalone, vec![server.address().to_string()]);
    options.min_replicas = min_replicas;
    options.deadline = Duration::from_secs(20);
    options
}

/// For what is not to be answered: long enough to hear why, even on a busy machine.
fn brief(options: &RedisOptions) -> RedisOptions {
    RedisOptions { deadline: Duration::from_secs(5), ..options.clone() }
}

fn store(options: &RedisOptions) -> Arc<RedisStore> {
    let entropy = Arc::new(SeededEntropy::new(1));
    Arc::new(RedisStore::open(options.clone(), Arc::new(SystemClock::new()), entropy).unwrap())
}

async fn install(options: &RedisOptions) -> Result<(), InstallError> {
    install_another(options, 2).await
}

/// Each seed makes another installation.
async fn install_another(options: &RedisOptions, seed: u64) -> Result<(), InstallError> {
    let entropy = Arc::new(SeededEntropy::new(seed));
    RedisStore::install(options.clone(), Arc::new(SystemClock::new()), entropy).await
}

fn put(id: u8, collection: &'static str, value: impl Into<bytes::Bytes>) -> Commit {
    let key = Key::new(collection, "a");
    let puts = vec![Put { key, value: value.into(), expires: None }];
    Commit {
        id: CommitId([id; 16]),
        checks: Vec::new(),
        puts,
        deletes: Vec::new(),
        log: vec!["entry".into()],
    }
}

async fn value(store: &dyn Store) -> Option<bytes::Bytes> {
    store.get(HERE, &[Key::new("test.a", "a")]).await.unwrap().pop().unwrap().value
}

/// The reason of a commit that must be unavailable.
async fn refused(store: &RedisStore, commit: &Commit) -> String {
    match store.commit(HERE, commit).await {
        Err(CommitError::Store(StoreError::Unavailable(why))) => why,
        other => panic!("unavailable, not {other:?}"),
    }
}

async fn server(test: &str, settings: &[Setting<'_>]) -> Option<(Server, RedisOptions, Arc<RedisStore>)> {
    let server = Server::with(test, settings)?;
    let options = options(&server, 0);
    install(&options).await.unwrap();
    let store = store(&options);
    Some((server, options, store))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_made_once_and_only_on_purpose() {
    let Some(server) = Server::start("a_store_is_made_once") else { return };
    let options = options(&server, 0);
    let opened = store(&options);
    for _ in 0..2 {
        let found = opened.get(HERE, &[Key::new("test.a", "a")]).await;
        assert!(matches!(found, Err(StoreError::NoBirthRecord { partition: 0, .. })), "{found:?}");
    }
    assert_eq!(server.call(&["DBSIZE"]), Reply::Integer(0), "opening writes nothing");
    assert_eq!(opened.stats().unborn, 2, "a process that starts on an emptied store must be heard, too");

    server.call(&["SET", "csc:{p3}:last", "5"]);
    assert!(matches!(install(&options).await, Err(InstallError::NotEmpty(3))));
    assert_eq!(server.call(&["DBSIZE"]), Reply::Integer(1), "a refused installation stamps nothing");
    server.call(&["DEL", "csc:{p3}:last"]);
    install(&options).await.unwrap();
    assert!(matches!(install(&options).await, Err(InstallError::Installed(_))));
    assert_eq!(value(&*opened).await, None, "and the store that was opened before is of use");

    opened.commit(HERE, &put(1, "test.a", "1")).await.unwrap();
    server.call(&["FLUSHALL"]);
    let found = opened.get(HERE, &[Key::new("test.a", "a")]).await;
    assert!(matches!(found, Err(StoreError::NoBirthRecord { partition: 0, .. })), "{found:?}");
    assert!(opened.stats().unborn > 0);
    install_another(&options, 9).await.unwrap();
    let found = opened.get(HERE, &[Key::new("test.a", "a")]).await;
    assert!(matches!(found, Err(StoreError::NoBirthRecord { .. })), "another installation: {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_waited_for() {
    let Some((mut server, _, store)) = server("a_restart", &[]).await else { return };
    let first = store.commit(HERE, &put(1, "test.a", "1")).await.unwrap();
    server.kill();
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(HERE, &put(2, "test.a", "2")).await })
    };
    server.run();
    assert!(waiting.await.unwrap().unwrap() > first);
    assert_eq!(value(&*store).await.as_deref(), Some(&b"2"[..]));
    server.call(&["SCRIPT", "FLUSH"]);
    store.commit(HERE, &put(3, "test.a", "3")).await.unwrap();
    assert_eq!(value(&*store).await.as_deref(), Some(&b"3"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_not_written_or_read() {
    let Some(all) = Replicated::start("a_replica_is_not_read", 1, &[]) else { return };
    let master = options(&all.master, 1);
    install(&master).await.unwrap();
    let wrong = store(&brief(&options(&all.replicas[0], 0)));
    let (commit, keys) = (put(1, "test.a", "1"), [Key::new("test.a", "a")]);
    let (written, found) = tokio::join!(refused(&wrong, &commit), wrong.get(HERE, &keys));
    assert!(written.contains("not a master"), "{written}");
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");

    // A master that is made a replica while connections are open.
    let store = store(&master);
    store.commit(HERE, &put(2, "test.a", "2")).await.unwrap();
    assert_eq!(value(&*store).await.as_deref(), Some(&b"2"[..]));
    all.master.call(&["REPLICAOF", "127.0.0.1", &all.replicas[0].port().to_string()]);
    let brief = self::store(&brief(&master));
    for store in [&brief, &store] {
        let give_up = Duration::from_secs(2);
        let read = tokio::time::timeout(give_up, store.get(HERE, &[Key::new("test.a", "a")])).await;
        assert!(!matches!(read, Ok(Ok(_))), "{read:?}");
        let written = tokio::time::timeout(give_up, store.commit(HERE, &put(3, "test.a", "3"))).await;
        assert!(!matches!(written, Ok(Ok(_))), "{written:?}");
    }
}

/// No commit is acknowledged, no settled read answered and, three seconds later, no read at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_replicas_nothing_is_promised() {
    let Some(mut all) = Replicated::start("without_replicas", 1, &[]) else { return };
    let options = options(&all.master, 1);
    install(&options).await.unwrap();
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let open = |options| {
        RedisStore::open(options, clock.clone(), Arc::new(SeededEntropy::new(3))).map(Arc::new).unwrap()
    };
    let store = open(options.clone());
    let brief = open(brief(&options));
    store.commit(HERE, &put(1, "test.a", "1")).await.unwrap();
    let settled = Arc::clone(&brief).settled();
    let keys = [Key::new("test.a", "a")];
    // The clock stands still, so what it has seen of the master stays good.
    while settled.get(HERE, &keys).await.is_err() {}
    assert_eq!(value(&*settled).await.as_deref(), Some(&b"1"[..]));

    all.replicas[0].kill();
    let commit = put(2, "test.a", "2");
    let (written, found) = tokio::join!(refused(&brief, &commit), settled.get(HERE, &keys));
    assert!(written.contains("0 of 1 replicas have confirmed"), "{written}");
    assert_eq!(value(&*brief).await.as_deref(), Some(&b"2"[..]), "applied, but not acknowledged");
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "it may be taken back: {found:?}");
    clock.advance(Duration::from_secs(4));
    let found = brief.get(HERE, &[Key::new("test.a", "a")]).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "no lease: {found:?}");

    all.replicas[0].run();
    let revision = store.commit(HERE, &put(2, "test.a", "2")).await.unwrap();
    let found = settled.get(HERE, &[Key::new("test.a", "a")]).await.unwrap();
    assert_eq!(found[0].version, revision, "sent again, it was applied once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_the_server_asks_for_are_told() {
    let settings = [("min-replicas-to-write", "1"), ("min-replicas-max-lag", "1")];
    let Some(server) = Server::with("min_replicas_to_write", &settings) else { return };
    let mut options = options(&server, 0);
    options.deadline = Duration::from_secs(5);
    match install(&options).await {
        Err(InstallError::Store(StoreError::Unavailable(why))) => {
            assert!(why.contains("NOREPLICAS"), "{why}")
        }
        other => panic!("no replicas, not {other:?}"),
    }
    assert_eq!(server.call(&["DBSIZE"]), Reply::Integer(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_memory_stops_commits_whole_and_leaves_reads() {
    let Some((server, _, store)) = server("full_memory", &[]).await else { return };
    store.commit(HERE, &put(1, "test.a", "1")).await.unwrap();
    server.call(&["CONFIG", "SET", "maxmemory", "1mb"]);
    assert!(refused(&store, &put(2, "test.a", "2")).await.contains("memory of redis is full"));
    assert_eq!(value(&*store).await.as_deref(), Some(&b"1"[..]));
    server.call(&["CONFIG", "SET", "maxmemory", "0"]);
    store.commit(HERE, &put(2, "test.a", "2")).await.unwrap();
    assert_eq!(server.call(&["XLEN", "csc:{p0}:log"]), Reply::Integer(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told() {
    let Some(server) = Server::with("a_wrong_password", &[("requirepass", "right")]) else { return };
    let mut options = options(&server, 0);
    let login = |password: &str| Some(Password::new(Zeroizing::new(password.to_owned())));
    for (password, why) in [(None, "NOAUTH"), (login("wrong"), "refuses the login")] {
        options.password = password;
        match install(&options).await {
            Err(InstallError::Store(StoreError::Unavailable(told))) => {
                assert!(told.contains("refuses the login"), "{why}: {told}");
            }
            other => panic!("{why}, not {other:?}"),
        }
    }
    options.password = login("right");
    install(&options).await.unwrap();
}

/// A service's user reaches its own collections and the shared ones, with the commands that are written down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_can_be_kept_apart() {
    let Some((server, mut options, _)) = server("users_can_be_kept_apart", &[]).await else { return };
    let keys =
        "~csc:*:test.* ~csc:*:index:* ~csc:*:account:* ~csc:*:birth ~csc:*:last ~csc:*:commits ~csc:*:log";
    let mut user = vec!["ACL", "SETUSER", "test", "on", ">secret"];
    user.extend(keys.split(' '));
    user.extend(COMMANDS.split_whitespace());
    server.call(&user);
    options.username = Some("test".to_owned());
    options.password = Some(Password::new(Zeroizing::new("secret".to_owned())));
    let store = store(&options);
    let mut all = put(1, "test.a", "1");
    all.puts.push(Put {
        key: Key::new("index", "i"),
        value: "2".into(),
        expires: Some(SystemClock::new().now()),
    });
    all.deletes.push(Key::new("account", "i"));
    store.commit(HERE, &all).await.unwrap();
    assert_eq!(value(&*store).await.as_deref(), Some(&b"1"[..]));
    store.scan(HERE, "test.a", "", None, 10).await.unwrap();
    let position = store.position(HERE).await.unwrap();
    store.commit(HERE, &put(2, "test.a", "2")).await.unwrap();
    assert_eq!(store.tail(&[(HERE, position)], 10, Duration::from_secs(30)).await.unwrap().len(), 1);
    assert!(refused(&store, &put(3, "other.a", "1")).await.contains("lacks a permission"));
    let found = store.get(HERE, &[Key::new("other.a", "a")]).await;
    assert!(
        matches!(&found, Err(StoreError::Unavailable(why)) if why.contains("lacks a permission")),
        "{found:?}"
    );
}
