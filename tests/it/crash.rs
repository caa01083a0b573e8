//! SIGKILL in the middle of work: what was acknowledged is there afterwards, and subscriptions go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use csc::ue::Ue;
use csc_tests::{ALEX, DANA, INCIDENT, Process, SAM};
use tokio::sync::Notify;

const BINARY: &str = env!("CARGO_BIN_EXE_csc-under-test");
const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
const PATIENCE: Duration = Duration::from_secs(30);

fn group(id: &str, name: &str, members: &[&str]) -> Bytes {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>")).collect();
    Bytes::from(format!(
        "<group xmlns=\"urn:oma:xml:poc:list-service\"><list-service uri=\"{id}\"><display-name>{name}</display-name>\
         <list>{entries}</list></list-service></group>"
    ))
}

fn path(id: &str) -> String {
    format!("org.openmobilealliance.groups/global/byGroupID/{id}")
}

/// What one writer was told: the groups that it created, and how often its one other group was replaced.
struct Written {
    created: Vec<String>,
    replaced: usize,
    tried: usize,
}

/// Creates one group after the other and replaces one again and again, until the server is gone.
async fn write(
    mut console: Ue,
    writer: usize,
    round: usize,
    acknowledged: Arc<AtomicUsize>,
    progress: Arc<Notify>,
) -> Written {
    let mut written = Written { created: Vec::new(), replaced: 0, tried: 0 };
    let often = format!("tel:+8260{round}{writer}");
    for number in 0.. {
        let new = format!("tel:+8261{round}{writer}{number:06}");
        let (group, name) = if number % 2 == 0 {
            (new.as_str(), "new".to_owned())
        } else {
            written.tried += 1;
            (often.as_str(), format!("version {}", written.tried))
        };
        let content = self::group(group, &name, &[SAM.0]);
        if console.put(&path(group), GROUP_TYPE, content, None).await.is_err() {
            break;
        }
        if number % 2 == 0 {
            written.created.push(new);
        } else {
            written.replaced = written.tried;
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
        progress.notify_one();
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost() {
    const WRITERS: usize = 4;
    let mut process = Process::start(BINARY, &[]).await;
    for (round, enough) in [5, 43, 120].into_iter().enumerate() {
        let (acknowledged, progress) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let console = process.client().ue(DANA).await;
            writers.push(tokio::spawn(write(
                console,
                writer,
                round,
                Arc::clone(&acknowledged),
                Arc::clone(&progress),
            )));
        }
        while acknowledged.load(Ordering::SeqCst) < enough {
            tokio::time::timeout(PATIENCE, progress.notified()).await.expect("writes go on");
        }
        process.kill();
        let mut all = Vec::new();
        for writer in writers {
            all.push(writer.await.expect("no panic"));
        }
        process.restart();

        let mut console = process.client().ue(DANA).await;
        for (writer, written) in all.iter().enumerate() {
            for id in &written.created {
                let found = console.get(&path(id)).await.expect("an acknowledged group is there");
                assert_eq!(found.body, group(id, "new", &[SAM.0]));
            }
            if written.tried == 0 {
                continue;
            }
            let often = format!("tel:+8260{round}{writer}");
            // The last attempt was not answered: it may have happened.
            let possible: Vec<Bytes> = (written.replaced..=written.tried)
                .map(|n| group(&often, &format!("version {n}"), &[SAM.0]))
                .collect();
            match console.get(&path(&often)).await {
                Ok(found) => assert!(possible.contains(&found.body), "{often} holds {:?}", found.body),
                Err(error) => assert_eq!(written.replaced, 0, "{often}: {error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_outlives_the_process() {
    // Changes wait for five seconds after the first, so that the last one is still to be told when the process dies.
    let mut process = Process::start(BINARY, &[("CSC_SIP_MIN_NOTIFY_INTERVAL", "5s")]).await;
    let groups = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    let mut sip = process.client().sip_ue(ALEX).await;
    let psi = process.client().profile(ALEX).psi;
    let mut subscription = sip.subscribe(&psi, &[&groups], 3600).await.expect("a subscription");
    let first = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");

    let mut console = process.client().ue(DANA).await;
    let change = async |console: &mut Ue, name: &str| {
        let content = group(INCIDENT, name, &[ALEX.0, SAM.0]);
        console.put(&path(INCIDENT), GROUP_TYPE, content, None).await.expect("the dispatcher may");
    };
    change(&mut console, "first").await;
    let told = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a NOTIFY of the first change");
    assert!(told.cseq > first.cseq, "{} after {}", told.cseq, first.cseq);
    let known = told.changes[0].new.clone().expect("the group is new to Alex");

    change(&mut console, "second").await;
    process.kill();
    process.restart();

    let mut ue = process.client().ue(ALEX).await;
    let sel = format!("{groups}/{INCIDENT}");
    let now = ue.get(&sel).await.expect("the group").etag;
    assert_ne!(now, known);
    // The kill may have come before the acknowledgement was durable, or before the view had the change: then what was told
    // last is told once more first.
    let mut heard = vec![known];
    let mut after = told.clone();
    while heard.last() != Some(&now) {
        let next = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a NOTIFY after the kill");
        assert_eq!(next.call_id, subscription.call_id());
        assert!(next.cseq > after.cseq, "{} after {}", next.cseq, after.cseq);
        let change = next.changes.iter().find(|change| change.sel == sel);
        let change = change.unwrap_or_else(|| panic!("{sel} in {:?}", next.changes));
        let previous = change.previous.as_ref();
        assert!(previous.is_none_or(|previous| heard.contains(previous)), "{:?}", next.changes);
        heard.push(change.new.clone().expect("it is there"));
        assert!(heard.len() <= 3, "{heard:?}");
        after = next;
    }

    // The dialog goes on: a refresh is answered and followed by the full state, and it ends in order.
    sip.refresh(&mut subscription, 1800).await.expect("a refresh");
    let full = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("the full state");
    assert!(full.cseq > after.cseq && full.changes.len() == 2, "{full:?}");
    sip.refresh(&mut subscription, 0).await.expect("an end");
    let last = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a last NOTIFY");
    assert!(last.cseq > full.cseq && last.state.starts_with("terminated"), "{last:?}");
}
