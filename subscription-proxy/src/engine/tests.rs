//! Orders of events that no peer can force from outside.

use csc_service::Metrics;
use csc_service::config::{SecretBytes, Settings};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::Revision;
use csc_xcap::Names;
use csc_xcap::uri::Roots;
use csc_xcap_server::testing::{Bench, NOW};

use super::*;
use crate::config::Config;
use crate::domain::notify::Sender;
use crate::domain::subscription::Progress;
use crate::domain::tag::Tags;
use crate::domain::target::Naming;
use crate::records::DialogRecord;

/// An engine without its helpers.
fn engine() -> Engine {
    let clock = Arc::new(ManualClock::at(NOW));
    let bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
    let config = Config::read(&mut Settings::load(None, []).section("sip", "SIP."));
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
    let accept = Accept {
        records: bench.records,
        clock,
        verifier: bench.verifier,
        naming: Arc::new(naming),
        config: Arc::new(config),
        tags: Tags::new(SecretBytes::new(vec![7; 32])),
        sender,
    };
    Engine {
        accept: Arc::new(accept),
        socket: SipSocket::bind("127.0.0.1:0".parse().unwrap(), 65_536).unwrap(),
        entropy: Arc::new(SeededEntropy::new(2)),
        metrics: EngineMetrics::new(&Metrics::new()),
        server: ServerTransactions::new(Limits { requests: 1, octets: 1 }),
        client: ClientTransactions::default(),
        windows: Windows::new(1),
        entries: HashMap::new(),
        by_user: HashMap::new(),
        watchers: Watchers::default(),
        ready: VecDeque::new(),
        timers: BTreeSet::new(),
        jobs: VecDeque::new(),
        dirty: VecDeque::new(),
        writes: VecDeque::new(),
        reading: false,
        writing: false,
        to_reader: mpsc::channel(1).0,
        to_writer: mpsc::channel(1).0,
        replies: JoinSet::new(),
        answering: HashMap::new(),
        parked: Vec::new(),
        stopping: false,
    }
}

fn stored(version: u64) -> Found {
    let dialog = DialogRecord {
        subscriber: "tel:+8210".to_owned(),
        expires: (NOW + 3600) * 1_000_000,
        ..DialogRecord::default()
    };
    let version = Revision::new(version);
    Found::Loaded("00a".into(), Some(Box::new(Stored { dialog, version, progress: Progress::default() })))
}

#[tokio::test]
async fn a_dialog_begun_anew_outlives_the_news_that_the_old_one_is_gone() {
    let mut engine = engine();
    let ended = |version| Written::Ended("00a".into(), Revision::new(version));
    engine.found(stored(1));
    // The removal of version 1 was committed, then the new dialog, and the reader was faster.
    engine.found(stored(3));
    engine.written(ended(1));
    assert_eq!(engine.entries.len(), 1);
    let writes = engine.next_writes();
    assert!(matches!(&writes[..], [Write::Progress(..)]), "its progress is stored anew");
    engine.written(ended(3));
    assert!(engine.entries.is_empty() && engine.by_user.is_empty());
}
