//! What an operator sees of the requests.

use csc_service::Metrics;
use csc_xcap::select::NodeKind;
use csc_xcap::uri::{Node, Target};
use http::{Method, StatusCode};
use prometheus::IntCounterVec;

use crate::refusal::Refusal;

/// The counters of one service.
pub(crate) struct Counters {
    service: &'static str,
    requests: IntCounterVec,
    conflicts: IntCounterVec,
}

impl Counters {
    pub(crate) fn new(service: &'static str, metrics: &Metrics) -> Self {
        let requests = metrics.counter(
            "csc_xcap_requests_total",
            "XCAP requests answered, by what was asked for.",
            &["service", "method", "resource", "status"],
        );
        let conflicts = metrics.counter(
            "csc_xcap_conflicts_total",
            "Changes refused with 409, by the condition of RFC 4825 section 11.",
            &["service", "condition"],
        );
        Self { service, requests, conflicts }
    }

    pub(crate) fn answered(&self, method: &Method, resource: &str, status: StatusCode) {
        let known = ["GET", "HEAD", "PUT", "DELETE", "POST"];
        let method = known.iter().find(|known| **known == method.as_str()).unwrap_or(&"other");
        self.requests.with_label_values(&[self.service, method, resource, status.as_str()]).inc();
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        if let Refusal::Conflict(conflict) = refusal {
            self.conflicts.with_label_values(&[self.service, conflict.element()]).inc();
        }
    }
}

/// What a target asks for, for metrics.
pub(crate) fn resource(target: &Target) -> &'static str {
    match &target.node {
        None => "document",
        Some(Node::Malformed) => "malformed",
        Some(Node::Selector(selector)) => match selector.kind() {
            NodeKind::Element => "element",
            NodeKind::Attribute => "attribute",
            NodeKind::Namespaces => "namespaces",
        },
    }
}
