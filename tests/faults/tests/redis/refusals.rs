//! Servers that answer, but cannot do what is asked: never a false success, never a false "not found".

use csc_faults::proxy::{Weather, Who};
use csc_store::redis::Password;
use csc_store::{CommitError, Store, StoreError};
use csc_test_support::redis::{Replicated, Server};
use zeroize::Zeroizing;

use crate::alone::{Alone, get, open, open_brief, options, put, somewhere, sources, text};

fn unavailable(answer: &Result<impl std::fmt::Debug, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "unavailable, not {answer:?}");
}

fn not_applied(answer: &Result<impl std::fmt::Debug, CommitError>) {
    assert!(
        matches!(answer, Err(CommitError::Store(StoreError::Unavailable(_)))),
        "unavailable, not {answer:?}"
    );
}

/// Neither takes a commit nor knows of a record, whether it is there (`a`) or not.
async fn refuses(store: &dyn Store) {
    let (put, there, absent) = tokio::join!(put(store, "a", "2"), get(store, "a"), get(store, "b"));
    not_applied(&put);
    unavailable(&there);
    unavailable(&absent);
}

/// A store that somebody emptied is not an empty store: everything refuses, for running engines and new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_flushall_nothing_is_answered_absent() {
    let Some(alone) = Alone::start("after_flushall_nothing_is_answered_absent", &[]).await else { return };
    put(alone.store.as_ref(), "a", "1").await.expect("the store answers");
    let position = alone.store.position(somewhere()).await.expect("the store answers");
    alone.server.call(&["FLUSHALL"]);

    let new = open(options(alone.proxy.address().to_string()));
    for store in [alone.store.clone() as std::sync::Arc<dyn Store>, alone.store.clone().settled(), new] {
        let birth = |error: StoreError| assert!(matches!(error, StoreError::NoBirthRecord { .. }), "{error}");
        birth(get(store.as_ref(), "a").await.expect_err("nothing can be said"));
        let scan = store.scan(somewhere(), "faults.record", "", None, 10).await;
        birth(scan.expect_err("nothing can be said"));
        birth(store.position(somewhere()).await.expect_err("nothing can be said"));
        let tail = store.tail(&[(somewhere(), position)], 10, Default::default()).await;
        birth(tail.expect_err("not even that the place is lost"));
        match put(store.as_ref(), "a", "2").await {
            Err(CommitError::Store(error)) => birth(error),
            other => panic!("a refusal, not {other:?}"),
        }
    }
}

/// Full memory refuses commits and still reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_memory_refuses_commits_and_keeps_reading() {
    let Some(alone) = Alone::start("full_memory_refuses_commits_and_keeps_reading", &[]).await else {
        return;
    };
    put(alone.store.as_ref(), "a", "1").await.expect("the store answers");
    alone.server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    not_applied(&put(alone.store.as_ref(), "a", "2").await);
    let found = get(alone.store.as_ref(), "a").await.expect("reading needs no memory");
    assert_eq!(text(&found), Some("1"), "what was refused was not applied");
    alone.server.call(&["CONFIG", "SET", "maxmemory", "0"]);
    put(alone.store.as_ref(), "a", "3").await.expect("there is room again");
}

/// A replica is not the master: what it says is not believed, and it takes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_replica_is_not_believed() {
    let test = "a_read_only_replica_is_not_believed";
    let servers = tokio::task::block_in_place(|| Replicated::start(test, 1, &[]));
    let Some(servers) = servers else { return };
    let (clock, entropy) = sources();
    let master = options(servers.master.address().to_string());
    csc_store::redis::RedisStore::install(master.clone(), clock, entropy).await.expect("it is empty");
    put(open(master).as_ref(), "a", "1").await.expect("the master answers");

    refuses(open_brief(servers.replicas[0].address().to_string()).as_ref()).await;
}

/// While the server loads its files, nothing is absent; afterwards everything is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loads_is_waited_for() {
    // The hidden setting is Redis's own, for tests of loading: microseconds for each key. It loads until told to hurry.
    let slow = [("key-load-delay", "300")];
    let Some(mut alone) = Alone::start("a_server_that_loads_is_waited_for", &slow).await else { return };
    put(alone.store.as_ref(), "a", "1").await.expect("the store answers");
    let filler = "for n = 1, 200000 do redis.call('SET', 'filler' .. n, n) end";
    alone.server.call(&["EVAL", filler, "0"]);
    tokio::task::block_in_place(|| {
        alone.server.kill();
        alone.server.run();
        csc_test_support::redis::until("the server loads", || {
            alone.server.try_call(&["PING"]).is_ok_and(|reply| reply.text().starts_with("LOADING"))
        });
    });
    refuses(open_brief(alone.proxy.address().to_string()).as_ref()).await;
    tokio::task::block_in_place(|| {
        alone.server.call(&["CONFIG", "SET", "key-load-delay", "0"]);
        alone.server.ready();
    });
    let found = get(alone.store.as_ref(), "a").await.expect("it is loaded");
    assert_eq!(text(&found), Some("1"));
}

/// Without the right password everything is refused, and said to be the login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_password_nothing_is_answered() {
    let test = "without_the_password_nothing_is_answered";
    let settings = [("requirepass", "horse")];
    let Some(server) = tokio::task::block_in_place(|| Server::with(test, &settings)) else { return };
    let address = server.address().to_string();
    let with = |password: Option<&str>| {
        let mut options = options(address.clone());
        options.password = password.map(|text| Password::new(Zeroizing::new(text.to_owned())));
        options
    };
    let (clock, entropy) = sources();
    csc_store::redis::RedisStore::install(with(Some("horse")), clock, entropy).await.expect("it is empty");
    put(open(with(Some("horse"))).as_ref(), "a", "1").await.expect("the password is right");
    for wrong in [None, Some("donkey")] {
        let store = open(with(wrong));
        not_applied(&put(store.as_ref(), "a", "2").await);
        let answer = get(store.as_ref(), "a").await;
        unavailable(&answer);
        let said = answer.expect_err("it was looked at").to_string();
        assert!(said.contains("login"), "an operator sees why: {said}");
        assert!(!said.contains("donkey"), "and not the password: {said}");
    }
}

/// A server that is silent, or away, is waited for until the deadline and no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_unavailable() {
    let Some(alone) = Alone::start("silence_is_unavailable", &[]).await else { return };
    put(alone.store.as_ref(), "a", "1").await.expect("the store answers");
    let brief = open_brief(alone.proxy.address().to_string());
    for weather in [Weather::Held, Weather::Refuse] {
        // With connections that are open.
        while get(brief.as_ref(), "a").await.is_err() {}
        alone.proxy.set(Who::All, weather);
        let (there, put) = tokio::join!(get(brief.as_ref(), "a"), put(brief.as_ref(), "b", "2"));
        unavailable(&there);
        not_applied(&put);
        alone.proxy.set(Who::All, Weather::Clear);
        let found = get(alone.store.as_ref(), "a").await.expect("it is back");
        assert_eq!(text(&found), Some("1"));
    }
}
