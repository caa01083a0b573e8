//! Follows the logs of all partitions.

use csc_proto::event::v1::log_entry::Change;
use csc_service::trace::Cause;
use csc_store::Records;
use csc_store::follow::{self, follow};
use csc_types::{McpttId, Partition};
use futures::StreamExt;
use tokio::sync::mpsc;

/// What a log entry says, and in which trace that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// The document at this path changed.
    Document(String, Cause),
    /// The account of this user changed.
    Account(McpttId, Cause),
    /// The dialog with this tag was created, refreshed or ended.
    Dialog(String, Cause),
    /// Entries of this partition may have been missed: states are to be compared. At the start that is all of them.
    Missed(Partition),
}

/// Follows the logs until the engine is gone.
pub(super) async fn run(records: Records, news: mpsc::Sender<Vec<News>>) -> anyhow::Result<()> {
    let mut logs = follow(records);
    loop {
        let heard = tokio::select! {
            Some(heard) = logs.next() => heard,
            () = news.closed() => return Ok(()),
        };
        if news.send(heard.into_iter().filter_map(understand).collect()).await.is_err() {
            return Ok(());
        }
    }
}

/// What was heard; `None` for an entry of a kind that this release does not know.
fn understand(heard: follow::News) -> Option<News> {
    let entry = match heard {
        follow::News::Entry(entry) => entry,
        follow::News::Missed(partition) => return Some(News::Missed(partition)),
    };
    let cause = Cause::of_entry(&entry.traceparent);
    Some(match entry.change? {
        Change::Document(document) => News::Document(document.path, cause),
        Change::Account(account) => News::Account(account.mcptt_id.parse().ok()?, cause),
        Change::Subscription(subscription) => News::Dialog(subscription.dialog, cause),
    })
}
