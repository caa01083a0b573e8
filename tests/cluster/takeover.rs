//! A replica of the proxy goes, and the others go on where it was.

use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, SAM};

use crate::{GROUP_TYPE, Server, group, led, path};

const WATCHERS: usize = 300;

/// Subscriptions of a dispatcher to one group, and the group's tag as each of them knows it.
async fn watch(server: &Server) -> (Watchers, String) {
    let mut watchers = Watchers::at(server.proxies()).await;
    for number in 0..WATCHERS {
        // Several users, so that they lie in several partitions.
        let user = [ALEX, DANA, SAM][number % 3].0;
        watchers.add(&Ask::list(user, &[&path(ENGINE_7)]));
    }
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let tag = watchers.get(0).told[0][0].new.clone().expect("it is there");
    (watchers, tag)
}

/// The replica that notified the first of them, and those it notified.
fn notifier(server: &Server, watchers: &Watchers) -> (String, Vec<usize>) {
    let first = watchers.get(0).from;
    let mut names = server.services().into_iter().filter(|name| name.starts_with("subscription-proxy"));
    let name = names.find(|name| Some(server.address(name, "sip")) == first).expect("it is one of them");
    (name, (0..WATCHERS).filter(|number| watchers.get(*number).from == first).collect())
}

async fn change(server: &Server, name: &str) -> String {
    let mut console = server.ue(DANA).await;
    let content = group(ENGINE_7, name, &[ALEX.0, DANA.0, SAM.0]);
    console.put(&path(ENGINE_7), GROUP_TYPE, content, None).await.expect("the dispatcher may");
    console.get(&path(ENGINE_7)).await.expect("the group").etag
}

const MANY: [(&str, &str); 1] = [("CSC_SIP_MAX_PER_USER", "1000")];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_proxy_is_replaced() {
    let Some(mut server) = Server::start_with(&MANY).await else { return };
    let (mut watchers, before) = watch(&server).await;
    let (name, its) = notifier(&server, &watchers);
    let address = Some(server.address(&name, "sip"));
    server.kill(&name);
    let after = change(&server, "changed while one is gone").await;
    watchers.until("the change", |_, watcher| led(watcher, &before, &after)).await;
    assert!(its.iter().all(|number| watchers.get(*number).from != address), "another one told it");
    // It comes back and takes its share; nothing is missed on the way.
    server.restart(&name).await;
    let last = change(&server, "changed while it comes back").await;
    watchers.until("the second change", |_, watcher| led(watcher, &before, &last)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_stood_still_does_no_harm() {
    let Some(mut server) = Server::start_with(&MANY).await else { return };
    let (mut watchers, before) = watch(&server).await;
    let (name, its) = notifier(&server, &watchers);
    let address = Some(server.address(&name, "sip"));
    server.freeze(&name);
    let after = change(&server, "changed while one stands still").await;
    watchers.until("the change", |_, watcher| led(watcher, &before, &after)).await;
    assert!(its.iter().all(|number| watchers.get(*number).from != address), "another one told it");
    server.thaw(&name);
    let last = change(&server, "changed when it wakes").await;
    watchers.until("the second change", |_, watcher| led(watcher, &before, &last)).await;
    server.stop().await;
}
