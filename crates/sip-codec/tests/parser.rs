//! The four tests every parser meets: round trip, truncation, duplicates and trailing octets, and no
//! panic whatever arrives.

#![allow(clippy::unwrap_used, reason = "a test's helper may fail the test")]

use std::net::SocketAddr;

use bytes::Bytes;
use proptest::prelude::*;
use sip_codec::{
    Defect, Limits, Message, Method, Name, Refused, Request, RequestBuilder, Response, ResponseBuilder,
    Rport, Status, Uri, split_multipart,
};

const SUBSCRIBE: &str = concat!(
    "SUBSCRIBE sip:gms_psi@ptt.example.org SIP/2.0\r\n",
    "v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp2;rport, SIP / 2.0 / TCP ue.example.org;branch=z9hG4bKp1\r\n",
    "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKp0\r\n",
    "f: \"Kim, Alex\" <tel:+82510200011>;tag=f1\r\n",
    "t: <tel:+82510200011>\r\n",
    "i: call-1@ue.example.org\r\n",
    "CSeq: 1 SUBSCRIBE\r\n",
    "Max-Forwards: 70\r\n",
    "Record-Route: <sip:p2.example.org;lr>, <sip:p1.example.org;lr;x=a,b>\r\n",
    "Record-Route:\r\n\t<sip:p0.example.org;lr>\r\n",
    "m: <sip:+82510200011@192.0.2.77:5060>;+sip.instance=\"<urn:x>\"\r\n",
    "o: xcap-diff;diff-processing=aggregate;id=9\r\n",
    "Accept: application/xcap-diff+xml,\r\n message/external-body\r\n",
    "Expires: 3600\r\n",
    "Require: a, b\r\n",
    "P-Asserted-Identity: tel:+82510200011, \"Alex\" <sip:alex@example.org>\r\n",
    "c: application/resource-lists+xml;charset=\"utf-8\"\r\n",
    "l: 17\r\n",
    "\r\n",
    "<resource-lists/>",
);

const ANSWER: &str = concat!(
    "SIP/2.0 503 Service Unavailable\r\n",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn1\r\n",
    "From: <tel:+82510200011>;tag=t1\r\n",
    "To: <tel:+82510200011>;tag=f1\r\n",
    "Call-ID: call-1@ue.example.org\r\n",
    "CSeq: 7 NOTIFY\r\n",
    "Retry-After: 120 (soon);duration=60\r\n",
    "Content-Length: 0\r\n",
    "\r\n",
);

fn parse(text: impl Into<Bytes>) -> Result<Message, Refused> {
    Message::parse(text.into(), &Limits::default())
}

fn request(text: impl Into<Bytes>) -> Request {
    match parse(text).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request"),
    }
}

fn response(text: impl Into<Bytes>) -> Response {
    match parse(text).unwrap() {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a response"),
    }
}

fn source() -> SocketAddr {
    "192.0.2.1:5066".parse().unwrap()
}

