//! The 49 messages of RFC 4475 over UDP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sip_codec::Message;
use tokio::net::UdpSocket;

use crate::ue::read;
use crate::world::World;

/// A peer with the ports that the Vias of the messages name, at a loopback address of this process alone: most of them do
/// not ask for `rport`, so the answers go to the port of `sent-by`.
struct Peer {
    usual: UdpSocket,
    other: UdpSocket,
    proxy: SocketAddr,
}

impl Peer {
    async fn new(proxy: SocketAddr) -> Peer {
        let [_, b, c, d] = std::process::id().to_be_bytes();
        let ip = Ipv4Addr::new(127, b | 0x80, c, d.clamp(1, 254));
        let bind = async |port: u16| UdpSocket::bind((ip, port)).await.unwrap();
        Peer { usual: bind(5060).await, other: bind(5050).await, proxy }
    }

    /// The status and the Call-ID of the next answer.
    async fn answer(&self) -> (u16, String) {
        let (mut one, mut two) = (vec![0; 65_535], vec![0; 65_535]);
        let received = tokio::time::timeout(Duration::from_secs(60), async {
            tokio::select! {
                length = self.usual.recv(&mut one) => one[..length.unwrap()].to_vec(),
                length = self.other.recv(&mut two) => two[..length.unwrap()].to_vec(),
            }
        });
        let Message::Response(response) = read(&received.await.expect("an answer")) else {
            panic!("a response")
        };
        let call_id = response.headers().lines(sip_codec::Name::CallId).next().unwrap_or_default().to_owned();
        (response.status().code(), call_id)
    }

    async fn send(&self, datagram: &[u8]) {
        self.usual.send_to(datagram, self.proxy).await.unwrap();
    }
}

#[tokio::test]
async fn every_torture_message_gets_its_answer() {
    let test = "every_torture_message_gets_its_answer";
    let Some(folder) = csc_test_support::shared(test, "corpora/rfc4475") else { return };
    let world = World::new().await;
    let proxy = world.start().await;
    let peer = Peer::new(proxy.address).await;
    let table = include_str!("../../../crates/sip/tests/rfc4475.txt");
    let mut seen = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (name, want) = line.split('#').next().unwrap().trim().split_once(' ').unwrap();
        peer.send(&std::fs::read(folder.join(name).with_extension("dat")).unwrap()).await;
        // What comes back first to the request behind it tells silence from an answer.
        let after = format!(
            "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=q\r\n\
             To: <sip:a@b>\r\nCall-ID: after-{name}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        peer.send(after.as_bytes()).await;
        let mut answers = vec![peer.answer().await];
        if want != "-" {
            answers.push(peer.answer().await);
        }
        answers.retain(|(_, call_id)| *call_id != format!("after-{name}"));
        let got = answers.first().map_or("-".to_owned(), |(status, _)| status.to_string());
        assert_eq!(got, want, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 49);
    assert_eq!(world.records().await, (0, 0));
}
