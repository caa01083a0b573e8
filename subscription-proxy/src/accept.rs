//! SUBSCRIBE: checked, granted, committed, answered. The 2xx leaves only after the commit of the dialog record; the owner
//! of its partition sees the log entry and notifies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use csc_auth::{Resource, TokenVerifier};
use csc_proto::event::v1::{LogEntry, SubscriptionChanged, log_entry};
use csc_service::trace::Cause;
use csc_sip::{Dialog, Order, Refusal};
use csc_store::{Change, Key, Record, Records, StoreError, UpdateError};
use csc_types::{Caller, Clock, Partition};
use csc_xcap::usage::GROUPS;
use prost::Message as _;
use sip_codec::{Core, Encoded, Name, Request, ResponseBuilder, Status};

use crate::config::Config;
use crate::documents::Look;
use crate::domain::hop;
use crate::domain::notify::Sender;
use crate::domain::tag::{self, Tags};
use crate::domain::target::{Naming, Scope, Target};
use crate::domain::wish::{self, Wish};
use crate::identity::{Asker, identify, store};
use crate::records::{DialogRecord, decode, dialog_key};

/// The service that a server names in P-Asserted-Service (TS 24.484 6.2.4.1).
const MCPTT_SERVICE: &str = "urn:urn-7:3gpp-service.ims.icsi.mcptt";
/// Documents that a server's subscription may cover (until NOTIFYs can go over TCP).
const MAX_USAGE_DOCUMENTS: usize = 200;
/// When to come back to a service that cannot promise anything now.
const RETRY_SECONDS: &str = "2";
/// How often a refresh is decided anew because the dialog changed meanwhile.
const ATTEMPTS: usize = 8;

/// What answering a SUBSCRIBE needs.
pub(crate) struct Accept {
    /// For what only helps to decide.
    pub(crate) records: Records,
    /// For what is acted upon: no 200 may rest on a dialog that a failover takes back.
    pub(crate) settled: Records,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) verifier: Arc<TokenVerifier>,
    pub(crate) naming: Arc<Naming>,
    pub(crate) config: Arc<Config>,
    pub(crate) tags: Tags,
    pub(crate) sender: Sender,
}

/// 503, with the time after which to try again.
pub(crate) fn unavailable() -> Refusal {
    Refusal::new(Status::SERVICE_UNAVAILABLE).with(Name::RetryAfter, RETRY_SECONDS)
}

/// What was granted.
struct Granted {
    subscriber: String,
    subject: String,
    entries: Vec<String>,
    auid: Option<String>,
}

impl Accept {
    /// The answer to a SUBSCRIBE.
    pub(crate) async fn subscribe(&self, request: &Request, source: SocketAddr) -> Result<Encoded, Refusal> {
        let core = request.core()?;
        match core.to.tag() {
            None => self.create(request, &core, source).await,
            Some(tag) => self.refresh(request, &core, tag, source).await,
        }
    }

    async fn create(
        &self,
        request: &Request,
        core: &Core<'_>,
        source: SocketAddr,
    ) -> Result<Encoded, Refusal> {
        let psi = request.uri().sip().and_then(|uri| uri.user);
        if !psi.is_some_and(|user| self.config.psis.iter().any(|psi| psi == user)) {
            return Err(Status::NOT_FOUND.into());
        }
        let wish = wish::read(request, &self.config.durations(), self.config.max_entries)?;
        let mut look = Look::new(self.records.store(), &self.naming);
        let asker =
            identify(request, source, wish.token.as_ref(), &self.config, &self.verifier, &mut look).await?;
        let asker = asker.ok_or(Status::FORBIDDEN)?;
        let granted = self.grant(request, &wish, &asker, &mut look).await?;

        let partition = Partition::of(asker.id.as_str());
        let tag = self.tags.dialog(asker.id.as_str(), core.call_id, core.from.tag().unwrap_or_default());
        let dialog = Dialog::create(request, core, &tag)?;
        let record = self.record(dialog, core, &wish, granted)?;
        let answer = self.ok(request, &tag, wish.expires, source)?;
        let key = dialog_key(&tag);
        let decide = |records: &[Record]| {
            if let Some(old) = known(&key, records)? {
                if let Some(answer) = repeated(&old, core) {
                    return Ok(Change::nothing(answer));
                }
                // A client that starts over with the same Call-ID and tag, because no answer reached it.
                if self.alive(&old) {
                    match old.dialog().order(core.cseq.number) {
                        Order::Next => {}
                        Order::Same => return Err(Status::LOOP_DETECTED.into()),
                        Order::Older => return Err(Status::SERVER_INTERNAL_ERROR.into()),
                    }
                }
            }
            Ok(self.write(&key, &record, &answer, answer.clone()))
        };
        let updated = self.settled.update(partition, std::slice::from_ref(&key), decide).await;
        Ok(updated.map_err(rejected)?.outcome)
    }

