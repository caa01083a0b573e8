//! Group associations: the groups of a user, `GROUP-ASSOCIATION/users/<xui>/index`.
//!
//! What is known of the format (the changes of 2009 in the source's 1.1): it has the groups of a user, each with an
//! optional `conference-id` and `premium-flag`, and room for other elements. The rest is **ours**:
//!
//! ```xml
//! <group-association xmlns="urn:x-csc:glms:1.0" user="tel:+8210">
//!   <group uri="tel:g1">
//!     <display-name>Team</display-name>
//!     <conference-id>7</conference-id>         what the group's list-service says in this namespace
//!     <premium-flag>true</premium-flag>        what the user's entry says in this namespace
//!   </group>
//! </group-association>
//! ```
//!
//! Where there are more groups than `association_groups`, or one that cannot be read, the root has `complete="false"`. It is made when asked for: the
//! user's views from the index, each group then from its own records, where membership is checked.

use bytes::Bytes;
use csc_service::http::Body;
use csc_store::{StoreError, shared};
use csc_types::{Caller, Etag, GroupId, McpttId, OrgId, Partition, Revision};
use csc_xcap::access::{Facts, Operation, decide};
use csc_xcap::search::EXTENSIONS;
use csc_xcap::uri::Node;
use csc_xcap::usage::{DIRECTORY, GROUPS, groups};
use csc_xcap::{Document, Names, Place};
use csc_xcap_server::{Outcome, Precondition, Refusal, aside};
use csc_xml::{Limits, Writer, attribute, child, children};
use futures::future::join_all;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::Glms;
use super::answer::{self, Denied};
use super::search::legible;
use super::target::Part;
use crate::records::view;

const MEDIA_TYPE: &str = "application/group-association+xml";
/// Groups that are read at the same time.
const AT_ONCE: usize = 8;
/// Associations that are made at the same time in a process; others wait. Each may read hundreds of large documents.
static PLACES: Semaphore = Semaphore::const_new(4);
/// Views that are looked at together.
pub(super) const PAGE: usize = 256;
/// Longest name that is passed on, in octets.
const NAME: usize = 1024;

/// A group as an association tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    uri: String,
    name: Option<String>,
    conference: Option<String>,
    premium: Option<bool>,
}

impl Glms {
    pub(super) async fn association(
        &self,
        head: &Parts,
        caller: &Caller,
        part: &Part,
    ) -> Result<Response<Body>, Denied> {
        let user = match part.document.segments()[..] {
            [_, "users", user, "index"] => self.ground.names.user(user).map_err(|_| Refusal::NotFound)?,
            _ => return Err(Refusal::NotFound.into()),
        };
        self.admit_to(caller, &user).await?;
        if head.method != Method::GET && head.method != Method::HEAD {
            return Err(Denied::NotAllowed("GET, HEAD"));
        }
        let (groups, complete) = {
            let _place = PLACES.acquire().await.expect("nobody closes this semaphore");
            self.groups_of(caller, &user).await?
        };
        let content = write(&user, &groups, complete);
        let digest = Sha256::digest(content.as_bytes());
        let (revision, random) = digest.as_chunks::<8>().0.split_first().expect("a hash has 32 octets");
        let etag = Etag::of(
            Revision::new(u64::from_be_bytes(*revision)),
            u64::from_be_bytes(*random.first().expect("a hash has 32 octets")),
        );
        let outcome = Precondition::of(&head.headers).for_read(&etag)?;
        let mut response = match (&part.node, outcome) {
            (_, Outcome::NotModified) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            (None, Outcome::Modified) => answer::document(MEDIA_TYPE, content),
            (Some(node), Outcome::Modified) => select(&content, node)?,
        };
        answer::tag(&mut response, &etag);
        Ok(response)
    }

    /// An association is for whom the user's directory is for.
    async fn admit_to(&self, caller: &Caller, user: &McpttId) -> Result<(), Denied> {
        let account = shared::account(self.ground.records.store(), user).await?;
        let organisation: Option<OrgId> = account.and_then(|account| account.organisation.parse().ok());
        let document = Document { usage: &DIRECTORY, place: Place::Directory(user.clone()) };
        let facts = Facts { organisation, ..Facts::default() };
        Ok(Refusal::of(decide(caller, Operation::Read, &document, &facts))?)
    }

    /// The groups that `user` sees, as far as `caller` may read them, and whether these are all.
    async fn groups_of(&self, caller: &Caller, user: &McpttId) -> Result<(Vec<Group>, bool), Denied> {
        let (views, mut complete) = self.views(user, self.config.rules.association_groups).await?;
        let mut groups = Vec::new();
        for some in views.chunks(AT_ONCE) {
            let reads = some.iter().map(|group| self.one(caller, user, group));
            for group in join_all(reads.collect::<Vec<_>>()).await {
                groups.extend(legible(group, &mut complete)?);
            }
        }
        Ok((groups, complete))
    }

    /// The first `most` live views of `user`, by the index, and whether these are all.
    pub(super) async fn views(
        &self,
        user: &McpttId,
        most: usize,
    ) -> Result<(Vec<GroupId>, bool), StoreError> {
        let prefix = format!("{}/users/{user}/", GROUPS.auid);
        let (mut views, mut after): (Vec<GroupId>, Option<String>) = (Vec::new(), None);
        loop {
            let store = self.ground.records.store();
            let partition = Partition::of(user.as_str());
            let page = shared::index_scan(store, partition, &prefix, after.as_deref(), PAGE).await?;
            let Some((last, ..)) = page.last() else { return Ok((views, true)) };
            after = Some(last.clone());
            for (path, entry, _) in page {
                let group = path.strip_prefix(&prefix).and_then(|group| group.parse().ok());
                if let Some(group) = group.filter(|_| !entry.removed) {
                    if views.len() == most {
                        return Ok((views, false));
                    }
                    views.push(group);
                }
            }
        }
    }

