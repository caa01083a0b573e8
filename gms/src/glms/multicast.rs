//! Multicast information of a group: `MULTICAST-INFO/users/<xui>/<gid>`, the address its media are sent to and the keys
//! that protect them.
//!
//! What is known of the format (the source's 3.2.3 and the changes of 2009 in its 1.1): `gsk-old` and `gsk-new` of 256
//! bits, encrypted; `gsk-time` of 32 bits, in clear; an optional `conference-id`; `Q-CNONCE` in request and answer. The
//! rest is **ours**:
//!
//! ```xml
//! <multicast-info xmlns="urn:x-csc:glms:1.0" uri="tel:g1" generation="2">
//!   <conference-id>7</conference-id>
//!   <address>239.192.0.1</address>
//!   <port>5004</port>
//!   <gsk-old>…64 hexadecimal digits…</gsk-old>        none for the first generation
//!   <gsk-new>…64 hexadecimal digits…</gsk-new>
//!   <gsk-time>6B49D23C</gsk-time>                     seconds of Unix time: from then on the new key is used
//! </multicast-info>
//! ```
//!
//! Whoever may change a group sets address and port with the same document, without what concerns keys; every PUT makes
//! a new key. So does the first GET after the members of the group have changed: who has left never gets the new one.
//! Keys are for members, each in its own tree; a dispatcher who is no member gets none.

use std::net::IpAddr;

use bytes::Bytes;
use csc_service::http::{Body, BodyError, read_body};
use csc_store::{Change, Record, StoreError, Updated};
use csc_types::{Caller, Etag, GroupId, McpttId, Revision};
use csc_xcap::Document;
use csc_xcap::access::Operation;
use csc_xcap::error::Conflict;
use csc_xcap::search::EXTENSIONS;
use csc_xcap_server::{Asserted, Outcome, Precondition, Refusal};
use csc_xml::{Limits, Writer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use prost::Message;
use sha2::{Digest, Sha256};

use super::answer::{self, Denied};
use super::gsk::{Cnonce, Gsk, KEY};
use super::target::Part;
use super::{Glms, only};
use crate::domain::Members;
use crate::records::{
    GroupRecord, damaged, decode, group_key, members_key, multicast_key, partition, read_members, view,
};

/// Ours: the source names none.
const MEDIA_TYPE: &str = "application/multicast-info+xml";
const CNONCE: HeaderName = HeaderName::from_static("q-cnonce");
/// Most octets of a document that is put.
const OCTETS: usize = 8 << 10;
/// How often a change is judged anew because the group changed meanwhile.
const ATTEMPTS: usize = 8;
/// Longest conference-id, in octets.
const CONFERENCE: usize = 128;

/// What is stored of a group's multicast information, in the group's partition.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MulticastRecord {
    /// The random half of its tag.
    #[prost(uint64, tag = "1")]
    random: u64,
    #[prost(string, tag = "2")]
    address: String,
    #[prost(uint32, tag = "3")]
    port: u32,
    #[prost(string, optional, tag = "4")]
    conference: Option<String>,
    /// Which key the new one is, counted from 1.
    #[prost(uint32, tag = "5")]
    generation: u32,
    /// The new key, sealed.
    #[prost(bytes = "vec", tag = "6")]
    new: Vec<u8>,
    /// The one before, sealed; empty if there is none.
    #[prost(bytes = "vec", tag = "7")]
    old: Vec<u8>,
    /// From when the new one is used.
    #[prost(uint32, tag = "8")]
    time: u32,
    /// A hash of the members for whom the new one was made.
    #[prost(bytes = "vec", tag = "9")]
    members: Vec<u8>,
}

/// What a PUT sets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    address: IpAddr,
    port: u16,
    conference: Option<String>,
}

/// Whose document is asked for, and by whom.
struct Asked<'a> {
    head: &'a Parts,
    asserted: Option<&'a Asserted>,
    caller: &'a Caller,
    document: Document,
    group: GroupId,
}

impl Glms {
    pub(super) async fn multicast(
        &self,
        head: &Parts,
        asserted: Option<&Asserted>,
        caller: &Caller,
        part: &Part,
        body: Body,
    ) -> Result<Response<Body>, Denied> {
        let (member, group) = match part.document.segments()[..] {
            [_, "users", member, group] if part.node.is_none() => {
                let member = self.ground.names.user(member).map_err(|_| Refusal::NotFound)?;
                (member, group.parse::<GroupId>().map_err(|_| Refusal::NotFound)?)
            }
            _ => return Err(Refusal::NotFound.into()),
        };
        let document = view(&member, &group);
        let asked = Asked { head, asserted, caller, document, group };
        match head.method {
            Method::GET | Method::HEAD => self.tell(&asked, &member).await,
            Method::PUT => self.set(&asked, body).await,
            Method::DELETE => self.end(&asked).await,
            _ => Err(Denied::NotAllowed("GET, HEAD, PUT, DELETE")),
        }
    }

