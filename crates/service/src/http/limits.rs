//! What one client may take: octets, time, connections.

use std::time::Duration;

use crate::config::Section;

/// Limits of an HTTP listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Requests at a time; one more is answered with 503 at once.
    pub requests: usize,
    /// Of these, requests from one address; 0 for no limit of their own.
    pub requests_per_address: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: usize,
    /// Octets of a request line with its header fields.
    pub header_size: usize,
    /// Header fields of a request.
    pub header_count: usize,
    /// Octets of a request body that any handler may take; handlers have lower limits of their own.
    pub body_size: usize,
    /// For the TLS handshake.
    pub handshake_time: Duration,
    /// For the header of a request, from its first octet.
    pub header_time: Duration,
    /// For the body of a request.
    pub body_time: Duration,
    /// For a whole request: its body, its handling and its answer.
    pub request_time: Duration,
    /// For the next request on a connection to begin.
    pub idle_time: Duration,
    /// For a request that is on its way when the process stops, on a connection that has none.
    pub drain_time: Duration,
}

impl Limits {
    /// For the admin listener: a handful of scrapers and probes, with nothing to send.
    pub(crate) const fn small() -> Self {
        const TIME: Duration = Duration::from_secs(10);
        Self {
            connections: 64,
            requests: 64,
            requests_per_address: 0,
            streams: 64,
            header_size: 8 * 1024,
            header_count: 64,
            body_size: 0,
            handshake_time: TIME,
            header_time: TIME,
            body_time: TIME,
            request_time: TIME,
            idle_time: Duration::from_secs(75),
            drain_time: Duration::ZERO,
        }
    }

    /// With room for what an edge adds: the client's certificate and address, `Host`, `Via`, `traceparent`, `tracestate`.
    /// HTTP/2 counts 32 octets for each field beside its own (RFC 9113 section 6.5.2), whatever the client spoke.
    pub(crate) fn with_forwarded(&self) -> Self {
        let header_count = self.header_count + 6;
        Self { header_size: self.header_size + 16 * 1024 + 32 * header_count, header_count, ..self.clone() }
    }

    /// Reads the limits from the section of the listener.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            connections: section.number(
                "connections",
                10_000,
                1..=1_000_000,
                "Connections at a time. One more is closed at once. Each needs a file descriptor\n\
                 (ulimit -n).",
            ),
            requests: section.number(
                "requests",
                1_000,
                1..=1_000_000,
                "Requests at a time. One more is answered with 503 and Retry-After at once.",
            ),
            requests_per_address: section.number(
                "requests_per_address",
                250,
                0..=1_000_000,
                "Of these, requests from one address (IPv6: one /64), so that nobody takes all of them. Raise it where many\n\
                 terminals share an address, behind a proxy or an address translator. 0: no limit.",
            ),
            streams: section.number(
                "streams",
                100,
                1..=10_000,
                "Requests at a time on one HTTP/2 connection. A connection of the edge may carry as many as requests says.",
            ),
            header_size: section.size(
                "header_size",
                "32KiB",
                ("8KiB", "1MiB"),
                "Size of a request line with its header fields; the access token is among them.",
            ),
            header_count: section.number("header_count", 64, 16..=1_000, "Header fields of a request."),
            body_size: section.size(
                "body_size",
                "4MiB",
                ("1KiB", "1GiB"),
                "Size of a request body. The services have lower limits of their own.",
            ),
            handshake_time: section.duration(
                "handshake_time",
                "10s",
                ("100ms", "5m"),
                "Time for the TLS handshake.",
            ),
            header_time: section.duration(
                "header_time",
                "10s",
                ("100ms", "5m"),
                "Time for the header of a request, from its first octet.",
            ),
            body_time: section.duration(
                "body_time",
                "30s",
                ("100ms", "1h"),
                "Time for the body of a request.",
            ),
            request_time: section.duration(
                "request_time",
                "2m",
                ("100ms", "1h"),
                "Time for a whole request: its body, its handling, and the client's taking of the answer.",
            ),
            idle_time: section.duration(
                "idle_time",
                "75s",
                ("100ms", "1d"),
                "How long a connection is kept without a request.",
            ),
            drain_time: section.duration(
                "drain_time",
                "1s",
                ("0s", "1m"),
                "How long a connection without a request is kept when the process stops: a request may be on its way.",
            ),
        }
    }
}
