//! The SUBSCRIBE samples of the field interface specification, as printed but for host, identity and Content-Length.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use csc_tests::{ALEX, ENGINE_7};
use sip_codec::{Limits, Message, Name, Request, Response, ResponseBuilder, Status};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::Server;

const USER: &str = ALEX.0;
const FIELD: [(&str, &str); 1] = [("CSC_SIP_FROM_IS_IDENTITY", "true")];

struct Terminal {
    socket: UdpSocket,
    proxy: SocketAddr,
}

impl Terminal {
    async fn of(server: &Server) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        Self { socket, proxy: server.sip() }
    }

    /// The sample of chapter 3, for `psi` and this list; `length` as Content-Length.
    fn sample(&self, psi: &str, number: u32, entries: &[&str], length: Option<usize>) -> String {
        let local = self.socket.local_addr().expect("it is bound");
        let entries: String = entries.iter().map(|entry| format!("<entry uri=\"{entry}\"/> \r\n")).collect();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?> \r\n<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"> \
             \r\n<list> \r\n{entries}</list> </resource-lists>"
        );
        let length = length.unwrap_or(body.len());
        format!(
            "SUBSCRIBE sip:{psi}@ptt.mnc031.mcc450.3gppnetwork.org SIP/2.0\r\n\
             From: <{USER}>;tag=d43dd20-201011e-13c4-65014-786d2b-5845b5dd-786d2b \r\nTo: <{USER}> \r\n\
             Call-ID: d4d6468-201011e-13c4-65014-786d2b-5227924f-{number} \r\nCSeq: 1 SUBSCRIBE \r\n\
             P-Access-Network-Info: 3GPP-E-UTRAN;utran-cell-id-3gpp=450053703204da0f \r\n\
             Via: SIP/2.0/UDP {local};rport;branch=z9hG4bK-1ed4-786d2b-39e9046b-{number} \r\nExpires: 3600 \r\n\
             Event: xcap-diff \r\nMax-Forwards: 70 \r\nSupported: timer \r\nAccept: application/xcap-diff+xml \r\n\
             Contact: <sip:+82571009990@{local}> \r\n\
             Content-Type: application/resource-lists+xml;charset=\"utf-8\" \r\nContent-Length: {length} \r\n\r\n{body}"
        )
    }

    async fn send(&self, message: &str) {
        self.socket.send_to(message.as_bytes(), self.proxy).await.expect("loopback takes it");
    }

    async fn receive(&self) -> Message {
        let mut buffer = vec![0; 65_535];
        let received = timeout(Duration::from_secs(30), self.socket.recv_from(&mut buffer)).await;
        let (length, _) = received.expect("a message in time").expect("a message");
        Message::parse(Bytes::copy_from_slice(&buffer[..length]), &Limits::default()).expect("a good one")
    }

    async fn response(&self) -> Response {
        match self.receive().await {
            Message::Response(response) => response,
            Message::Request(request) => panic!("a request: {request:?}"),
        }
    }

    /// The next NOTIFY, answered.
    async fn notify(&self) -> Request {
        let Message::Request(request) = self.receive().await else { panic!("a response") };
        assert_eq!(request.method_text(), "NOTIFY");
        let ok = ResponseBuilder::new(request.headers(), Status::OK, "t", self.proxy)
            .finish()
            .expect("a response");
        self.socket.send_to(ok.as_bytes(), self.proxy).await.expect("loopback takes it");
        request
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_answered_and_notified() {
    let Some(server) = Server::start_with(&FIELD).await else { return };
    let terminal = Terminal::of(&server).await;
    let groups = format!("org.openmobilealliance.groups/users/{USER}");
    let profile = format!("org.3gpp.mcptt.user-profile/users/{USER}/user-profile");
    let service = format!("org.3gpp.mcptt.service-config/users/{USER}/service-config");
    // The joint sample of chapter 4 has blanks in and behind its second entry.
    let blanks = format!("org.3gpp.mcptt.service-config /users/{USER}/service-config ");
    let group = format!("{groups}/{ENGINE_7}");

    for (number, psi, entries, sels) in [
        (1, "gms_psi", vec![groups.clone()], vec![group.clone()]),
        (2, "cms_psi", vec![profile.clone(), service.clone()], vec![profile.clone(), service.clone()]),
        (
            3,
            "csc_psi",
            vec![profile.clone(), blanks.clone(), groups.clone()],
            vec![profile.clone(), blanks.trim().to_owned(), group.clone()],
        ),
        (4, "gms_psi", vec![format!("{groups}/")], vec![group.clone()]),
    ] {
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        terminal.send(&terminal.sample(psi, number, &entries, None)).await;
        let response = terminal.response().await;
        assert_eq!(response.status(), Status::OK, "{psi} {entries:?}");
        assert_eq!(response.headers().expires(), Ok(Some(3600)));

        let notify = terminal.notify().await;
        let headers = notify.headers();
        assert_eq!(headers.single(Name::Event), Ok(Some("xcap-diff")));
        let state = headers.single(Name::SubscriptionState).expect("one").expect("one");
        assert!(state.starts_with("active;expires="), "{state}");
        let media = headers.single(Name::ContentType).expect("one").expect("one");
        assert_eq!(media, "application/xcap-diff+xml;charset=\"utf-8\"");
        let body = std::str::from_utf8(notify.body()).expect("UTF-8");
        assert!(body.contains("xmlns=\"urn:ietf:params:xml:ns:xcap-diff\" xcap-root=\"https://"), "{body}");
        assert!(!body.contains("previous-etag"), "{body}");
        assert_eq!(body.matches("<document ").count(), sels.len(), "{body}");
        for sel in sels {
            assert!(body.contains(&format!("sel=\"{sel}\"")), "{sel} in {body}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_lengths_are_wrong() {
    let Some(server) = Server::start_with(&FIELD).await else { return };
    let terminal = Terminal::of(&server).await;
    let groups = format!("org.openmobilealliance.groups/users/{USER}");
    for (number, length) in [(1, 218), (2, 486)] {
        let sample = terminal.sample("gms_psi", number, &[&groups], None);
        let body = sample.split("\r\n\r\n").nth(1).expect("a body").len();
        assert!(length > body, "the printed length {length} is not above {body}");
        terminal.send(&terminal.sample("gms_psi", number, &[&groups], Some(length))).await;
        assert_eq!(terminal.response().await.status(), Status::BAD_REQUEST);
    }
    server.stop().await;
}
