//! What a client writes into its request line is what the service reads.

use crate::pki::Pki;
use crate::upstream::{Replica, named};
use crate::world::{Layout, start};

/// Octets that RFC 3986 permits in a target and many that it does not, as they come from fielded terminals.
const TARGETS: [&str; 16] = [
    "/org.openmobilealliance.groupsx/users/tel:+1/a/~~/group/list-service%5b@uri=%22tel:+2%22%5d",
    "/a/~~/b[@c=\"d\"]/e%5B1%5d",
    "/a/~~/b[@c='d']?xmlns(p=urn:x)",
    "//double//slashes///",
    "/a/./b/../c",
    "/%2e%2E/%2F%2f%00%25",
    "/a%zz%",
    "/a?",
    "/a??b=/~~/&c=%26&d=%3D",
    "/{a}|b^c\\d",
    "/a?user_name=x&user_password=%2B%20+",
    "/~~/~~/",
    "/é/ü?ß",
    "/*;a=b,c:d@e!$&'()*+",
    "/x?a=b?c=d/e[f]{g}",
    "/a~b_c-d.e",
];

#[tokio::test]
async fn targets_arrive_octet_for_octet() {
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    for target in TARGETS {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: csc.example.org:4420\r\nConnection: close\r\n\r\n");
        let answer = edge.raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{target}: {answer}");
    }
    let seen = cms.seen();
    let arrived: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(arrived, TARGETS);
    assert!(seen.iter().all(|seen| seen.authority.as_deref() == Some("csc.example.org:4420")));
}

#[tokio::test]
async fn other_forms_of_a_target() {
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    for line in [
        "GET https://other.example.org//a/~~/b%2F?c HTTP/1.1\r\nHost: csc.example.org",
        "OPTIONS * HTTP/1.1\r\nHost: csc.example.org",
        "GET /no/host HTTP/1.1\r\nX: y",
        "GET /empty/host HTTP/1.1\r\nHost:",
        "GET   /several/blanks   HTTP/1.1\r\nHost: csc.example.org",
    ] {
        let answer = edge.raw(format!("{line}\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{line}: {answer}");
    }
    let seen = cms.seen();
    let arrived: Vec<_> = seen.iter().map(|seen| (seen.target.as_str(), seen.authority.as_deref())).collect();
    assert_eq!(
        arrived,
        [
            ("//a/~~/b%2F?c", Some("other.example.org")),
            ("*", Some("csc.example.org")),
            ("/no/host", None),
            ("/empty/host", None),
            ("/several/blanks", Some("csc.example.org")),
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused() {
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    for (line, status) in [
        ("GET /a HTTP/1.1\r\nHost: a b", "400"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nHost: b", "400"),
        ("CONNECT a.example.org:443 HTTP/1.1\r\nHost: a.example.org:443", "501"),
    ] {
        let answer = edge.raw(format!("{line}\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
    }
    assert!(cms.seen().is_empty());
}
