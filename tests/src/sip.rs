//! SIP from outside, closer to the wire than a well-behaved terminal: datagrams as they are, and many subscriptions of
//! many users or servers on one socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use csc::ue::Change;
use csc_service::OsEntropy;
use csc_types::Entropy;
use csc_xml::escape_attribute;
use sip_codec::{Limits, Message, Name, Request, RequestBuilder, Response, ResponseBuilder, Status};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// How long anything that must happen may take: a bound for a hung server, not a measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// SUBSCRIBEs without an answer at one time.
const AT_ONCE: usize = 64;
/// When a SUBSCRIBE without an answer is sent again.
const AGAIN: Duration = Duration::from_millis(500);

/// A socket of a peer of the proxy.
pub struct Line {
    socket: UdpSocket,
    /// Where datagrams go.
    proxy: SocketAddr,
    local: SocketAddr,
}

impl Line {
    /// A line to `proxy` from a free port.
    pub async fn to(proxy: SocketAddr) -> Self {
        Self::from("127.0.0.1:0".parse().expect("an address"), proxy).await
    }

    /// A line to `proxy` from `local`.
    pub async fn from(local: SocketAddr, proxy: SocketAddr) -> Self {
        let socket = bind(local).unwrap_or_else(|error| panic!("{local} cannot be bound: {error}"));
        let local = socket.local_addr().expect("it is bound");
        Self { socket, proxy, local }
    }

    /// Its address.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends one datagram.
    pub async fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.proxy).await.expect("loopback takes it");
    }

    /// The next datagram. It must come.
    pub async fn receive(&self) -> Message {
        let received = self.receive_before(Instant::now() + PATIENCE).await;
        received.expect("a datagram in time").0
    }

    /// The next response. It must come; requests before it are passed over.
    pub async fn response(&self) -> Response {
        loop {
            if let Message::Response(response) = self.receive().await {
                return response;
            }
        }
    }

    /// What has arrived and was not looked at yet, as far as the runtime knows.
    fn waiting(&self) -> Option<(Message, SocketAddr)> {
        let mut buffer = vec![0; 65_535];
        let (length, from) = self.socket.try_recv_from(&mut buffer).ok()?;
        Some((parse(&buffer[..length]), from))
    }

    async fn receive_before(&self, deadline: Instant) -> Option<(Message, SocketAddr)> {
        let mut buffer = vec![0; 65_535];
        let received = timeout_at(deadline, self.socket.recv_from(&mut buffer)).await.ok()?;
        let (length, from) = received.expect("the socket works");
        Some((parse(&buffer[..length]), from))
    }

    async fn send_to(&self, datagram: &[u8], to: SocketAddr) {
        self.socket.send_to(datagram, to).await.expect("loopback takes it");
    }
}

/// A socket that a thousand NOTIFYs do not overrun while the test is busy with something else.
fn bind(local: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // The system may grant less; what is lost then comes again.
    socket.set_recv_buffer_size(4 << 20)?;
    socket.bind(&local.into())?;
    UdpSocket::from_std(socket.into())
}

fn parse(datagram: &[u8]) -> Message {
    Message::parse(Bytes::copy_from_slice(datagram), &Limits::default()).unwrap_or_else(|refused| {
        panic!("malformed ({:?}): {}", refused.defect, String::from_utf8_lossy(datagram))
    })
}

/// A first SUBSCRIBE.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its Request-URI.
    pub target: String,
    /// P-Asserted-Identity.
    pub identity: String,
    /// Further header fields.
    pub fields: Vec<(Name, String)>,
    /// Media type and body.
    pub body: Option<(String, Vec<u8>)>,
}

impl Ask {
    /// What terminals of the field send: `user` wants to hear of these documents and collections.
    pub fn list(user: &str, entries: &[&str]) -> Self {
        let entries: String =
            entries.iter().map(|entry| format!("<entry uri=\"{}\"/>", escape_attribute(entry))).collect();
        let list = format!(
            "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>{entries}</list></resource-lists>"
        );
        Self {
            target: "sip:csc_psi@mcptt.example.org".to_owned(),
            identity: user.to_owned(),
            fields: Vec::new(),
            body: Some(("application/resource-lists+xml".to_owned(), list.into_bytes())),
        }
    }

