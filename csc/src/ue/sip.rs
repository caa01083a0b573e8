//! A terminal's side of SUBSCRIBE and NOTIFY over UDP. It stands in for its CSCF too: it asserts its own identity, and
//! the proxy sends NOTIFY straight to it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use csc_types::{Entropy, McpttId};
use csc_xml::escape_attribute;
use sip_codec::{Limits, Message, Method, Name, Request, RequestBuilder, Response, ResponseBuilder, Status};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// First wait before a request is sent again (RFC 3261 timer T1); doubled each time, up to T2.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// A request without an answer is given up after this long (64 × T1).
const GIVE_UP: Duration = Duration::from_secs(32);
/// NOTIFYs kept for a caller who is busy with something else.
const KEPT: usize = 1024;

/// A terminal's socket, and what arrived on it.
pub struct SipUe {
    socket: UdpSocket,
    local: SocketAddr,
    /// Requests go to the first, copies of them to the next.
    proxies: VecDeque<SocketAddr>,
    user: McpttId,
    entropy: Arc<dyn Entropy>,
    /// CSeq of the last NOTIFY per Call-ID: a retransmission is answered again and not reported again.
    seen: HashMap<String, u32>,
    waiting: VecDeque<Notify>,
}

/// A subscription of this terminal: its half of the dialog.
#[derive(Clone, Debug)]
pub struct Subscription {
    call_id: String,
    local_tag: String,
    remote: Option<Remote>,
    cseq: u32,
    psi: String,
    /// Seconds that the server granted.
    pub expires: u32,
}

#[derive(Clone, Debug)]
struct Remote {
    to: String,
    target: String,
}

/// A NOTIFY, answered with 200 already.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The Call-ID of its dialog.
    pub call_id: String,
    /// Its CSeq number.
    pub cseq: u32,
    /// Subscription-State as it stands there.
    pub state: String,
    /// The base of the selectors.
    pub xcap_root: String,
    /// What it says about each document.
    pub changes: Vec<Change>,
}

/// What a NOTIFY says about one document (RFC 5874 without patches).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document, relative to the XCAP root.
    pub sel: String,
    /// The ETag the terminal knew; none for a document that is new to it.
    pub previous: Option<String>,
    /// The ETag now; none for a document that is gone.
    pub new: Option<String>,
}

impl Subscription {
    /// The Call-ID of the dialog.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }
}