#[test]
fn every_field_of_a_subscribe_is_read() {
    let subscribe = request(SUBSCRIBE);
    assert_eq!(subscribe.method(), Method::Subscribe);
    assert_eq!(subscribe.uri().sip().unwrap().user, Some("gms_psi"));
    assert_eq!(&subscribe.body()[..], b"<resource-lists/>");

    let headers = subscribe.headers();
    let core = subscribe.core().unwrap();
    assert_eq!((core.via.transaction(), core.via.rport()), (Some("p2"), Some(Rport::Asked)));
    assert_eq!((core.from.display, core.from.tag(), core.to.tag()), ("\"Kim, Alex\"", Some("f1"), None));
    assert_eq!((core.call_id, core.cseq.number), ("call-1@ue.example.org", 1));
    assert_eq!(headers.values(Name::Via).count(), 3);
    assert_eq!(
        headers.routes(Name::RecordRoute).unwrap(),
        ["<sip:p2.example.org;lr>", "<sip:p1.example.org;lr;x=a,b>", "<sip:p0.example.org;lr>"]
    );
    let contact = headers.contact().unwrap().unwrap();
    assert_eq!(contact.uri.as_str(), "sip:+82510200011@192.0.2.77:5060");
    let event = headers.event().unwrap().unwrap();
    assert_eq!((event.package, event.id()), ("xcap-diff", Some("9")));
    assert_eq!(headers.accepts("application/xcap-diff+xml"), Ok(Some(true)));
    assert_eq!(headers.accepts("message/external-body"), Ok(Some(true)));
    assert_eq!(headers.accepts("text/plain"), Ok(Some(false)));
    assert_eq!(headers.expires(), Ok(Some(3600)));
    assert_eq!(headers.tokens(Name::Require), Ok(vec!["a", "b"]));
    let identities = headers.asserted_identities().unwrap();
    assert!(matches!(identities[0].uri, Uri::Tel(tel) if tel.number == "+82510200011"));
    assert_eq!(identities[1].uri.as_str(), "sip:alex@example.org");
    assert!(headers.content_type().unwrap().unwrap().is("application/resource-lists+xml"));
}

#[test]
fn a_response_is_read() {
    let answer = response(ANSWER);
    assert_eq!(answer.status(), Status::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers().retry_after(), Ok(Some(120)));
    assert_eq!(answer.headers().core().unwrap().cseq.method, "NOTIFY");
    for line in ["SIP/2.0 100 ", "SIP/2.0 100", "sip/2.0 699 x", "SIP/2.0 200 \u{ff}"] {
        let text = ANSWER.replacen("SIP/2.0 503 Service Unavailable", line, 1);
        assert!(parse(text).is_ok(), "{line}");
    }
    for line in
        ["SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 2000", "SIP/2.0 20", "SIP/3.0 200 OK", "SIP/2.0  200 OK"]
    {
        let refused = parse(ANSWER.replacen("SIP/2.0 503 Service Unavailable", line, 1)).unwrap_err();
        assert!(refused.answerable().is_none(), "{line}: a response is never answered");
    }
}

#[test]
fn an_answer_copies_what_it_must_in_order() {
    let subscribe = request(SUBSCRIBE);
    let sent = ResponseBuilder::new(subscribe.headers(), Status::OK, "t1", source())
        .header(Name::Expires, "3600")
        .finish()
        .unwrap();
    let answer = response(sent.into_bytes());
    let vias: Vec<_> = answer.headers().values(Name::Via).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp2;rport=5066;received=192.0.2.1",
            "SIP / 2.0 / TCP ue.example.org;branch=z9hG4bKp1",
            "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKp0",
        ]
    );
    assert_eq!(answer.headers().routes(Name::RecordRoute), subscribe.headers().routes(Name::RecordRoute));
    let core = answer.headers().core().unwrap();
    assert_eq!((core.from.display, core.to.tag()), ("\"Kim, Alex\"", Some("t1")));
    assert_eq!(answer.headers().expires(), Ok(Some(3600)));

    // A To that has a tag keeps it, and only a success repeats Record-Route.
    let text = SUBSCRIBE.replace("t: <tel:+82510200011>\r\n", "t: <tel:+82510200011>;tag=old\r\n");
    let sent = ResponseBuilder::new(request(text).headers(), Status::NO_SUCH_TRANSACTION, "t1", source());
    let answer = response(sent.finish().unwrap().into_bytes());
    assert_eq!(answer.headers().core().unwrap().to.tag(), Some("old"));
    assert_eq!(answer.headers().lines(Name::RecordRoute).count(), 0);
}

