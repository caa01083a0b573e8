//! Transactions and dialogs, driven with a time that only the test moves.

#![allow(clippy::unwrap_used, reason = "a test's helper may fail the test")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use csc_sip::{
    Arrival, ClientTransactions, Dialog, Expired, Final, Limits, Order, ServerTransactions, TransactionKey,
    branch,
};
use sip_codec::{Encoded, Message, Name, Request, RequestBuilder, Response, ResponseBuilder, Status};

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn peer() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn read(text: impl Into<bytes::Bytes>) -> Message {
    Message::parse(text.into(), &sip_codec::Limits::default()).unwrap()
}

fn request(text: impl Into<bytes::Bytes>) -> Request {
    let Message::Request(request) = read(text) else { panic!("a request") };
    request
}

fn response(text: impl Into<bytes::Bytes>) -> Response {
    let Message::Response(response) = read(text) else { panic!("a response") };
    response
}

fn subscribe(branch: &str, cseq: u32, to_tag: &str) -> String {
    format!(
        "SUBSCRIBE sip:gms_psi@example.org SIP/2.0\r\nVia: SIP/2.0/UDP p1.example.org;branch={branch}\r\n\
         From: \"Alex Kim\" <tel:+8251>;tag=f1\r\nTo: <tel:+8251>{to_tag}\r\nCall-ID: c1\r\nCSeq: {cseq} SUBSCRIBE\r\n\
         Record-Route: <sip:p1.example.org;lr>, <sip:p0.example.org;lr>\r\n\
         Contact: <sip:alex@192.0.2.77:5070;ob>\r\nEvent: xcap-diff\r\n\r\n"
    )
}

fn ok(request: &Request) -> Encoded {
    ResponseBuilder::new(request.headers(), Status::OK, "t1", peer()).finish().unwrap()
}

// Server transactions

fn receive(
    table: &mut ServerTransactions,
    request: &Request,
    from: IpAddr,
    now: Duration,
) -> (TransactionKey, Arrival) {
    let core = request.core().unwrap();
    let key = TransactionKey::of(request, &core);
    let arrival = table.receive(&key, &core, Some(from), now);
    (key, arrival)
}

fn table() -> ServerTransactions {
    ServerTransactions::new(Limits { requests: 2, octets: 2_000 })
}

#[test]
fn a_copy_gets_the_same_octets_until_timer_j_ends() {
    let mut table = table();
    let first = request(subscribe("z9hG4bKa", 1, ""));
    let (key, arrival) = receive(&mut table, &first, peer().ip(), at(0));
    assert_eq!(arrival, Arrival::New);
    assert_eq!(receive(&mut table, &first, peer().ip(), at(500)).1, Arrival::Pending);

    let answer = ok(&first);
    table.answer(&key, answer.clone(), peer(), at(1_000));
    for now in [1_001, 32_999] {
        table.expire(at(now));
        assert_eq!(
            receive(&mut table, &first, peer().ip(), at(now)).1,
            Arrival::Answered(answer.clone(), peer())
        );
    }
    table.expire(at(33_000));
    assert!(table.is_empty());
    assert_eq!(table.next_deadline(), None);
    assert_eq!(receive(&mut table, &first, peer().ip(), at(33_001)).1, Arrival::New);
}

#[test]
fn the_same_request_on_another_path_is_merged() {
    let mut table = table();
    assert_eq!(
        receive(&mut table, &request(subscribe("z9hG4bKa", 1, "")), peer().ip(), at(0)).1,
        Arrival::New
    );
    assert_eq!(
        receive(&mut table, &request(subscribe("z9hG4bKb", 1, "")), peer().ip(), at(1)).1,
        Arrival::Merged
    );
    // Inside a dialog the dialog's CSeq decides instead.
    let inside = request(subscribe("z9hG4bKc", 1, ";tag=t1"));
    assert_eq!(receive(&mut table, &inside, peer().ip(), at(2)).1, Arrival::New);
    table.expire(at(32_000));
    assert_eq!(
        receive(&mut table, &request(subscribe("z9hG4bKb", 1, "")), peer().ip(), at(32_001)).1,
        Arrival::New
    );
}

