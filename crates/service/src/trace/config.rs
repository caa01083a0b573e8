//! Where traces go. Section `trace`.

use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;

use crate::Identity;
use crate::config::Section;

/// What is exported, and to whom.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    /// The collector.
    pub endpoint: CollectorUri,
    /// Of how many traces that begin here one is exported.
    pub one_in: u64,
    /// `service.name` of this process; the program's if there is none.
    pub service: Option<String>,
    /// `service.instance.id` of this process; a random one if there is none.
    pub instance: Option<String>,
    /// The CA of the collector and what is shown to it: with `https` only.
    pub tls: Option<(PathBuf, Identity)>,
}

/// The address of an OTLP collector: `http` or `https`, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorUri(pub(super) Uri);

impl FromStr for CollectorUri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "must be http://<host>:<port> or https://<host>:<port>";
        let uri: Uri = text.parse().map_err(|_| WANTED)?;
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let good = scheme && authority && uri.port_u16().is_some_and(|port| port != 0);
        if good && uri.path() == "/" && uri.query().is_none() { Ok(Self(uri)) } else { Err(WANTED) }
    }
}

impl CollectorUri {
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl TraceConfig {
    /// Reads the settings; `None` when nothing is exported.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let endpoint: Option<CollectorUri> = section.optional(
            "endpoint",
            "http://127.0.0.1:4317",
            "The OpenTelemetry collector that traces are exported to, over OTLP/gRPC. Without it there are none.\n\
             Over http they are readable on the way: keep it on the operator's network.",
        );
        let one_in = section.number(
            "one_in",
            100,
            1..=1_000_000_000,
            "Of how many traces that begin here one is exported. A trace that another process of the installation\n\
             began is exported when that process says so.",
        );
        let service = section.optional(
            "service",
            "gms",
            "What the process is called in traces: service.name. By default the program's name.",
        );
        let instance = section.optional(
            "instance",
            "csc-0",
            "What tells it from its replicas: service.instance.id. By default a random one.",
        );
        let ca = section.optional_path("ca", "pki/bus-ca.pem", "PEM file with the CA of an https collector.");
        let certificate = section.optional_path(
            "certificate",
            "pki/bus.pem",
            "PEM file with the certificate shown to an https collector.",
        );
        let key = section.optional_path(
            "key",
            "pki/bus.key",
            "PEM file with its private key. Not everybody may read it.",
        );
        let endpoint = endpoint?;
        let tls = match (endpoint.is_secure(), ca, certificate, key) {
            (true, Some(ca), Some(certificate), Some(key)) => Some((ca, Identity { certificate, key })),
            (false, None, None, None) => None,
            (true, ..) => {
                section.mistake("endpoint", "over https needs trace.ca, trace.certificate and trace.key");
                None
            }
            (false, ..) => {
                section.mistake("endpoint", "over http takes no trace.ca, trace.certificate or trace.key");
                None
            }
        };
        Some(Self { endpoint, one_in, service, instance, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn read(settings: &[(&str, &str)]) -> Result<Option<TraceConfig>, String> {
        let variables = settings.iter().map(|(key, value)| (format!("CSC_TRACE_{key}"), (*value).to_owned()));
        let mut settings = Settings::load(None, variables);
        let config = TraceConfig::read(&mut settings.section("trace", "Traces."));
        settings.finish().map(|()| config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn off_unless_there_is_a_collector() {
        assert!(read(&[]).unwrap().is_none());
        let config = read(&[("ENDPOINT", "http://[::1]:4317")]).unwrap().unwrap();
        assert_eq!((config.one_in, config.service, config.instance), (100, None, None));
    }

    #[test]
    fn tls_is_whole_or_not_there() {
        let files = [("CA", "ca.pem"), ("CERTIFICATE", "own.pem"), ("KEY", "own.key")];
        let with = |endpoint, files: &[_]| read(&[&[("ENDPOINT", endpoint)], files].concat());
        let config = with("https://collector.example.org:4317", &files).unwrap().unwrap();
        assert!(config.tls.is_some());
        assert!(with("https://collector.example.org:4317", &files[..2]).unwrap_err().contains("trace.key"));
        assert!(with("http://127.0.0.1:4317", &files[..1]).unwrap_err().contains("takes no"));
    }

    #[test]
    fn a_collector_is_host_and_port() {
        for bad in [
            "",
            "127.0.0.1:4317",
            "http://127.0.0.1",
            "http://127.0.0.1:0",
            "http://127.0.0.1:4317/v1/traces",
            "http://127.0.0.1:4317/?a",
            "http://user:secret@127.0.0.1:4317",
            "grpc://127.0.0.1:4317",
        ] {
            assert!(read(&[("ENDPOINT", bad)]).is_err(), "{bad}");
        }
    }
}
