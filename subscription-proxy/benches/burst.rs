//! One change, 2 000 watchers behind one CSCF: how long until all are told, what a NOTIFY costs, and what our socket lost.
//!
//! Every watcher is a user of its own, the store is a file, and each answer is stored durably: what is measured is what a
//! site runs. The CSCF is a thread that answers each NOTIFY at once; its own time does not count. Linux only: CPU time
//! and lost datagrams are read from `/proc`. The disk is that of the target directory, or of `CSC_BENCH_DIR`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use csc_proto::record::v1::IndexEntry;
use csc_service::Shutdown;
use csc_service::config::Settings;
use csc_store::owner::Replicas;
use csc_store::{Change, Embedded, Options, Records, StoreError, shared};
use csc_subscription_proxy::{Config, Deps, Naming, build};
use csc_test_support::SeededEntropy;
use csc_types::{Clock, Etag, Partition, SystemClock};
use csc_xcap::Names;
use csc_xcap::uri::Roots;
use csc_xcap_server::testing::Bench;
use prost::Message as _;
use sip_codec::{Limits, Message, ResponseBuilder, Status};

const WATCHERS: usize = 2_000;
const ROUNDS: usize = 11;
/// Longer than it takes to store the last answers.
const QUIET: Duration = Duration::from_secs(1);
const DOCUMENT: &str = "org.3gpp.mcptt.service-config/global/fire/service-config.xml";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let parent = std::env::var_os("CSC_BENCH_DIR").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut bench = Bench::new(Arc::clone(&clock), Arc::new(SeededEntropy::new(1)));
    let store = Embedded::open(
        &folder.path().join("store"),
        Options::default(),
        Arc::clone(&clock),
        &SeededEntropy::new(2),
    );
    bench.records = Records::new(Arc::new(store.unwrap()), Arc::clone(&bench.entropy));
    let accounts = (0..WATCHERS).map(|n| {
        let bench = &bench;
        async move { bench.account(&user(n), "fire", &[], &[]).await }
    });
    futures::future::join_all(accounts).await;
    put(&bench).await;

    let proxy = start(&bench, folder.path()).await;
    let (told, acknowledged) = mpsc::channel();
    let cscf = Cscf::new(proxy, Arc::clone(&clock), told);
    cscf.subscribe(&acknowledged);
    tokio::time::sleep(QUIET).await;

    let mut rounds: Vec<(Duration, Duration, Duration)> = Vec::new();
    for _ in 0..ROUNDS {
        let (begun, at, cpu, other) = (clock.monotonic(), clock.now(), cpu_of_all(), cscf.cpu());
        let etag = put(&bench).await;
        let mut last = begun;
        for _ in 0..WATCHERS {
            last = acknowledged.recv_timeout(Duration::from_secs(60)).unwrap().1;
        }
        tokio::time::sleep(QUIET).await;
        let spent = (cpu_of_all() - cpu).saturating_sub(cscf.cpu() - other);
        let stored = stored(&bench, &etag).await - at.micros();
        rounds.push((last - begun, Duration::from_micros(stored), spent / WATCHERS as u32));
    }
    let median = |of: fn(&(Duration, Duration, Duration)) -> Duration| {
        let mut all: Vec<Duration> = rounds.iter().map(of).collect();
        all.sort();
        (all[0], all[all.len() / 2], all[all.len() - 1])
    };
    for (what, (least, middle, most)) in [
        ("all told", median(|round| round.0)),
        ("last answer stored", median(|round| round.1)),
        ("CPU per NOTIFY", median(|round| round.2)),
    ] {
        println!("{what:<22} median {middle:>10.1?}   least {least:>10.1?}   most {most:>10.1?}");
    }
    println!("datagrams lost         {}", drops(proxy.port()));
}

fn user(n: usize) -> String {
    format!("tel:+8210{n:05}")
}

/// A change of the document, as its service would make it.
async fn put(bench: &Bench) -> Etag {
    let organisation = "fire".parse().unwrap();
    let random = bench.entropy.next_u64();
    let entry = IndexEntry { organisation: "fire".to_owned(), random, ..IndexEntry::default() };
    let partition = Names::of("fire".parse().unwrap()).document_at(DOCUMENT).unwrap().partition();
    let written = bench.records.update(partition, &[], |_| {
        let change = Change::nothing(()).put(shared::index_key(DOCUMENT), entry.encode_to_vec());
        Ok::<_, StoreError>(change.log(csc_xcap_server::announce(DOCUMENT, &organisation)))
    });
    shared::etag(&entry, written.await.unwrap().revision.unwrap())
}

async fn start(bench: &Bench, folder: &std::path::Path) -> SocketAddr {
    let secret = folder.join("sip.key");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret).unwrap();
    file.write_all(&[7; 32]).unwrap();
    let settings = [
        ("LISTEN", "127.0.0.1:0"),
        ("TRUSTED_PEERS", "127.0.0.1"),
        ("NEXT_HOPS", "127.0.0.1"),
        ("MIN_NOTIFY_INTERVAL", "0s"),
        ("TAG_SECRET", secret.to_str().unwrap()),
    ];
    let settings = settings.map(|(key, value)| (format!("CSC_SIP_{key}"), value.to_owned()));
    let mut settings = Settings::load(None, settings);
    let config = Config::read(&mut settings.section("sip", "SIP."));
    settings.finish().unwrap();
    let deps = Deps {
        records: bench.records.clone(),
        clock: Arc::clone(&bench.clock),
        entropy: Arc::clone(&bench.entropy),
        metrics: bench.metrics.clone(),
        verifier: Arc::clone(&bench.verifier),
        naming: Naming {
            names: Names::of("fire".parse().unwrap()),
            roots: Roots::default(),
            root_uri: "https://csc.example.org:4420/".to_owned(),
            open_terminals: false,
        },
        replicas: Replicas::Alone,
    };
    let (mut parts, address) = build(&config, deps).await.unwrap();
    let (trigger, shutdown) = Shutdown::new();
    let task = parts.tasks.pop().unwrap();
    tokio::spawn(async move {
        let _trigger = trigger;
        (task.run)(shutdown).await.unwrap();
    });
    address
}