#[test]
fn a_peer_of_rfc_2543_is_told_apart_by_its_fields() {
    let mut table = table();
    for (cseq, want) in [(1, Arrival::New), (2, Arrival::New), (2, Arrival::Pending)] {
        let old = request(subscribe("z9hG4bK", cseq, ""));
        assert_eq!(receive(&mut table, &old, peer().ip(), at(0)).1, want);
    }
}

#[test]
fn each_peer_has_its_allowance_and_all_strangers_have_one() {
    let mut table = table();
    let peer = |ip: &str| Some(ip.parse::<IpAddr>().unwrap());
    let mut arrive = |n: u32, from| {
        let request = request(subscribe(&format!("z9hG4bK{n}"), n, ""));
        let core = request.core().unwrap();
        table.expire(at(u64::from(n)));
        table.receive(&TransactionKey::of(&request, &core), &core, from, at(u64::from(n)))
    };
    for (party, n) in [(None, 10), (peer("192.0.2.1"), 20), (peer("192.0.2.2"), 30)] {
        let got = [arrive(n, party), arrive(n + 1, party), arrive(n + 2, party)];
        assert_eq!(got, [Arrival::New, Arrival::New, Arrival::Full]);
    }
    assert_eq!(arrive(32_012, None), Arrival::New, "what came first is forgotten");
}

#[test]
fn long_names_and_long_answers_use_up_an_allowance() {
    for (branch, padding) in [("z9hG4bK".to_owned() + &"a".repeat(2_000), 0), ("z9hG4bKa".to_owned(), 2_000)]
    {
        let mut table = table();
        let first = request(subscribe(&branch, 1, ""));
        let (key, arrival) = receive(&mut table, &first, peer().ip(), at(0));
        assert_eq!(arrival, Arrival::New);
        let answer = ResponseBuilder::new(first.headers(), Status::OK, "t1", peer());
        let answer = answer.header(Name::Event, &"x".repeat(padding)).finish().unwrap();
        table.answer(&key, answer, peer(), at(0));
        let second = request(subscribe("z9hG4bKb", 2, ""));
        assert_eq!(receive(&mut table, &second, peer().ip(), at(1)).1, Arrival::Full);
        table.expire(at(32_000));
        assert_eq!(receive(&mut table, &second, peer().ip(), at(32_000)).1, Arrival::New);
    }
}

// Client transactions

fn notify(branch: &str) -> Encoded {
    RequestBuilder::new("NOTIFY", "sip:alex@192.0.2.77")
        .header(Name::Via, &format!("SIP/2.0/UDP 192.0.2.9;branch={branch}"))
        .header(Name::From, "<tel:+8251>;tag=t1")
        .header(Name::To, "<tel:+8251>;tag=f1")
        .header(Name::CallId, "c1")
        .header(Name::CSeq, "7 NOTIFY")
        .finish()
        .unwrap()
}

fn answer(branch: &str, status: u16) -> Response {
    let request = request(notify(branch).into_bytes());
    let sent = ResponseBuilder::new(request.headers(), Status::new(status).unwrap(), "x", peer());
    response(sent.finish().unwrap().into_bytes())
}

/// Runs the machine to its end: when each copy left, and when it gave up.
fn run(client: &mut ClientTransactions<u8>, limit: Duration) -> (Vec<u64>, Option<u64>) {
    let (mut copies, mut gave_up) = (Vec::new(), None);
    while let Some(now) = client.next_deadline().filter(|now| *now <= limit) {
        let millis = u64::try_from(now.as_millis()).unwrap();
        for fired in client.expire(now) {
            match fired {
                Expired::Repeat(..) => copies.push(millis),
                Expired::TimedOut(_) => gave_up = Some(millis),
            }
        }
    }
    (copies, gave_up)
}

