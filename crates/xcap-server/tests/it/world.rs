//! A library of documents without schemas, and a server for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use csc_auth::Resource;
use csc_proto::record::v1::Account;
use csc_service::config::Settings as File;
use csc_service::http::Mount;
use csc_store::testing::Between;
use csc_store::{Change as Commit, Embedded, Key, Record, Records, Store, StoreError, shared};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Caller, Entropy, Etag, Partition, Revision};
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;
use csc_xcap::usage::{PRES_CONTENT, TEST_APP, UE_INIT_CONFIG, USER_PROFILE};
use csc_xcap::{Document, Place};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use csc_xcap_server::{
    Callers, Change, Config, Decide, Entry, Judge, Library, New, Question, Refusal, Revised, Settings, Shelf,
    Snapshot, Stored, Volume, Written, XcapServer,
};
use prost::Message;

/// The document that most tests are about.
pub(crate) const DOCUMENT: &str = "/test-app/users/tel:+1/index";
pub(crate) const TYPE: &str = "application/test-app+xml";
pub(crate) const ELEMENT: &str = "application/xcap-el+xml";
pub(crate) const ATTRIBUTE: &str = "application/xcap-att+xml";
/// Octets of the largest document.
pub(crate) const LIMIT: usize = 400_000;

const SHELF: Shelf = Shelf { documents: "test.document", history: "test.history" };

/// Users tel:+1 and tel:+2 of the fire brigade, tel:+3 is its administrator, tel:+4 is somebody of the police.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) server: Arc<XcapServer<Drawer>>,
    pub(crate) mount: Mount,
    pub(crate) reads: Arc<Counting>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these settings of `[xcap]`, as environment variables.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let mut bench = Bench::new(Arc::new(ManualClock::at(NOW)), Arc::new(SeededEntropy::new(7)));
        let store = Embedded::in_memory(Arc::clone(&bench.clock), &*bench.entropy).unwrap();
        let reads = Arc::new(Counting { inner: store, reads: AtomicUsize::new(0) });
        bench.records = Records::new(Arc::clone(&reads) as Arc<dyn Store>, Arc::clone(&bench.entropy));
        for (id, organisation, roles) in [
            ("tel:+1", "fire", &[][..]),
            ("tel:+2", "fire", &[]),
            ("tel:+3", "fire", &["administrator"]),
            ("tel:+4", "police", &[]),
        ] {
            bench.account(id, organisation, roles, &[]).await;
        }
        let (server, mount) = server(&bench, settings);
        Self { bench, server, mount, reads }
    }

    /// Another server on the same store, as another process would be.
    pub(crate) fn twin(&self) -> Mount {
        let records =
            Records::new(Arc::clone(&self.reads) as Arc<dyn Store>, Arc::clone(&self.bench.entropy));
        server_on(&self.bench, records, &[], LIMIT).1
    }

    /// The same server with these settings.
    pub(crate) fn again(&self, settings: &[(&str, &str)]) -> (Arc<XcapServer<Drawer>>, Mount) {
        server(&self.bench, settings)
    }

    /// The same server, whose documents may have at most `octets` from now on.
    pub(crate) fn with_limit(&self, octets: usize) -> Mount {
        server_on(&self.bench, self.bench.records.clone(), &[], octets).1
    }

    pub(crate) fn as_user(&self, number: u32) -> Client {
        self.bench.client(&self.mount, &format!("tel:+{number}"))
    }

    /// The one whose document it is.
    pub(crate) fn owner(&self) -> Client {
        self.as_user(1)
    }

    pub(crate) fn nobody(&self) -> Client {
        Client { token: None, ..self.owner() }
    }

    /// Stores the document and returns its tag.
    pub(crate) async fn stored(&self, content: &str) -> String {
        let answer = self.owner().put(DOCUMENT, TYPE, content.to_owned()).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.etag()
    }

    pub(crate) async fn content(&self) -> String {
        self.owner().get(DOCUMENT).await.text().to_owned()
    }
}

fn server(bench: &Bench, settings: &[(&str, &str)]) -> (Arc<XcapServer<Drawer>>, Mount) {
    server_on(bench, bench.records.clone(), settings, LIMIT)
}

fn server_on(
    bench: &Bench,
    records: Records,
    settings: &[(&str, &str)],
    limit: usize,
) -> (Arc<XcapServer<Drawer>>, Mount) {
    let environment = [("CSC_XCAP_ROOTS", "/Org/F/=fire,/Org/P/=police")];
    let environment = environment.iter().chain(settings);
    let mut file = File::load(None, environment.map(|(name, value)| ((*name).into(), (*value).into())));
    let config = Config::read(&mut file);
    file.finish().unwrap();
    let drawer = Drawer {
        records: records.clone(),
        entropy: Arc::clone(&bench.entropy),
        open_profiles: config.open_profiles,
    };
    let settings = Settings {
        service: "test",
        usages: vec![&TEST_APP, &UE_INIT_CONFIG, &USER_PROFILE, &PRES_CONTENT],
        limits: csc_xml::Limits { depth: 12, ..csc_xml::Limits::with_octets(limit) },
        config,
    };
    let callers = Callers::new(Arc::clone(&bench.verifier), records, Resource::Cms);
    let server =
        XcapServer::new(settings, callers, Arc::clone(&bench.clock), Arc::new(drawer), &bench.metrics);
    let mount = server.mount();
    (server, mount)
}

