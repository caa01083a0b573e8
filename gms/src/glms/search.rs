//! Searching groups (the source's 4.7 is lost; OMA XDM Core 2.2 has the documents): which groups are looked at, and who
//! sees which hit.
//!
//! Every hit is one that the caller may read, by the standard's own table. So whoever commands no groups only finds those
//! in its own tree, and nothing else is looked at. Commanders' searches for a member, an owner or a tree look at that
//! user's tree; only their searches by name alone look at all groups, which are few records of some hundred octets in
//! each partition. How many are looked at is bounded, and an answer that is not complete says so.

use csc_service::http::{Body, read_body};
use csc_store::{Record, StoreError};
use csc_types::{Caller, GroupId, McpttId, Partition, Role};
use csc_xcap::access::{Decision, Facts, Membership, Operation, decide};
use csc_xcap::search::{Condition, Found, MEDIA_TYPE, Scope, Search};
use csc_xcap_server::{Refusal, aside, declared};
use futures::future::join_all;
use http::request::Parts;
use http::{Method, Response};
use tokio::sync::Semaphore;

use super::Glms;
use super::answer::{self, Denied};
use super::association::{PAGE, display_name};
use crate::domain::Members;
use crate::records::{
    GROUP, GroupRecord, SHELF, canonical, damaged, decode, group_key, members_key, members_of_constituent,
    parsed, partition, read_members,
};

/// Groups that are read at the same time.
const AT_ONCE: usize = 16;
/// Searches that go on at the same time in a process; others wait.
static PLACES: Semaphore = Semaphore::const_new(4);

/// What is searched for, its users resolved.
struct Wanted {
    /// Who must see the group: whose tree it is to be in.
    seen_by: Vec<McpttId>,
    members: Vec<McpttId>,
    owners: Vec<McpttId>,
    names: Vec<Condition>,
}

/// Hits, at most as many as are wanted.
struct Hits {
    found: Vec<(GroupId, Option<String>)>,
    complete: bool,
}

impl Glms {
    pub(super) async fn search(
        &self,
        head: &Parts,
        caller: &Caller,
        body: Body,
    ) -> Result<Response<Body>, Denied> {
        if head.method != Method::POST {
            return Err(Denied::NotAllowed("POST"));
        }
        let body = read_body(body, Search::OCTETS).await.map_err(Refusal::from)?;
        // Conditions are about a document; what is searched is none (RFC 9110 13.2.1).
        if !declared::is(declared::media_type(&head.headers)?, MEDIA_TYPE) {
            return Err(Refusal::MediaType.into());
        }
        let search = Search::parse(&body)?;
        let most = search.most.unwrap_or(usize::MAX).min(self.config.rules.search_results);
        let hits = match self.wanted(&search) {
            Some(wanted) => {
                let _place = PLACES.acquire().await.expect("nobody closes this semaphore");
                self.find(caller, &wanted, most).await?
            }
            // Nobody has such a name.
            None => Hits { found: Vec::new(), complete: true },
        };
        let found = hits.found.iter().map(|(uri, name)| Found { uri: uri.as_str(), name: name.as_deref() });
        Ok(answer::document(MEDIA_TYPE, search.answer(found, hits.complete)))
    }

    /// `None` if a user that is searched for can be none.
    fn wanted(&self, search: &Search) -> Option<Wanted> {
        let mut wanted =
            Wanted { seen_by: Vec::new(), members: Vec::new(), owners: Vec::new(), names: Vec::new() };
        if let Scope::Tree(user) = &search.query.scope {
            wanted.seen_by.push(self.user(user)?);
        }
        for condition in &search.query.conditions {
            match condition {
                Condition::Member(user) => wanted.members.push(self.user(user)?),
                Condition::Owner(user) => wanted.owners.push(self.user(user)?),
                name => wanted.names.push(name.clone()),
            }
        }
        Some(wanted)
    }

    async fn find(&self, caller: &Caller, wanted: &Wanted, most: usize) -> Result<Hits, Denied> {
        // Members and owners see their groups, so these are in their trees.
        let named = || wanted.seen_by.iter().chain(&wanted.members).chain(&wanted.owners).next();
        match (commands(caller), caller.user()) {
            (false, Some(user)) => self.in_tree(caller, wanted, &user.id, most).await,
            _ => match named() {
                Some(user) => self.in_tree(caller, wanted, user, most).await,
                None => self.everywhere(caller, wanted, most).await,
            },
        }
    }

    /// Looks at the groups in the tree of `user`.
    async fn in_tree(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        user: &McpttId,
        most: usize,
    ) -> Result<Hits, Denied> {
        let (views, all) = self.views(user, self.config.rules.search_groups).await?;
        let mut hits = Hits { found: Vec::new(), complete: all };
        for some in views.chunks(AT_ONCE) {
            let looks = some.iter().map(|group| self.read(caller, wanted, group.clone()));
            for hit in join_all(looks.collect::<Vec<_>>()).await {
                let hit = legible(hit, &mut hits.complete)?;
                if hits.is_full(most, hit) {
                    return Ok(hits);
                }
            }
        }
        Ok(hits)
    }

    /// Looks at all groups.
    async fn everywhere(&self, caller: &Caller, wanted: &Wanted, most: usize) -> Result<Hits, Denied> {
        let mut hits = Hits { found: Vec::new(), complete: true };
        let mut left = self.config.rules.search_groups;
        for partition in Partition::all() {
            let mut after: Option<String> = None;
            loop {
                let store = self.ground.records.store();
                let page = store.scan(partition, GROUP, "", after.as_deref(), PAGE.min(left + 1)).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (name, record) in page {
                    let Some(rest) = left.checked_sub(1) else {
                        hits.complete = false;
                        return Ok(hits);
                    };
                    left = rest;
                    let Ok(group) = name.parse() else { continue };
                    let hit = self.look(caller, wanted, group, &record, None).await;
                    let hit = legible(hit, &mut hits.complete)?;
                    if hits.is_full(most, hit) {
                        return Ok(hits);
                    }
                }
            }
        }
        Ok(hits)
    }

