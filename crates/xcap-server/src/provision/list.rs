//! Enumerating the documents of a usage, out of the index.

use csc_proto::documents::v1::{Document as Listed, ListRequest, ListResponse};
use csc_store::shared;
use csc_types::Partition;
use csc_xcap::Collection;
use csc_xcap::usage::Usage;
use tonic::Status;

use super::{Provisioning, organisation, unavailable};
use crate::library::Library;

/// Most documents of an answer.
const MOST: usize = 500;
/// Index entries that are read for an answer, wanted or not: it must come in time.
const READ: usize = 4096;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    partition: Partition,
    /// Behind this path; empty: at the first one.
    after: String,
}

impl Place {
    fn token(&self) -> String {
        format!("{}:{}", self.partition.number(), self.after)
    }

    fn parse(token: &str) -> Option<Self> {
        let (partition, after) = token.split_once(':')?;
        Some(Self { partition: Partition::new(partition.parse().ok()?)?, after: after.to_owned() })
    }

    /// The beginning of the next partition.
    fn next(&self) -> Option<Self> {
        Some(Self { partition: Partition::new(self.partition.number() + 1)?, after: String::new() })
    }
}

impl<L: Library> Provisioning<L> {
    pub(super) async fn enumerate(&self, request: ListRequest) -> Result<ListResponse, Status> {
        let usage = self.usage(&request.usage)?;
        let collection = self.collection(usage, &request.user)?;
        let wanted = organisation(&request.organisation)?;
        let prefix = collection.as_ref().map_or_else(|| format!("{}/", usage.auid), Collection::prefix);
        let first = collection.as_ref().map_or(Partition::INSTALLATION, Collection::partition);
        let begin = match request.page_token.as_str() {
            "" => Some(Place { partition: first, after: String::new() }),
            token => Place::parse(token),
        };
        let sound = |place: &Place| {
            (collection.is_none() || place.partition == first)
                && (place.after.is_empty() || place.after.starts_with(&prefix))
        };
        let begin =
            begin.filter(sound).ok_or_else(|| Status::invalid_argument("page_token: not of this list"))?;

        let size = match usize::try_from(request.page_size).unwrap_or(MOST) {
            0 => MOST,
            size => size.min(MOST),
        };
        let mut documents = Vec::new();
        let mut read = 0;
        let mut place = Some(begin);
        while let Some(here) = &mut place {
            let limit = MOST.min(READ - read);
            if limit == 0 || documents.len() == size {
                break;
            }
            let after = Some(here.after.as_str()).filter(|after| !after.is_empty());
            let store = self.0.store();
            let page = shared::index_scan(store, here.partition, &prefix, after, limit).await;
            let page = page.map_err(unavailable)?;
            let mut over = page.len() < limit;
            read += page.len();
            for (path, entry, version) in page {
                if documents.len() == size {
                    over = false;
                    break;
                }
                here.after.clone_from(&path);
                let view = entry.group_revision != 0;
                let other = wanted.as_ref().is_some_and(|wanted| wanted.as_str() != entry.organisation);
                if !(entry.removed || view && collection.is_none() || other) {
                    let etag = shared::etag(&entry, version).to_string();
                    documents.push(Listed { path, etag, organisation: entry.organisation });
                }
            }
            if over {
                place = if collection.is_some() { None } else { here.next() };
            }
        }
        let next_page_token = place.as_ref().map(Place::token).unwrap_or_default();
        Ok(ListResponse { documents, next_page_token })
    }

    fn usage(&self, auid: &str) -> Result<&'static Usage, Status> {
        let usages = &self.0.settings().usages;
        let found = usages.iter().copied().find(|usage| usage.auid == auid);
        found.ok_or_else(|| Status::not_found(format!("{auid}: no usage of this service")))
    }

    fn collection(&self, usage: &'static Usage, user: &str) -> Result<Option<Collection>, Status> {
        if user.is_empty() {
            return Ok(None);
        }
        let user = self.0.settings().config.names.user(user);
        let user = user.map_err(|error| Status::invalid_argument(format!("user: {error}")))?;
        Ok(Some(Collection { usage, user }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = Place { partition: Partition::new(63).unwrap(), after: "a/users/x:y/z".to_owned() };
        assert_eq!(Place::parse(&place.token()), Some(place.clone()));
        assert_eq!(place.next(), None);
        for token in ["", "64:", "x:", "-1:", "1"] {
            assert_eq!(Place::parse(token), None, "{token}");
        }
    }
}