    async fn tell(&self, asked: &Asked<'_>, member: &McpttId) -> Result<Response<Body>, Denied> {
        let missing = Denied::BadRequest("Q-CNONCE holds 32 hexadecimal digits");
        let text = only(&asked.head.headers, &CNONCE)?.ok_or(missing.clone())?;
        let cnonce = Cnonce::parse(text.as_bytes()).ok_or(missing)?;
        if asked.caller.user().map(|user| &user.id) != Some(member) {
            return Err(Refusal::Forbidden.into());
        }
        // Who acts on these keys must not have them taken back by a failover.
        let records = self.ground.records.settled();
        let keys = [multicast_key(&asked.group), group_key(&asked.group), members_key(&asked.group)];
        let updated = records.update(partition(&asked.group), &keys, |found| {
            let [record, group, members] = found else { return Err(damaged("no answer for a key").into()) };
            let members = self.read_by(member, group, members)?;
            let Some(stored) = decode::<MulticastRecord>(record)? else { return Err(Refusal::NotFound) };
            if stored.members == digest(&members) {
                return Ok(Change::nothing((stored, record.version)));
            }
            let next = self.next(Some(&stored), &asked.group, &members)?;
            let (key, value) = (multicast_key(&asked.group), next.encode_to_vec());
            Ok(Change::nothing((next, Revision::ABSENT)).put(key, value))
        });
        let updated = updated.await.map_err(Refusal::from)?;
        let (record, version) = updated.outcome;
        if updated.revision.is_some() {
            self.generations.with_label_values(&["members"]).inc();
        }
        let etag = Etag::of(updated.revision.unwrap_or(version), record.random);
        let mut response = match Precondition::of(&asked.head.headers).for_read(&etag)? {
            Outcome::NotModified => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            Outcome::Modified => {
                answer::document(MEDIA_TYPE, self.write(&asked.group, &record, member, cnonce)?)
            }
        };
        answer::tag(&mut response, &etag);
        let echo = HeaderValue::from_str(text).map_err(|_| Denied::BadRequest("Q-CNONCE is no text"))?;
        response.headers_mut().insert(CNONCE, echo);
        Ok(response)
    }

    /// The members of the group, if `reader` sees it as one of them, or as who made it.
    fn read_by(&self, reader: &McpttId, group: &Record, members: &Record) -> Result<Members, Refusal> {
        let group = decode::<GroupRecord>(group)?.filter(|group| !group.deleted).ok_or(Refusal::Forbidden)?;
        let members = read_members(members)?;
        let sees = members.contains(reader) || group.creator.as_deref() == Some(reader.as_str());
        if sees { Ok(members) } else { Err(Refusal::Forbidden) }
    }

    /// The multicast information with a new key, made for `members`.
    fn next(
        &self,
        stored: Option<&MulticastRecord>,
        group: &GroupId,
        members: &Members,
    ) -> Result<MulticastRecord, StoreError> {
        let entropy = &*self.ground.entropy;
        let before = stored.cloned().unwrap_or_default();
        let generation = before.generation.checked_add(1).ok_or_else(|| damaged("generation of a GSK"))?;
        let lead = if stored.is_some() { self.config.gsk_lead } else { std::time::Duration::ZERO };
        let time = self.ground.clock.now().plus(lead).seconds();
        Ok(MulticastRecord {
            random: entropy.next_u64(),
            generation,
            new: self.vault.seal(&Gsk::new(entropy), group, generation, entropy),
            old: before.new,
            time: u32::try_from(time).map_err(|_| damaged("the time does not fit into 32 bits"))?,
            members: digest(members),
            address: before.address,
            port: before.port,
            conference: before.conference,
        })
    }