    /// The datagram, for a dialog of its own with `call_id`.
    pub fn datagram(&self, local: SocketAddr, call_id: &str) -> Bytes {
        let mut request = RequestBuilder::new("SUBSCRIBE", &self.target)
            .header(Name::Via, &format!("SIP/2.0/UDP {local};rport;branch=z9hG4bK{call_id}"))
            .header(Name::MaxForwards, "70")
            .header(Name::From, &format!("<{}>;tag={call_id}", self.identity))
            .header(Name::To, &format!("<{}>", self.target))
            .header(Name::CallId, call_id)
            .header(Name::CSeq, "1 SUBSCRIBE")
            .header(Name::Contact, &format!("<sip:watcher@{local}>"))
            .header(Name::PAssertedIdentity, &format!("<{}>", self.identity))
            .header(Name::Event, "xcap-diff")
            .header(Name::Accept, "application/xcap-diff+xml")
            .header(Name::Expires, "3600");
        for (name, value) in &self.fields {
            request = request.header(*name, value);
        }
        if let Some((media_type, body)) = &self.body {
            request = request.body(media_type, body);
        }
        request.finish().expect("a request can be made of it").into_bytes()
    }
}

/// A Call-ID that nobody else has.
pub fn call_id() -> String {
    format!("{:016x}{:016x}", OsEntropy.next_u64(), OsEntropy.next_u64())
}

/// One subscription and what it was told.
#[derive(Debug, Default)]
pub struct Watcher {
    /// The status that answered its SUBSCRIBE.
    pub answer: Option<u16>,
    /// Subscription-State of the last NOTIFY.
    pub state: String,
    /// The changes of each NOTIFY, in the order of their CSeq.
    pub told: Vec<Vec<Change>>,
    /// Who sent the last of them.
    pub from: Option<SocketAddr>,
    cseq: u32,
    request: Bytes,
}

/// Any number of subscriptions on one line. SUBSCRIBEs go to all replicas of the proxy in turn, and a copy of one goes
/// to the next; NOTIFYs come from any of them.
pub struct Watchers {
    line: Line,
    proxies: Vec<SocketAddr>,
    turn: usize,
    ids: Vec<String>,
    watchers: BTreeMap<String, Watcher>,
    queue: VecDeque<String>,
    unanswered: BTreeSet<String>,
}

impl Watchers {
    /// Nobody yet, at these replicas of the proxy.
    pub async fn at(proxies: &[SocketAddr]) -> Self {
        Self {
            line: Line::to(proxies[0]).await,
            proxies: proxies.to_owned(),
            turn: 0,
            ids: Vec::new(),
            watchers: BTreeMap::new(),
            queue: VecDeque::new(),
            unanswered: BTreeSet::new(),
        }
    }

    /// Adds a subscription; it is sent by [`Self::until`]. Returns its number.
    pub fn add(&mut self, ask: &Ask) -> usize {
        let id = call_id();
        let request = ask.datagram(self.line.local, &id);
        self.watchers.insert(id.clone(), Watcher { request, ..Watcher::default() });
        self.queue.push_back(id.clone());
        self.ids.push(id);
        self.ids.len() - 1
    }

    /// Adds a subscription and waits for the answer: its status.
    pub async fn ask(&mut self, ask: &Ask) -> u16 {
        let number = self.add(ask);
        self.until("an answer", |_, _| true).await;
        self.get(number).answer.unwrap_or_default()
    }

