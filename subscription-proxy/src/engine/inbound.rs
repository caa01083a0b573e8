//! Datagrams: requests are answered, responses end transactions.

use std::net::SocketAddr;

use bytes::Bytes;
use csc_service::trace::{self, Cause, Protocol, Work};
use csc_sip::{Arrival, Capabilities, Refusal, TransactionKey, Unserved, reply_to, screen};
use sip_codec::{
    Core, Encoded, Headers, Limits, Message, Method, Name, Request, ResponseBuilder, Status, Via,
};
use tracing::{Instrument as _, Span};

use super::{Engine, Half};
use crate::accept::unavailable;
use crate::domain::wish::{ACCEPT, EVENT};

/// SUBSCRIBEs that are answered at once. Refreshes may use all places, new subscriptions not the last quarter: when it gets
/// tight those who are served stay served.
const ANSWERING: usize = 256;
const ANSWERING_NEW: usize = ANSWERING / 4 * 3;
/// Those of strangers, whatever they say they are.
const ANSWERING_STRANGERS: usize = ANSWERING / 4;

const CAPABILITIES: Capabilities = Capabilities {
    methods: &[Method::Subscribe, Method::Options],
    allow: "SUBSCRIBE, OPTIONS",
    extensions: &[],
};

/// The answer to a SUBSCRIBE.
pub(super) struct Reply {
    key: TransactionKey,
    half: Half,
    status: Status,
    answer: Option<Encoded>,
    to: SocketAddr,
}

impl Engine {
    /// Takes one datagram.
    pub(super) fn datagram(&mut self, datagram: Bytes, source: SocketAddr) {
        match Message::parse(datagram, &Limits::default()) {
            Ok(Message::Request(request)) => self.request(request, source),
            Ok(Message::Response(response)) => {
                if let Some(ended) = self.client.receive(&response) {
                    let retry_after = response.headers().retry_after().ok().flatten();
                    self.answered(&ended.owner, ended.status, retry_after);
                }
            }
            Err(refused) => {
                if let Some(headers) = refused.answerable() {
                    self.refuse(headers, &refused.defect.into(), source);
                }
            }
        }
    }

    fn request(&mut self, request: Request, source: SocketAddr) {
        let core = match screen(&request, &CAPABILITIES) {
            Ok(core) => core,
            Err(Unserved::Ignore) => return,
            Err(Unserved::Refuse(refusal)) => return self.refuse(request.headers(), &refusal, source),
        };
        // A process that is about to stop answers no more; the copy reaches the next one.
        if self.stopping {
            return;
        }
        if request.method() == Method::Options {
            return self.options(request.headers(), &core, source);
        }
        let now = self.now();
        let key = TransactionKey::of(&request, &core);
        let peer = self.accept.config.knows(source).then_some(source.ip());
        match self.server.receive(&key, &core, peer, now) {
            Arrival::New => self.subscribe(key, &request, &core, source),
            Arrival::Answered(answer, to) => self.socket.send(answer, to),
            Arrival::Pending => {}
            Arrival::Merged => self.refuse(request.headers(), &Status::LOOP_DETECTED.into(), source),
            Arrival::Full => self.refuse(request.headers(), &unavailable(), source),
        }
    }

    /// Starts to answer a SUBSCRIBE.
    fn subscribe(&mut self, key: TransactionKey, request: &Request, core: &Core<'_>, source: SocketAddr) {
        let new = core.to.tag().is_none();
        let places = match self.accept.config.knows(source) {
            false => ANSWERING_STRANGERS,
            true if new => ANSWERING_NEW,
            true => ANSWERING,
        };
        let full = new && self.entries.len() >= self.accept.config.max_subscriptions;
        let to = reply_to(Some(core.via), source);
        let half = (core.call_id.to_owned(), core.from.tag().unwrap_or_default().to_owned());
        let own_tag = self.accept.tags.refusal(core.call_id, core.from.uri.as_str());
        *self.answering.entry(half.clone()).or_default() += 1;
        if full || self.replies.len() >= places {
            let refusal = unavailable();
            let answer = build(refusal.answer(request.headers(), &own_tag, source));
            return self.reply(Reply { key, half, status: refusal.status, answer, to });
        }
        let (accept, request) = (self.accept.clone(), request.clone());
        let span = Work::Server.span("subscription-proxy SUBSCRIBE", &Cause::NONE);
        let answering = async move {
            let (status, answer) = match accept.subscribe(&request, source).await {
                Ok(answer) => (Status::OK, Some(answer)),
                Err(refusal) => (refusal.status, build(refusal.answer(request.headers(), &own_tag, source))),
            };
            trace::outcome(&Span::current(), Protocol::Sip, status.code());
            Reply { key, half, status, answer, to }
        };
        self.replies.spawn(answering.instrument(span));
    }

    /// Sends the answer to a SUBSCRIBE, and lets its NOTIFY follow.
    pub(super) fn reply(&mut self, reply: Reply) {
        let now = self.now();
        if let Some(answer) = reply.answer {
            self.metrics.answered(reply.status);
            self.server.answer(&reply.key, answer.clone(), reply.to, now);
            self.socket.send(answer, reply.to);
        }
        if let Some(count) = self.answering.get_mut(&reply.half) {
            *count -= 1;
            if *count == 0 {
                self.answering.remove(&reply.half);
                self.unpark(&reply.half);
            }
        }
    }

    /// OPTIONS asks what is served (RFC 3261 section 11.2).
    fn options(&mut self, headers: &Headers, core: &Core<'_>, source: SocketAddr) {
        let tag = self.accept.tags.refusal(core.call_id, core.from.uri.as_str());
        let answer = ResponseBuilder::new(headers, Status::OK, &tag, source)
            .header(Name::Allow, CAPABILITIES.allow)
            .header(Name::Accept, ACCEPT)
            .header(Name::AllowEvents, EVENT)
            .finish();
        self.answer(build(answer), Status::OK, reply_to(Some(core.via), source));
    }

    fn refuse(&mut self, headers: &Headers, refusal: &Refusal, source: SocketAddr) {
        // Derived from what there is, so that a copy of the request gets the same answer without being remembered.
        let field = |name| headers.lines(name).next().unwrap_or_default();
        let tag = self.accept.tags.refusal(field(Name::CallId), field(Name::From));
        let via = headers.values(Name::Via).next().and_then(Via::parse);
        let answer = build(refusal.answer(headers, &tag, source));
        self.answer(answer, refusal.status, reply_to(via, source));
    }

    fn answer(&mut self, answer: Option<Encoded>, status: Status, to: SocketAddr) {
        if let Some(answer) = answer {
            self.metrics.answered(status);
            self.socket.send(answer, to);
        }
    }
}

/// A message that could not be built is a mistake of ours; the peer then gets none.
fn build(message: Result<Encoded, sip_codec::BuildError>) -> Option<Encoded> {
    message.inspect_err(|error| tracing::error!(%error, "message cannot be built")).ok()
}
