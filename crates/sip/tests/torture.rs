//! The 49 torture messages of RFC 4475, each with its answer. `rfc4475.txt` is the table; the server over a
//! socket is held to the same one.

#![allow(clippy::unwrap_used, reason = "a test's helper may fail the test")]

use std::net::SocketAddr;

use csc_sip::{Capabilities, Refusal, Unserved, screen};
use sip_codec::{Encoded, Limits, Message, Method, Name, ResponseBuilder, Status};

const CAPABILITIES: Capabilities = Capabilities {
    methods: &[Method::Subscribe, Method::Options],
    allow: "SUBSCRIBE, OPTIONS",
    extensions: &[],
};

/// What a server with these capabilities answers, down to the octets.
fn answer(datagram: Vec<u8>) -> Option<Encoded> {
    let source: SocketAddr = "192.0.2.200:5060".parse().unwrap();
    match Message::parse(datagram.into(), &Limits::default()) {
        Err(refused) => {
            Some(Refusal::from(refused.defect).answer(refused.answerable()?, "t1", source).unwrap())
        }
        Ok(Message::Response(_)) => None,
        Ok(Message::Request(request)) => match screen(&request, &CAPABILITIES) {
            Err(Unserved::Ignore) => None,
            Err(Unserved::Refuse(refusal)) => Some(refusal.answer(request.headers(), "t1", source).unwrap()),
            Ok(_) => {
                let ok = ResponseBuilder::new(request.headers(), Status::OK, "t1", source);
                Some(ok.finish().unwrap())
            }
        },
    }
}

#[test]
fn every_torture_message_gets_its_answer() {
    let Some(folder) = csc_test_support::shared("torture", "corpora/rfc4475") else { return };
    let mut seen = 0;
    for line in include_str!("rfc4475.txt").lines().filter(|line| !line.starts_with('#')) {
        let (name, want) = line.split('#').next().unwrap().trim().split_once(' ').unwrap();
        let datagram = std::fs::read(folder.join(name).with_extension("dat")).unwrap();
        let sent = answer(datagram.clone());
        let got = sent.as_ref().map(|sent| String::from_utf8_lossy(&sent.as_bytes()[8..11]).into_owned());
        assert_eq!(got.as_deref().unwrap_or("-"), want, "{name}");
        seen += 1;

        let Some(sent) = sent else { continue };
        let Ok(Message::Response(read)) = Message::parse(sent.into_bytes(), &Limits::default()) else {
            panic!("{name}: the answer is a response")
        };
        let vias = datagram.split(|b| *b == b'\n').filter(|line| {
            let name = line.split(|b| *b == b':').next().unwrap().trim_ascii().to_ascii_lowercase();
            name == b"via" || name == b"v"
        });
        if name != "dblreq" {
            assert_eq!(
                read.headers().lines(Name::Via).count(),
                vias.count(),
                "{name}: each Via line is copied"
            );
        }
        match want {
            "405" | "501" => assert_eq!(read.headers().lines(Name::Allow).count(), 1, "{name}"),
            "420" => assert_eq!(
                read.headers().tokens(Name::Unsupported).unwrap(),
                ["nothingSupportsThis", "nothingSupportsThisEither"]
            ),
            _ => {}
        }
    }
    assert_eq!(seen, 49);
}

#[test]
fn methods_have_their_own_answers() {
    let ask = |method: &str| {
        let text = format!(
            "{method} sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=f\r\n\
             To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
        );
        answer(text.into_bytes()).map(|sent| String::from_utf8_lossy(&sent.as_bytes()[8..11]).into_owned())
    };
    for (method, want) in [
        ("SUBSCRIBE", Some("200")),
        ("OPTIONS", Some("200")),
        ("ACK", None),
        ("CANCEL", Some("481")),
        ("INVITE", Some("405")),
        ("NOTIFY", Some("405")),
        ("options", Some("501")),
        ("X", Some("501")),
    ] {
        assert_eq!(ask(method).as_deref(), want, "{method}");
    }
}
