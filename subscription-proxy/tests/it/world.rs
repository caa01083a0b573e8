//! A proxy on the store of a small fire brigade, and what other services would write there.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

use csc_proto::event::v1::{AccountChanged, LogEntry, log_entry};
use csc_proto::record::v1::account::Status;
use csc_proto::record::v1::{Account, IndexEntry};
use csc_service::config::Settings;
use csc_service::{Shutdown, ShutdownTrigger};
use csc_store::owner::Replicas;
use csc_store::{Change, StoreError, shared};
use csc_subscription_proxy::{Config, Deps, Naming, build};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Etag, McpttId, Partition, SystemClock};
use csc_xcap::Names;
use csc_xcap::uri::Roots;
use csc_xcap_server::testing::{Bench, NOW};
use prost::Message;
use tokio::task::JoinHandle;

pub(crate) const ALEX: &str = "tel:+8210";
pub(crate) const GROUPS: &str = "org.openmobilealliance.groups";
pub(crate) const PROFILE: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml";
pub(crate) const SERVICE_CONFIG: &str = "org.3gpp.mcptt.service-config/global/fire/service-config.xml";
pub(crate) const ROOT: &str = "https://csc.example.org:4420/";

/// Users: +8210 (Alex Kim) to +8213 plain, +8201 dispatcher, +8202 administrator of `fire`; +8299 of `police`. A change of
/// a document is notified at once.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) clock: Arc<ManualClock>,
    settings: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> World {
        let clock = Arc::new(ManualClock::at(NOW));
        let bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
        World::on(bench, clock, settings).await
    }

    pub(crate) async fn on(bench: Bench, clock: Arc<ManualClock>, settings: &[(&str, &str)]) -> World {
        for user in [ALEX, "tel:+8211", "tel:+8212", "tel:+8213"] {
            bench.account(user, "fire", &[], &["urn:ue:1"]).await;
        }
        bench.account("tel:+8201", "fire", &["dispatcher"], &[]).await;
        bench.account("tel:+8202", "fire", &["administrator"], &[]).await;
        bench.account("tel:+8299", "police", &[], &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("sip.key");
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret).unwrap();
        file.write_all(&[7; 32]).unwrap();
        let defaults = [
            ("LISTEN", "127.0.0.1:0"),
            ("TRUSTED_PEERS", "127.0.0.1"),
            ("NEXT_HOPS", "127.0.0.1"),
            ("MIN_NOTIFY_INTERVAL", "0s"),
            ("SERVERS", "sip:mcptt_psi@example.org fire"),
            ("TAG_SECRET", secret.to_str().unwrap()),
        ];
        let all = defaults.iter().chain(settings);
        let settings = all.map(|(key, value)| (format!("CSC_SIP_{key}"), (*value).to_owned())).collect();
        World { bench, clock, settings, _folder: folder }
    }

    /// One whose clock runs by itself.
    pub(crate) async fn in_real_time(settings: &[(&str, &str)]) -> World {
        let bench = Bench::new(Arc::new(SystemClock::new()), Arc::new(SeededEntropy::new(1)));
        World::on(bench, Arc::new(ManualClock::at(NOW)), settings).await
    }

    /// Starts a proxy on the store, as a new process would.
    pub(crate) async fn start(&self) -> Proxy {
        self.run(Replicas::Alone).await
    }

    /// Starts a proxy that shares the store with others.
    pub(crate) async fn replica(&self) -> Proxy {
        self.run(Replicas::Several).await
    }

    async fn run(&self, replicas: Replicas) -> Proxy {
        let mut settings = Settings::load(None, self.settings.clone());
        let config = Config::read(&mut settings.section("sip", "SIP."));
        settings.finish().unwrap();
        let roots = Roots::new([("/Org/F/".to_owned(), "fire".parse().unwrap())]).unwrap();
        let deps = Deps {
            records: self.bench.records.clone(),
            clock: Arc::clone(&self.bench.clock),
            entropy: Arc::clone(&self.bench.entropy),
            metrics: self.bench.metrics.clone(),
            verifier: Arc::clone(&self.bench.verifier),
            naming: Naming {
                names: Names::of("fire".parse().unwrap()),
                roots,
                root_uri: ROOT.to_owned(),
                open_terminals: false,
            },
            replicas,
        };
        let (mut parts, address) = build(&config, deps).await.unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let task = parts.tasks.pop().unwrap();
        let task = tokio::spawn((task.run)(shutdown));
        Proxy { address, trigger, task }
    }

    /// Creates or changes a document of `fire`, as its service would: index entry and log entry in one commit.
    pub(crate) async fn put(&self, path: &str) -> Etag {
        self.put_in(path, "fire").await
    }

    pub(crate) async fn put_in(&self, path: &str, organisation: &str) -> Etag {
        let entry = IndexEntry { random: self.bench.entropy.next_u64(), ..entry(organisation) };
        self.write(path, Some(entry)).await
    }

    /// Creates or changes a view of a group, as the projector would.
    pub(crate) async fn put_view(&self, path: &str) -> Etag {
        let random = self.bench.entropy.next_u64();
        self.write(path, Some(IndexEntry { random, group_revision: random >> 16, ..entry("fire") })).await
    }

    /// Leaves the tombstone of a view.
    pub(crate) async fn remove_view(&self, path: &str) {
        let random = self.bench.entropy.next_u64();
        let tombstone = IndexEntry { group_revision: random, removed: true, ..entry("fire") };
        self.write(path, Some(tombstone)).await;
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.write(path, None).await;
    }

    /// Changes a document, and so much else in the same commit that the log keeps no word of the document.
    pub(crate) async fn put_unheard(&self, path: &str) -> Etag {
        let entry = IndexEntry { random: self.bench.entropy.next_u64(), ..entry("fire") };
        let organisation = "fire".parse().unwrap();
        let document = Names::of("fire".parse().unwrap()).document_at(path).unwrap();
        let written = self.bench.records.update(document.partition(), &[], |_| {
            let put = Change::nothing(()).put(shared::index_key(path), entry.encode_to_vec());
            let change = put.log(csc_xcap_server::announce(path, &organisation));
            let other = csc_xcap_server::announce("org.3gpp.mcptt.ue-config/global/x", &organisation);
            Ok::<_, StoreError>((0..10_001).fold(change, |change, _| change.log(other.clone())))
        });
        shared::etag(&entry, written.await.unwrap().revision.unwrap())
    }

    async fn write(&self, path: &str, entry: Option<IndexEntry>) -> Etag {
        let document = Names::of("fire".parse().unwrap()).document_at(path).unwrap();
        assert_eq!(document.path(), path, "not canonical");
        let organisation =
            entry.as_ref().map_or("fire", |entry| entry.organisation.as_str()).parse().unwrap();
        let key = shared::index_key(path);
        let written = self.bench.records.update(document.partition(), &[], |_| {
            let change = Change::nothing(()).log(csc_xcap_server::announce(path, &organisation));
            Ok::<_, StoreError>(match &entry {
                Some(entry) => change.put(key.clone(), entry.encode_to_vec()),
                None => change.delete(key.clone()),
            })
        });
        let revision = written.await.unwrap().revision.unwrap();
        shared::etag(&entry.unwrap_or_default(), revision)
    }

    /// Changes an account, as idms would.
    pub(crate) async fn account(&self, id: &str, status: Status, organisation: &str, user_uris: &[&str]) {
        let account = Account {
            status: status.into(),
            organisation: organisation.to_owned(),
            user_uris: user_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            ..Account::default()
        };
        self.put_account(id, account).await;
    }

    /// The account with this subject has the MCPTT ID now.
    pub(crate) async fn person(&self, id: &str, subject: &str) {
        let (organisation, subject) = ("fire".to_owned(), subject.to_owned());
        let status = Status::Enabled.into();
        self.put_account(id, Account { status, organisation, subject, ..Account::default() }).await;
    }

    async fn put_account(&self, id: &str, account: Account) {
        let user: McpttId = id.parse().unwrap();
        let changed = LogEntry {
            change: Some(log_entry::Change::Account(AccountChanged { mcptt_id: id.to_owned() })),
            ..LogEntry::default()
        };
        let written = self.bench.records.update(Partition::of(user.as_str()), &[], |_| {
            let change = Change::nothing(()).put(shared::account_key(&user), account.encode_to_vec());
            Ok::<_, StoreError>(change.log(changed.encode_to_vec()))
        });
        written.await.unwrap();
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// How many dialog and delivery records there are.
    pub(crate) async fn records(&self) -> (usize, usize) {
        let mut counts = (0, 0);
        for partition in Partition::all() {
            let store = self.bench.records.store();
            for (collection, count) in
                [("subscription-proxy.dialog", &mut counts.0), ("subscription-proxy.delivery", &mut counts.1)]
            {
                *count += store.scan(partition, collection, "", None, 1000).await.unwrap().len();
            }
        }
        counts
    }
}

fn entry(organisation: &str) -> IndexEntry {
    IndexEntry { organisation: organisation.to_owned(), ..IndexEntry::default() }
}

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    trigger: ShutdownTrigger,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Proxy {
    /// Ends it as SIGKILL would: at once, whatever it was doing.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Ends it as SIGTERM would.
    pub(crate) async fn stop(self) {
        self.trigger.request();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until `condition` holds, for a bounded time.
pub(crate) async fn until<F, R>(what: &str, mut condition: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    for _ in 0..6000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
