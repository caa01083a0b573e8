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
//! Keys are for members and for who made the group, each in its own tree; any other dispatcher gets none.

mod record;
mod settings;

use csc_service::http::{Body, BodyError, read_body};
use csc_store::{Change, Record, StoreError, Updated};
use csc_types::{Caller, Etag, GroupId, McpttId, Revision};
use csc_xcap::Document;
use csc_xcap::access::Operation;
use csc_xcap::search::EXTENSIONS;
use csc_xcap_server::{Asserted, Outcome, Precondition, Refusal, declared};
use csc_xml::Writer;
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use prost::Message;
use sha2::{Digest, Sha256};

use self::record::MulticastRecord;
use self::settings::{OCTETS, parse, too_large};
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
/// How often a change is judged anew because the group changed meanwhile.
const ATTEMPTS: usize = 8;

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
            let members = readers(group, members)?;
            if !members.contains(member) {
                return Err(Refusal::Forbidden);
            }
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
        let now = self.ground.clock.now();
        // A key that nobody uses yet is dropped; the one that is in use goes on.
        let unused = !before.old.is_empty() && now.seconds() < before.time.into();
        let (old, old_generation) = match unused {
            true => (before.old, before.old_generation),
            false => (before.new, before.generation),
        };
        // With another key file nobody can be told what is in use: then nothing is, and the new key is used at once.
        let known = self.vault.open(&old, group, old_generation).is_ok();
        let (old, old_generation) = if known { (old, old_generation) } else { Default::default() };
        let lead = if known { self.config.rules.gsk_lead } else { std::time::Duration::ZERO };
        let time = now.plus(lead).seconds();
        Ok(MulticastRecord {
            random: entropy.next_u64(),
            generation,
            new: self.vault.seal(&Gsk::new(entropy), group, generation, entropy),
            old,
            old_generation,
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
            out.open("gsk-old").text(&protected(&record.old, record.old_generation)?).close();
        }
        out.open("gsk-new").text(&protected(&record.new, record.generation)?).close();
        out.open("gsk-time").text(&format!("{:08X}", record.time)).close();
        Ok(out.finish())
    }

    async fn set(&self, asked: &Asked<'_>, body: Body) -> Result<Response<Body>, Denied> {
        self.admitted(asked.caller, Operation::Write, &asked.document).await?;
        declared::whole(&asked.head.headers)?;
        let body = match read_body(body, OCTETS).await {
            Err(BodyError::TooLarge) => return Err(too_large().into()),
            body => body.map_err(Refusal::from)?,
        };
        // A body may take its time; the account may have lost its roles meanwhile.
        let caller = self.ground.callers.caller(&asked.head.headers, asked.asserted).await?;
        let wanted = match declared::media_type(&asked.head.headers) {
            Ok(media_type) if !declared::is(media_type, MEDIA_TYPE) => Err(Refusal::MediaType),
            declared => declared.map(|_| ()),
        };
        let precondition = Precondition::of(&asked.head.headers);
        let settings = parse(&body);
        let (revision, (created, random)) = self
            .change(asked, &caller, Operation::Write, |stored, members| {
                precondition.for_write(stored.as_ref().map(|(_, etag)| etag))?;
                wanted.clone()?;
                let settings = settings.clone()?;
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
                    decide(&stored, &readers(group, members)?)?;
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

/// For whom keys are: the members of the group, and who made it. Nobody, if it is gone.
fn readers(group: &Record, members: &Record) -> Result<Members, StoreError> {
    match decode::<GroupRecord>(group)?.filter(|group| !group.deleted) {
        Some(group) => Ok(read_members(members)?.union(&group.maker()?.iter().collect())),
        None => Ok(Members::default()),
    }
}

fn digest(members: &Members) -> Vec<u8> {
    Sha256::digest(members.octets()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_for_members_and_for_who_made_the_group() {
        let record = |value: Vec<u8>| Record { value: Some(value.into()), ..Record::default() };
        let group = |creator: Option<&str>, deleted| {
            let creator = creator.map(str::to_owned);
            record(GroupRecord { creator, deleted, ..GroupRecord::default() }.encode_to_vec())
        };
        let members = record(b"tel:+1\ntel:+2\n".to_vec());
        let of = |group: &Record| readers(group, &members).unwrap();
        let made = of(&group(Some("tel:+3"), false));
        assert!(["tel:+1", "tel:+2", "tel:+3"].iter().all(|id| made.contains(&id.parse().unwrap())));
        // Once the maker is gone it has a key that is not for it any more.
        let left = of(&group(None, false));
        assert!(!left.contains(&"tel:+3".parse().unwrap()));
        assert_ne!(digest(&made), digest(&left));
        assert_eq!(digest(&of(&group(Some("tel:+2"), false))), digest(&left));
        assert_eq!(of(&group(Some("tel:+3"), true)), Members::default());
        assert_eq!(of(&Record::default()), Members::default());
    }
}
