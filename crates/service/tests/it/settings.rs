//! The settings of the process: their defaults, their reference, and those that do not fit together.

use csc_service::config::Settings;
use csc_service::{AppConfig, TelemetryConfig};

fn read(mut settings: Settings) -> (Settings, AppConfig) {
    TelemetryConfig::read(&mut settings);
    let config = AppConfig::read(&mut settings);
    (settings, config)
}

/// The mistakes of a process with a certificate and these variables.
fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
    let certificate = [("CSC_HTTP_CERTIFICATE", "x.pem"), ("CSC_HTTP_KEY", "x.key")];
    let variables =
        certificate.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (settings, _) = read(Settings::load(None, variables));
    let found = settings.finish().err().map_or_else(Vec::new, |mistakes| mistakes.0);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_certificate_is_all_that_must_be_given() {
    assert_eq!(mistakes(&[]), [""; 0]);
    let (settings, config) = read(Settings::load(None, []));
    assert_eq!(config.http.listen, ["127.0.0.1:4420".parse().unwrap()]);
    assert!(config.bus.is_none());
    let text = settings.finish().unwrap_err().to_string();
    assert!(
        text.contains("http.certificate: is required") && text.contains("http.key: is required"),
        "{text}"
    );
}

#[test]
fn the_reference_names_every_section() {
    let (settings, _) = read(Settings::defaults());
    let reference = settings.reference();
    for line in
        ["[log]", "[http]", "[bus]", "[admin]", "# Environment: CSC_HTTP_TICKET_KEYS", "grace = \"30s\""]
    {
        assert!(reference.lines().any(|known| known == line), "{line}\n{reference}");
    }
    settings.finish().unwrap();
}

#[test]
fn settings_that_need_each_other() {
    assert_eq!(
        mistakes(&[("CSC_BUS_LISTEN", "127.0.0.1:4430")]),
        [
            "bus.certificate: is required of a member of the bus",
            "bus.key: is required of a member of the bus",
            "bus.ca: is required of a member of the bus",
        ]
    );
    assert_eq!(
        mistakes(&[("CSC_HTTP_CLIENT_CERTIFICATE_REQUIRED", "true"), ("CSC_HTTP_LISTEN", "")]),
        ["http.listen: names no address", "http.client_certificate_required: needs client_ca"]
    );
}

#[test]
fn behind_the_edge_the_certificate_is_that_of_the_bus() {
    let variables = |variables: &[(&str, &str)]| {
        let owned: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (settings, config) = read(Settings::load(None, owned));
        (settings.finish().err().map_or_else(String::new, |mistakes| mistakes.to_string()), config)
    };
    let (mistakes, _) = variables(&[("CSC_HTTP_BEHIND_EDGE", "true")]);
    assert!(mistakes.contains("http.behind_edge: needs bus.certificate, bus.key and bus.ca"), "{mistakes}");
    let bus = [("CSC_BUS_CERTIFICATE", "x.pem"), ("CSC_BUS_KEY", "x.key"), ("CSC_BUS_CA", "ca.pem")];
    let (mistakes, config) = variables(&[&bus[..], &[("CSC_HTTP_BEHIND_EDGE", "true")]].concat());
    assert_eq!(mistakes, "");
    assert!(matches!(config.http.clients, csc_service::http::Clients::Edge));
    assert!(config.bus.is_some_and(|bus| bus.listen.is_none()), "a member that only calls others");
}

#[test]
fn a_process_without_https_needs_no_certificate() {
    let mut settings = Settings::load(None, []);
    let config = AppConfig::without_http(&mut settings);
    assert!(config.http.listen.is_empty());
    settings.finish().unwrap();
}

#[test]
fn values_that_are_refused() {
    for (name, value, why) in [
        ("CSC_BUS_DOMAIN", "127.0.0.1:1", "must be a DNS name such as bus.example.org"),
        ("CSC_LOG_FILTER", "info,=", "invalid filter directive"),
        ("CSC_LOG_FORMAT", "xml", "must be json or text"),
        ("CSC_HTTP_HEADER_SIZE", "1KiB", "must be from 8KiB to 1MiB"),
        ("CSC_HTTP_CONNECTIONS", "0", "must be a whole number from 1 to 1000000"),
        ("CSC_HTTP_IDLE_TIME", "0s", "must be from 100ms to 1d"),
        ("CSC_ADMIN_LISTEN", "4421", "invalid socket address syntax"),
    ] {
        let found = mistakes(&[(name, value)]);
        assert!(
            found.len() == 1 && found[0].starts_with(name) && found[0].contains(why),
            "{name}: {found:?}"
        );
    }
}
