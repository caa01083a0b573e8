//! A terminal's socket, which stands in for its CSCF as well.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use csc_xml::{attribute, children, parse};
use sip_codec::{Limits, Message, Name, Request, Response, ResponseBuilder, Status};
use tokio::net::UdpSocket;

use crate::world::Proxy;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const XCAP_DIFF: &str = "urn:ietf:params:xml:ns:xcap-diff";

pub(crate) struct Ue {
    socket: UdpSocket,
    pub(crate) local: SocketAddr,
    pub(crate) proxy: SocketAddr,
    /// Other replicas that may send something.
    pub(crate) others: Vec<SocketAddr>,
    /// The branches of the NOTIFYs that came, where copies are passed over: by real time one may leave at any moment.
    pub(crate) branches: Option<HashSet<String>>,
    kept: VecDeque<(Message, SocketAddr)>,
    calls: u32,
}

/// One half of a dialog, and what its SUBSCRIBEs look like.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) user: String,
    pub(crate) psi: String,
    pub(crate) call_id: String,
    pub(crate) to_tag: String,
    pub(crate) cseq: u32,
    pub(crate) branch: String,
    pub(crate) via: SocketAddr,
    pub(crate) contact: String,
    pub(crate) expires: u32,
    pub(crate) event: String,
    /// The line of P-Asserted-Identity and whatever else stands in the header.
    pub(crate) fields: String,
    pub(crate) media: String,
    pub(crate) body: String,
}

impl Call {
    /// The SUBSCRIBE as it is sent.
    pub(crate) fn text(&self) -> String {
        let Call { user, psi, call_id, to_tag, cseq, branch, contact, expires, event, fields, body, .. } =
            self;
        let media = if body.is_empty() { String::new() } else { format!("Content-Type: {}\r\n", self.media) };
        format!(
            "SUBSCRIBE {psi} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch={branch}\r\n\
             From: \"Alex Kim\" <{user}>;tag=f-{call_id}\r\nTo: <{psi}>{to_tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} SUBSCRIBE\r\nMax-Forwards: 70\r\nContact: <{contact}>\r\nEvent: {event}\r\n\
             Accept: application/xcap-diff+xml\r\nExpires: {expires}\r\n{fields}{media}Content-Length: {}\r\n\r\n{body}",
            self.via,
            body.len()
        )
    }

    /// The next request of the dialog.
    pub(crate) fn next(&mut self) -> &mut Call {
        static BRANCHES: AtomicU32 = AtomicU32::new(0);
        self.cseq += 1;
        self.branch = format!("z9hG4bKn{}", BRANCHES.fetch_add(1, Ordering::Relaxed));
        self
    }
}

/// A list of entries.
pub(crate) fn list(entries: &[&str]) -> String {
    let entries: String = entries.iter().map(|uri| format!("<entry uri=\"{uri}\"/>")).collect();
    format!(
        "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>{entries}</list></resource-lists>"
    )
}

impl Ue {
    pub(crate) async fn new(proxy: &Proxy) -> Ue {
        Ue::at("127.0.0.1", proxy).await
    }

    /// One at another address of the loopback.
    pub(crate) async fn at(ip: &str, proxy: &Proxy) -> Ue {
        let socket = UdpSocket::bind((ip, 0)).await.unwrap();
        let local = socket.local_addr().unwrap();
        Ue {
            socket,
            local,
            proxy: proxy.address,
            others: Vec::new(),
            branches: None,
            kept: VecDeque::new(),
            calls: 0,
        }
    }

    /// A SUBSCRIBE of `user` for `entries`, in the field's form, not sent yet.
    pub(crate) fn call(&mut self, user: &str, entries: &[&str]) -> Call {
        self.calls += 1;
        let call_id = format!("{}-{}", self.local.port(), self.calls);
        Call {
            user: user.to_owned(),
            psi: "sip:csc_psi@ptt.example.org".to_owned(),
            to_tag: String::new(),
            cseq: 1,
            branch: format!("z9hG4bK{call_id}"),
            via: self.local,
            contact: format!("sip:ue@{}", self.local),
            expires: 3600,
            event: "xcap-diff".to_owned(),
            fields: format!("P-Asserted-Identity: {user}\r\n"),
            media: "application/resource-lists+xml".to_owned(),
            body: list(entries),
            call_id,
        }
    }

    pub(crate) async fn send(&self, text: impl AsRef<[u8]>) {
        self.socket.send_to(text.as_ref(), self.proxy).await.unwrap();
    }

    /// Sends `text` and gives the octets of the response.
    pub(crate) async fn ask_raw(&mut self, text: impl AsRef<[u8]>) -> Vec<u8> {
        self.send(text).await;
        self.response().await
    }

    /// Sends `text` and gives the response.
    pub(crate) async fn ask(&mut self, text: impl AsRef<[u8]>) -> Response {
        match read(&self.ask_raw(text).await) {
            Message::Response(response) => response,
            Message::Request(_) => panic!("a response"),
        }
    }

    /// The status of the response to `call`.
    pub(crate) async fn status(&mut self, call: &Call) -> u16 {
        self.ask(call.text()).await.status().code()
    }

    /// Sends `call`, which is granted; from then on it has the dialog's tag.
    pub(crate) async fn granted(&mut self, call: &mut Call) -> Response {
        let response = self.ask(call.text()).await;
        assert_eq!(response.status(), Status::OK);
        let tag = response.headers().core().unwrap().to.tag().unwrap().to_owned();
        call.to_tag = format!(";tag={tag}");
        response
    }