    fn write(
        &self,
        group: &GroupId,
        record: &MulticastRecord,
        reader: &McpttId,
        cnonce: Cnonce,
    ) -> Result<String, StoreError> {
        let protected = |sealed: &[u8], generation: u32| {
            let gsk = self.vault.open(sealed, group, generation)?;
            let octets: [u8; KEY] = self.protection.protect(reader, group, cnonce, &gsk);
            Ok::<_, StoreError>(hex::encode_upper(octets))
        };
        let mut out = Writer::document();
        out.open("multicast-info").attribute("xmlns", EXTENSIONS).attribute("uri", group.as_str());
        out.attribute("generation", &record.generation.to_string());
        if let Some(conference) = &record.conference {
            out.open("conference-id").text(conference).close();
        }
        out.open("address").text(&record.address).close();
        out.open("port").text(&record.port.to_string()).close();
        if !record.old.is_empty() {
            out.open("gsk-old").text(&protected(&record.old, record.generation - 1)?).close();
        }
        out.open("gsk-new").text(&protected(&record.new, record.generation)?).close();
        out.open("gsk-time").text(&format!("{:08X}", record.time)).close();
        Ok(out.finish())
    }

    async fn set(&self, asked: &Asked<'_>, body: Body) -> Result<Response<Body>, Denied> {
        self.admitted(asked.caller, Operation::Write, &asked.document).await?;
        let body = match read_body(body, OCTETS).await {
            Err(BodyError::TooLarge) => return Err(too_large().into()),
            body => body.map_err(Refusal::from)?,
        };
        // A body may take its time; the account may have lost its roles meanwhile.
        let caller = self.ground.callers.caller(&asked.head.headers, asked.asserted).await?;
        let content_type = asked.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
        let wanted = essence.is_some_and(|essence| essence.eq_ignore_ascii_case(MEDIA_TYPE));
        let precondition = Precondition::of(&asked.head.headers);
        let settings = parse(&body);
        let (revision, (created, random)) = self
            .change(asked, &caller, Operation::Write, |stored, members| {
                precondition.for_write(stored.as_ref().map(|(_, etag)| etag))?;
                let settings = if wanted { settings.clone()? } else { return Err(Refusal::MediaType) };
                let record = MulticastRecord {
                    address: settings.address.to_string(),
                    port: settings.port.into(),
                    conference: settings.conference,
                    ..self.next(stored.as_ref().map(|(record, _)| record), &asked.group, members)?
                };
                let (key, value) = (multicast_key(&asked.group), record.encode_to_vec());
                Ok(Change::nothing((stored.is_none(), record.random)).put(key, value))
            })
            .await?;
        self.generations.with_label_values(&[if created { "first" } else { "put" }]).inc();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if created { StatusCode::CREATED } else { StatusCode::OK };
        answer::tag(&mut response, &Etag::of(revision, random));
        Ok(response)
    }

    async fn end(&self, asked: &Asked<'_>) -> Result<Response<Body>, Denied> {
        let precondition = Precondition::of(&asked.head.headers);
        let ended = self.change(asked, asked.caller, Operation::Delete, |stored, _| {
            let (_, etag) = stored.as_ref().ok_or(Refusal::NotFound)?;
            precondition.for_write(Some(etag))?;
            Ok(Change::nothing(()).delete(multicast_key(&asked.group)))
        });
        ended.await?;
        Ok(Response::new(Body::empty()))
    }

    /// Commits what `decide` makes of what is stored and of the members, if `caller` may do `operation` to the group as
    /// it is at the moment of the commit.
    async fn change<T: Send>(
        &self,
        asked: &Asked<'_>,
        caller: &Caller,
        operation: Operation,
        decide: impl Fn(&Stored, &Members) -> Result<Change<T>, Refusal> + Send + Sync,
    ) -> Result<(Revision, T), Refusal> {
        let group = &asked.group;
        let keys = [multicast_key(group), group_key(group), members_key(group)];
        for _ in 0..ATTEMPTS {
            let judged = self.ground.records.get(partition(group), &group_key(group)).await?.version;
            self.admitted(caller, operation, &asked.document).await?.current.ok_or(Refusal::NotFound)?;
            let updated = self.ground.records.update(partition(group), &keys, |found| {
                let [record, group, members] = found else {
                    return Err(damaged("no answer for a key").into());
                };
                // Somebody changed the group: whether the caller may do this is to be asked anew.
                if group.version != judged {
                    return Ok(Change::nothing(None));
                }
                let stored = decode::<MulticastRecord>(record)?;
                let stored = stored.map(|stored| {
                    let etag = Etag::of(record.version, stored.random);
                    (stored, etag)
                });
                let Change { checks, puts, deletes, log, outcome } =
                    decide(&stored, &read_members(members)?)?;
                Ok(Change { checks, puts, deletes, log, outcome: Some(outcome) })
            });
            let Updated { outcome, revision } = updated.await.map_err(Refusal::from)?;
            if let Some(done) = outcome {
                return Ok((revision.unwrap_or(Revision::ABSENT), done));
            }
        }
        Err(Refusal::Contended)
    }
}