impl SipUe {
    /// A terminal of `user` on a free port of the loopback interface. Its requests go to any of `proxies`, which are
    /// replicas of one service; NOTIFYs come from each of them.
    ///
    /// # Errors
    /// If there are no proxies, or no socket is to be had.
    pub async fn bind(
        proxies: &[SocketAddr],
        user: McpttId,
        entropy: Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let proxies: VecDeque<SocketAddr> = proxies.iter().copied().collect();
        let first = proxies.front().context("no subscription proxy is named")?;
        let any = if first.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).await.context("binding a UDP socket")?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local, proxies, user, entropy, seen: HashMap::new(), waiting: VecDeque::new() })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.local
    }

    /// Subscribes to `entries` (documents or collections, relative to the XCAP root) at `psi` for `expires` seconds.
    ///
    /// # Errors
    /// If the answer is not a 2xx, with its status, or none comes.
    pub async fn subscribe(
        &mut self,
        psi: &str,
        entries: &[&str],
        expires: u32,
    ) -> anyhow::Result<Subscription> {
        let mut subscription = Subscription {
            call_id: format!("{:016x}@{}", self.entropy.next_u64(), self.local.ip()),
            local_tag: format!("{:016x}", self.entropy.next_u64()),
            remote: None,
            cseq: 0,
            psi: psi.to_owned(),
            expires: 0,
        };
        let mut list = String::from("<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>");
        for entry in entries {
            list.push_str(&format!("<entry uri=\"{}\"/>", escape_attribute(entry)));
        }
        list.push_str("</list></resource-lists>");
        self.send(&mut subscription, Some(&list), expires).await?;
        Ok(subscription)
    }

    /// Refreshes `subscription` for `expires` more seconds; 0 ends it.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub async fn refresh(&mut self, subscription: &mut Subscription, expires: u32) -> anyhow::Result<()> {
        self.send(subscription, None, expires).await
    }

    async fn send(
        &mut self,
        subscription: &mut Subscription,
        list: Option<&str>,
        expires: u32,
    ) -> anyhow::Result<()> {
        subscription.cseq += 1;
        let branch = format!("z9hG4bK{:016x}", self.entropy.next_u64());
        let to =
            subscription.remote.as_ref().map_or_else(|| format!("<{}>", subscription.psi), |r| r.to.clone());
        let target = subscription.remote.as_ref().map_or(subscription.psi.as_str(), |r| r.target.as_str());
        let mut request = RequestBuilder::new("SUBSCRIBE", target)
            .header(Name::Via, &format!("SIP/2.0/UDP {};rport;branch={branch}", self.local))
            .header(Name::MaxForwards, "70")
            .header(Name::From, &format!("<{}>;tag={}", self.user, subscription.local_tag))
            .header(Name::To, &to)
            .header(Name::CallId, &subscription.call_id)
            .header(Name::CSeq, &format!("{} SUBSCRIBE", subscription.cseq))
            .header(Name::Contact, &format!("<sip:ue@{}>", self.local))
            .header(Name::PAssertedIdentity, &format!("<{}>", self.user))
            .header(Name::Event, "xcap-diff")
            .header(Name::Accept, "application/xcap-diff+xml")
            .header(Name::Expires, &expires.to_string());
        if let Some(list) = list {
            request = request.body("application/resource-lists+xml", list.as_bytes());
        }
        let request = request.finish()?.into_bytes();

        let answer = self.transact(&request, &branch).await?;
        if !answer.status().is_success() {
            bail!("SUBSCRIBE was answered {} {}", answer.status().code(), answer.status().phrase());
        }
        let headers = answer.headers();
        let core = headers.core()?;
        core.to.tag().context("the answer has no To tag")?;
        let contact = headers.contact()?.context("the answer has no Contact")?;
        subscription.remote = Some(Remote {
            to: headers.single(Name::To)?.unwrap_or_default().to_owned(),
            target: contact.uri.as_str().to_owned(),
        });
        subscription.expires = headers.expires()?.context("the answer has no Expires")?;
        Ok(())
    }

    /// Sends `request` until its final response arrives. NOTIFYs on the way are answered and kept.
    async fn transact(&mut self, request: &Bytes, branch: &str) -> anyhow::Result<Response> {
        let end = Instant::now() + GIVE_UP;
        let mut wait = T1;
        loop {
            let proxy = self.proxies[0];
            self.socket.send_to(request, proxy).await?;
            let again = (Instant::now() + wait).min(end);
            while let Some((message, from)) = self.receive(again).await? {
                match message {
                    Message::Response(response) => {
                        let ours =
                            response.headers().core().is_ok_and(|core| core.via.branch() == Some(branch));
                        if ours && response.status().is_final() {
                            return Ok(response);
                        }
                    }
                    Message::Request(request) => self.answer(&request, from).await?,
                }
            }
            if Instant::now() >= end {
                bail!("no answer from {proxy} within {} s", GIVE_UP.as_secs());
            }
            self.proxies.rotate_left(1);
            wait = (wait * 2).min(T2);
        }
    }

    /// The next NOTIFY, if one arrives within `patience`.
    ///
    /// # Errors
    /// If the socket fails or a NOTIFY is malformed.
    pub async fn notify(&mut self, patience: Duration) -> anyhow::Result<Option<Notify>> {
        let end = Instant::now() + patience;
        loop {
            if let Some(notify) = self.waiting.pop_front() {
                return Ok(Some(notify));
            }
            match self.receive(end).await? {
                Some((Message::Request(request), from)) => self.answer(&request, from).await?,
                Some((Message::Response(_), _)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next well-formed message before `deadline`, and which proxy it came from.
    async fn receive(&self, deadline: Instant) -> anyhow::Result<Option<(Message, SocketAddr)>> {
        let mut buffer = vec![0; 65_535];
        loop {
            let Ok(received) = timeout_at(deadline, self.socket.recv_from(&mut buffer)).await else {
                return Ok(None);
            };
            let (length, from) = received?;
            if !self.proxies.contains(&from) {
                continue;
            }
            if let Ok(message) = Message::parse(Bytes::copy_from_slice(&buffer[..length]), &Limits::default())
            {
                return Ok(Some((message, from)));
            }
        }
    }

    async fn answer(&mut self, request: &Request, from: SocketAddr) -> anyhow::Result<()> {
        let status = if request.method() == Method::Notify { Status::OK } else { Status::METHOD_NOT_ALLOWED };
        let response = ResponseBuilder::new(request.headers(), status, "ue", from).finish()?;
        self.socket.send_to(response.as_bytes(), from).await?;
        if status != Status::OK {
            return Ok(());
        }
        let core = request.core()?;
        let call_id = core.call_id.to_owned();
        let last = self.seen.entry(call_id.clone()).or_default();
        if core.cseq.number <= *last {
            return Ok(());
        }
        *last = core.cseq.number;
        if self.waiting.len() == KEPT {
            self.waiting.pop_front();
        }
        let state = request.headers().single(Name::SubscriptionState)?.unwrap_or_default().to_owned();
        let (xcap_root, changes) = changes(request.body())?;
        self.waiting.push_back(Notify { call_id, cseq: core.cseq.number, state, xcap_root, changes });
        Ok(())
    }
}

/// Root and documents of an xcap-diff body; nothing for an empty one.
fn changes(body: &[u8]) -> anyhow::Result<(String, Vec<Change>)> {
    if body.is_empty() {
        return Ok((String::new(), Vec::new()));
    }
    let document = csc_xml::parse(body, &csc_xml::Limits::DEFAULT)?;
    let root = document.root_element();
    let xcap_root = root.attribute("xcap-root").unwrap_or_default().to_owned();
    let documents = root.children().filter(|node| node.tag_name().name() == "document");
    let changes = documents.map(|node| {
        let value = |name| node.attribute(name).map(str::to_owned);
        Ok(Change {
            sel: value("sel").context("a document without sel")?,
            previous: value("previous-etag"),
            new: value("new-etag"),
        })
    });
    Ok((xcap_root, changes.collect::<anyhow::Result<_>>()?))
}
