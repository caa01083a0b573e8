//! The section `[edge]`: where the services are, and how long a request may wait for them.

use std::time::Duration;

use csc_service::bus::Address;
use csc_service::config::Section;

/// The settings of the edge's own.
#[derive(Clone, Debug)]
pub(super) struct EdgeConfig {
    /// Replicas of the identity server.
    pub(super) idms: Vec<Address>,
    /// Replicas of the configuration server.
    pub(super) cms: Vec<Address>,
    /// Replicas of the group server.
    pub(super) gms: Vec<Address>,
    /// Replicas of the key server.
    pub(super) kms: Vec<Address>,
    /// How long requests may take.
    pub(super) times: Times,
}

/// How long a request may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From the end of the request's header to the beginning of the service's answer.
    pub(super) answer: Duration,
    /// For a replica that is connected, while none is.
    pub(super) replica: Duration,
}

impl EdgeConfig {
    /// Reads the settings.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut replicas = |key, doc: &str| {
            let doc = format!(
                "Where {doc} is reached: \"host:port\" of its HTTPS listener, which has http.behind_edge. Every address\n\
                 that a name has is a replica; names are looked up again every few seconds."
            );
            let found: Vec<Address> = section.list(key, &[], &doc);
            if found.is_empty() {
                section.mistake(key, "names no address");
            }
            found
        };
        Self {
            idms: replicas("idms", "the identity server (idms)"),
            cms: replicas("cms", "the configuration server (cms)"),
            gms: replicas("gms", "the group server (gms)"),
            kms: replicas("kms", "the key server (kms)"),
            times: Times {
                answer: section.duration(
                    "answer_time",
                    "60s",
                    ("100ms", "1h"),
                    "Time for a service to begin its answer, from the end of the request's header; then 504.",
                ),
                replica: section.duration(
                    "replica_time",
                    "3s",
                    ("0s", "5m"),
                    "How long a request waits for a replica to come back while none is connected; then 503.",
                ),
            },
        }
    }
}
