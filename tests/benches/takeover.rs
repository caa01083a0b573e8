//! How long it takes until subscriptions of a killed proxy are served by another one: 10 000 of them over two replicas on
//! Redis, one replica killed, one change that all of them watch made at once.
//!
//! `cargo bench -p csc-tests --bench takeover`. Figures are printed, medians of the rounds; nothing is asserted but that
//! every watcher hears of every change with a rising CSeq.

use std::net::SocketAddr;
use std::time::Duration;

use csc_proto::identity::v1::PutUserRequest;
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{Cluster, DANA, ENGINE_7, ORGANISATION};
use csc_types::PARTITIONS;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const WATCHERS: usize = 10_000;
/// They belong to that many users, who lie in all partitions.
const USERS: usize = 1_000;
const ROUNDS: usize = 5;
const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";

fn user(number: usize) -> String {
    format!("tel:+8270{number:06}")
}

#[allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures and tells")]
#[tokio::main]
async fn main() {
    let settings = [("CSC_SIP_MAX_PER_USER", "100"), ("CSC_GMS_GROUP_ENTRIES", "2000")];
    let Some(mut server) = Cluster::start_with(&settings).await else { return };
    for number in 0..USERS {
        let request = PutUserRequest {
            mcptt_id: user(number),
            organisation: ORGANISATION.to_owned(),
            password: Some("takeover".to_owned()),
            ..PutUserRequest::default()
        };
        server.put_user(request).await;
    }
    let members: Vec<String> = (0..USERS).map(user).chain([DANA.0.to_owned()]).collect();
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>")).collect();
    let path = format!("org.openmobilealliance.groups/global/byGroupID/{ENGINE_7}");
    let mut console = server.ue(DANA).await;
    let mut change = async |name: &str| {
        let content = format!(
            "<group xmlns=\"urn:oma:xml:poc:list-service\"><list-service uri=\"{ENGINE_7}\"><display-name>{name}\
             </display-name><list>{entries}</list></list-service></group>"
        );
        console.put(&path, GROUP_TYPE, content.into(), None).await.expect("the dispatcher may");
        console.get(&path).await.expect("the group").etag
    };
    change("first").await;

    let mut watchers = Watchers::at(server.proxies()).await;
    for number in 0..WATCHERS {
        watchers.add(&Ask::list(&user(number % USERS), &[&path]));
    }
    let began = Instant::now();
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    println!("{WATCHERS} subscriptions made in {:?}", began.elapsed());

    let mut taken = Vec::new();
    for round in 0..ROUNDS {
        // In turn, so that each time the other one has to take over what it does not know.
        let victim = ["subscription-proxy-1", "subscription-proxy-2"][round % 2];
        let killed = Instant::now();
        server.kill(victim);
        let now = change(&format!("round {round}")).await;
        let told = |watcher: &csc_tests::sip::Watcher| {
            watcher.told.iter().flatten().next_back().is_some_and(|change| change.new.as_ref() == Some(&now))
        };
        watchers.until("the change", |_, watcher| told(watcher)).await;
        taken.push(killed.elapsed());
        println!("round {round}: {victim} killed, all told after {:?}", killed.elapsed());
        server.restart(victim).await;
        shared_again(&server).await;
    }
    taken.sort_unstable();
    println!("takeover of {WATCHERS} subscriptions, kill to last NOTIFY: median {:?}", taken[ROUNDS / 2]);
    server.stop().await;
}

/// Waits until both replicas have their share of the partitions again.
async fn shared_again(server: &Cluster) {
    loop {
        let first = partitions(server.address("subscription-proxy-1", "admin")).await;
        let second = partitions(server.address("subscription-proxy-2", "admin")).await;
        if first + second == u64::from(PARTITIONS) && first.min(second) > 0 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many partitions the replica with this admin listener says it has.
async fn partitions(admin: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(admin).await.expect("the admin listener");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let value = answer.lines().find_map(|line| line.strip_prefix("csc_sip_partitions "));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}