#[test]
fn a_silent_peer_gets_eleven_copies_in_thirty_two_seconds() {
    let mut client = ClientTransactions::default();
    client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 1, at(0)).unwrap();
    let (copies, gave_up) = run(&mut client, at(60_000));
    // The first copy left at once.
    assert_eq!(copies, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(gave_up, Some(32_000));
    assert!(client.is_empty());
}

#[test]
fn a_provisional_response_slows_the_copies_down() {
    let mut client = ClientTransactions::default();
    client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 1, at(0)).unwrap();
    assert_eq!(client.receive(&answer("z9hG4bKn", 100)), None);
    assert_eq!(run(&mut client, at(9_000)).0, [500, 4_500, 8_500]);
    assert_eq!(client.receive(&answer("z9hG4bKn", 200)), Some(Final { owner: 1, status: Status::OK }));
    assert_eq!(client.next_deadline(), None);
}

#[test]
fn a_driver_that_was_away_sends_one_copy() {
    let mut client = ClientTransactions::default();
    client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 1, at(0)).unwrap();
    assert_eq!(client.expire(at(20_000)).len(), 1);
    assert_eq!(client.expire(at(90_000)), [Expired::TimedOut(1)]);
}

#[test]
fn only_the_transactions_own_response_counts() {
    let mut client = ClientTransactions::default();
    client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 1, at(0)).unwrap();
    assert!(client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 2, at(0)).is_err());
    assert_eq!(client.receive(&answer("z9hG4bKother", 200)), None);
    let good = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn\r\nFrom: <tel:+8251>;tag=t1\r\n\
                To: <tel:+8251>;tag=f1\r\nCall-ID: c1\r\nCSeq: 7 NOTIFY\r\nContent-Length: 0\r\n\r\n";
    let foreign = good.replace("CSeq: 7 NOTIFY", "CSeq: 7 OPTIONS");
    let two_vias = good.replacen("\r\n", "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKo\r\n", 1);
    let broken = good.replace("Call-ID: c1\r\n", "");
    for bad in [foreign, two_vias, broken] {
        assert_eq!(client.receive(&response(bad)), None);
    }
    assert_eq!(client.receive(&response(good)), Some(Final { owner: 1, status: Status::OK }));
    assert_eq!(client.receive(&response(good)), None, "a further copy does nothing");
}

#[test]
fn what_is_given_up_is_sent_no_more() {
    let mut client = ClientTransactions::default();
    client.start("z9hG4bKn", "NOTIFY", notify("z9hG4bKn"), peer(), 1, at(0)).unwrap();
    assert_eq!(client.cancel("z9hG4bKn"), Some(1));
    assert_eq!(client.cancel("z9hG4bKn"), None);
    assert_eq!(client.receive(&answer("z9hG4bKn", 200)), None);
    assert_eq!(client.next_deadline(), None);
}

#[test]
fn one_silent_peer_does_not_delay_another() {
    let mut client = ClientTransactions::default();
    for n in 0..3u8 {
        let branch = format!("z9hG4bK{n}");
        client.start(&branch, "NOTIFY", notify(&branch), peer(), n, at(u64::from(n) * 100)).unwrap();
    }
    assert_eq!(client.receive(&answer("z9hG4bK1", 200)).unwrap().owner, 1);
    assert_eq!(client.next_deadline(), Some(at(500)));
    assert_eq!(client.expire(at(600)).len(), 1);
    assert_eq!(client.expire(at(700)).len(), 1);
    assert_eq!(client.len(), 2);
}

// Dialogs

fn dialog(text: String) -> Result<Dialog, csc_sip::Refusal> {
    let request = request(text);
    Dialog::create(&request, &request.core().unwrap(), "t1")
}

