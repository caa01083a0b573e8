//! The reply of a commit is lost: it was applied, and nobody heard.

use std::time::Duration;

use csc_faults::proxy::{Cut, Who};
use csc_store::{Store, Tail};

use crate::alone::{Alone, get, put, records, somewhere, spend, text};

/// The commit is sent again under its id, is answered as it was at first, and has spent the code once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_whose_spending_was_not_answered_is_spent_once() {
    let Some(alone) = Alone::start("a_code_whose_spending_was_not_answered_is_spent_once", &[]).await else {
        return;
    };
    let records = records(alone.store.clone());
    put(alone.store.as_ref(), "code", "fresh").await.expect("the store answers");

    let position = alone.store.position(somewhere()).await.expect("the store answers");

    let lost = alone.proxy.lose_reply(Who::All, "first spender");
    let spent = spend(&records, "code", "first spender").await.expect("the commit is sent again");
    assert!(spent, "and is answered as if nothing had happened");
    lost.await.expect("the reply was lost");
    assert!(!spend(&records, "code", "second spender").await.expect("the store answers"));

    let code = get(alone.store.as_ref(), "code").await.expect("the store answers");
    assert_eq!(text(&code), Some("first spender"));
    let news = alone.store.tail(&[(somewhere(), position)], 10, Duration::ZERO).await;
    let [(_, Tail::Entries { entries, .. })] = &news.expect("the store answers")[..] else {
        panic!("entries")
    };
    let told: Vec<&[u8]> = entries.iter().map(|entry| entry.payload.as_ref()).collect();
    assert_eq!(told, [b"first spender"], "and was told once");
}

/// Connections that are cut in the middle of everything cost time, not answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_are_made_anew() {
    let Some(alone) = Alone::start("cut_connections_are_made_anew", &[]).await else { return };
    for n in 0..20 {
        let how = if n % 2 == 0 { Cut::Reset } else { Cut::Finish };
        alone.proxy.cut(Who::All, how);
        let value = n.to_string();
        put(alone.store.as_ref(), "a", &value).await.expect("the commit is sent again");
        alone.proxy.cut(Who::All, how);
        let found = get(alone.store.as_ref(), "a").await.expect("the read is sent again");
        assert_eq!(text(&found), Some(value.as_str()));
    }
}
