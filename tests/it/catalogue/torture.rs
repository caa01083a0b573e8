//! The 49 torture messages of RFC 4475 over UDP. The table of answers is the one that `csc-sip` is held to.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use csc_service::OsEntropy;
use csc_test_support::shared;
use csc_tests::sip::{Ask, Line, Watchers, call_id};
use csc_tests::{ALEX, ENGINE_7};
use csc_types::Entropy;
use sip_codec::{Message, Name, RequestBuilder};

use crate::Server;

const TABLE: &str = include_str!("../../../crates/sip/tests/rfc4475.txt");

/// The ports that the first Vias of the messages name, or leave to be the default. Answers go there, whatever port the
/// message came from (RFC 3261 section 18.2.2).
const PORTS: [u16; 2] = [5060, 5050];

/// Name and answer of each message: a status, or `None` for silence.
fn table() -> BTreeMap<&'static str, Option<u16>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| {
        let row = line.split('#').next().unwrap_or_default().trim();
        let (name, want) = row.split_once(' ').expect("a name and an answer");
        (name, (want != "-").then(|| want.parse().expect("a status")))
    });
    rows.collect()
}

/// An address of the loopback network that nobody else is likely to use: the ports cannot be chosen.
fn address() -> Ipv4Addr {
    let [a, b, c, ..] = OsEntropy.next_u64().to_be_bytes();
    Ipv4Addr::new(127, 64 | a >> 2, b, c)
}

/// A request that is answered at `local`. The answer shows that everything before it was dealt with.
fn probe(local: SocketAddr, id: &str) -> Bytes {
    RequestBuilder::new("OPTIONS", "sip:csc_psi@mcptt.example.org")
        .header(Name::Via, &format!("SIP/2.0/UDP {local};branch=z9hG4bK{id}"))
        .header(Name::From, &format!("<sip:probe@example.org>;tag={id}"))
        .header(Name::To, "<sip:csc_psi@mcptt.example.org>")
        .header(Name::CallId, id)
        .header(Name::CSeq, "1 OPTIONS")
        .finish()
        .expect("a request")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_gets_its_answer() {
    let Some(folder) = shared("every_message_gets_its_answer", "corpora/rfc4475") else { return };
    let Some(server) = Server::start().await else { return };
    let address = address();
    let mut lines = Vec::new();
    for port in PORTS {
        lines.push(Line::from(SocketAddr::new(address.into(), port), server.sip()).await);
    }
    let table = table();
    assert_eq!(table.len(), 49);
    for (name, want) in table {
        let datagram = std::fs::read(folder.join(name).with_extension("dat")).expect("a message");
        lines[0].send(&datagram).await;
        let mut answers = Vec::new();
        for line in &lines {
            let id = call_id();
            lines[0].send(&probe(line.local(), &id)).await;
            loop {
                let Message::Response(answer) = line.receive().await else { panic!("{name}: a request") };
                if answer.headers().single(Name::CallId) == Ok(Some(id.as_str())) {
                    assert_eq!(answer.status().code(), 200, "{name}: the probe behind it");
                    break;
                }
                answers.push(answer);
            }
        }
        let found: Vec<u16> = answers.iter().map(|answer| answer.status().code()).collect();
        assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{name}");
    }

    let mut watchers = Watchers::at(server.proxies()).await;
    let tree = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    watchers.add(&Ask::list(ALEX.0, &[&tree]));
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    assert_eq!(watchers.get(0).told[0][0].sel, format!("{tree}/{ENGINE_7}"));
    server.stop().await;
}