    async fn refresh(
        &self,
        request: &Request,
        core: &Core<'_>,
        tag: &str,
        source: SocketAddr,
    ) -> Result<Encoded, Refusal> {
        let partition = tag::partition(tag).ok_or(Status::NO_SUCH_TRANSACTION)?;
        let key = dialog_key(tag);
        for _ in 0..ATTEMPTS {
            let read = self.settled.get(partition, &key).await.map_err(store)?;
            let old = known(&key, std::slice::from_ref(&read))?;
            let old = old.filter(|old| self.is_dialog(old, core)).ok_or(Status::NO_SUCH_TRANSACTION)?;
            if let Some(answer) = repeated(&old, core) {
                return Ok(answer);
            }
            if !self.alive(&old) {
                return Err(Status::NO_SUCH_TRANSACTION.into());
            }
            let (record, answer) = self.refreshed(request, core, old, source).await?;
            let decide = |records: &[Record]| {
                // Decided over what was read above; a refresh or an ending that came in between is looked at anew.
                let same = records.iter().all(|now| now.version == read.version);
                Ok::<_, Refusal>(match same {
                    true => self.write(&key, &record, &answer, Some(answer.clone())),
                    false => Change::nothing(None),
                })
            };
            let updated = self.settled.update(partition, std::slice::from_ref(&key), decide).await;
            if let Some(answer) = updated.map_err(rejected)?.outcome {
                return Ok(answer);
            }
        }
        Err(unavailable())
    }

    /// The record and the answer after a refresh of the dialog `old`.
    async fn refreshed(
        &self,
        request: &Request,
        core: &Core<'_>,
        mut old: DialogRecord,
        source: SocketAddr,
    ) -> Result<(DialogRecord, Encoded), Refusal> {
        let mut dialog = old.dialog();
        if dialog.order(core.cseq.number) != Order::Next {
            return Err(Status::SERVER_INTERNAL_ERROR.into());
        }
        let wish = wish::read(request, &self.config.durations(), self.config.max_entries)?;
        if wish.event_id != old.event_id {
            return Err(Status::NO_SUCH_TRANSACTION.into());
        }
        let mut look = Look::new(self.records.store(), &self.naming);
        let asker =
            identify(request, source, wish.token.as_ref(), &self.config, &self.verifier, &mut look).await?;
        if asker.as_ref().is_some_and(|asker| asker.id.as_str() != old.subscriber) {
            return Err(Status::FORBIDDEN.into());
        }
        dialog.refresh(request, core)?;
        // Without a list the old one stays; what of it may be read is looked up again by the owner.
        let granted = match (&wish.list, asker) {
            (None, _) => Granted {
                subscriber: old.subscriber,
                subject: old.subject,
                entries: old.entries,
                auid: old.auid.take(),
            },
            (Some(_), Some(asker)) => self.grant(request, &wish, &asker, &mut look).await?,
            (Some(_), None) => {
                let id = old.subscriber.parse().map_err(|_| Status::FORBIDDEN)?;
                let user = look.user_of(&id, &old.subject).await.map_err(store)?;
                let user = user.ok_or(Status::FORBIDDEN)?;
                let asker = Asker { caller: Caller::User(user), id, claims: None };
                self.grant(request, &wish, &asker, &mut look).await?
            }
        };
        let answer = self.ok(request, &dialog.local_tag, wish.expires, source)?;
        Ok((self.record(dialog, core, &wish, granted)?, answer))
    }

    /// What of the wish is granted to `asker`.
    async fn grant(
        &self,
        request: &Request,
        wish: &Wish,
        asker: &Asker,
        look: &mut Look<'_>,
    ) -> Result<Granted, Refusal> {
        let subscriber = asker.id.to_string();
        if let Caller::Server(server) = &asker.caller {
            if !request.headers().values(Name::PAssertedService).any(|service| service == MCPTT_SERVICE) {
                return Err(Status::FORBIDDEN.into());
            }
            let auid = request.uri().sip().and_then(|uri| uri.param("auid")).flatten();
            let target = auid.and_then(|auid| Target::usage(auid, server.orgs.clone()));
            let (Some(auid), Some(target), None) = (auid, target, &wish.list) else {
                return Err(Status::FORBIDDEN.into());
            };
            let state = look.all(&asker.caller, &[target]).await.map_err(store)?;
            if state.len() > MAX_USAGE_DOCUMENTS {
                return Err(Status::REQUEST_ENTITY_TOO_LARGE.into());
            }
            let (subject, entries) = (String::new(), Vec::new());
            return Ok(Granted { subscriber, subject, entries, auid: Some(auid.to_owned()) });
        }
        let list = wish.list.as_ref().ok_or(Status::BAD_REQUEST)?;
        let mut entries: Vec<String> = Vec::new();
        for uri in list {
            let Some(target) = Target::parse(uri, &self.naming) else { continue };
            let permitted = asker.claims.as_ref().is_none_or(|claims| {
                self.verifier.permits(claims, if is_group(&target) { Resource::Gms } else { Resource::Cms })
            });
            if permitted
                && !entries.contains(uri)
                && look.may_watch(&asker.caller, &target).await.map_err(store)?
            {
                entries.push(uri.clone());
            }
        }
        if entries.is_empty() {
            return Err(Status::FORBIDDEN.into());
        }
        let account = look.account(&asker.id).await.map_err(store)?;
        let subject = account.map(|account| account.subject).unwrap_or_default();
        Ok(Granted { subscriber, subject, entries, auid: None })
    }