    /// Looks at a group of which no more than its name is known.
    async fn read(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        group: GroupId,
    ) -> Result<Option<(GroupId, Option<String>)>, Denied> {
        let keys = [group_key(&group), members_key(&group)];
        let found = self.ground.records.store().get(partition(&group), &keys).await?;
        let [record, members] = &found[..] else { return Err(damaged("no answer for a key").into()) };
        self.look(caller, wanted, group, record, Some(read_members(members)?)).await
    }

    /// The group and its name, if it is wanted and `caller` may read it. `members`: left out where no member is wanted.
    async fn look(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        group: GroupId,
        record: &Record,
        members: Option<Members>,
    ) -> Result<Option<(GroupId, Option<String>)>, Denied> {
        let Some(record) = decode::<GroupRecord>(record)?.filter(|record| !record.deleted) else {
            return Ok(None);
        };
        if !wanted.people(&record, members.as_ref().unwrap_or(&Members::default())) {
            return Ok(None);
        }
        for user in &wanted.seen_by {
            if self.membership(user, &group, &record, members.as_ref()).await? == Membership::Outsider {
                return Ok(None);
            }
        }
        let name = match &record.display_name {
            Some(name) => Some(name.clone()),
            // Written before names were kept beside a group.
            None => self.name_in_document(&group).await?,
        };
        let name = name.filter(|name| !name.is_empty());
        if !wanted.names(name.as_deref().unwrap_or_default()) {
            return Ok(None);
        }
        let may = self.may_read(caller, &group, &record, members.as_ref()).await?;
        Ok(may.then_some((group, name)))
    }

    /// Whether the standard lets `caller` read `group`. Its document, which may be large, is not looked at.
    async fn may_read(
        &self,
        caller: &Caller,
        group: &GroupId,
        record: &GroupRecord,
        members: Option<&Members>,
    ) -> Result<bool, StoreError> {
        let may = |membership| {
            let organisation = Some(parsed(&record.organisation, "organisation of a group")?);
            let facts = Facts { organisation, membership, ..Facts::default() };
            Ok::<_, StoreError>(decide(caller, Operation::Read, &canonical(group), &facts) == Decision::Allow)
        };
        if may(Membership::Outsider)? {
            return Ok(true);
        }
        match caller.user() {
            Some(user) => may(self.membership(&user.id, group, record, members).await?),
            None => Ok(false),
        }
    }

    /// What `user` is to `group`. `members`: left out where they are to be read.
    async fn membership(
        &self,
        user: &McpttId,
        group: &GroupId,
        record: &GroupRecord,
        members: Option<&Members>,
    ) -> Result<Membership, StoreError> {
        let members = match members {
            Some(members) => members.clone(),
            None => read_members(&self.ground.records.get(partition(group), &members_key(group)).await?)?,
        };
        if members.contains(user) {
            return Ok(Membership::Listed);
        }
        if record.creator.as_deref() == Some(user.as_str()) {
            return Ok(Membership::Viewer);
        }
        let store = self.ground.records.store();
        for constituent in record.regrouped()? {
            if members_of_constituent(store, &constituent, group, &record.organisation).await?.contains(user)
            {
                return Ok(Membership::Viewer);
            }
        }
        Ok(Membership::Outsider)
    }

    async fn name_in_document(&self, group: &GroupId) -> Result<Option<String>, StoreError> {
        let [key, _] = SHELF.keys(&canonical(group).path());
        let Some(content) = self.ground.records.get(partition(group), &key).await?.value else {
            return Ok(None);
        };
        let limits = self.ground.limits;
        Ok(aside(content.len(), move || display_name(&content, &limits)).await)
    }
}

/// A group that cannot be read hides no other one: the answer says that there may be more.
pub(super) fn legible<T>(found: Result<Option<T>, Denied>, complete: &mut bool) -> Result<Option<T>, Denied> {
    match found {
        Err(Denied::Standard(Refusal::Store(error @ StoreError::Damaged(_)))) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "group left out");
            *complete = false;
            Ok(None)
        }
        found => found,
    }
}

impl Hits {
    /// Adds a hit, if it is one, and there is room; whether there is none any more.
    fn is_full(&mut self, most: usize, hit: Option<(GroupId, Option<String>)>) -> bool {
        let full = hit.is_some() && self.found.len() == most;
        if full {
            self.complete = false;
        } else {
            self.found.extend(hit);
        }
        full
    }
}

impl Wanted {
    fn people(&self, group: &GroupRecord, members: &Members) -> bool {
        let owns = |user: &McpttId| group.creator.as_deref() == Some(user.as_str());
        self.owners.iter().all(owns) && self.members.iter().all(|user| members.contains(user))
    }

    fn names(&self, name: &str) -> bool {
        self.names.iter().all(|condition| match condition {
            Condition::Name(wanted) => name == wanted,
            Condition::NameStart(wanted) => name.starts_with(wanted.as_str()),
            Condition::NamePart(wanted) => name.contains(wanted.as_str()),
            Condition::Member(_) | Condition::Owner(_) => true,
        })
    }
}

/// Whether `caller` may read groups that it does not see itself.
fn commands(caller: &Caller) -> bool {
    let commanders = [Role::Dispatcher, Role::Administrator, Role::PlatformAdministrator];
    caller.user().is_none_or(|user| commanders.into_iter().any(|role| user.roles.has(role)))
}