    /// Subscribes and acknowledges the first NOTIFY.
    pub(crate) async fn subscribe(&mut self, user: &str, entries: &[&str]) -> (Call, Notify) {
        let mut call = self.call(user, entries);
        self.granted(&mut call).await;
        let notify = self.notify().await;
        (call, notify)
    }

    /// The next NOTIFY, not answered.
    pub(crate) async fn notify_unanswered(&mut self) -> Notify {
        let (message, from) = match self.kept.pop_front() {
            Some(message) => message,
            None => {
                let (datagram, from) = self.datagram().await;
                (read(&datagram), from)
            }
        };
        let Message::Request(request) = message else { panic!("a NOTIFY, not a response") };
        Notify::new(request, from)
    }

    /// The next response, as it came.
    pub(crate) async fn response(&mut self) -> Vec<u8> {
        loop {
            let (datagram, from) = self.datagram().await;
            if datagram.starts_with(b"SIP/2.0 ") {
                return datagram;
            }
            self.kept.push_back((read(&datagram), from));
        }
    }

    /// The next NOTIFY of this dialog, answered with 200 like all before it.
    pub(crate) async fn notify_of(&mut self, call_id: &str) -> Notify {
        loop {
            let notify = self.notify().await;
            if notify.request.core().unwrap().call_id == call_id {
                return notify;
            }
        }
    }

    /// The next NOTIFY, answered with 200.
    pub(crate) async fn notify(&mut self) -> Notify {
        let notify = self.notify_unanswered().await;
        self.answer(&notify, 200, "").await;
        notify
    }

    /// Answers a NOTIFY; `fields` are further header lines.
    pub(crate) async fn answer(&self, notify: &Notify, status: u16, fields: &str) {
        let status = Status::new(status).unwrap();
        let answer =
            ResponseBuilder::new(notify.request.headers(), status, "x", notify.from).finish().unwrap();
        let text = String::from_utf8(answer.as_bytes().to_vec()).unwrap();
        let text = text.replacen("\r\n", &format!("\r\n{fields}"), 1);
        self.socket.send_to(text.as_bytes(), notify.from).await.unwrap();
    }

    /// Whether nothing has arrived that was not asked for. The proxy has done by then what it had to do before it answers.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        let options = format!(
            "OPTIONS sip:csc_psi@example.org SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bKo{}\r\nFrom: <sip:a@b>;tag=q\r\n\
             To: <sip:a@b>\r\nCall-ID: quiet\r\nCSeq: 1 OPTIONS\r\n\r\n",
            self.local, self.calls
        );
        self.ask(options).await;
        self.kept.is_empty()
    }

    /// The next NOTIFY of any proxy that ever ran, answered to whoever sent it.
    pub(crate) async fn notify_of_any(&mut self) -> Notify {
        let mut buffer = vec![0; 65_535];
        loop {
            let received = tokio::time::timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await;
            let (length, from) = received.expect("something arrives").unwrap();
            if let Message::Request(request) = read(&buffer[..length]) {
                let notify = Notify::new(request, from);
                self.answer(&notify, 200, "").await;
                return notify;
            }
        }
    }

    async fn datagram(&mut self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        loop {
            let received = tokio::time::timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await;
            let (length, from) = received.expect("something arrives").unwrap();
            assert!(from == self.proxy || self.others.contains(&from), "from {from}");
            if !self.is_copy(&buffer[..length]) {
                buffer.truncate(length);
                return (buffer, from);
            }
        }
    }

    fn is_copy(&mut self, datagram: &[u8]) -> bool {
        let Some(branches) = &mut self.branches else { return false };
        let Message::Request(request) = read(datagram) else { return false };
        !branches.insert(request.core().unwrap().via.branch().unwrap().to_owned())
    }
}

pub(crate) fn read(datagram: &[u8]) -> Message {
    Message::parse(datagram.to_vec().into(), &Limits::default()).unwrap()
}

/// A NOTIFY.
#[derive(Debug)]
pub(crate) struct Notify {
    pub(crate) request: Request,
    /// The replica that sent it.
    pub(crate) from: SocketAddr,
    pub(crate) cseq: u32,
    /// Subscription-State.
    pub(crate) state: String,
    pub(crate) root: String,
    /// `sel`, previous and new tag of each document, `-` for none.
    pub(crate) documents: Vec<(String, String, String)>,
}

impl Notify {
    fn new(request: Request, from: SocketAddr) -> Notify {
        let headers = request.headers();
        let core = request.core().unwrap();
        let state = headers.single(Name::SubscriptionState).unwrap().unwrap().to_owned();
        let (cseq, mut root, mut documents) = (core.cseq.number, String::new(), Vec::new());
        if !request.body().is_empty() {
            let document = parse(request.body(), &csc_xml::Limits::DEFAULT).unwrap();
            let diff = document.root_element();
            assert!(diff.has_tag_name((XCAP_DIFF, "xcap-diff")));
            attribute(diff, "xcap-root").unwrap().clone_into(&mut root);
            for found in children(diff, XCAP_DIFF, "document") {
                let text = |name| attribute(found, name).unwrap_or("-").to_owned();
                documents.push((text("sel"), text("previous-etag"), text("new-etag")));
            }
        }
        Notify { from, cseq, state, root, documents, request: request.clone() }
    }

    /// Whether it says exactly this of one document.
    #[track_caller]
    pub(crate) fn says(&self, sel: &str, previous: &str, new: &str) {
        let want = vec![(sel.to_owned(), previous.to_owned(), new.to_owned())];
        assert_eq!(self.documents, want, "{}", self.state);
    }
}
