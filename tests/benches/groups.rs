//! How long it takes until every member sees a change of a group of 10, 1 000 and 10 000 members, and what other requests
//! feel of it: all services in a process of its own on the embedded store, over HTTPS.
//!
//! `cargo bench -p csc-tests --bench groups`. The store lies in `$TMPDIR`. Figures are medians of the rounds; nothing is
//! asserted but that every request is answered well.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use csc_tests::{ALEX, DANA, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
const GROUP: &str = "tel:+82570009999";
const SIZES: [usize; 3] = [10, 1_000, 10_000];
/// Enough for a 99th percentile of what others feel meanwhile.
const ROUNDS: usize = 40;
/// Answers that are timed while nothing else goes on.
const ALONE: usize = 4_000;
/// Between two looks at what is projected, so that looking costs the server little.
const LOOK: Duration = Duration::from_millis(4);
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(20);

/// A group whose entries are what dispatch consoles write: about 200 octets each.
fn group(members: usize, name: &str) -> String {
    let mut list = String::new();
    for number in 0..members {
        write!(
            list,
            "\n      <entry uri=\"tel:+8270{number:06}\">\n        <rl:display-name>Member {number}</rl:display-name>\n        \
             <mcpttgi:participant-type>participant</mcpttgi:participant-type>\n        \
             <mcpttgi:user-priority>5</mcpttgi:user-priority>\n      </entry>"
        )
        .expect("a String");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\" \
         xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" xmlns:mcpttgi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\">\n  \
         <list-service uri=\"{GROUP}\">\n    <display-name>{name}</display-name>\n    <list>{list}\n    </list>\n  \
         </list-service>\n</group>\n"
    )
}

#[allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures and tells")]
#[tokio::main]
async fn main() {
    let server = Process::start(env!("CARGO_BIN_EXE_csc-under-test"), &[]).await;
    let server = server.client();
    let mut console = server.ue(DANA).await;
    let path = format!("org.openmobilealliance.groups/global/byGroupID/{GROUP}");

    let (busy, phase) = watch::channel(false);
    let (answered, mut answers) = watch::channel(0);
    let reader = tokio::spawn(read(server.ue(ALEX).await, phase, answered));
    // What others feel when nothing else goes on.
    answers.wait_for(|answers| *answers >= ALONE).await.expect("the reader reads");
    for members in SIZES {
        let (mut stored, mut seen) = (Vec::new(), Vec::new());
        let octets = group(members, "round 0").len();
        for round in 0..ROUNDS {
            let content = group(members, &format!("round {round}"));
            let wanted = projected(server.admin()).await + members as u64;
            busy.send_replace(members == SIZES[2]);
            let began = Instant::now();
            console.put(&path, GROUP_TYPE, content.into(), None).await.expect("the dispatcher may");
            stored.push(began.elapsed());
            while projected(server.admin()).await < wanted {
                sleep(LOOK).await;
            }
            seen.push(began.elapsed());
            busy.send_replace(false);
            sleep(PAUSE).await;
        }
        stored.sort_unstable();
        seen.sort_unstable();
        println!(
            "{members:6} members, {octets:8} octets: stored after {:?}, all views projected after {:?}",
            stored[ROUNDS / 2],
            seen[ROUNDS / 2]
        );
    }
    drop(busy);
    let [idle, meanwhile] = reader.await.expect("good answers");
    println!("other GETs, alone: {}", percentiles(idle));
    println!("other GETs, while the largest group changes: {}", percentiles(meanwhile));
}

/// Reads one document again and again. The times of its answers: those while nothing went on, and the others.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures")]
async fn read(
    mut ue: csc::ue::Ue,
    mut phase: watch::Receiver<bool>,
    answered: watch::Sender<usize>,
) -> [Vec<Duration>; 2] {
    let profile = format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0);
    let mut took = [Vec::new(), Vec::new()];
    while phase.has_changed().is_ok() {
        let busy = *phase.borrow_and_update();
        let began = Instant::now();
        ue.get(&profile).await.expect("its own profile");
        took[usize::from(busy || *phase.borrow())].push(began.elapsed());
        answered.send_modify(|answers| *answers += 1);
        sleep(Duration::from_millis(1)).await;
    }
    took
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    format!("median {:?}, p99 {:?} of {}", at(50), at(99), times.len())
}

/// How many views have been projected since the start.
async fn projected(admin: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(admin).await.expect("the admin listener");
    let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let value = answer.lines().find_map(|line| line.strip_prefix("csc_gms_views_projected_total "));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}
