//! The reply of a commit is lost: it was applied, and nobody heard.

use csc_faults::proxy::{Cut, Who};
use csc_store::Store;

use crate::alone::{Alone, get, put, records, spend, text};

/// The commit is sent again under its id, is answered as it was at first, and has spent the code once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_whose_spending_was_not_answered_is_spent_once() {
    let Some(alone) = Alone::start("a_code_whose_spending_was_not_answered_is_spent_once", &[]).await else {
        return;
    };
    let records = records(alone.store.clone());
    put(alone.store.as_ref(), "code", "fresh").await.expect("the store answers");

    let lost = alone.proxy.lose_reply(Who::All, "first spender");
    let spent = spend(&records, "code", "first spender").await.expect("the commit is sent again");
    assert!(spent, "and is answered as if nothing had happened");
    lost.await.expect("the reply was lost");
    assert!(!spend(&records, "code", "second spender").await.expect("the store answers"));

    let code = get(alone.store.as_ref(), "code").await.expect("the store answers");
    assert_eq!(text(&code), Some("first spender"));
    let position = alone.store.position(crate::alone::somewhere()).await.expect("the store answers");
    let news = alone.store.tail(&[(crate::alone::somewhere(), position)], 10, Default::default()).await;
    assert_eq!(news.expect("the store answers"), []);
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
