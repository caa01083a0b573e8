//! NOTIFYs: when a subscription may send one it does, and the answer moves it on.

use std::time::Duration;

use csc_service::trace::{self, Protocol, Work};
use sip_codec::Status;
use tracing::Span;

use super::{Engine, Tag};
use crate::domain::subscription::{Answered, Step};
use crate::domain::{hop, notify};

/// Whose NOTIFY a client transaction carries, its place in the window, and the span that ends with its answer.
#[derive(Debug)]
pub(super) struct Sent {
    tag: Tag,
    slot: u64,
    span: Span,
}

impl Engine {
    /// Does what a subscription has to do next.
    pub(super) fn step(&mut self, tag: &Tag, now: Duration) {
        let Some(entry) = self.entries.get_mut(tag) else { return };
        let Some(holding) = self.holdings.get_mut(&entry.partition) else { return };
        if let Some(timer) = entry.timer.take() {
            self.timers.remove(&(timer, tag.clone()));
        }
        match entry.subscription.step(now) {
            Step::Wait(Some(deadline)) => {
                entry.timer = Some(deadline);
                self.timers.insert((deadline, tag.clone()));
            }
            Step::Wait(None) => {}
            Step::Remove => entry.remove(tag, holding),
            // Whoever gets the partition says it.
            Step::Reserve | Step::Send if !holding.stays() => {}
            Step::Reserve => entry.reserve(tag, holding),
            Step::Send if self.lease.valid() => self.send_notify(tag, now),
            Step::Send => {
                self.unleased.insert(tag.clone());
            }
        }
    }

    fn send_notify(&mut self, tag: &Tag, now: Duration) {
        let Some(entry) = self.entries.get_mut(tag) else { return };
        if entry.waiting {
            return;
        }
        let hop = hop::next(entry.dialog.hop(), &self.accept.config.next_hops);
        let Some(hop) = hop else {
            // Only possible where the configuration changed since the SUBSCRIBE was answered.
            tracing::warn!("subscription ended: its next hop is no longer configured");
            entry.subscription.take(now);
            return self.over(tag, now);
        };
        let Some(slot) = self.windows.take(hop, tag, now) else {
            entry.waiting = true;
            return;
        };
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let branch = csc_sip::branch(random);
        let notice = entry.subscription.take(now);
        let event_id = entry.event_id.as_deref();
        match notify::build(&entry.dialog, event_id, &notice, &branch, &self.accept.sender) {
            Ok(request) => {
                let cause = self.causes.remove(tag).unwrap_or_default();
                let span = Work::Client.span("subscription-proxy NOTIFY", &cause);
                let sent = Sent { tag: tag.clone(), slot, span };
                match self.client.start(&branch, "NOTIFY", request.clone(), hop, sent, now) {
                    Ok(()) => {
                        entry.branch = branch;
                        if let Some(holding) = self.holdings.get_mut(&entry.partition) {
                            holding.under_way += 1;
                        }
                        self.metrics.sent();
                        self.socket.send(request, hop);
                    }
                    Err(error) => {
                        tracing::error!(%error, "randomness repeats");
                        self.windows.release(slot);
                        self.over(tag, now);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "NOTIFY cannot be built");
                self.windows.release(slot);
                self.over(tag, now);
            }
        }
    }

    /// A NOTIFY is no longer under way.
    fn ended(&mut self, sent: &Sent) {
        self.windows.release(sent.slot);
        let entry = self.entries.get(&sent.tag);
        if let Some(holding) = entry.and_then(|entry| self.holdings.get_mut(&entry.partition)) {
            holding.under_way -= 1;
        }
    }

    /// Gives up the NOTIFY that is under way, if there is one.
    pub(super) fn cancel(&mut self, tag: &Tag) {
        let Some(entry) = self.entries.get(tag) else { return };
        if let Some(sent) = self.client.cancel(&entry.branch) {
            self.ended(&sent);
        }
    }

    /// A NOTIFY was answered.
    pub(super) fn answered(&mut self, sent: &Sent, status: Status, retry_after: Option<u32>) {
        let now = self.now();
        self.ended(sent);
        trace::outcome(&sent.span, Protocol::Sip, status.code());
        let Some(entry) = self.entries.get_mut(&sent.tag) else { return };
        match entry.subscription.answered(status, retry_after, now) {
            Answered::Acknowledged => {
                self.metrics.acknowledged();
                if let Some(holding) = self.holdings.get_mut(&entry.partition) {
                    entry.store(&sent.tag, holding);
                }
            }
            Answered::Kept => self.metrics.refused(),
            Answered::Over => self.metrics.ended(),
        }
        self.ready.push_back(sent.tag.clone());
    }

    /// Nobody answered a NOTIFY within timer F.
    pub(super) fn timed_out(&mut self, sent: &Sent, now: Duration) {
        self.metrics.silent();
        trace::failed(&sent.span);
        self.ended(sent);
        self.over(&sent.tag, now);
    }

    /// The subscriber of a notice that was taken is not there.
    fn over(&mut self, tag: &Tag, now: Duration) {
        if let Some(entry) = self.entries.get_mut(tag) {
            entry.subscription.answered(Status::REQUEST_TIMEOUT, None, now);
            self.ready.push_back(tag.clone());
        }
    }
}
