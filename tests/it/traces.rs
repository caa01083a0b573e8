//! One request can be followed to everything that it caused, and nothing of what was asked is told to who follows it.

use csc_test_support::collector::{Collector, Span};
use csc_tests::raw;
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, Process, SAM};

const BINARY: &str = env!("CARGO_BIN_EXE_csc-under-test");
/// What the dispatcher's console says it belongs to: a trace that it does not want to be exported.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CONSOLE: &str = "b7ad6b7169203331";

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The span called `name` in the console's trace.
fn find<'a>(spans: &[&'a Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name && hex(&span.trace_id) == TRACE).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_put_to_a_notify() {
    let mut collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [("CSC_TRACE_ENDPOINT", endpoint.as_str()), ("CSC_TRACE_ONE_IN", "1")];
    let process = Process::start(BINARY, &settings).await;
    let client = process.client();
    let mut watchers = Watchers::at(client.proxies()).await;
    let view = format!("org.openmobilealliance.groups/users/{}/{ENGINE_7}", ALEX.0);
    watchers.add(&Ask::list(ALEX.0, &[&view]));
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;

    let token = client.token(DANA).await;
    let members = [ALEX.0, DANA.0, SAM.0].map(|member| format!("<entry uri=\"{member}\"/>")).concat();
    let document = format!(
        "<group xmlns=\"urn:oma:xml:poc:list-service\"><list-service uri=\"{ENGINE_7}\">\
         <display-name>Renamed</display-name><list>{members}</list></list-service></group>"
    );
    let path = format!("/org.openmobilealliance.groups/global/byGroupID/{ENGINE_7}");
    let fields = [
        ("Authorization", format!("Bearer {token}")),
        ("Content-Type", "application/vnd.oma.poc.groups+xml".to_owned()),
        ("traceparent", format!("00-{TRACE}-{CONSOLE}-00")),
    ];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let put = raw::request("PUT", &path, &fields, document.as_bytes());
    let answer = raw::exchange(client.https(), &client.site().at("ca.pem"), &put).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    watchers.until("the change", |_, watcher| watcher.told.len() > 1).await;

    let names = ["gms PUT", "gms project", "subscription-proxy NOTIFY"];
    let whole = |spans: &[&Span]| names.iter().all(|name| find(spans, name).is_some());
    collector.until("the whole trace", whole).await;
    let spans = collector.spans();
    let [put, project, notify] = names.map(|name| find(&spans, name).expect("it is there"));
    assert_eq!(hex(&put.parent_span_id), CONSOLE);
    assert_eq!(project.parent_span_id, put.span_id);
    // The first entry that names the group wakes the watcher, the one about its view comes behind.
    assert!([&put.span_id, &project.span_id].contains(&&notify.parent_span_id));
    // The operator's call, and the one that it led to inside of the process.
    let call = |span: &&&Span| span.name == "csc.documents.v1.Documents/Put";
    let led = |outer: &Span| spans.iter().filter(call).any(|inner| inner.parent_span_id == outer.span_id);
    assert!(spans.iter().filter(call).any(|outer| led(outer)));
    // What the console began before, it began in traces of our own.
    assert!(spans.iter().any(|span| span.name == "idms POST" && hex(&span.trace_id) != TRACE));
    let subscribed = |spans: &[&Span]| spans.iter().any(|span| span.name == "subscription-proxy SUBSCRIBE");
    collector.until("a SUBSCRIBE", subscribed).await;

    let told = String::from_utf8_lossy(&collector.octets()).into_owned();
    let secret = token.rsplit('.').next().expect("a signature");
    for hidden in [secret, ALEX.0, ALEX.1, "tel:", "sip:", "openmobilealliance", "Renamed", "idms/", "Bearer"]
    {
        assert!(!told.contains(hidden), "{hidden}");
    }
}
