//! Of which groups and accounts the logs speak.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_proto::event::v1::{LogEntry, log_entry};
use csc_service::trace::Cause;
use csc_store::{Cursor, Store, StoreError, Tail};
use csc_types::Partition;
use csc_xcap::usage::GROUPS;
use futures::future::try_join_all;
use futures::stream::{self, Stream};
use prost::Message;

use super::PAUSE;
use super::due::Due;

/// Entries of one log that are read at once.
const LIMIT: usize = 512;
/// How long a read waits for news. Nothing depends on it: the wait ends with the first entry.
const WAIT: Duration = Duration::from_secs(30);

/// The reader of all logs, and where it stands in each.
pub(super) struct News {
    cursors: BTreeMap<Partition, Cursor>,
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// What changed, and what changed it.
    pub(super) due: Vec<(Due, Cause)>,
    /// Partitions whose logs went on without us: compare states there.
    pub(super) lost: Vec<Partition>,
}

impl News {
    /// A reader of everything that happens after this.
    pub(super) async fn from_now_on(store: &dyn Store) -> Result<Self, StoreError> {
        let position =
            |partition| async move { Ok::<_, StoreError>((partition, store.position(partition).await?)) };
        let cursors = try_join_all(Partition::all().map(position)).await?;
        Ok(Self { cursors: cursors.into_iter().collect() })
    }

    /// All that is heard, for ever.
    pub(super) fn stream(self, store: &dyn Store) -> impl Stream<Item = Heard> + Send {
        stream::unfold(self, move |mut news| async move {
            loop {
                match news.next(store).await {
                    Ok(heard) => return Some((heard, news)),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "logs cannot be read now");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        })
    }

    /// Waits for news. Dropped halfway, it has read nothing.
    async fn next(&mut self, store: &dyn Store) -> Result<Heard, StoreError> {
        let cursors: Vec<_> = self.cursors.iter().map(|(partition, cursor)| (*partition, *cursor)).collect();
        let mut heard = Heard::default();
        let mut moved = Vec::new();
        for (partition, tail) in store.tail(&cursors, LIMIT, WAIT).await? {
            match tail {
                Tail::Entries { entries, cursor } => {
                    heard.due.extend(entries.iter().filter_map(|entry| changed(&entry.payload)));
                    moved.push((partition, cursor));
                }
                Tail::Lost => {
                    tracing::warn!(partition = partition.number(), "log went on without the projector");
                    moved.push((partition, store.position(partition).await?));
                    heard.lost.push(partition);
                }
            }
        }
        self.cursors.extend(moved);
        Ok(heard)
    }
}

/// What an entry wakes, and in which trace. Views are announced by the projector itself.
fn changed(payload: &[u8]) -> Option<(Due, Cause)> {
    let entry = LogEntry::decode(payload).ok()?;
    let due = match entry.change? {
        log_entry::Change::Document(changed) => {
            let name = changed.path.strip_prefix(GROUPS.auid)?.strip_prefix("/global/byGroupID/")?;
            Due::Group(name.parse().ok()?)
        }
        log_entry::Change::Account(changed) => Due::Account(changed.mcptt_id.parse().ok()?),
        log_entry::Change::Subscription(_) => return None,
    };
    Some((due, Cause::of_entry(&entry.traceparent)))
}

#[cfg(test)]
mod tests {
    use csc_proto::event::v1::AccountChanged;
    use csc_types::GroupId;
    use csc_xcap_server::announce;

    use super::*;
    use crate::records::{canonical, view};

    #[test]
    fn only_groups_and_accounts_wake_it() {
        let organisation = "fire".parse().unwrap();
        let group: GroupId = "tel:+9".parse().unwrap();
        let heard = |path: &str| changed(&announce(path, &organisation));
        assert_eq!(heard(&canonical(&group).path()), Some((Due::Group(group.clone()), Cause::NONE)));
        assert_eq!(heard(&view(&"tel:+1".parse().unwrap(), &group).path()), None);
        assert_eq!(heard("org.3gpp.mcptt.user-profile/users/tel:+1/mcptt-user-profile-0.xml"), None);
        let account = AccountChanged { mcptt_id: "tel:+1".to_owned() };
        let account =
            LogEntry { change: Some(log_entry::Change::Account(account)), traceparent: String::new() };
        let due = Due::Account("tel:+1".parse().unwrap());
        assert_eq!(changed(&account.encode_to_vec()), Some((due, Cause::NONE)));
        assert_eq!(changed(b"\xff"), None);
    }
}