    async fn one(&self, caller: &Caller, user: &McpttId, group: &GroupId) -> Result<Option<Group>, Denied> {
        let seen = match self.admitted(caller, Operation::Read, &view(user, group)).await {
            Ok(seen) => seen,
            // It changed since the index was written, or is of an organisation that is not the caller's to see.
            Err(Refusal::Forbidden | Refusal::NotFound) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let Some(stored) = seen.current else { return Ok(None) };
        let (limits, names) = (self.ground.limits, self.ground.names.clone());
        let (group, user) = (group.clone(), user.clone());
        let octets = stored.content.len();
        let read = move || read(&stored.content, &limits, &group, &user, &names);
        Ok(Some(aside(octets, read).await))
    }
}

/// What an association tells of a group. A document that cannot be read any more still is a group.
fn read(content: &Bytes, limits: &Limits, group: &GroupId, user: &McpttId, names: &Names) -> Group {
    let mut found = Group { uri: group.to_string(), ..Group::default() };
    let Ok(document) = csc_xml::parse(content, &limits.of_stored(content.len())) else { return found };
    let Some(service) = child(document.root_element(), GROUPS.namespace, "list-service") else {
        return found;
    };
    let text = |element: csc_xml::Node<'_, '_>| element.text().map(|text| cut(text.trim()).to_owned());
    found.name = child(service, GROUPS.namespace, "display-name").and_then(text);
    found.conference = child(service, EXTENSIONS, "conference-id").and_then(text);
    let mut entries = children(service, GROUPS.namespace, "list")
        .flat_map(|list| children(list, GROUPS.namespace, "entry"))
        .filter(|entry| {
            attribute(*entry, "uri").and_then(|uri| names.user(uri.trim()).ok()).as_ref() == Some(user)
        });
    let flag = entries.find_map(|entry| child(entry, EXTENSIONS, "premium-flag"));
    found.premium = flag.and_then(text).map(|flag| matches!(flag.as_str(), "true" | "1"));
    found
}

/// The display name of a group document; empty if it has none, `None` if it cannot be read.
pub(super) fn display_name(content: &[u8], limits: &Limits) -> Option<String> {
    let document = csc_xml::parse(content, &limits.of_stored(content.len())).ok()?;
    Some(groups::display_name(document.root_element()))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME)]
}

fn write(user: &McpttId, groups: &[Group], complete: bool) -> String {
    let mut out = Writer::document();
    out.open("group-association").attribute("xmlns", EXTENSIONS).attribute("user", user.as_str());
    if !complete {
        out.attribute("complete", "false");
    }
    for Group { uri, name, conference, premium } in groups {
        out.open("group").attribute("uri", uri);
        let premium = premium.map(|premium| premium.to_string());
        for (element, value) in
            [("display-name", name), ("conference-id", conference), ("premium-flag", &premium)]
        {
            if let Some(value) = value {
                out.open(element).text(value).close();
            }
        }
        out.close();
    }
    out.finish()
}

/// A node of a document that was just made.
fn select(content: &str, node: &Node) -> Result<Response<Body>, Refusal> {
    let Node::Selector(selector) = node else { return Err(Refusal::NotFound) };
    let limits = Limits::with_octets(content.len());
    let document = csc_xml::parse(content.as_bytes(), &limits).map_err(|_| Refusal::NotFound)?;
    let found = selector.find(&document, EXTENSIONS).ok_or(Refusal::NotFound)?;
    Ok(answer::document(selector.kind().media_type(), found.body(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_group(inside: &str) -> Group {
        let content = format!(
            "<group xmlns='urn:oma:xml:poc:list-service' xmlns:g='{EXTENSIONS}'><list-service uri='tel:1'>\
             {inside}</list-service></group>"
        );
        let names = Names::of("default".parse().unwrap());
        let (group, user) = ("tel:1".parse().unwrap(), "tel:+2".parse().unwrap());
        read(&Bytes::from(content), &Limits::DEFAULT, &group, &user, &names)
    }

    #[test]
    fn what_is_told_of_a_group() {
        assert_eq!(read_group(""), Group { uri: "tel:1".to_owned(), ..Group::default() });
        let full = read_group(
            "<display-name> A &amp; B </display-name><list><entry uri='tel:+1'><g:premium-flag>true</g:premium-flag>\
             </entry><entry uri='TEL:+2'><g:premium-flag>false</g:premium-flag></entry></list>\
             <g:conference-id>7</g:conference-id><conference-id>8</conference-id>",
        );
        let expected = Group {
            uri: "tel:1".to_owned(),
            name: Some("A & B".to_owned()),
            conference: Some("7".to_owned()),
            premium: Some(false),
        };
        assert_eq!(full, expected);
        assert_eq!(
            write(&"tel:+2".parse().unwrap(), &[full], true),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <group-association xmlns=\"urn:x-csc:glms:1.0\" user=\"tel:+2\"><group uri=\"tel:1\">\
             <display-name>A &amp; B</display-name><conference-id>7</conference-id>\
             <premium-flag>false</premium-flag></group></group-association>"
        );
        let long = read_group(&format!("<display-name>{}</display-name>", "그".repeat(1000)));
        assert_eq!(long.name.unwrap().len(), 1023);
    }
}
