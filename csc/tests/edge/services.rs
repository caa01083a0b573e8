//! The edge and a service as they meet: the service's own listener behind it, and HTTP/2 in front.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::pki::Pki;
use crate::service::{SEGMENT, Service};
use crate::world::{Layout, start};

#[tokio::test]
async fn a_service_believes_the_edge() {
    let pki = Pki::new();
    let service = Service::start("127.0.0.1:0".parse().unwrap(), &pki).await;
    let edge = start(&pki, Layout { cms: vec![service.address], ..Layout::default() }).await;
    let terminal = pki.terminals.issue("ue-1");
    let shown = STANDARD.encode(&terminal.certificate);
    let edge = edge.with_certificate(&pki, terminal);
    let target = format!("/{SEGMENT}//a/~~/b%2F[@c=\"d\"]?e=%26&f");
    let old = Request::put(&target)
        .header("host", "csc.example.org")
        .header("csc-client-address", "192.0.2.1:1")
        .body(Full::new(Bytes::from_static(b"x")))
        .unwrap();
    let mut new = old.clone();
    *new.uri_mut() = format!("https://csc.example.org{target}").parse().unwrap();
    for answer in [edge.ask(old).await, edge.ask_2(new).await] {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body(), "x");
        assert_eq!(answer.headers()["target"], target);
        assert_eq!(answer.headers()["host-seen"], "csc.example.org");
        assert_eq!(answer.headers()["client"], "127.0.0.1");
        assert_eq!(answer.headers()["client-certificate"], shown);
        assert_eq!(answer.headers()["claims"], "0", "handlers see no such field");
    }
    edge.stop().await;
    assert_eq!(service.drain().await.len(), 2);
}