    fn record(
        &self,
        dialog: Dialog,
        core: &Core<'_>,
        wish: &Wish,
        granted: Granted,
    ) -> Result<DialogRecord, Refusal> {
        // Nobody outside the configured hops is ever sent a NOTIFY, so a dialog with them would be of no use.
        hop::next(dialog.hop(), &self.config.next_hops).ok_or(Status::FORBIDDEN)?;
        let expires = self.clock.now().plus(Duration::from_secs(wish.expires.into()));
        let mut record = DialogRecord {
            event_id: wish.event_id.clone(),
            expires: expires.micros(),
            ended: wish.expires == 0,
            subscriber: granted.subscriber,
            subject: granted.subject,
            entries: granted.entries,
            auid: granted.auid,
            branch: branch(core),
            ..DialogRecord::default()
        };
        record.set_dialog(dialog);
        Ok(record)
    }

    fn ok(&self, request: &Request, tag: &str, expires: u32, source: SocketAddr) -> Result<Encoded, Refusal> {
        ResponseBuilder::new(request.headers(), Status::OK, tag, source)
            .header(Name::Expires, &expires.to_string())
            .header(Name::Contact, &format!("<{}>", self.sender.contact))
            .finish()
            .map_err(|error| {
                tracing::error!(%error, "answer to SUBSCRIBE cannot be built");
                Status::SERVER_INTERNAL_ERROR.into()
            })
    }

    fn write<T>(&self, key: &Key, record: &DialogRecord, answer: &Encoded, outcome: T) -> Change<T> {
        let mut record = record.clone();
        record.answer = answer.as_bytes().to_vec();
        let changed = SubscriptionChanged { dialog: key.name.clone() };
        let entry = LogEntry {
            change: Some(log_entry::Change::Subscription(changed)),
            traceparent: Cause::current().traceparent(),
        };
        let swept = record.swept();
        Change::nothing(outcome)
            .put_until(key.clone(), record.encode_to_vec(), swept)
            .log(entry.encode_to_vec())
    }

    fn alive(&self, record: &DialogRecord) -> bool {
        !record.ended && record.expires() > self.clock.now()
    }

    fn is_dialog(&self, record: &DialogRecord, core: &Core<'_>) -> bool {
        record.call_id == core.call_id && record.remote_tag == core.from.tag().unwrap_or_default()
    }
}

fn is_group(target: &Target) -> bool {
    match &target.scope {
        Scope::Document(document) => document.usage == &GROUPS,
        Scope::Collection(collection) => collection.usage == &GROUPS,
        Scope::Usage(usage, _) => *usage == &GROUPS,
    }
}

fn branch(core: &Core<'_>) -> String {
    core.via.branch().unwrap_or_default().to_owned()
}

/// The stored answer, if this is the request that got it: a copy that arrives at another replica, or after a restart.
fn repeated(old: &DialogRecord, core: &Core<'_>) -> Option<Encoded> {
    let same = old.remote_cseq == core.cseq.number && !old.branch.is_empty() && old.branch == branch(core);
    same.then(|| Encoded::stored(old.answer.clone()))
}

fn known(key: &Key, records: &[Record]) -> Result<Option<DialogRecord>, Refusal> {
    let value = records.first().and_then(|record| record.value.as_ref());
    value.map(|value| decode(key, value)).transpose().map_err(store)
}

fn rejected(error: UpdateError<Refusal>) -> Refusal {
    match error {
        UpdateError::Rejected(refusal) => refusal,
        UpdateError::Store(error) => store(error),
        error @ (UpdateError::Stale | UpdateError::Contended) => {
            store(StoreError::Unavailable(error.to_string()))
        }
    }
}
