//! Every process is replaced, one after the other, under load: no request fails, no change goes untold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use csc_service::OsEntropy;
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, SAM};

use crate::{GROUP_TYPE, Server, group, led, path};

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_replaced_under_load() {
    let Some(mut server) = Server::start().await else { return };
    let mut watchers = Watchers::at(server.proxies()).await;
    for user in [ALEX, DANA, SAM] {
        watchers.add(&Ask::list(user.0, &[&path(ENGINE_7)]));
    }
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let before = watchers.get(0).told[0][0].new.clone().expect("it is there");

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // A terminal that reads, refreshes its tokens and fetches keys, and a console that writes.
    let reader = {
        let (mut ue, stop, done) = (server.ue(ALEX).await, Arc::clone(&stop), Arc::clone(&done));
        tokio::spawn(async move {
            let profile = format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0);
            while !stop.load(Ordering::SeqCst) {
                ue.get(&profile).await.expect("cms answers");
                ue.certificate().await.expect("kms answers");
                ue.refresh().await.expect("idms answers");
                ue.login(&OsEntropy).await.expect("idms logs in");
                done.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let writer = {
        let (mut console, stop, done) = (server.ue(DANA).await, Arc::clone(&stop), Arc::clone(&done));
        tokio::spawn(async move {
            let mut last = String::new();
            for number in 0.. {
                let content = group(ENGINE_7, &format!("version {number}"), &[ALEX.0, DANA.0, SAM.0]);
                console.put(&path(ENGINE_7), GROUP_TYPE, content.clone(), None).await.expect("gms takes it");
                let found = console.get(&path(ENGINE_7)).await.expect("gms answers");
                assert_eq!(found.body, content);
                last = found.etag;
                done.fetch_add(1, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            last
        })
    };

    let watcher = {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            watchers.serve(&stop).await;
            watchers
        })
    };

    for name in server.services() {
        let before = done.load(Ordering::SeqCst);
        server.terminate(&name).await;
        server.restart(&name).await;
        let end = tokio::time::Instant::now() + crate::PATIENCE;
        while done.load(Ordering::SeqCst) < before + 2 && !reader.is_finished() && !writer.is_finished() {
            assert!(tokio::time::Instant::now() < end, "the load stands still after {name}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    reader.await.expect("no request of the terminal failed");
    let last = writer.await.expect("no request of the console failed");
    let mut watchers = watcher.await.expect("good NOTIFYs");
    watchers.until("the last change", |_, watcher| led(watcher, &before, &last)).await;
    server.stop().await;
}