#[test]
fn what_is_written_is_read_back() {
    let body = "<경보/>".as_bytes();
    let fields = [
        (Name::Via, "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx1"),
        (Name::Route, "<sip:p2.example.org;lr>"),
        (Name::From, "<tel:+82510200011>;tag=t1"),
        (Name::To, "\"Kim, Alex\" <tel:+82510200011>;tag=f1"),
        (Name::CallId, "call-1@ue.example.org"),
        (Name::CSeq, "7 NOTIFY"),
        (Name::Event, "xcap-diff;id=9"),
        (Name::SubscriptionState, "active;expires=3600"),
    ];
    let mut builder = RequestBuilder::new("NOTIFY", "sip:+82510200011@192.0.2.77:5060");
    for (name, value) in fields {
        builder = builder.header(name, value);
    }
    let sent = builder.body("application/xcap-diff+xml", body).finish().unwrap();
    let read = request(sent.into_bytes());
    assert_eq!((read.method(), read.uri().as_str()), (Method::Notify, "sip:+82510200011@192.0.2.77:5060"));
    for (name, value) in fields {
        assert_eq!(read.headers().lines(name).collect::<Vec<_>>(), [value]);
    }
    assert_eq!(read.headers().subscription_state().unwrap().unwrap().expires(), Some(3600));
    assert_eq!(read.body(), body);
}