/// A status and the condition of an error document; empty: none.
pub(crate) fn outcome(answer: &Answer) -> (u16, String) {
    if answer.header("content-type") != "application/xcap-error+xml" {
        return (answer.status.as_u16(), String::new());
    }
    let parsed = csc_xml::parse(&answer.body, &csc_xml::Limits::DEFAULT).unwrap();
    let condition = parsed.root_element().first_element_child().unwrap();
    (answer.status.as_u16(), condition.tag_name().name().to_owned())
}

/// Counts the reads of a store.
pub(crate) struct Counting {
    inner: Embedded,
    reads: AtomicUsize,
}

impl Counting {
    pub(crate) fn count(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Between for Counting {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.get(partition, keys).await
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.scan(partition, collection, prefix, after, limit).await
    }
}

/// Documents on a shelf.
pub(crate) struct Drawer {
    records: Records,
    entropy: Arc<dyn Entropy>,
    open_profiles: bool,
}

/// Answers `<count/>` with the number of elements in the document.
static COUNT: Question = Question {
    media_type: "application/question+xml",
    answer: |asked, content| {
        if asked.root_element().tag_name().name() != "count" {
            return Err(Refusal::NotImplemented);
        }
        let count = content.root_element().descendants().filter(csc_xml::Node::is_element).count();
        Ok(Bytes::from(count.to_string()))
    },
};

impl Drawer {
    fn keys(document: &Document) -> Vec<Key> {
        let path = document.path();
        let mut keys: Vec<Key> = document.user().map(shared::account_key).into_iter().collect();
        keys.splice(0..0, SHELF.keys(&path));
        keys.push(SHELF.history_key(&path));
        keys
    }

    fn snapshot(&self, document: &Document, found: &[Record]) -> Result<Snapshot, StoreError> {
        let shelved = SHELF.read(&found[0], &found[1])?;
        let account = document.user().and_then(|_| found[2].value.as_deref());
        let account = account.map(|account| Account::decode(account).unwrap());
        let organisation = match document.organisation() {
            Some(organisation) => Some(organisation.clone()),
            None => account.map(|account| account.organisation.parse().unwrap()),
        };
        let current = shelved.map(|(stored, _)| stored);
        Ok(Snapshot { organisation, current, open_profile: self.open_profiles, ..Snapshot::default() })
    }
}

#[async_trait]
impl Library for Drawer {
    type Digest = usize;

    /// No document has an element `forbidden`.
    fn digest(&self, _: &Document, content: &csc_xml::Document<'_>) -> Result<usize, Conflict> {
        let mut elements = content.root_element().descendants().filter(csc_xml::Node::is_element);
        if elements.any(|element| element.tag_name().name() == "forbidden") {
            return Err(Conflict::ConstraintFailure("forbidden".to_owned()));
        }
        Ok(1)
    }

    async fn look(&self, document: &Document, _: &Caller) -> Result<Snapshot, StoreError> {
        let found = self.records.store().get(document.partition(), &Self::keys(document)).await?;
        self.snapshot(document, &found)
    }

    async fn generate(&self, document: &Document, _: Option<&Root>) -> Result<Option<Stored>, StoreError> {
        let initial = matches!(document.place, Place::InitialConfig { .. });
        let etag = Etag::of(Revision::new(1), 1);
        Ok(initial.then(|| Stored { etag, content: Bytes::from_static(b"<initial/>") }))
    }

    async fn put(&self, change: Change<'_>, decide: &dyn Decide<usize>) -> Result<Written, Refusal> {
        let document = change.document;
        let path = document.path();
        let updated = self
            .records
            .update_async(document.partition(), &Self::keys(document), |found| {
                let path = &path;
                async move {
                    let snapshot = self.snapshot(document, &found)?;
                    let New { content, digest, created, dry_run } = decide.decide(&snapshot).await?;
                    assert_eq!(
                        digest == 1,
                        document.usage.content(&content) == csc_xcap::usage::Content::Xml
                    );
                    if dry_run {
                        return Ok(Commit::nothing((created, 0)));
                    }
                    let random = self.entropy.next_u64();
                    let organisation = snapshot.organisation.as_ref().unwrap_or(change.organisation);
                    let history = found.last().unwrap();
                    let entry = Entry { path, organisation, author: change.author, history };
                    let volume = Volume { random, content };
                    Ok::<_, Refusal>(SHELF.put(Commit::nothing((created, random)), &entry, volume)?)
                }
            })
            .await
            .map_err(Refusal::from)?;
        let (created, random) = updated.outcome;
        Ok(Written { created, etag: Etag::of(updated.revision.unwrap_or(Revision::ABSENT), random) })
    }

    async fn delete(&self, change: Change<'_>, judge: Judge<'_>) -> Result<(), Refusal> {
        let document = change.document;
        let path = document.path();
        let keys = Self::keys(document);
        let deleted = self.records.update(document.partition(), &keys, |found| {
            let snapshot = self.snapshot(document, found)?;
            judge(&snapshot)?;
            let organisation = snapshot.organisation.as_ref().unwrap_or(change.organisation);
            let history = found.last().unwrap();
            let entry = Entry { path: &path, organisation, author: change.author, history };
            Ok::<_, Refusal>(SHELF.delete(Commit::nothing(()), &entry)?)
        });
        deleted.await.map_err(Refusal::from)?;
        Ok(())
    }

    async fn history(&self, document: &Document) -> Result<Vec<Revised>, StoreError> {
        let key = SHELF.history_key(&document.path());
        SHELF.history(&self.records.get(document.partition(), &key).await?)
    }

    fn question(&self, document: &Document) -> Option<&'static Question> {
        matches!(document.place, Place::Global { .. }).then_some(&COUNT)
    }
}
