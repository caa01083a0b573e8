//! Storing and deleting: one commit for the document and what is told of it to others, and what must be so before.

use std::time::Duration;

use csc_store::{Change as Commit, Key, Record, StoreError, shared};
use csc_types::{Etag, Revision};
use csc_xcap::error::{Conflict, Exists};
use csc_xcap::usage::{Keeper, RLS_SERVICES, USER_PROFILE, user_profile};
use csc_xcap::{Collection, Document, Place};
use csc_xcap_server::{Change, Decide, Entry, Judge, New, Refusal, Volume, Written};
use prost::Message;

use super::{CmsLibrary, snapshot};
use crate::claims::{self, HeldRecord, Release};
use crate::domain::confirm;
use crate::records::{self, SHELF, damaged, preselected, preselected_key, room_key};
use crate::templates::{self, MOST_TEMPLATES};

/// How long the record of a room is kept: longer than any commit may take, which it is for.
const ROOM_KEPT: Duration = Duration::from_secs(60);

/// What was read of a document that is changed.
struct Found<'a> {
    /// For the snapshot.
    document: &'a [Record],
    history: &'a Record,
    /// Which profile of the user is the one to begin with, and which URIs the document holds.
    preselected: &'a Record,
    held: &'a Record,
}

/// What the paths of the documents begin with that must do with the same room; `None`: only so many names are possible.
fn room(document: &Document) -> Option<String> {
    match &document.place {
        Place::User { user, .. } if document.usage.keeper == Keeper::User => {
            Some(Collection { usage: document.usage, user: user.clone() }.prefix())
        }
        Place::Global { organisation, .. } => Some(templates::prefix_of(document.usage, organisation)),
        _ => None,
    }
}

/// The records that whoever changes `document` reads, [`Found::read`] takes them apart; and behind them one that every new
/// document in the same room writes, so that of two at the same time one is decided upon anew.
fn keys(document: &Document, path: &str) -> Vec<Key> {
    let mut keys = records::keys(document);
    // Only in a user's tree is there something to tell; elsewhere these names are nobody's.
    let preselected = document.user().map_or_else(|| Key::new("cms.preselected", path), preselected_key);
    keys.extend([SHELF.history_key(path), preselected, claims::held_key(path)]);
    keys.extend(room(document).map(|room| room_key(&room)));
    keys
}

impl<'a> Found<'a> {
    fn read(document: &Document, found: &'a [Record]) -> Result<Self, StoreError> {
        match found.split_at_checked(records::keys(document).len()) {
            Some((document, [history, preselected, held, ..])) => {
                Ok(Self { document, history, preselected, held })
            }
            _ => Err(damaged("no answer for a key")),
        }
    }
}

impl CmsLibrary {
    /// Stores what `decide` makes of what is there.
    pub(super) async fn store(
        &self,
        change: Change<'_>,
        decide: &dyn Decide<super::Digest>,
    ) -> Result<Written, Refusal> {
        let document = change.document;
        let path = document.path();
        let path = path.as_str();
        let decided = |found: Vec<Record>| async move {
            let found = Found::read(document, &found)?;
            let mut snapshot = snapshot(document, found.document)?;
            snapshot.open_profile = self.is_open_profile(document, &snapshot).await?;
            let New { content, digest, created, dry_run } = decide.decide(&snapshot).await?;
            let mut commit = begin(document, path, &found, digest.preselected)?;
            if let (None, Some(room)) = (&snapshot.current, room(document)) {
                self.leave_room(document, &room).await?;
                let expires = change.author.at.plus(ROOM_KEPT);
                commit = commit.put_until(room_key(&room), path.as_bytes().to_vec(), expires);
            }
            let mut gone = Vec::new();
            let mut claimed = None;
            if document.usage == &RLS_SERVICES {
                let before = claims::held(found.held)?;
                claimed = Some(self.claims.claim(document, &digest.services, &before, dry_run).await?);
                let dropped: Vec<_> =
                    before.into_iter().filter(|uri| !digest.services.contains(uri)).collect();
                gone = self.claims.to_release(path, &dropped).await?;
                commit =
                    commit.put(claims::held_key(path), HeldRecord { uris: digest.services }.encode_to_vec());
            }
            if dry_run {
                return Ok(Commit::nothing((created, 0, Vec::new())));
            }
            confirm(&*self.user_database, document, Some(&content)).await?;
            if let Some(started) = claimed {
                self.claims.in_time(started)?;
            }
            let random = self.entropy.next_u64();
            let organisation = snapshot.organisation.as_ref().unwrap_or(change.organisation);
            let entry = Entry { path, organisation, author: change.author, history: found.history };
            let commit = SHELF.put(commit, &entry, Volume { random, content })?;
            Ok::<_, Refusal>(with_outcome(commit, (created, random, gone)))
        };
        let updated = self.records.update_async(document.partition(), &keys(document, path), decided).await;
        let updated = updated.map_err(Refusal::from)?;
        let (created, random, gone) = updated.outcome;
        self.claims.release(gone).await;
        Ok(Written { created, etag: Etag::of(updated.revision.unwrap_or(Revision::ABSENT), random) })
    }