/// Multicast information as it is stored, with its tag.
type Stored = Option<(MulticastRecord, Etag)>;

fn digest(members: &Members) -> Vec<u8> {
    Sha256::digest(members.octets()).to_vec()
}

fn too_large() -> Conflict {
    Conflict::ConstraintFailure(format!("multicast information has at most {OCTETS} octets"))
}

/// Takes the document of a PUT.
fn parse(body: &Bytes) -> Result<Settings, Refusal> {
    let document = csc_xml::parse(body, &Limits { depth: 8, ..Limits::with_octets(OCTETS) });
    let document = document.map_err(Conflict::from)?;
    let invalid = |what: &str| Refusal::from(Conflict::SchemaValidationError(what.to_owned()));
    let root = document.root_element();
    if !root.has_tag_name((EXTENSIONS, "multicast-info")) {
        return Err(invalid("the root element is not multicast-info"));
    }
    let (mut address, mut port, mut conference) = (None, None, None);
    for element in root.children().filter(csc_xml::Node::is_element) {
        let name = element.tag_name();
        let place = match (name.namespace(), name.name()) {
            (Some(EXTENSIONS), "address") => &mut address,
            (Some(EXTENSIONS), "port") => &mut port,
            (Some(EXTENSIONS), "conference-id") => &mut conference,
            (Some(EXTENSIONS), _) => return Err(invalid("an element that nobody sets")),
            // Room for what others add; it is not kept.
            _ => continue,
        };
        let text = element.text().unwrap_or_default().trim();
        if element.children().any(|child| child.is_element()) || place.replace(text.to_owned()).is_some() {
            return Err(invalid("an element comes twice, or holds elements"));
        }
    }
    let address = address.and_then(|address| address.parse::<IpAddr>().ok()).filter(IpAddr::is_multicast);
    let port = port.and_then(|port| port.parse::<u16>().ok()).filter(|port| *port != 0);
    if conference.as_ref().is_some_and(|conference| conference.is_empty() || conference.len() > CONFERENCE) {
        return Err(invalid("conference-id has 1 to 128 octets"));
    }
    Ok(Settings {
        address: address.ok_or_else(|| invalid("address is no multicast address"))?,
        port: port.ok_or_else(|| invalid("port is no port"))?,
        conference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(inside: &str) -> Result<Settings, Refusal> {
        parse(&format!("<multicast-info xmlns='{EXTENSIONS}'>{inside}</multicast-info>").into())
    }

    #[test]
    fn what_is_put() {
        let settings = put(
            "<port> 5004 </port><x xmlns='u'/><address>239.192.0.1</address><conference-id>7</conference-id>",
        );
        let expected = Settings {
            address: "239.192.0.1".parse().unwrap(),
            port: 5004,
            conference: Some("7".to_owned()),
        };
        assert_eq!(settings.unwrap(), expected);
        assert!(put("<address>ff15::1</address><port>1</port>").is_ok());
        for wrong in [
            "",
            "<address>239.192.0.1</address>",
            "<port>5004</port>",
            "<address>192.0.2.1</address><port>5004</port>",
            "<address>239.192.0.1</address><port>0</port>",
            "<address>239.192.0.1</address><port>65536</port>",
            "<address>239.192.0.1</address><port>1</port><port>1</port>",
            "<address>239.192.0.1<b/></address><port>1</port>",
            "<address>239.192.0.1</address><port>1</port><gsk-new>00</gsk-new>",
            "<address>239.192.0.1</address><port>1</port><conference-id/>",
        ] {
            let refused = put(wrong);
            let invalid = matches!(refused, Err(Refusal::Conflict(Conflict::SchemaValidationError(_))));
            assert!(invalid, "{wrong} {refused:?}");
        }
        assert!(parse(&Bytes::from_static(b"<a")).is_err());
    }

    /// Stored data of version 1. It must decode for ever.
    #[test]
    fn golden() {
        let record = MulticastRecord {
            random: 300,
            address: "239.192.0.1".to_owned(),
            port: 5004,
            conference: Some("7".to_owned()),
            generation: 2,
            new: vec![1, 2],
            old: vec![3],
            time: 1_800_000_000,
            members: vec![4],
        };
        assert_eq!(MulticastRecord::decode(&*record.encode_to_vec()), Ok(record.clone()));
        assert_eq!(hex::encode(record.encode_to_vec()), GOLDEN);
    }

    const GOLDEN: &str = "08ac02120b3233392e3139322e302e31188c272201372802320201023a01034080a4a7da064a0104";
}