#[test]
fn every_truncation_is_refused() {
    for whole in [SUBSCRIBE, ANSWER] {
        for end in 0..whole.len() {
            let cut = Bytes::copy_from_slice(&whole.as_bytes()[..end]);
            assert!(parse(cut).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn octets_behind_the_body_are_cut_and_a_body_without_length_is_the_rest() {
    let trailing = SUBSCRIBE.to_owned() + "\r\nINVITE sip:a@b SIP/2.0\r\n\r\n";
    assert_eq!(&request(trailing).body()[..], b"<resource-lists/>");
    let unmeasured = SUBSCRIBE.replace("l: 17\r\n", "");
    assert_eq!(&request(unmeasured).body()[..], b"<resource-lists/>");
}

#[test]
fn content_length_is_one_decimal_number_within_the_datagram() {
    let defect = |line: &str| parse(SUBSCRIBE.replace("l: 17\r\n", line)).unwrap_err().defect;
    assert_eq!(defect("l: 17\r\nContent-Length: 17\r\n"), Defect::RepeatedContentLength);
    assert_eq!(defect("l: 17\r\nl: 5\r\n"), Defect::RepeatedContentLength);
    assert_eq!(defect("l: 18\r\n"), Defect::BodyTooShort);
    for bad in ["-1", "+17", "0x11", "17.0", "17, 17", "1 7", "", "99999999999999999999", "4294967312"] {
        assert_eq!(defect(&format!("l: {bad}\r\n")), Defect::ContentLength, "{bad:?}");
    }
}

#[test]
fn a_field_that_stands_once_is_refused_twice() {
    for (line, name) in [
        ("From: <tel:+1>;tag=f2\r\n", Name::From),
        ("To: <tel:+1>\r\n", Name::To),
        ("Call-ID: other\r\n", Name::CallId),
        ("CSeq: 2 SUBSCRIBE\r\n", Name::CSeq),
        ("Max-Forwards: 1\r\n", Name::MaxForwards),
    ] {
        let twice = request(SUBSCRIBE.replacen("\r\n", &format!("\r\n{line}"), 1));
        assert_eq!(twice.core().unwrap_err(), Defect::Repeated(name));
    }
    let twice = request(SUBSCRIBE.replacen("\r\n", "\r\nEvent: presence\r\nExpires: 1\r\nContact: *\r\n", 1));
    assert_eq!(twice.headers().event(), Err(Defect::Repeated(Name::Event)));
    assert_eq!(twice.headers().expires(), Err(Defect::Repeated(Name::Expires)));
    assert_eq!(twice.headers().contact(), Err(Defect::Repeated(Name::Contact)));
}

#[test]
fn a_field_that_is_missing_or_broken_is_named() {
    for (from, to, defect) in [
        ("f: \"Kim, Alex\" <tel:+82510200011>;tag=f1\r\n", "", Defect::Missing(Name::From)),
        ("i: call-1@ue.example.org\r\n", "", Defect::Missing(Name::CallId)),
        ("i: call-1@ue", "i: call-1@@ue", Defect::Malformed(Name::CallId)),
        ("CSeq: 1 SUBSCRIBE", "CSeq: 1 NOTIFY", Defect::MethodMismatch),
        ("CSeq: 1 SUBSCRIBE", "CSeq: 2147483648 SUBSCRIBE", Defect::Malformed(Name::CSeq)),
        (";tag=f1", ";tag=\"f1\"", Defect::Malformed(Name::From)),
        ("v: SIP/2.0/UDP 192.0.2.1:5060", "v: SIP/2.0/UDP", Defect::Malformed(Name::Via)),
    ] {
        assert!(SUBSCRIBE.contains(from));
        assert_eq!(request(SUBSCRIBE.replace(from, to)).core().unwrap_err(), defect);
    }
    let headers = |from: &str, to: &str| request(SUBSCRIBE.replace(from, to));
    let three = headers("P-Asserted-Identity: ", "P-Asserted-Identity: tel:+1, ");
    assert_eq!(three.headers().asserted_identities().unwrap_err(), Defect::Repeated(Name::PAssertedIdentity));
    let alike = headers("\"Alex\" <sip:alex@example.org>", "tel:+2");
    assert_eq!(
        alike.headers().asserted_identities().unwrap_err(),
        Defect::Malformed(Name::PAssertedIdentity)
    );
    let route = headers("<sip:p2.example.org;lr>,", "sip:p2.example.org,");
    assert_eq!(route.headers().routes(Name::RecordRoute), Err(Defect::Malformed(Name::RecordRoute)));
}

#[test]
fn a_broken_request_leaves_what_a_refusal_needs() {
    for (from, to, defect, code) in [
        ("SUBSCRIBE sip", "SUBSCRIBE  sip", Defect::StartLine, 400),
        ("sip:gms_psi@ptt.example.org", "<sip:gms_psi@ptt.example.org>", Defect::RequestUri, 400),
        ("sip:gms_psi@ptt.example.org", "sip:gms_psi@ptt.example.org?a=b", Defect::RequestUri, 400),
        ("SIP/2.0\r\nv", "SIP/7.0\r\nv", Defect::Version, 505),
        ("Max-Forwards: 70\r\n", "Max-Forwards\r\n", Defect::FieldLine, 400),
        ("Max-Forwards: 70\r\n", "Max-Forwards: 70\n", Defect::LineEnd, 400),
        ("Max-Forwards: 70\r\n", "X: a\rb\r\n", Defect::LineEnd, 400),
        ("l: 17", "l: 99", Defect::BodyTooShort, 400),
    ] {
        assert!(SUBSCRIBE.contains(from));
        let refused = parse(SUBSCRIBE.replacen(from, to, 1)).unwrap_err();
        assert_eq!((refused.defect, refused.defect.status().code()), (defect, code));
        let remains = refused.answerable().expect("answerable");
        let phrase = refused.defect.to_string();
        let sent = ResponseBuilder::with_phrase(remains, defect.status(), &phrase, "t1", source());
        let answer = response(sent.finish().unwrap().into_bytes());
        assert_eq!(answer.headers().values(Name::Via).count(), 3);
        assert_eq!(answer.headers().core().unwrap().call_id, "call-1@ue.example.org");
    }
    let mut bytes = SUBSCRIBE.replace("Max-Forwards: 70", "X: #").into_bytes();
    *bytes.iter_mut().find(|b| **b == b'#').unwrap() = 0xff;
    assert_eq!(parse(bytes).unwrap_err().defect, Defect::NotUtf8);
}

#[test]
fn what_may_not_be_answered_is_not() {
    for text in [
        "\r\n\r\n",
        "",
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\nVia: x\r\n\r\n",
        "ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nl: x\r\n\r\n",
        "OPTIONS sip:a@b SIP/2.0\r\nl: x\r\n\r\n",
    ] {
        assert!(parse(text).unwrap_err().answerable().is_none(), "{text:?}");
    }
}

#[test]
fn limits_hold() {
    let limits = Limits { message: 400, fields: 4, line: 64 };
    let defect = |fields: &str, body: &str| {
        let text = format!("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n{fields}\r\n{body}");
        Message::parse(text.into(), &limits).map_err(|refused| refused.defect).map(|_| ())
    };
    assert_eq!(defect("", &"x".repeat(300)), Ok(()));
    assert_eq!(defect("", &"x".repeat(400)), Err(Defect::TooLarge));
    assert_eq!(defect("A: 1\r\nA: 2\r\nA: 3\r\n", ""), Ok(()));
    assert_eq!(defect("A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n", ""), Err(Defect::TooManyFields));
    assert_eq!(defect(&format!("A: {}\r\n", "x".repeat(61)), ""), Ok(()));
    assert_eq!(defect(&format!("A: {}\r\n", "x".repeat(62)), ""), Err(Defect::LineTooLong));
    assert_eq!(defect(&format!("A: {}\r\n", "x\r\n ".repeat(20)), ""), Err(Defect::LineTooLong));
    let start = format!("OPTIONS sip:{}@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n", "a".repeat(60));
    assert!(Message::parse(start.into(), &limits).unwrap_err().answerable().is_none());
}

/// Calls everything that reads.
fn read_all(datagram: Bytes) {
    let limits = Limits::default();
    let (headers, body) = match Message::parse(datagram, &limits) {
        Ok(Message::Request(request)) => {
            let _ = (request.method(), request.uri().sip().map(|uri| (uri.base(), uri.params().count())));
            let _ = request.core().map(|core| core.via.received());
            (request.headers().clone(), request.body().clone())
        }
        Ok(Message::Response(response)) => (response.headers().clone(), response.body().clone()),
        Err(refused) => match refused.answerable() {
            Some(headers) => (headers.clone(), Bytes::new()),
            None => return,
        },
    };
    let _ = (headers.core().is_ok(), headers.contact().is_ok(), headers.event().is_ok(), headers.expires());
    let _ = (headers.retry_after(), headers.min_expires(), headers.asserted_identities().is_ok());
    let _ = (headers.accepts("a/b"), headers.tokens(Name::Require), headers.routes(Name::RecordRoute));
    let _ = headers.subscription_state().map(|state| state.map(|s| s.expires()));
    if let Ok(Some(media)) = headers.content_type() {
        let _ = split_multipart(&media, &body, &limits);
    }
    // Whatever was received, what is sent for it has the shape of a message.
    let sent = ResponseBuilder::new(&headers, Status::BAD_REQUEST, "t", source()).finish();
    let sent = sent.expect("a copied value holds no line end");
    assert!(Message::parse(sent.into_bytes(), &limits).is_ok());
}

proptest! {
    #[test]
    fn mutated_messages_never_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..3), 1..8),
        whole in prop::sample::select(vec![SUBSCRIBE, ANSWER]),
    ) {
        let mut bytes = whole.as_bytes().to_vec();
        for (index, byte, kind) in cuts {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        read_all(bytes.into());
    }

    #[test]
    fn shuffled_pieces_never_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "\r\n", "\n", "\r", " ", "\t", ":", ";", ",", "\"", "<", ">", "@", "=", "\\", "/", "--b", "SIP/2.0",
            "OPTIONS sip:a@b SIP/2.0\r\n", "Via: ", "v:SIP/2.0/UDP h;branch=z9hG4bKa", "From:", "To: <sip:a@b>",
            "Content-Type: multipart/mixed;boundary=b\r\n", "l: 3", "m: *", "\u{0}", "é", "[::1]", "sip:", "tel:+1",
        ]), 0..60),
    ) {
        read_all(pieces.concat().into());
        read_all(format!("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n{}\r\n\r\n", pieces.concat()).into());
    }
}