/// When the last delivery record was committed, in microseconds since the Unix epoch: a revision is its commit's time.
/// Every record has to hold this tag.
async fn stored(bench: &Bench, etag: &Etag) -> u64 {
    let etag = etag.as_str().as_bytes();
    let (mut count, mut last) = (0, 0);
    for partition in Partition::all() {
        let store = bench.records.store();
        for (_, record) in
            store.scan(partition, "subscription-proxy.delivery", "", None, WATCHERS).await.unwrap()
        {
            assert!(record.value.unwrap().windows(etag.len()).any(|part| part == etag), "stored in time");
            count += 1;
            last = last.max(record.version.number());
        }
    }
    assert_eq!(count, WATCHERS);
    last
}

/// The peer of all watchers: it answers each NOTIFY, and tells of those with a new CSeq.
struct Cscf {
    socket: UdpSocket,
    proxy: SocketAddr,
    thread: String,
}

impl Cscf {
    fn new(proxy: SocketAddr, clock: Arc<dyn Clock>, told: mpsc::Sender<(u16, Duration)>) -> Cscf {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket2::SockRef::from(&socket).set_recv_buffer_size(8 << 20).unwrap();
        let receiver = socket.try_clone().unwrap();
        let (name, named) = mpsc::channel();
        thread::spawn(move || {
            let own = fs::read_link("/proc/thread-self").unwrap();
            name.send(format!("/proc/{}", own.display())).unwrap();
            let mut seen = HashSet::new();
            let mut buffer = vec![0; 65_535];
            while let Ok((length, from)) = receiver.recv_from(&mut buffer) {
                match Message::parse(buffer[..length].to_vec().into(), &Limits::default()).unwrap() {
                    Message::Request(notify) => {
                        let answer = ResponseBuilder::new(notify.headers(), Status::OK, "x", from).finish();
                        receiver.send_to(answer.unwrap().as_bytes(), from).unwrap();
                        let core = notify.core().unwrap();
                        if seen.insert((core.call_id.to_owned(), core.cseq.number)) {
                            let _ = told.send((0, clock.monotonic()));
                        }
                    }
                    Message::Response(answer) => {
                        let _ = told.send((answer.status().code(), clock.monotonic()));
                    }
                }
            }
        });
        Cscf { socket, proxy, thread: named.recv().unwrap() }
    }

    /// Subscribes all watchers, some at a time, and waits for their first NOTIFYs.
    fn subscribe(&self, told: &mpsc::Receiver<(u16, Duration)>) {
        let local = self.socket.local_addr().unwrap();
        let (mut granted, mut notified, mut asked) = (0, 0, 0);
        while granted < WATCHERS || notified < WATCHERS {
            while asked < WATCHERS && asked < granted + 64 {
                let user = user(asked);
                let body = format!(
                    "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list><entry \
                     uri=\"org.3gpp.mcptt.service-config/users/{user}/service-config\"/></list></resource-lists>"
                );
                let text = format!(
                    "SUBSCRIBE sip:csc_psi@ptt.example.org SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{asked}\r\n\
                     From: <{user}>;tag=f{asked}\r\nTo: <{user}>\r\nCall-ID: c{asked}\r\nCSeq: 1 SUBSCRIBE\r\n\
                     Contact: <sip:ue{asked}@{local}>\r\nRecord-Route: <sip:{local};lr>\r\nEvent: xcap-diff\r\n\
                     Accept: application/xcap-diff+xml\r\nP-Asserted-Identity: {user}\r\nExpires: 3600\r\n\
                     Content-Type: application/resource-lists+xml\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                self.socket.send_to(text.as_bytes(), self.proxy).unwrap();
                asked += 1;
            }
            match told.recv_timeout(Duration::from_secs(60)).unwrap().0 {
                0 => notified += 1,
                200 => granted += 1,
                status => panic!("refused with {status}"),
            }
        }
    }

    /// The CPU time that its thread took so far.
    fn cpu(&self) -> Duration {
        cpu_of(&format!("{}/schedstat", self.thread)).unwrap()
    }
}

fn cpu_of_all() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks.filter_map(|task| cpu_of(task.unwrap().path().join("schedstat").to_str()?)).sum()
}

/// The first number of `schedstat`: nanoseconds on a CPU. `None` for a thread that ended.
fn cpu_of(path: &str) -> Option<Duration> {
    let text = fs::read_to_string(path).ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// Datagrams that the system dropped because the receive buffer of the socket at `port` was full.
fn drops(port: u16) -> String {
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    let local = format!("0100007F:{port:04X}");
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(local.as_str()));
    line.and_then(|line| line.split_whitespace().last()).unwrap_or("unknown").to_owned()
}
