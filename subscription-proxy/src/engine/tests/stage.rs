//! An engine that is moved by hand.

use csc_service::Metrics;
use csc_service::config::{SecretBytes, Settings};
use csc_store::Records;
use csc_store::owner::{Replicas, claim};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::Revision;
use csc_xcap::Names;
use csc_xcap::uri::Roots;
use csc_xcap_server::testing::{Bench, NOW};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;

use super::super::*;
use crate::config::Config;
use crate::domain::notify::Sender;
use crate::domain::subscription::{BLOCK, Progress};
use crate::domain::tag::Tags;
use crate::domain::target::Naming;
use crate::records::{DialogRecord, ROLE};

pub(super) const HERE: Partition = Partition::INSTALLATION;
pub(super) const TAG: &str = "0000000000000000000000000000000000";

/// An engine without its helpers, and a subscriber's socket.
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) pages: mpsc::Receiver<Page>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) records: Records,
    pub(super) ue: UdpSocket,
}

impl Stage {
    pub(super) async fn new(replicas: Replicas) -> Stage {
        let clock = Arc::new(ManualClock::at(NOW));
        let bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
        Stage::on(bench, clock, replicas).await
    }

    pub(super) async fn on(bench: Bench, clock: Arc<ManualClock>, replicas: Replicas) -> Stage {
        let config = Config::read(
            &mut Settings::load(None, [("CSC_SIP_NEXT_HOPS".to_owned(), "127.0.0.1".to_owned())])
                .section("sip", "SIP."),
        );
        let naming = Naming {
            names: Names::of("fire".parse().unwrap()),
            roots: Roots::default(),
            root_uri: String::new(),
            open_terminals: false,
        };
        let sender = Sender {
            sent_by: "127.0.0.1".to_owned(),
            contact: "sip:csc@127.0.0.1".to_owned(),
            xcap_root: String::new(),
            quoted_etags: false,
        };
        let records = bench.records.clone();
        let accept = Accept {
            settled: records.settled(),
            records: records.clone(),
            clock: clock.clone(),
            verifier: bench.verifier,
            naming: Arc::new(naming),
            config: Arc::new(config),
            tags: Tags::new(SecretBytes::new(vec![7; 32])),
            sender,
        };
        let lease = Ownership::new(&records, clock.clone(), ROLE, "r", replicas).lease();
        let (pages, from_loaders) = mpsc::channel(PAGES);
        let engine = Engine {
            followed: Partition::all().collect(),
            ..Engine::new(
                Arc::new(accept),
                SipSocket::bind("127.0.0.1:0".parse().unwrap(), 65_536).unwrap(),
                Arc::new(SeededEntropy::new(2)),
                EngineMetrics::new(&Metrics::new()),
                lease,
                mpsc::channel(1).0,
                pages,
            )
        };
        let ue = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Stage { engine, pages: from_loaders, clock, records, ue }
    }

    /// Gives the partition to the engine, and tells the number of the holding.
    pub(super) async fn gain(&mut self) -> u64 {
        let fence = claim(&self.records, HERE, ROLE.owners, "r").await.unwrap();
        self.engine.shift(Shift::Gained(HERE, fence));
        self.engine.holdings[&HERE].number()
    }

    pub(super) fn lose(&mut self) -> oneshot::Receiver<()> {
        let (lost, released) = Shift::lost(HERE);
        self.engine.shift(lost);
        released
    }

    /// The next page that was read.
    pub(super) async fn page(&mut self) {
        let page = self.pages.recv().await.unwrap();
        self.engine.page(page);
    }

    /// Writes what there is to write, until it is written.
    pub(super) async fn write(&mut self) {
        loop {
            self.engine.hand_out_writes();
            if self.engine.work.is_empty() {
                return;
            }
            let done = self.engine.work.join_next().await.unwrap();
            if let Ok(done) = done {
                self.engine.done(done);
            }
        }
    }

    /// Moves every subscription on as far as it goes.
    pub(super) fn turn(&mut self) {
        let now = self.engine.now();
        self.engine.turn(now);
        self.engine.hand_over(now);
    }

    pub(super) fn dialog(&self) -> DialogRecord {
        DialogRecord {
            local_tag: TAG.to_owned(),
            local: "<sip:csc@127.0.0.1>".to_owned(),
            remote: "<tel:+8210>;tag=f".to_owned(),
            remote_tag: "f".to_owned(),
            call_id: "c".to_owned(),
            remote_cseq: 1,
            target: format!("sip:ue@{}", self.ue.local_addr().unwrap()),
            subscriber: "tel:+8210".to_owned(),
            expires: (NOW + 3600) * 1_000_000,
            ..DialogRecord::default()
        }
    }

    /// A dialog as the reader gives it.
    pub(super) fn stored(&self, version: u64) -> Box<Stored> {
        let dialog = self.dialog();
        let accept = &self.engine.accept;
        let watch = watch::Watch::of(&dialog, &accept.naming, &accept.config).unwrap();
        let progress = Progress { reserved: 1 + BLOCK, ..Progress::default() };
        Box::new(Stored { dialog, version: Revision::new(version), progress, watch })
    }

    /// A dialog with something to say, which is said.
    pub(super) fn notified(&mut self, number: u64) {
        let stored = self.stored(1);
        self.engine.stored(TAG.into(), number, stored);
        let entry = self.engine.entries.get_mut(TAG).unwrap();
        entry.subscription.saw_all([("a".to_owned(), "1-1".parse().unwrap())].into());
        entry.subscription.reserved(1 + 2 * BLOCK);
        self.turn();
    }

    pub(super) fn count(&self) -> usize {
        self.engine.entries.len()
    }
}