#[test]
fn a_notify_follows_the_route_set() {
    let dialog = dialog(subscribe("z9hG4bKa", 4, "")).unwrap();
    assert_eq!(dialog.hop(), "sip:p1.example.org;lr");
    let sent = dialog.request("NOTIFY", 7, "192.0.2.9:5060", &branch([0xab; 16])).finish().unwrap();
    let sent = request(sent.into_bytes());
    assert_eq!(sent.uri().as_str(), "sip:alex@192.0.2.77:5070;ob");
    let headers = sent.headers();
    assert_eq!(headers.routes(Name::Route).unwrap(), ["<sip:p1.example.org;lr>", "<sip:p0.example.org;lr>"]);
    let core = sent.core().unwrap();
    assert_eq!(core.via.branch(), Some("z9hG4bKabababababababababababababababab"));
    assert_eq!((core.from.uri.as_str(), core.from.tag()), ("tel:+8251", Some("t1")));
    assert_eq!((core.to.display, core.to.tag()), ("\"Alex Kim\"", Some("f1")));
    assert_eq!((core.call_id, core.cseq.number, core.cseq.method), ("c1", 7, "NOTIFY"));
}

#[test]
fn a_strict_router_becomes_the_request_uri() {
    let dialog = dialog(subscribe("z9hG4bKa", 4, "").replace("p1.example.org;lr", "p1.example.org")).unwrap();
    let sent = dialog.request("NOTIFY", 7, "192.0.2.9", "z9hG4bKx").finish().unwrap();
    let sent = request(sent.into_bytes());
    assert_eq!((dialog.hop(), sent.uri().as_str()), ("sip:p1.example.org", "sip:p1.example.org"));
    assert_eq!(
        sent.headers().routes(Name::Route).unwrap(),
        ["<sip:p0.example.org;lr>", "<sip:alex@192.0.2.77:5070;ob>"]
    );
}

#[test]
fn without_routes_the_target_is_the_hop() {
    let text = subscribe("z9hG4bKa", 4, "");
    let start = text.find("Record-Route").unwrap();
    let end = text.find("Contact").unwrap();
    let dialog = dialog(text[..start].to_owned() + &text[end..]).unwrap();
    assert_eq!((dialog.hop(), dialog.routes.len()), ("sip:alex@192.0.2.77:5070;ob", 0));
}

#[test]
fn a_refresh_moves_the_target_and_an_older_request_moves_nothing() {
    let mut dialog = dialog(subscribe("z9hG4bKa", 4, "")).unwrap();
    let mut refresh = |cseq, contact: &str| {
        let text = subscribe("z9hG4bKb", cseq, ";tag=t1").replace("<sip:alex@192.0.2.77:5070;ob>", contact);
        let request = request(text);
        let order = dialog.order(cseq);
        let status =
            dialog.refresh(&request, &request.core().unwrap()).map_err(|refusal| refusal.status.code());
        (order, status, dialog.target.clone(), dialog.remote_cseq)
    };
    let old = "sip:alex@192.0.2.77:5070;ob".to_owned();
    assert_eq!(refresh(3, "<sip:new@h>"), (Order::Older, Err(500), old.clone(), 4));
    assert_eq!(refresh(9, "<tel:+1>"), (Order::Next, Err(400), old.clone(), 4));
    assert_eq!(refresh(9, "<sip:new@h?a=b>"), (Order::Next, Err(400), old, 4));
    assert_eq!(refresh(9, "<sip:new@h>"), (Order::Next, Ok(()), "sip:new@h".to_owned(), 9));
    assert_eq!(refresh(9, "<sip:new@h>").0, Order::Same);
}

#[test]
fn what_cannot_carry_a_notify_creates_no_dialog() {
    for (from, to, status) in [
        ("Contact: <sip:alex@192.0.2.77:5070;ob>\r\n", "", 400),
        ("<sip:alex@192.0.2.77:5070;ob>", "<sip:a@b>, <sip:c@d>", 400),
        ("<sip:alex@192.0.2.77:5070;ob>", "*", 400),
        ("<sip:p0.example.org;lr>", "sip:p0.example.org", 400),
        ("To: <tel:+8251>", "To: <tel:+8251>;tag=gone", 481),
    ] {
        let refusal = dialog(subscribe("z9hG4bKa", 1, "").replace(from, to)).unwrap_err();
        assert_eq!(refusal.status.code(), status, "{to:?}");
    }
}