    /// All subscriptions, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &Watcher> {
        self.ids.iter().map(|id| &self.watchers[id])
    }

    /// The subscription with this number.
    pub fn get(&self, number: usize) -> &Watcher {
        &self.watchers[&self.ids[number]]
    }

    /// Sends what waits to be sent, and answers NOTIFYs, until every SUBSCRIBE is answered and `done` holds for every
    /// subscription, by its number. That must come about.
    pub async fn until(&mut self, what: &str, done: impl Fn(usize, &Watcher) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let lacks = |n: usize| self.get(n).answer.is_none() || !done(n, self.get(n));
            let lacking: Vec<usize> = (0..self.ids.len()).filter(|n| lacks(*n)).collect();
            let Some(first) = lacking.first() else { return };
            assert!(
                Instant::now() < end,
                "{what}: {} of {} wait for it, the first is {:?}",
                lacking.len(),
                self.ids.len(),
                self.get(*first)
            );
            while self.unanswered.len() < AT_ONCE
                && let Some(id) = self.queue.pop_front()
            {
                let proxy = self.next_proxy();
                self.line.send_to(&self.watchers[&id].request, proxy).await;
                self.unanswered.insert(id);
            }
            // Everything that is there, then a look at who still waits.
            let mut message = self.line.receive_before(Instant::now() + AGAIN).await;
            if message.is_none() {
                let proxy = self.next_proxy();
                for id in &self.unanswered {
                    self.line.send_to(&self.watchers[id].request, proxy).await;
                }
            }
            while let Some((received, from)) = message {
                self.take(received, from).await;
                message = self.line.waiting();
            }
        }
    }

    /// Answers NOTIFYs until `done` is set.
    pub async fn serve(&mut self, done: &AtomicBool) {
        while !done.load(Ordering::SeqCst) {
            let mut message = self.line.receive_before(Instant::now() + AGAIN).await;
            while let Some((received, from)) = message {
                self.take(received, from).await;
                message = self.line.waiting();
            }
        }
    }

    fn next_proxy(&mut self) -> SocketAddr {
        self.turn = (self.turn + 1) % self.proxies.len();
        self.proxies[self.turn]
    }

    async fn take(&mut self, message: Message, from: SocketAddr) {
        match message {
            Message::Response(response) => {
                let id = response.headers().core().expect("a good response").call_id.to_owned();
                if self.unanswered.remove(&id)
                    && let Some(watcher) = self.watchers.get_mut(&id)
                {
                    watcher.answer = Some(response.status().code());
                }
            }
            Message::Request(request) => self.notified(&request, from).await,
        }
    }

    async fn notified(&mut self, request: &Request, from: SocketAddr) {
        let answer = ResponseBuilder::new(request.headers(), Status::OK, "w", from).finish();
        self.line.send_to(answer.expect("a response").as_bytes(), from).await;
        let core = request.core().expect("a good NOTIFY");
        let watcher = self.watchers.get_mut(core.call_id).expect("a NOTIFY of a dialog of ours");
        if core.cseq.number <= watcher.cseq {
            return;
        }
        watcher.cseq = core.cseq.number;
        let state = request.headers().single(Name::SubscriptionState).expect("one Subscription-State");
        watcher.state = state.unwrap_or_default().to_owned();
        watcher.told.push(changes(request.body()));
        watcher.from = Some(from);
    }
}

/// The documents of an xcap-diff body (RFC 5874).
fn changes(body: &[u8]) -> Vec<Change> {
    if body.is_empty() {
        return Vec::new();
    }
    let document = csc_xml::parse(body, &csc_xml::Limits::DEFAULT).expect("a good xcap-diff");
    let root = document.root_element();
    assert_eq!(root.tag_name().namespace(), Some("urn:ietf:params:xml:ns:xcap-diff"));
    let documents = root.children().filter(|node| node.tag_name().name() == "document");
    let value = |node: csc_xml::Node<'_, '_>, name| node.attribute(name).map(str::to_owned);
    documents
        .map(|node| Change {
            sel: value(node, "sel").expect("a document has a sel"),
            previous: value(node, "previous-etag"),
            new: value(node, "new-etag"),
        })
        .collect()
}
