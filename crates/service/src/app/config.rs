//! The settings of a process: where it listens, and how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use crate::bus::BusConfig;
use crate::config::{Section, Settings};
use crate::http::{Clients, HttpConfig};

/// What section `http` is for.
const HTTP: &str = "The HTTPS listener that UEs talk to.";

/// The settings of a process.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Section `http`.
    pub http: HttpConfig,
    /// Section `bus`; `None` when this process is no member of a bus.
    pub bus: Option<BusConfig>,
    /// Section `admin`.
    pub admin: AdminConfig,
}

/// The admin listener and the end of the process. Section `admin`.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Where `/livez`, `/readyz` and `/metrics` are served, over plain HTTP.
    pub listen: SocketAddr,
    /// How long everything goes on as before once `/readyz` says that the process stops.
    pub drain_delay: Duration,
    /// How long requests and tasks at hand have to end.
    pub grace: Duration,
    /// How often certificates, keys and CAs are looked at for changes.
    pub reload_interval: Duration,
}

impl AppConfig {
    /// Reads the sections `http`, `bus` and `admin`.
    pub fn read(settings: &mut Settings) -> Self {
        let http = HttpConfig::read(&mut settings.section("http", HTTP));
        let config = Self { http, ..Self::without_http(settings) };
        if matches!(config.http.clients, Clients::Edge) && config.bus.is_none() {
            let problem = "needs bus.certificate, bus.key and bus.ca";
            settings.section("http", HTTP).mistake("behind_edge", problem);
        }
        config
    }

    /// Reads the sections `bus` and `admin`, for a process that serves nothing over HTTPS.
    pub fn without_http(settings: &mut Settings) -> Self {
        let bus = "The gRPC bus between services, of which this process may be a member.";
        Self {
            http: HttpConfig::none(),
            bus: BusConfig::read(&mut settings.section("bus", bus)),
            admin: AdminConfig::read(&mut settings.section("admin", "The operator's side of the process.")),
        }
    }
}

impl AdminConfig {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            listen: section.value(
                "listen",
                "127.0.0.1:4421",
                "Address of /livez, /readyz and /metrics. Plain HTTP: keep it on the operator's network.",
            ),
            drain_delay: section.duration(
                "drain_delay",
                "0s",
                ("0s", "5m"),
                "How long the process goes on serving once /readyz says that it stops: as long as a load balancer takes to\n\
                 see it.",
            ),
            grace: section.duration(
                "grace",
                "30s",
                ("0s", "1h"),
                "How long requests and tasks at hand have to end when the process is asked to stop.",
            ),
            reload_interval: section.duration(
                "reload_interval",
                "5s",
                ("10ms", "1h"),
                "How often the files of certificates, keys, CAs and ticket keys are looked at for changes.",
            ),
        }
    }
}