    /// Deletes a document if `judge` agrees with what is there.
    pub(super) async fn remove(&self, change: Change<'_>, judge: Judge<'_>) -> Result<(), Refusal> {
        let document = change.document;
        let path = document.path();
        let path = path.as_str();
        let decided = |found: Vec<Record>| async move {
            let found = Found::read(document, &found)?;
            let snapshot = snapshot(document, found.document)?;
            judge(&snapshot)?;
            let organisation = snapshot.organisation.as_ref().unwrap_or(change.organisation);
            let mut commit = begin(document, path, &found, false)?;
            let mut gone = Vec::new();
            if found.held.value.is_some() {
                gone = self.claims.to_release(path, &claims::held(found.held)?).await?;
                commit = commit.delete(claims::held_key(path));
            }
            confirm(&*self.user_database, document, None).await?;
            let entry = Entry { path, organisation, author: change.author, history: found.history };
            let commit = SHELF.delete(commit, &entry)?;
            Ok::<_, Refusal>(with_outcome(commit, gone))
        };
        let updated = self.records.update_async(document.partition(), &keys(document, path), decided).await;
        let gone: Vec<Release> = updated.map_err(Refusal::from)?.outcome;
        self.claims.release(gone).await;
        Ok(())
    }

    /// Refuses one document too many.
    async fn leave_room(&self, document: &Document, room: &str) -> Result<(), Refusal> {
        let most = if document.user().is_some() { self.documents_per_user } else { MOST_TEMPLATES };
        let listed = shared::index_scan(self.records.store(), document.partition(), room, None, most).await?;
        if listed.len() < most {
            return Ok(());
        }
        Err(Conflict::ConstraintFailure(format!("there are {most} documents of this usage here already"))
            .into())
    }
}

/// The part of a commit that says which profile is the one to begin with.
fn begin(document: &Document, path: &str, found: &Found<'_>, says_so: bool) -> Result<Commit<()>, Refusal> {
    let nothing = Commit::nothing(());
    let (true, Some(user)) = (document.usage == &USER_PROFILE, document.user()) else { return Ok(nothing) };
    match (preselected(found.preselected)?, says_so) {
        (Some(other), true) if other != path => Err(two_preselected()),
        (Some(_), true) => Ok(nothing),
        (None, true) => Ok(nothing.put(preselected_key(user), path.as_bytes().to_vec())),
        (Some(this), false) if this == path => Ok(nothing.delete(preselected_key(user))),
        (_, false) => Ok(nothing),
    }
}

fn two_preselected() -> Refusal {
    let field = format!("{}/{}", user_profile::ROOT, user_profile::PRESELECTED);
    Conflict::UniquenessFailure(vec![Exists { field, alt_values: Vec::new() }]).into()
}

fn with_outcome<A, B>(commit: Commit<A>, outcome: B) -> Commit<B> {
    let Commit { checks, puts, deletes, log, .. } = commit;
    Commit { checks, puts, deletes, log, outcome }
}
