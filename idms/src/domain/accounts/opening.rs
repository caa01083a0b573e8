//! Every account that changed within the life of an access token.

use csc_store::{Key, Records, StoreError, shared};
use csc_types::{McpttId, Partition};
use futures::stream::{self, Stream, TryStreamExt};

use super::{Cut, Told, read};
use crate::records::CHANGED;

/// Accounts that are read at once.
const PAGE: usize = 256;

/// Where the next page begins: a partition, and behind which name.
struct Place {
    partition: Partition,
    after: Option<String>,
}

/// The accounts, page by page, as the watcher takes them.
pub(super) fn all(records: Records) -> impl Stream<Item = Result<Told, Cut>> + Send {
    let start = Partition::new(0).map(|partition| Place { partition, after: None });
    stream::try_unfold(start, move |place| {
        let records = records.clone();
        async move {
            let Some(place) = place else { return Ok(None) };
            Ok::<_, Cut>(Some(page(&records, place).await?))
        }
    })
    .map_ok(|accounts| stream::iter(accounts.into_iter().map(Ok)))
    .try_flatten()
}

/// One page, and where the next begins.
async fn page(records: &Records, place: Place) -> Result<(Vec<Told>, Option<Place>), StoreError> {
    let Place { partition, after } = place;
    let noted = records.store().scan(partition, CHANGED, "", after.as_deref(), PAGE).await?;
    let next = match noted.last() {
        Some((name, _)) => Some(Place { partition, after: Some(name.clone()) }),
        None => Partition::new(partition.number() + 1).map(|partition| Place { partition, after: None }),
    };
    // A name that is none any more stands in no token.
    let ids: Vec<McpttId> = noted.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    Ok((accounts(records, partition, ids).await?, next))
}

/// The accounts `ids` of one partition as they are now.
pub(super) async fn accounts(
    records: &Records,
    partition: Partition,
    ids: Vec<McpttId>,
) -> Result<Vec<Told>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Key> = ids.iter().map(shared::account_key).collect();
    let found = records.store().get(partition, &keys).await?;
    let told = |(id, record)| {
        let account = read(&id, record);
        Told::Account(id, account)
    };
    Ok(ids.into_iter().zip(&found).map(told).collect())
}
